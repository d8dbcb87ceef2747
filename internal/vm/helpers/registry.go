package helpers

import (
	"fmt"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
)

// Group is a set of kinds of programs.
type Group uint16

// The groups of programs that share helpers. A program type may be in
// several.
const (
	Base    Group = 1 << iota // every type
	Tracing                   // kprobe, tracepoint, raw_tp, perf_event, fentry, LSM
	SKB                       // programs that own a socket buffer: sched_cls, sched_act, lwt, sk_skb
	Filter                    // programs that only look at one: socket_filter, cgroup_skb
	XDP
	Cgroup // cgroup_sock, cgroup_sock_addr, cgroup_sysctl, ...
	Syscall
	Bare // programs of no type

	network = SKB | Filter | XDP
	anyCtx  = SKB | Filter
)

// GroupOf is the groups that a program type belongs to.
func GroupOf(t facts.ProgType) Group {
	switch t {
	case facts.ProgTypeUnspec:
		return Base | Bare
	case facts.ProgTypeKprobe, facts.ProgTypeTracepoint, facts.ProgTypeRawTracepoint, facts.ProgTypeRawTracepointWritable,
		facts.ProgTypePerfEvent, facts.ProgTypeTracing, facts.ProgTypeLSM:
		return Base | Tracing
	case facts.ProgTypeSchedCls, facts.ProgTypeSchedAct, facts.ProgTypeSKSkb, facts.ProgTypeLWTXmit:
		return Base | SKB
	case facts.ProgTypeSocketFilter, facts.ProgTypeCgroupSkb, facts.ProgTypeLWTIn, facts.ProgTypeLWTOut:
		return Base | Filter
	case facts.ProgTypeXDP:
		return Base | XDP
	case facts.ProgTypeSyscall:
		return Base | Syscall
	}
	return Base | Cgroup
}

// entry is a helper that works.
type entry struct {
	number uint32
	groups Group
	body   cpu.Helper
	gpl    bool // only for programs under a compatible licence
}

func entries() [][]entry {
	return [][]entry{mapHelpers(), basicHelpers(), textHelpers(), probeHelpers(), packetHelpers(), checksumHelpers(), ringHelpers()}
}

// Registry knows the helpers by number.
type Registry struct {
	table []cpu.Helper
	known []entry
}

// NewRegistry gathers the helpers.
func NewRegistry() *Registry {
	n := len(facts.Helpers()) + 1
	r := &Registry{table: make([]cpu.Helper, n), known: make([]entry, n)}
	for _, group := range entries() {
		for _, e := range group {
			r.table[e.number], r.known[e.number] = e.body, e
		}
	}
	return r
}

// Table is the bodies by number, for cpu.CPU.Helpers.
func (r *Registry) Table() []cpu.Helper { return r.table }

// Check returns why programs of a type may not call a helper here, nil when
// they may. gpl says whether their licence is compatible with the GPL.
func (r *Registry) Check(number uint32, t facts.ProgType, gpl bool) error {
	h, ok := facts.HelperByNumber(number)
	if !ok {
		return fmt.Errorf("there is no helper %d", number)
	}
	switch e := r.known[number]; {
	case e.groups == 0:
		return fmt.Errorf("bpf_%s is not available in user space: %s", h.Name, missing(h.Name))
	case e.groups&GroupOf(t) == 0:
		return fmt.Errorf("programs of type %s can't call bpf_%s", t, h.Name)
	case e.gpl && !gpl:
		return fmt.Errorf("bpf_%s can only be called by programs under a licence compatible with the GPL", h.Name)
	}
	return nil
}
