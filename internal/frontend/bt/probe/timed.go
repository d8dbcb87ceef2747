package probe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/plan"
)

// units are the time units in nanoseconds, in the order in which a suffix is
// tried.
var units = []struct {
	name string
	ns   uint64
}{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}

func expandTimed(x *Expander, ap *ast.AttachPoint) []Point {
	p := plan.Probe{Kind: plan.ProbeKind(ap.Provider)}
	unit, text := "ns", ap.Args[0]
	if len(ap.Args) == 2 {
		unit, text = ap.Args[0], ap.Args[1]
	} else {
		for _, u := range units {
			if n, ok := strings.CutSuffix(text, u.name); ok && allDigits(n) {
				unit, text = u.name, n
				break
			}
		}
	}
	n, err := parseCount(text)
	if err != nil || n == 0 {
		x.Diags.Errorf("bt-probe", ap.Span(), "%q is no positive number", text).
			WithHint("%s", providers()[ap.Provider].form)
		return nil
	}
	if unit == "hz" {
		p.Freq = n
		return []Point{{Probe: p}}
	}
	i := slices.IndexFunc(units, func(u struct {
		name string
		ns   uint64
	}) bool {
		return u.name == unit
	})
	if i < 0 {
		x.Diags.Errorf("bt-probe", ap.Span(), "unknown unit %q", unit).WithHint("units are hz, us, ms and s")
		return nil
	}
	if n > 1<<63/units[i].ns {
		x.Diags.Errorf("bt-probe", ap.Span(), "%s%s is too long", text, unit)
		return nil
	}
	p.PeriodNS = n * units[i].ns
	return []Point{{Probe: p}}
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789_") == ""
}

// parseCount reads a count as the language writes integers: with underscores
// and an exponent.
func parseCount(s string) (uint64, error) {
	s = strings.ReplaceAll(s, "_", "")
	mant, exp, ok := strings.Cut(s, "e")
	if !ok {
		return strconv.ParseUint(s, 0, 64)
	}
	n, err := strconv.ParseUint(mant, 10, 64)
	if err != nil {
		return 0, err
	}
	e, err := strconv.ParseUint(exp, 10, 5)
	if err != nil {
		return 0, err
	}
	for ; e > 0; e-- {
		if n > (1<<64-1)/10 {
			return 0, strconv.ErrRange
		}
		n *= 10
	}
	return n, nil
}

// perfEvent is an event of perf_event_open(2) with the language's default
// period.
type perfEvent struct {
	name    string
	aliases []string
	period  uint64
}

// The names and default periods are those of bpftrace's documentation.
var perfEvents = map[string][]perfEvent{
	"software": {
		{"alignment-faults", nil, 1}, {"bpf-output", nil, 1}, {"context-switches", []string{"cs"}, 1000},
		{"cpu-clock", []string{"cpu"}, 1000000}, {"cpu-migrations", nil, 1}, {"dummy", nil, 1},
		{"emulation-faults", nil, 1}, {"major-faults", nil, 1}, {"minor-faults", nil, 100},
		{"page-faults", []string{"faults"}, 100}, {"task-clock", nil, 1},
	},
	"hardware": {
		{"backend-stalls", nil, 10000}, {"branch-instructions", []string{"branches"}, 100000},
		{"branch-misses", nil, 10000}, {"bus-cycles", nil, 100000}, {"cache-misses", nil, 1000000},
		{"cache-references", nil, 1000000}, {"cpu-cycles", []string{"cycles"}, 1000000},
		{"frontend-stalls", nil, 10000}, {"instructions", nil, 1000000}, {"ref-cycles", nil, 1000000},
	},
}

// PerfEvents returns all names of the software or hardware events, sorted.
func PerfEvents(kind string) []string {
	var names []string
	for _, e := range perfEvents[kind] {
		names = append(append(names, e.name), e.aliases...)
	}
	slices.Sort(names)
	return names
}

func expandPerf(x *Expander, ap *ast.AttachPoint) []Point {
	events := perfEvents[ap.Provider]
	i := slices.IndexFunc(events, func(e perfEvent) bool {
		return e.name == ap.Args[0] || slices.Contains(e.aliases, ap.Args[0])
	})
	if i < 0 {
		x.Diags.Errorf("unknown-probe", ap.Span(), "there is no %s event %q", ap.Provider, ap.Args[0]).
			WithHint("events are %s", strings.Join(PerfEvents(ap.Provider), ", "))
		return nil
	}
	p := plan.Probe{Kind: plan.ProbeKind(ap.Provider), Event: events[i].name, Period: events[i].period}
	if len(ap.Args) == 2 && ap.Args[1] != "" {
		n, err := parseCount(ap.Args[1])
		if err != nil || n == 0 {
			x.Diags.Errorf("bt-probe", ap.Span(), "%q is no positive number of events", ap.Args[1])
			return nil
		}
		p.Period = n
	}
	return []Point{{Probe: p}}
}
