package expand_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/bttest"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// uses shows one use of every name of the standard library, as statements of
// a tracepoint's probe.
func uses() map[string]string {
	return map[string]string{
		"assert": `assert(pid > 1, "no")`, "assert_str": `$s = "a"; assert_str($s)`, "avg": `@ = avg(1)`,
		"bswap": `print(bswap(1))`, "buf": `print(buf(args.filename, 4))`, "cat": `cat("/x")`, "cgroup": `print(cgroup)`,
		"cgroup_path": `print(cgroup_path(1))`, "cgroupid": `print(cgroupid("/sys"))`, "clear": `@ = 1; clear(@)`,
		"comm": `print(comm)`, "config": `print(config().max_strlen)`,
		"container_of": `print(container_of(arg0, typeof(struct s), m))`, "count": `@ = count()`, "cpid": `print(cpid)`,
		"cpu": `print(cpu)`, "curtask": `print(curtask)`, "default_str_length": `print(default_str_length)`,
		"delete": `@[1] = 1; delete(@, 1)`, "dw_ustack": `print(dw_ustack())`, "elapsed": `print(elapsed)`,
		"errorf": `errorf("x")`, "exit": `exit()`, "fail": `if (0) { fail("x"); }`,
		"find": `@[1] = 5; let $v = 0; if (find(@, 1, $v)) { print($v) }`, "func": `print(func)`, "getopt": `print(getopt("a", 1))`,
		"gid": `print(gid)`, "has_cpid": `print(has_cpid)`, "has_key": `@[1] = 1; print(has_key(@, 1))`, "hist": `@ = hist(1)`,
		"is_array": `print(is_array(1))`, "is_err": `print(is_err(curtask))`, "is_integer": `print(is_integer(1))`,
		"is_literal": `print(is_literal(1))`, "is_ptr": `print(is_ptr(1))`, "is_str": `print(is_str(1))`,
		"is_unsigned_integer": `print(is_unsigned_integer(1))`, "jiffies": `print(jiffies)`, "join": `join(args.filename)`,
		"kaddr": `print(kaddr("x"))`, "kfunc_allowed": `print(kfunc_allowed("x"))`, "kfunc_exist": `print(kfunc_exist("x"))`,
		"kptr": `print(kptr(args.filename))`, "kstack": `print(kstack)`, "ksym": `print(ksym(curtask))`,
		"leader_comm": `print(leader_comm)`, "leader_tid": `print(leader_tid)`, "len": `@[1] = 1; print(len(@))`,
		"lhist": `@ = lhist(1, 0, 10, 1)`, "macaddr": `print(macaddr(args.filename))`, "max": `@ = max(1)`,
		"memcmp": `print(memcmp("a", "b", 1))`, "min": `@ = min(1)`, "ncpus": `print(ncpus)`, "nsecs": `print(nsecs(boot))`,
		"ntop": `print(ntop(1))`, "numaid": `print(numaid)`, "offsetof": `print(offsetof(struct s, m))`,
		"override": `override(1)`, "path": `print(path(args.filename))`, "pcomm": `print(pcomm)`,
		"percpu_kaddr": `print(percpu_kaddr("x"))`, "pid": `print(pid)`, "ppid": `print(ppid)`, "print": `print(1)`,
		"printf": `printf("x")`, "probe": `print(probe)`, "probetype": `print(probetype)`, "pton": `print(pton("1.2.3.4"))`,
		"rand": `print(rand)`, "reg": `print(reg("ip"))`, "retval": `print(retval)`, "signal": `signal(1)`,
		"signal_name": `print(signal_name(1))`, "signal_thread": `signal_thread(1)`, "sizeof": `print(sizeof(uint64))`,
		"skboutput": `print(skboutput("f", args.filename, 1, 0))`, "socket_cookie": `print(socket_cookie(args.filename))`,
		"static_assert": `static_assert(1 < 2, "no")`, "stats": `@ = stats(1)`, "str": `print(str(args.filename))`,
		"str_concat": `print(str_concat("a", "b"))`, "strcap": `print(strcap("a"))`, "strcontains": `print(strcontains("a", "b"))`,
		"strerror": `print(strerror(1))`, "strftime": `print(strftime("%H", nsecs))`, "strlen": `print(strlen("a"))`,
		"strncmp": `print(strncmp("a", "b", 1))`, "strstr": `print(strstr("a", "b"))`, "sum": `@ = sum(1)`,
		"syscall_name": `print(syscall_name(1))`, "system": `system("x")`, "tid": `print(tid)`, "time": `time("x")`,
		"tseries": `@ = tseries(1, 1ms, 1)`, "typeof": `let $x: typeof(pid) = 0; print($x)`, "uaddr": `print(uaddr("x"))`,
		"uid": `print(uid)`, "unwatch": `unwatch(1)`, "uptr": `print(uptr(args.filename))`, "usermode": `print(usermode)`,
		"username": `print(username)`, "ustack": `print(ustack)`, "usym": `print(usym(1))`, "warnf": `warnf("x")`,
		"write_user": `print(write_user(args.filename, args.filename, 1))`, "zero": `@[1] = 1; zero(@)`,
	}
}

// checked expands and checks a script.
func checked(t *testing.T, statements string) *diag.List {
	f := source.NewFile("t.bt", "tracepoint:syscalls:sys_enter_openat { "+statements+" }")
	p, diags := parse.Program(f, parse.Options{})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%s: %v", statements, diags))
	r, diags := expand.Program(p, expand.Options{})
	if !diags.HasErrors() {
		check.Check(p, check.Env{Resolver: bttest.World{}, Catalog: bttest.World{}, Unsafe: true}, diags)
	}
	r.Explain(diags)
	return diags
}

// TestLibrary tells for every name of bpftrace 0.26's standard library whether
// check knows it, a macro does, or it is missing. What is noted as native has
// to be known to check; a name that check learned is logged, for its note to
// be changed, and its macro, if it has one, to be removed.
func TestLibrary(t *testing.T) {
	names := expand.Library()
	qt.Assert(t, qt.IsTrue(slices.IsSortedFunc(names, func(a, b expand.Entry) int { return strings.Compare(a.Name, b.Name) })))
	use := uses()
	count := map[expand.Form]int{}
	for _, e := range names {
		text, ok := use[e.Name]
		if !qt.Check(t, qt.IsTrue(ok), qt.Commentf("%s has no use", e.Name)) {
			continue
		}
		delete(use, e.Name)
		count[e.Form]++
		diags := checked(t, text)
		refused := slices.ContainsFunc(diags.Items, func(d *diag.Diagnostic) bool {
			return d.Code == "unsupported" || d.Code == "bt-undefined"
		})
		switch {
		case refused && (e.Form == expand.Native || e.Form == expand.Replaced):
			t.Errorf("%s is not native: %v", e.Name, diags)
		case !refused && e.Form == expand.Missing:
			t.Logf("%s is not missing any more", e.Name)
		case refused && e.Form == expand.ByMacro:
			t.Logf("the macro %s needs what check doesn't know: %v", e.Name, diags)
		}
	}
	for name := range use {
		t.Errorf("%s is no name of the library", name)
	}
	t.Logf("native %d, macros %d, replaced %d, missing %d", count[expand.Native], count[expand.ByMacro], count[expand.Replaced], count[expand.Missing])
}

// TestLibraryMacros compares the files of the library with the table.
func TestLibraryMacros(t *testing.T) {
	files, err := os.ReadDir("stdlib")
	qt.Assert(t, qt.IsNil(err))
	defined := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile("stdlib/" + f.Name())
		qt.Assert(t, qt.IsNil(err))
		p, diags := parse.Program(source.NewFile(f.Name(), string(text)), parse.Options{})
		qt.Assert(t, qt.HasLen(diags.Items, 0))
		qt.Check(t, qt.HasLen(p.Probes, 0))
		for _, m := range p.Macros {
			defined[m.Name.Text] = true
		}
	}
	for _, e := range expand.Library() {
		qt.Check(t, qt.Equals(defined[e.Name], e.Form == expand.ByMacro), qt.Commentf("%s", e.Name))
		delete(defined, e.Name)
	}
	qt.Check(t, qt.HasLen(defined, 0), qt.Commentf("macros that the table doesn't have"))
}

// TestLibraryIsOverridden has a macro of the script with the name and the
// parameters of one of the library.
func TestLibraryIsOverridden(t *testing.T) {
	p, _, diags := script(t, "t.bt", `macro is_err(x) { "mine" } begin { print(is_err(1)); print(strcontains("a", "b")); }`, expand.Options{})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()))
	qt.Check(t, qt.Equals(printed(p), "begin\n{\n  print(\"mine\");\n  print(strstr(\"a\", \"b\") >= 0);\n}\n"))
}

// TestErrorsInLibraryMacros shows how an error within one looks after check.
func TestErrorsInLibraryMacros(t *testing.T) {
	diags := checked(t, `print(strcontains("a", "b"))`)
	qt.Assert(t, qt.HasLen(diags.Items, 1))
	d := diags.Items[0]
	if d.Code != "unsupported" {
		t.Skipf("strstr is known: %v", d)
	}
	qt.Check(t, qt.Equals(d.Span.Text(), `strcontains("a", "b")`))
	qt.Assert(t, qt.HasLen(d.Notes, 1))
	qt.Check(t, qt.Equals(d.Notes[0].Message, "in the macro strcontains"))
	qt.Check(t, qt.StringContains(d.Notes[0].Span.String(), "stdlib/string.bt:"))
}
