package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
)

// Listed returns the kinds of probes that List knows, in its order.
func Listed() []string {
	return []string{"hardware", "interval", "profile", "rawtracepoint", "software", "tracepoint"}
}

// List returns the names of all probes that a search matches, sorted. A search
// is "provider:rest", where both may be patterns and the provider may be
// abbreviated, or a pattern for the rest under every provider; several are
// separated by commas. An empty search is everything.
func (m *Machine) List(search string) ([]string, error) {
	if search == "" {
		search = "*:*"
	}
	seen := map[string]bool{}
	var out []string
	for _, s := range strings.Split(search, ",") {
		names, err := m.list(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out, nil
}

func (m *Machine) list(search string) ([]string, error) {
	provider, rest, ok := strings.Cut(search, ":")
	if !ok {
		provider, rest = "*", search
		if !strings.Contains(rest, "*") {
			rest = "*" + rest + "*"
		}
	}
	if full, known := ast.CanonicalProvider(provider); known {
		provider = full
	}
	providers, err := Match(provider, Listed())
	if err != nil {
		return nil, err
	}
	if len(providers) == 0 {
		return nil, fmt.Errorf("probes of type %q can't be listed; types are %s", provider, strings.Join(Listed(), ", "))
	}
	var out []string
	for _, p := range providers {
		names, err := m.names(p, rest)
		if err != nil && len(providers) == 1 {
			return nil, err
		}
		for _, n := range names {
			out = append(out, p+":"+n)
		}
	}
	return out, nil
}

// names are the probes of one kind that a pattern matches, without the kind.
func (m *Machine) names(provider, pattern string) ([]string, error) {
	switch provider {
	case "tracepoint":
		names, err := m.events()
		if err != nil {
			return nil, err
		}
		return Match(pattern, names)
	case "rawtracepoint":
		return m.RawTracepoints(pattern)
	}
	// What takes a number behind it is shown as far as it is fixed.
	names := probe.PerfEvents(provider)
	if provider == "interval" || provider == "profile" {
		names = []string{"hz", "ms", "s", "us"}
	}
	names, err := Match(strings.TrimSuffix(pattern, ":"), names)
	for i := range names {
		names[i] += ":"
	}
	return names, err
}

// Fields returns the declarations of what a listed probe's args hold: the
// fields of a tracepoint's record without the common ones, or a raw
// tracepoint's parameters. Other kinds have none.
func (m *Machine) Fields(name string) ([]string, error) {
	provider, rest, _ := strings.Cut(name, ":")
	switch provider {
	case "tracepoint":
		return m.tracepointFields(rest)
	case "rawtracepoint":
		k, err := m.btf()
		if err != nil {
			return nil, err
		}
		f, err := k.RawTracepoint(rest)
		if err != nil {
			return nil, err
		}
		var out []string
		for _, p := range f.Params {
			out = append(out, ctypes.Spell(p.Type, "")+" "+p.Name)
		}
		return out, nil
	}
	return nil, nil
}

func (m *Machine) tracepointFields(name string) ([]string, error) {
	t, err := m.tracefs()
	if err != nil {
		return nil, err
	}
	cat, event, _ := strings.Cut(name, ":")
	f, err := t.Format(cat, event)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, fd := range f.Fields {
		if !fd.Common {
			out = append(out, fd.Decl)
		}
	}
	return out, nil
}
