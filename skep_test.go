package skep_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep"
	"github.com/skep-dev/skep/internal/codegen"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/bttest"
	"github.com/skep-dev/skep/internal/object"
)

func options(t testing.TB) *skep.Options {
	t.Helper()
	target, err := codegen.ForKernel(6, 18)
	if err != nil {
		t.Fatal(err)
	}
	return &skep.Options{CPUs: 2, Features: target, Machine: &skep.Machine{Catalog: bttest.World{}, Resolver: bttest.World{}}}
}

// scripts hold what one-liners are made of.
var scripts = []string{
	`tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }`,
	`tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; } tracepoint:syscalls:sys_exit_openat /@start[tid]/ { @us = hist((nsecs - @start[tid]) / 1000); delete(@start[tid]); }`,
	`tracepoint:syscalls:sys_enter_openat /comm == "sh"/ { printf("%-6d %-16s %s\n", pid, comm, str(args.filename)); join(args.args); }`,
	`begin { $x = 5; if ($x > 3 && $x < 7) { print(($x, "a", true)); } else { exit(1); } @a[1, "b"] = lhist($x, 0, 10, 1); }`,
	`macro twice(x) { x * 2 } config = { max_strlen = 64 } interval:s:1 { $s = str(arg0); print(twice(4)); } end { clear(@m); @m[1] = 2; }`,
	`struct pair { int a; char b[8]; }; begin { $p = (struct pair *)0; print($p.a); print(sizeof(struct pair)); }`,
}

func TestCompile(t *testing.T) {
	u, err := skep.Compile(context.Background(), skep.Source{Name: "t.bt", Text: scripts[1]}, options(t))
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.HasLen(u.Plan().Probes, 2))
	qt.Assert(t, qt.HasLen(u.Plan().Maps, 2))
	obj, err := object.Read(u.ELF())
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(obj.License, "GPL"))
}

// The same script gives the same bytes.
func TestCompileIsDeterministic(t *testing.T) {
	src := skep.Source{Name: "t.bt", Text: scripts[3]}
	a, err := skep.Compile(context.Background(), src, options(t))
	qt.Assert(t, qt.IsNil(err))
	for range 5 {
		b, err := skep.Compile(context.Background(), src, options(t))
		qt.Assert(t, qt.IsNil(err))
		qt.Assert(t, qt.IsTrue(bytes.Equal(a.ELF(), b.ELF())))
	}
}

func TestStages(t *testing.T) {
	o := options(t)
	seen := map[string]*bytes.Buffer{}
	o.Dump = func(stage string) io.Writer {
		seen[stage] = &bytes.Buffer{}
		return seen[stage]
	}
	_, err := skep.Compile(context.Background(), skep.Source{Name: "t.bt", Text: scripts[0]}, o)
	qt.Assert(t, qt.IsNil(err))
	for stage, want := range map[string]string{
		"ast": "MapRef", "expand": "count()", "types": "string[16]", "ir": "func @sys_enter", "opt": "get_current_comm",
		"bpf": "call bpf_map_lookup_elem#1", "plan": `"agg": "count"`,
	} {
		qt.Check(t, qt.StringContains(seen[stage].String(), want), qt.Commentf("%s", stage))
	}
	qt.Assert(t, qt.HasLen(skep.Stages(), len(seen)))
}

// compile compiles a text that may be anything: it gives an object or
// diagnostics, and never anything else.
func compile(t *testing.T, text string) {
	_, err := skep.Compile(context.Background(), skep.Source{Name: "t.bt", Text: text}, options(t))
	var list *diag.List
	if err != nil && !errors.As(err, &list) {
		t.Fatalf("%v\n%s", err, text)
	}
	if list != nil {
		if err := diag.Render(io.Discard, list, diag.RenderOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// Scripts that are cut off anywhere give diagnostics.
func TestPrefixes(t *testing.T) {
	for _, s := range scripts {
		for i := range s {
			compile(t, s[:i])
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range scripts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "import") {
			return // the machine's own files are nobody's test data
		}
		compile(t, text)
	})
}

func BenchmarkCompile(b *testing.B) {
	o := options(b)
	for b.Loop() {
		if _, err := skep.Compile(context.Background(), skep.Source{Name: "t.bt", Text: scripts[1]}, o); err != nil {
			b.Fatal(err)
		}
	}
}
