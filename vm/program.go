package vm

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/linker"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// Program is a loaded program. It may run on several virtual CPUs at once.
type Program struct {
	m    *Machine
	name string
	kind ebpf.ProgramType
	spec *ebpf.ProgramSpec
	code *ops.Program
	id   uint32
}

// Type is the program's type.
func (p *Program) Type() ebpf.ProgramType { return p.kind }

// String describes the program as cilium/ebpf does, with its id where that
// has the descriptor.
func (p *Program) String() string { return fmt.Sprintf("%s(%s)#%d", p.kind, p.name, p.id) }

// ID is the program's number, the one that program arrays show.
func (p *Program) ID() uint32 { return p.id }

// Handle is 0: programs can't look other programs up.
func (p *Program) Handle() uint64 { return 0 }

// Close does nothing: the program is garbage when nothing refers to it.
func (p *Program) Close() error { return nil }

// NewProgram loads a program whose instructions refer to no maps but those
// given by name.
func (m *Machine) NewProgram(spec *ebpf.ProgramSpec, byName map[string]*Map, o ProgramOptions) (*Program, error) {
	if spec.Type == ebpf.UnspecifiedProgram {
		return nil, fmt.Errorf("program %s: can't load a program of unspecified type", spec.Name)
	}
	linked, err := linker.Link(spec, linker.Options{Types: o.KernelTypes})
	if err != nil {
		return nil, err
	}
	for i := range linked.Insns {
		in := &linked.Insns[i]
		if in.Ref.Kind != isa.RefMap && in.Ref.Kind != isa.RefMapValue {
			continue
		}
		x := byName[in.Ref.Name]
		if x == nil {
			return nil, fmt.Errorf("program %s: there is no map %s", spec.Name, in.Ref.Name)
		}
		if err := x.resolve(in); err != nil {
			return nil, fmt.Errorf("program %s: map %s: %w", spec.Name, in.Ref.Name, err)
		}
	}
	code, err := ops.Decode(spec.Name, linked.Insns, binder{m, facts.ProgType(spec.Type), gplCompatible(spec.License)})
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", spec.Name, err)
	}
	for slot, name := range linked.Funcs {
		if _, ok := code.Entries[slot]; ok {
			code.Entries[slot] = name
		}
	}
	code.Source = func(slot int) string { return linked.Lines[slot] }
	p := &Program{m: m, name: spec.Name, kind: spec.Type, spec: spec.Copy(), code: code, id: m.nextID.Add(1)}
	code.Object = p
	return p, nil
}

// resolve puts the map's number, or the address of its value, into a load.
func (x *Map) resolve(in *isa.Instruction) error {
	offset := uint64(in.Imm) >> 32
	value := in.Ref.Kind == isa.RefMapValue
	in.Ref, in.Src = isa.Ref{}, isa.WideImm
	if !value {
		in.Imm = int64(x.handle)
		return nil
	}
	var region *mem.Region
	if direct, ok := x.impl.(maps.Direct); ok {
		region = direct.Values()
	}
	if region == nil {
		return fmt.Errorf("maps of type %s have no values that can be addressed directly", x.Type())
	}
	if offset >= region.Size() {
		return fmt.Errorf("offset %d is outside of its value", offset)
	}
	in.Imm = int64(region.Addr + offset)
	return nil
}

// gplCompatible reports whether a licence lets a program call helpers that are
// reserved to GPL-compatible ones. The list is the kernel's.
func gplCompatible(license string) bool {
	switch strings.TrimRight(license, "\x00") {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}
