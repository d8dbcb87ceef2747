// Package probe turns the attach points that a script names into the probes
// to attach: it knows each provider's arguments, expands wildcards against a
// Catalog of what the machine has, and says what is wrong with a name that
// isn't there.
//
// It imports source, diag, ctypes, plan, the syntax tree and the standard
// library only.
package probe

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/source"
)

// Catalog is what can be attached to on a machine.
type Catalog interface {
	// Tracepoints lists the tracefs events whose category and name match
	// the patterns, sorted, as "category:event".
	Tracepoints(category, event string) ([]string, error)
	// RawTracepoints lists the raw tracepoints that match, sorted.
	RawTracepoints(pattern string) ([]string, error)
	// Missing says why this machine can't have probes of a kind, such as
	// "this kernel was built without kprobes"; "" when it can.
	Missing(kind plan.ProbeKind) string
}

// Point is one place to attach to, with what a program there can read.
type Point struct {
	plan.Probe
	At   source.Span
	Args *ctypes.Struct // a tracepoint's record; nil for other kinds
	Raw  *ctypes.Func   // a raw tracepoint's arguments, when BTF knows them
}

// Expander expands attach points.
type Expander struct {
	Catalog  Catalog
	Resolver ctypes.Resolver
	Max      int // the most probes that one attach point may expand to
	Diags    *diag.List
}

// Expand returns the points that one attach point stands for. When it reports
// an error, it returns none.
func (x *Expander) Expand(ap *ast.AttachPoint) []Point {
	p, ok := providers()[ap.Provider]
	if !ok {
		x.unknownProvider(ap)
		return nil
	}
	if p.expand == nil {
		x.unsupported(ap)
		return nil
	}
	if n := len(ap.Args); n < p.min || n > p.max {
		x.Diags.Errorf("bt-probe", ap.Span(), "%s probes are written %s", ap.Provider, p.form)
		return nil
	}
	points := p.expand(x, ap)
	for i := range points {
		points[i].At = ap.Span()
		if points[i].Name == "" {
			points[i].Name = strings.Join(append([]string{ap.Provider}, ap.Args...), ":")
		}
	}
	if x.Max > 0 && len(points) > x.Max {
		x.Diags.Errorf("bt-probe", ap.Span(), "%s matches %d probes, more than the limit of %d", ap.Raw, len(points), x.Max).
			WithHint("narrow the pattern, or raise max_probes in the config block")
		return nil
	}
	return points
}

func (x *Expander) unknownProvider(ap *ast.AttachPoint) {
	d := x.Diags.Errorf("unknown-provider", ap.Span(), "unknown probe type %q", ap.Provider)
	if near := Nearest(ap.Provider, ast.Providers(), 3); len(near) > 0 {
		d.WithHint("did you mean %s?", strings.Join(near, " or "))
	} else {
		d.WithHint("probe types are %s", strings.Join(ast.Providers(), ", "))
	}
}

func (x *Expander) unsupported(ap *ast.AttachPoint) {
	if why := x.Catalog.Missing(plan.ProbeKind(ap.Provider)); why != "" {
		x.Diags.Errorf("missing-probe-kind", ap.Span(), "%s probes can't be attached: %s", ap.Provider, why)
		return
	}
	x.Diags.Errorf("unsupported-probe-kind", ap.Span(), "%s probes are not supported by this version of skep", ap.Provider).
		WithHint("supported are %s", strings.Join(Supported(), ", "))
}

// provider describes the probes of one kind.
type provider struct {
	form     string // how it is written
	min, max int    // number of arguments
	expand   func(*Expander, *ast.AttachPoint) []Point
}

// providers is the table of probe kinds. A kind that can be parsed but not
// attached yet has a row without expand.
func providers() map[string]provider {
	return map[string]provider{
		"begin":         {form: "begin", expand: expandSpecial},
		"end":           {form: "end", expand: expandSpecial},
		"tracepoint":    {form: "tracepoint:category:event", min: 2, max: 2, expand: expandTracepoint},
		"rawtracepoint": {form: "rawtracepoint:event", min: 1, max: 2, expand: expandRawTracepoint},
		"interval":      {form: "interval:s:N (or us, ms, hz), or interval:1s", min: 1, max: 2, expand: expandTimed},
		"profile":       {form: "profile:hz:N (or us, ms, s), or profile:10ms", min: 1, max: 2, expand: expandTimed},
		"software":      {form: "software:event[:count]", min: 1, max: 2, expand: expandPerf},
		"hardware":      {form: "hardware:event[:count]", min: 1, max: 2, expand: expandPerf},
		"bench":         {},
		"fentry":        {},
		"fexit":         {},
		"iter":          {},
		"kprobe":        {},
		"kretprobe":     {},
		"self":          {},
		"test":          {},
		"uprobe":        {},
		"uretprobe":     {},
		"usdt":          {},
		"watchpoint":    {},
	}
}

// Supported returns the names of the kinds that can be attached, in the order
// of ast.Providers.
func Supported() []string {
	var out []string
	for _, name := range ast.Providers() {
		if providers()[name].expand != nil {
			out = append(out, name)
		}
	}
	return out
}

func expandSpecial(_ *Expander, ap *ast.AttachPoint) []Point {
	return []Point{{Probe: plan.Probe{Kind: plan.ProbeKind(ap.Provider)}}}
}

// HasWildcard reports whether a part of an attach point is a pattern.
func HasWildcard(s string) bool { return strings.ContainsAny(s, "*?[") }

func expandTracepoint(x *Expander, ap *ast.AttachPoint) []Point {
	cat, event := ap.Args[0], ap.Args[1]
	names := []string{cat + ":" + event}
	if HasWildcard(cat) || HasWildcard(event) {
		var err error
		if names, err = x.Catalog.Tracepoints(cat, event); err != nil {
			x.Diags.Errorf("unknown-probe", ap.Span(), "can't list tracepoints: %v", err)
			return nil
		}
		if len(names) == 0 {
			x.Diags.Errorf("unknown-probe", ap.Span(), "no tracepoint matches %s:%s", cat, event)
			return nil
		}
	}
	var points []Point
	for _, name := range names {
		cat, event, _ := strings.Cut(name, ":")
		rec, err := x.Resolver.Tracepoint(cat, event)
		if err != nil {
			x.unknownTracepoint(ap, cat, event, err)
			return nil
		}
		points = append(points, Point{Args: rec, Probe: plan.Probe{
			Kind: plan.Tracepoint, Name: "tracepoint:" + name, Category: cat, Event: event,
		}})
	}
	return points
}

func (x *Expander) unknownTracepoint(ap *ast.AttachPoint, cat, event string, err error) {
	all, listErr := x.Catalog.Tracepoints("*", "*")
	if listErr != nil {
		x.Diags.Errorf("unknown-probe", ap.Span(), "can't read tracepoint %s:%s: %v", cat, event, err)
		return
	}
	d := x.Diags.Errorf("unknown-probe", ap.Span(), "there is no tracepoint %s:%s on this machine", cat, event)
	if near := Nearest(cat+":"+event, all, 3); len(near) > 0 {
		d.WithHint("nearest are tracepoint:%s", strings.Join(near, ", tracepoint:"))
	} else {
		d.WithHint("list them with: skep trace -l 'tracepoint:%s:*'", cat)
	}
}

func expandRawTracepoint(x *Expander, ap *ast.AttachPoint) []Point {
	name := ap.Args[len(ap.Args)-1]
	names := []string{name}
	if HasWildcard(name) {
		var err error
		if names, err = x.Catalog.RawTracepoints(name); err != nil {
			x.Diags.Errorf("unknown-probe", ap.Span(), "can't list raw tracepoints: %v", err)
			return nil
		}
		if len(names) == 0 {
			x.Diags.Errorf("unknown-probe", ap.Span(), "no raw tracepoint matches %s", name)
			return nil
		}
	} else if all, err := x.Catalog.RawTracepoints(name); err == nil && len(all) == 0 {
		d := x.Diags.Errorf("unknown-probe", ap.Span(), "there is no raw tracepoint %s on this machine", name)
		if all, err := x.Catalog.RawTracepoints("*"); err == nil {
			if near := Nearest(name, all, 3); len(near) > 0 {
				d.WithHint("nearest are rawtracepoint:%s", strings.Join(near, ", rawtracepoint:"))
			} else {
				d.WithHint("list them with: skep trace -l 'rawtracepoint:*'")
			}
		}
		return nil
	}
	var points []Point
	for _, name := range names {
		points = append(points, Point{Probe: plan.Probe{
			Kind: plan.RawTracepoint, Name: "rawtracepoint:" + name, Event: name,
		}})
	}
	return points
}

// Describe is a short form of the points for messages.
func Describe(points []Point) string {
	if len(points) == 1 {
		return points[0].Name
	}
	return fmt.Sprintf("%s and %d more", points[0].Name, len(points)-1)
}
