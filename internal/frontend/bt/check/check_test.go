package check_test

import (
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/bttest"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

func run(t *testing.T, text string, params ...string) (*check.Program, *diag.List) {
	t.Helper()
	f := source.NewFile("t.bt", text)
	p, diags := parse.Program(f, parse.Options{Params: params})
	if diags.HasErrors() {
		return nil, diags
	}
	return check.Check(p, check.Env{Resolver: bttest.World{}, Catalog: bttest.World{}, Params: params}, diags), diags
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		script string
		want   string // map=key:value, in order of the names
	}{
		{`begin { @ = 1 }`, "@=:int8"},
		{`begin { @ = 1; @ = 1000 }`, "@=:int16"},
		{`begin { @ = 1; @ = (uint64)2 }`, "@=:uint64"},
		{`begin { @ = (uint32)1; @ = (int32)2 }`, "@=:int64"},
		{`begin { @ = (uint16)1; @ = (int8)2 }`, "@=:int32"},
		{`begin { @++ }`, "@=:int64"},
		{`begin { @ = 1 - (uint64)2 }`, "@=:int64"},
		{`begin { @ = 1 + (uint64)2 }`, "@=:uint64"},
		{`begin { @ = (uint32)5 + (uint8)3 }`, "@=:uint64"},
		{`begin { @ = 1 < 2 }`, "@=:bool"},
		{`begin { @[pid, comm] = nsecs }`, "@=(uint32, string[16]):uint64"},
		{`begin { @["a"] = 1; @["abc"] = 2 }`, "@=string[4]:int8"},
		{`begin { @x[1] = 1; @x[1 << 40] = 2 }`, "@x=int64:int8"},
		{`tracepoint:syscalls:sys_exit_openat { @ = sum(args.ret); @h = hist(args.ret); }`, "@=:sum_t @h=:hist_t"},
		{`tracepoint:raw_syscalls:sys_enter { @[args.id] = count(); @a = args.args[1] }`, "@=int64:count_t @a=:uint64"},
		{`tracepoint:sched:sched_switch { @[args.prev_comm] = count() }`, "@=string[16]:count_t"},
		{`tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }`, "@=string[1025]:count_t"},
		{`tracepoint:syscalls:sys_enter_openat { @[str(args->filename, 10)] = count(); }`, "@=string[10]:count_t"},
		{`begin { $a = 1; $b = $a; $a = (uint64)2; @ = $b; @a = $a }`, "@=:uint64 @a=:uint64"},
		{`begin { @ = @x; @x = 70000 }`, "@=:int32 @x=:int32"},
		{`begin { $t = (1, "abc"); @ = $t.1 }`, "@=:string[4]"},
		{`begin { $r = (a = 1, b = (uint16)2); @ = $r.b }`, "@=:uint16"},
		{`begin { @ = true ? 1 : 1000 }`, "@=:int16"},
		{`begin { @c = count(); @ = (uint32)@c }`, "@=:uint32 @c=:count_t"},
		{`begin { $x = 3; unroll(3) { $x += 1 } @ = $x }`, "@=:int64"},
	} {
		p, diags := run(t, c.script)
		if diags.HasErrors() {
			t.Errorf("%s\n%v", c.script, diags)
			continue
		}
		var got []string
		for _, m := range p.Maps {
			key := ""
			if !m.Scalar {
				key = m.Key.String()
			}
			got = append(got, m.Name+"="+key+":"+m.Value.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.script, s, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ script, code, message, at string }{
		{`begin { print($x) }`, "bt-undefined", "undefined or undeclared variable: $x", "1:15"},
		{`begin { if (1) { $x = 1 } print($x) }`, "bt-undefined", "undeclared variable: $x", "1:33"},
		{`begin { print(@x) }`, "bt-undefined", "undefined map: @x", "1:15"},
		{`begin { @a = @b; @c = 1 }`, "bt-undefined", "undefined map: @b", "1:14"},
		{`begin { @w = @w + 1 }`, "bt-undefined", "the type of @w can't be found from itself", "1:14"},
		{`begin { @x = 1; @x = "a" }`, "bt-type", "type mismatch for @x", "1:17"},
		{`begin { @x = 1; @x[2] = 1 }`, "bt-map", "both with and without a key", "1:9"},
		{`begin { @x[1] = 1; @x["a"] = 1 }`, "bt-type", "argument mismatch for @x", "1:20"},
		{`begin { @x = count(); @x = 1 }`, "bt-type", "type mismatch for @x", "1:23"},
		{`begin { @x = count(); @x = sum(1) }`, "bt-type", "type mismatch for @x", "1:28"},
		{`begin { @x = count(); @y = @x }`, "bt-type", "can't be assigned to a map", "1:23"},
		{`begin { count() }`, "bt-args", "count() should be assigned to a map", "1:9"},
		{`begin { @ = lhist(1, 0, 10) }`, "bt-args", "lhist() requires 4 arguments (3 provided)", "1:13"},
		{`begin { @ = lhist(1, 10, 0, 1) }`, "bt-args", "min must be less than max", "1:22"},
		{`begin { @ = hist(1, 9) }`, "bt-args", "0 to 5 bits", "1:21"},
		{`begin { foo() }`, "bt-undefined", "unknown function: 'foo'", "1:9"},
		{`begin { pritnf("a") }`, "bt-undefined", "unknown function: 'pritnf'", "1:9"},
		{`begin { print(foo) }`, "bt-undefined", "unknown identifier: 'foo'", "1:15"},
		{`begin { print(args.x) }`, "bt-args", "args builtin can not be used with 'begin' probes", "1:15"},
		{`begin { print(arg0) }`, "bt-args", "arg0 builtin can not be used", "1:15"},
		{`tracepoint:raw_syscalls:sys_enter { print(args.idd) }`, "unknown-field", `has no field named "idd"`, "1:48"},
		{`tracepoint:raw_syscalls:sys_enter { print(args.args[6]) }`, "bt-type", "out of bounds", "1:53"},
		{`tracepoint:raw_syscalls:sys_entr { }`, "unknown-probe", "there is no tracepoint raw_syscalls:sys_entr", "1:1"},
		{`tracepoint:foo:* { }`, "unknown-probe", "no tracepoint matches foo:*", "1:1"},
		{`kprobe:f { }`, "missing-probe-kind", "this kernel has no kprobes", "1:1"},
		{`uprobe:/bin/sh:f { }`, "unsupported-probe-kind", "not supported by this version", "1:1"},
		{`tracpoint:a:b { }`, "unknown-provider", "unknown probe type", "1:1"},
		{`rawtracepoint:sys_enterr { }`, "unknown-probe", "no raw tracepoint sys_enterr", "1:1"},
		{`interval:s:0 { }`, "bt-probe", "no positive number", "1:1"},
		{`interval:parsec:1 { }`, "bt-probe", "unknown unit", "1:1"},
		{`software:fault:1 { }`, "unknown-probe", "no software event", "1:1"},
		{`begin { system("ls") }`, "unsafe", "unsafe function", "1:9"},
		{`begin { $x = "a"; $x++ }`, "bt-type", "can only be applied", "1:19"},
		{`begin { $x = "a" + 1 }`, "bt-type", "type mismatch", "1:14"},
		{`begin { let $a: uint16 = -1; }`, "bt-type", "does not fit into uint16", "1:26"},
		{`begin { let $a = 1; let $a = 2; }`, "bt-undefined", "already declared", "1:25"},
		{`begin { $a = (struct nope *)0; }`, "unknown-type", `unknown type "struct nope"`, ""},
		{`config = { max_strlne = 5 } begin { }`, "bt-config", "unknown config variable", "1:12"},
		{`config = { max_strlen = 0 } begin { }`, "bt-config", "takes a number", "1:25"},
		{`begin { for ($i : 0..5) { } }`, "unsupported", "for is not supported", "1:9"},
		{`macro m() { 1 } begin { }`, "unsupported", "macros are not supported", "1:7"},
		{`begin { print(kstack) }`, "unsupported", "builtin kstack is not supported", "1:15"},
		{`begin { break; }`, "bt-syntax", "need a loop", "1:9"},
		{`begin { clear(1) }`, "bt-args", "expects a map", "1:15"},
		{`begin { @ = 1; exit("a") }`, "bt-args", "only supports an integer", "1:21"},
		{`begin { unroll(0) { } }`, "bt-type", "unroll takes a constant", "1:16"},
	} {
		_, diags := run(t, c.script)
		var first *diag.Diagnostic
		for _, d := range diags.Items {
			if d.Severity == diag.Error {
				first = d
				break
			}
		}
		if first == nil {
			t.Errorf("%s: no error", c.script)
			continue
		}
		if string(first.Code) != c.code || !strings.Contains(first.Message, c.message) ||
			c.at != "" && first.Span.String() != "t.bt:"+c.at {
			t.Errorf("%s\n got %s: %s: %s\nwant %s: t.bt:%s: ...%s...", c.script, first.Code, first.Span, first.Message, c.code, c.at, c.message)
		}
	}
}

func TestErrorIsReportedOnceForManyProbes(t *testing.T) {
	_, diags := run(t, `tracepoint:syscalls:sys_e* { print(probe); print($x) }`)
	qt.Assert(t, qt.HasLen(diags.Items, 1))
}

func TestMixedSigns(t *testing.T) {
	for script, warns := range map[string]bool{
		`begin { @a = -1; @a = 18446744073709551615 }`:              true,
		`begin { $a = (uint64)1; $a = (int64)2 }`:                   true,
		`begin { @[-1] = 1; @[(uint64)2] = 1 }`:                     true,
		`begin { if ((uint64)1 == (int64)-1) { } }`:                 true,
		`begin { $a = (uint32)1; $a = -1; @b = 1; @b = (uint64)2 }`: false,
		`begin { @ = pid; @ = nsecs; if (nsecs > 5) { } }`:          false,
	} {
		_, diags := run(t, script)
		qt.Check(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%s: %v", script, diags))
		qt.Check(t, qt.Equals(len(diags.Items) > 0, warns), qt.Commentf("%s", script))
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct{ script, hint string }{
		{`tracepoint:raw_syscalls:sys_entr { }`, "raw_syscalls:sys_enter"},
		{`tracepoint:syscalls:sys_enter_openat { print(args.flename) }`, "did you mean filename?"},
		{`tracepoint:syscalls:sys_enter_openat { print(args.nothing_like_it) }`, "dfd, filename, flags"},
		{`begin { pritnf("a") }`, "printf"},
	} {
		_, diags := run(t, c.script)
		if len(diags.Items) == 0 || !strings.Contains(diags.Items[0].Hint, c.hint) {
			t.Errorf("%s: %+v, want a hint with %q", c.script, diags.Items, c.hint)
		}
	}
}

func TestOneInstanceWhereProbesDontMatter(t *testing.T) {
	p, _ := run(t, `tracepoint:syscalls:sys_enter_openat, tracepoint:syscalls:sys_exit_openat { @ = count() }`)
	qt.Assert(t, qt.HasLen(p.Instances, 1))
	qt.Assert(t, qt.HasLen(p.Instances[0].Points, 2))
	p, _ = run(t, `tracepoint:syscalls:sys_enter_openat, tracepoint:syscalls:sys_exit_openat { @[probe] = count() }`)
	qt.Assert(t, qt.HasLen(p.Instances, 2))
}

func TestParams(t *testing.T) {
	p, diags := run(t, `begin { @n = $1; @s = str($2); @c = $#; @missing = $9 }`, "70000", "hello")
	qt.Assert(t, qt.IsFalse(diags.HasErrors()))
	var got []string
	for _, m := range p.Maps {
		got = append(got, m.Name+":"+m.Value.String())
	}
	qt.Assert(t, qt.Equals(strings.Join(got, " "), "@c:int8 @missing:int8 @n:int32 @s:string[6]"))
}

// FuzzCheck runs whatever parses through the checker.
func FuzzCheck(f *testing.F) {
	f.Add(`tracepoint:syscalls:sys_enter_openat /pid == 1/ { @[str(args.filename), comm] = count(); printf("%d\n", pid) }`)
	f.Add(`begin { $x = (1, "a"); @y[$x.0] = hist(5); if (@z > 3) { delete(@y[1]) } else { @z++ } }`)
	f.Fuzz(func(t *testing.T, text string) {
		p, diags := parse.Program(source.NewFile("f", text), parse.Options{})
		if diags.HasErrors() {
			return
		}
		check.Check(p, check.Env{Resolver: bttest.World{}, Catalog: bttest.World{}}, diags)
	})
}
