package kernel

import (
	"fmt"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
)

// Step is one thing that was done to load or attach an object.
type Step struct {
	Command string // the bpf(2) command or other system call behind it, as the kernel names it
	Subject string // "map", "program", "probe"
	Name    string
	Detail  string // what came of it, for people
}

func (s Step) String() string {
	return fmt.Sprintf("%-24s %-8s %s: %s", s.Command, s.Subject, s.Name, s.Detail)
}

// narrator calls tell with steps, one at a time. A nil tell costs nothing.
type narrator struct {
	mu   sync.Mutex
	tell func(Step)
}

func (n *narrator) say(s Step) {
	if n.tell == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tell(s)
}

func (n *narrator) mapCreated(name string, m *ebpf.Map, spec *ebpf.MapSpec) {
	if n.tell == nil {
		return
	}
	d := fmt.Sprintf("%s, key %d bytes, value %d bytes, %d entries", m.Type(), m.KeySize(), m.ValueSize(), m.MaxEntries())
	if f := m.Flags(); f != 0 {
		d += fmt.Sprintf(", flags %#x", f)
	}
	if info, err := m.Info(); err == nil {
		if id, ok := info.ID(); ok {
			d += fmt.Sprintf(", id %d", id)
		}
	}
	d += fmt.Sprintf(", fd %d", m.FD())
	n.say(Step{"BPF_MAP_CREATE", "map", name, d})
	if len(spec.Contents) > 0 && spec.Type != ebpf.ProgramArray {
		n.say(Step{"BPF_MAP_UPDATE_ELEM", "map", name, fmt.Sprintf("%d initial values", len(spec.Contents))})
	}
	if info, err := m.Info(); err == nil && info.Frozen() {
		n.say(Step{"BPF_MAP_FREEZE", "map", name, "read-only from now on"})
	}
}

func (n *narrator) programLoaded(name string, p *ebpf.Program, spec *ebpf.ProgramSpec) {
	if n.tell == nil {
		return
	}
	var d []string
	d = append(d, p.Type().String())
	if spec.AttachTo != "" {
		d = append(d, "for "+spec.AttachTo)
	}
	if info, err := p.Info(); err == nil {
		if id, ok := info.BTFID(); ok {
			n.say(Step{"BPF_BTF_LOAD", "program", name, fmt.Sprintf("id %d", id)})
		}
		if size, err := info.TranslatedSize(); err == nil {
			d = append(d, fmt.Sprintf("%d instructions (%d in the object)", size/8, spec.Instructions.Size()/8))
		}
		d = append(d, "tag "+info.Tag)
		if id, ok := info.ID(); ok {
			d = append(d, fmt.Sprintf("id %d", id))
		}
		if size, err := info.JitedSize(); err == nil && size > 0 {
			d = append(d, fmt.Sprintf("JITed to %d bytes", size))
		} else if err == nil {
			d = append(d, "not JITed")
		}
	}
	d = append(d, fmt.Sprintf("fd %d", p.FD()))
	n.say(Step{"BPF_PROG_LOAD", "program", name, strings.Join(d, ", ")})
}
