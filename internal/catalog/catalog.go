// Package catalog knows what this machine has to attach to: tracefs events,
// the raw tracepoints of the kernel's BTF, and which kinds of probes the
// kernel was built with.
//
// It imports ctypes, tracefs, plan, the names of probe kinds and the standard
// library only.
package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/tracefs"
)

// Machine is the catalog of the running machine. Its sources are opened when
// they are first asked for; it may be used by several goroutines.
type Machine struct {
	tracefs func() (*tracefs.FS, error)
	btf     func() (*ctypes.Kernel, error)
	events  func() ([]string, error)
}

// New makes a catalog from ways to open its sources.
func New(openTracefs func() (*tracefs.FS, error), openBTF func() (*ctypes.Kernel, error)) *Machine {
	m := &Machine{tracefs: sync.OnceValues(openTracefs), btf: sync.OnceValues(openBTF)}
	m.events = sync.OnceValues(m.listEvents)
	return m
}

func (m *Machine) listEvents() ([]string, error) {
	t, err := m.tracefs()
	if err != nil {
		return nil, err
	}
	events, err := t.Events()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.String()
	}
	slices.Sort(names)
	return names, nil
}

// Tracepoints lists the tracefs events whose category and name match the
// patterns, as "category:event", sorted.
func (m *Machine) Tracepoints(category, event string) ([]string, error) {
	names, err := m.events()
	if err != nil {
		return nil, err
	}
	return Match(category+":"+event, names)
}

// RawTracepoints lists the raw tracepoints that match the pattern, sorted.
func (m *Machine) RawTracepoints(pattern string) ([]string, error) {
	k, err := m.btf()
	if err != nil {
		return nil, err
	}
	return Match(pattern, k.RawTracepoints())
}

// Match returns the names that a pattern of the shell's kind (*, ?, [a-z])
// matches.
func Match(pattern string, names []string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	var out []string
	for _, n := range names {
		if ok, _ := path.Match(pattern, n); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

// sources are the perf event sources by which the kernel says what it can
// probe (/sys/bus/event_source/devices, Linux 4.17), with the option that it
// lacks without them.
var sources = map[plan.ProbeKind]struct{ name, option string }{
	plan.Kprobe:    {"kprobe", "CONFIG_KPROBE_EVENTS"},
	plan.Kretprobe: {"kprobe", "CONFIG_KPROBE_EVENTS"},
	plan.Uprobe:    {"uprobe", "CONFIG_UPROBE_EVENTS"},
	plan.Uretprobe: {"uprobe", "CONFIG_UPROBE_EVENTS"},
	plan.USDT:      {"uprobe", "CONFIG_UPROBE_EVENTS"},
}

// Missing says why this kernel can't have probes of a kind; "" when it can or
// nobody knows.
func (m *Machine) Missing(kind plan.ProbeKind) string {
	s, ok := sources[kind]
	if !ok {
		return ""
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/" + s.name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("this kernel has no %ss (it was built without %s)", s.name, s.option)
	}
	return ""
}

// Running is the catalog of the running machine, from the tracefs that is
// mounted, or else one of its own, and the running kernel's BTF.
func Running() *Machine {
	return New(func() (*tracefs.FS, error) {
		t, err := tracefs.Find()
		if errors.Is(err, tracefs.ErrNotMounted) {
			if own, mountErr := tracefs.Mount(); mountErr == nil {
				return own, nil
			}
		}
		return t, err
	}, ctypes.KernelBTF)
}

// Resolver resolves tracepoints' records and the kernel's types.
func (m *Machine) Resolver() ctypes.Resolver {
	return ctypes.NewChain(
		func() (ctypes.Resolver, error) { return m.tracefs() },
		func() (ctypes.Resolver, error) { return m.btf() },
	)
}
