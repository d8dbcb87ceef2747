package kernel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/plan"
)

// Unattachable is a program whose section's name says to attach it in a way
// that this package does not know, or says nothing.
type Unattachable struct {
	Program, Section string
	Reason           string
}

func (u Unattachable) Error() string {
	return fmt.Sprintf("program %s in section %q: %s", u.Program, u.Section, u.Reason)
}

// ProbesOf makes a plan from the names of an object's sections, by libbpf's
// rules: tracepoint/CATEGORY/NAME and tp/..., raw_tracepoint/NAME and
// raw_tp/..., tp_btf/NAME. Programs of other sections are returned apart, and
// so are those whose section begins with "?", which libbpf doesn't load
// unless it is told to. Both lists are sorted by the programs' names.
func ProbesOf(spec *ebpf.CollectionSpec) (*plan.Plan, []Unattachable) {
	p := &plan.Plan{Version: plan.Version}
	var left []Unattachable
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		probe, reason := probeOf(spec.Programs[name])
		if reason != "" {
			left = append(left, Unattachable{name, spec.Programs[name].SectionName, reason})
			continue
		}
		probe.Program = name
		p.Probes = append(p.Probes, probe)
	}
	return p, left
}

func probeOf(prog *ebpf.ProgramSpec) (p plan.Probe, reason string) {
	if strings.HasPrefix(prog.SectionName, "?") {
		return p, "a section that begins with '?' is not attached by itself"
	}
	switch {
	case prog.Type == ebpf.UnspecifiedProgram:
		return p, "no type of program is known by this section name"
	case prog.Type == ebpf.TracePoint:
		category, event, ok := strings.Cut(prog.AttachTo, "/")
		if !ok || category == "" || event == "" {
			return p, "the section names no tracepoint; that would be tracepoint/CATEGORY/NAME"
		}
		return plan.Probe{Kind: plan.Tracepoint, Name: "tracepoint:" + category + ":" + event, Category: category, Event: event}, ""
	case prog.Type == ebpf.RawTracepoint, prog.Type == ebpf.RawTracepointWritable,
		prog.Type == ebpf.Tracing && prog.AttachType == ebpf.AttachTraceRawTp:
		if prog.AttachTo == "" {
			return p, "the section names no tracepoint; that would be raw_tracepoint/NAME"
		}
		return plan.Probe{Kind: plan.RawTracepoint, Name: "rawtracepoint:" + prog.AttachTo, Event: prog.AttachTo}, ""
	}
	return p, fmt.Sprintf("this version of skep can't attach programs of type %s yet", prog.Type)
}
