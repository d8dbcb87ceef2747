package expand

import (
	"embed"
	"io/fs"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// libraryFiles are the macros of the standard library that are written in the
// language itself.
//
//go:embed stdlib/*.bt
var libraryFiles embed.FS

// library reads the macros of the standard library.
func library(diags *diag.List) macros {
	m := macros{}
	entries, err := fs.ReadDir(libraryFiles, "stdlib")
	if err != nil {
		diags.Errorf(Macro, source.Span{}, "the standard library can't be read: %v", err)
		return m
	}
	for _, e := range entries {
		name := "stdlib/" + e.Name()
		text, err := fs.ReadFile(libraryFiles, name)
		if err != nil {
			diags.Errorf(Macro, source.Span{}, "the standard library can't be read: %v", err)
			continue
		}
		p, problems := parse.Program(source.NewFile(name, string(text)), parse.Options{})
		for _, d := range problems.Items {
			diags.Add(d)
		}
		m.add(p.Macros, true, diags)
	}
	return m
}

// Form is how a name of the standard library is there.
type Form uint8

// The forms.
const (
	Missing  Form = iota // not yet: check refuses it
	Native               // check knows it
	ByMacro              // a macro of stdlib/*.bt
	Replaced             // this package puts a value in its place
)

// Entry is a name of the standard library.
type Entry struct {
	Name string
	Form Form
	Word bool // may be written without parentheses
}

// entries are the names of bpftrace 0.26's standard library that scripts use,
// in their order. When check learns a name that is ByMacro, the macro has to
// go: a macro of the library wins over check.
var entries = []Entry{
	{"assert", ByMacro, false},
	{"assert_str", ByMacro, false},
	{"avg", Native, false},
	{"bswap", Missing, false},
	{"buf", Native, false},
	{"cat", Native, false},
	{"cgroup", Native, true},
	{"cgroup_path", Missing, false},
	{"cgroupid", Missing, false},
	{"clear", Native, false},
	{"comm", Native, true},
	{"config", Missing, false},
	{"container_of", ByMacro, false},
	{"count", Native, false},
	{"cpid", Native, true},
	{"cpu", Native, true},
	{"curtask", Native, true},
	{"default_str_length", ByMacro, true},
	{"delete", Native, false},
	{"dw_ustack", Missing, true},
	{"elapsed", Native, true},
	{"errorf", Native, false},
	{"exit", Native, false},
	{"fail", Missing, false},
	{"find", ByMacro, false},
	{"func", Missing, true},
	{"getopt", Replaced, false},
	{"gid", Native, true},
	{"has_cpid", ByMacro, true},
	{"has_key", Native, false},
	{"hist", Native, false},
	{"is_array", ByMacro, false},
	{"is_err", ByMacro, false},
	{"is_integer", ByMacro, false},
	{"is_literal", ByMacro, false},
	{"is_ptr", ByMacro, false},
	{"is_str", ByMacro, false},
	{"is_unsigned_integer", ByMacro, false},
	{"jiffies", Native, true},
	{"join", Native, false},
	{"kaddr", Missing, false},
	{"kfunc_allowed", Missing, false},
	{"kfunc_exist", Missing, false},
	{"kptr", Missing, false},
	{"kstack", Missing, true},
	{"ksym", Native, false},
	{"leader_comm", ByMacro, true},
	{"leader_tid", ByMacro, true},
	{"len", Missing, false},
	{"lhist", Native, false},
	{"macaddr", Native, false},
	{"max", Native, false},
	{"memcmp", Missing, false},
	{"min", Native, false},
	{"ncpus", Native, true},
	{"nsecs", Native, true},
	{"ntop", Missing, false},
	{"numaid", Native, true},
	{"offsetof", Missing, false},
	{"override", Missing, false},
	{"path", Missing, false},
	{"pcomm", ByMacro, true},
	{"percpu_kaddr", Missing, false},
	{"pid", Native, true},
	{"ppid", ByMacro, true},
	{"print", Native, false},
	{"printf", Native, false},
	{"probe", Native, true},
	{"probetype", Native, true},
	{"pton", Missing, false},
	{"rand", Native, true},
	{"reg", Missing, false},
	{"retval", Native, true},
	{"signal", Missing, false},
	{"signal_name", Missing, false},
	{"signal_thread", Missing, false},
	{"sizeof", Native, false},
	{"skboutput", Missing, false},
	{"socket_cookie", Missing, false},
	{"static_assert", ByMacro, false},
	{"stats", Native, false},
	{"str", Native, false},
	{"str_concat", Missing, false},
	{"strcap", ByMacro, false},
	{"strcontains", ByMacro, false},
	{"strerror", Missing, false},
	{"strftime", Native, false},
	{"strlen", Missing, false},
	{"strncmp", Native, false},
	{"strstr", Missing, false},
	{"sum", Native, false},
	{"syscall_name", Missing, false},
	{"system", Native, false},
	{"tid", Native, true},
	{"time", Native, false},
	{"tseries", Missing, false},
	{"typeof", Native, false},
	{"uaddr", Missing, false},
	{"uid", Native, true},
	{"unwatch", Missing, false},
	{"uptr", Missing, false},
	{"usermode", Missing, true},
	{"username", Native, true},
	{"ustack", Missing, true},
	{"usym", Missing, false},
	{"warnf", Native, false},
	{"write_user", Missing, false},
	{"zero", Native, false},
}

// Library returns the names of the standard library in their order: how each
// of them is there.
func Library() []Entry { return slices.Clone(entries) }

func entry(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return Entry{}, false
	}
	return entries[i], true
}

func isLibraryMacro(name string) bool {
	e, ok := entry(name)
	return ok && e.Form == ByMacro
}

// isNative reports whether a name that no macro has is for check to judge.
func isNative(name string) bool {
	e, ok := entry(name)
	return ok && e.Form != ByMacro
}

// isWord reports whether a name without parentheses is one of the language's
// own values, which C macros can't redefine.
func isWord(name string) bool {
	switch name {
	case "args", "ctx":
		return true
	}
	e, ok := entry(name)
	return ok && e.Word || isNumbered(name, "arg") || isNumbered(name, "sarg")
}

// isNumbered reports whether a name is prefix and digits.
func isNumbered(name, prefix string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
