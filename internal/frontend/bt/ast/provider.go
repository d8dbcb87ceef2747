package ast

import "strings"

type providerNames struct {
	name    string
	aliases []string
}

// providers are the probe types of the language with their other names.
func providers() []providerNames {
	return []providerNames{
		{"begin", nil},
		{"bench", nil},
		{"end", nil},
		{"fentry", []string{"f", "kfunc"}},
		{"fexit", []string{"fr", "kretfunc"}},
		{"hardware", []string{"h"}},
		{"interval", []string{"i"}},
		{"iter", []string{"it"}},
		{"kprobe", []string{"k"}},
		{"kretprobe", []string{"kr"}},
		{"profile", []string{"p"}},
		{"rawtracepoint", []string{"rt"}},
		{"self", nil},
		{"software", []string{"s"}},
		{"test", nil},
		{"tracepoint", []string{"t"}},
		{"uprobe", []string{"u"}},
		{"uretprobe", []string{"ur"}},
		{"usdt", []string{"U"}},
		{"watchpoint", []string{"w"}},
	}
}

// Providers returns the full names of all probe types, sorted.
func Providers() []string {
	var names []string
	for _, p := range providers() {
		names = append(names, p.name)
	}
	return names
}

// CanonicalProvider returns the full name of a probe type given by any of its
// names, and whether there is one. Names are compared as written first, since
// "U" (usdt) and "u" (uprobe) differ by case only, then in lower case.
func CanonicalProvider(name string) (string, bool) {
	for _, try := range []string{name, strings.ToLower(name)} {
		for _, p := range providers() {
			if p.name == try {
				return p.name, true
			}
			for _, a := range p.aliases {
				if a == try {
					return p.name, true
				}
			}
		}
	}
	return name, false
}
