package ast

import "strings"

// Providers returns the full names of all probe types, sorted.
func Providers() []string {
	return []string{
		"begin", "bench", "end", "fentry", "fexit", "hardware", "interval", "iter", "kprobe", "kretprobe",
		"profile", "rawtracepoint", "self", "software", "test", "tracepoint", "uprobe", "uretprobe", "usdt",
		"watchpoint",
	}
}

// CanonicalProvider returns the full name of a probe type given by any of its
// names, and whether there is one; the name itself when there is none. Case
// does not matter, but for "U" (usdt) and "u" (uprobe).
func CanonicalProvider(name string) (string, bool) {
	if name == "U" {
		return "usdt", true
	}
	switch lower := strings.ToLower(name); lower {
	case "begin", "bench", "end", "fentry", "fexit", "hardware", "interval", "iter", "kprobe", "kretprobe",
		"profile", "rawtracepoint", "self", "software", "test", "tracepoint", "uprobe", "uretprobe", "usdt",
		"watchpoint":
		return lower, true
	case "f", "kfunc":
		return "fentry", true
	case "fr", "kretfunc":
		return "fexit", true
	case "h":
		return "hardware", true
	case "i":
		return "interval", true
	case "it":
		return "iter", true
	case "k":
		return "kprobe", true
	case "kr":
		return "kretprobe", true
	case "p":
		return "profile", true
	case "rt":
		return "rawtracepoint", true
	case "s":
		return "software", true
	case "t":
		return "tracepoint", true
	case "u":
		return "uprobe", true
	case "ur":
		return "uretprobe", true
	case "w":
		return "watchpoint", true
	}
	return name, false
}
