package parse_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// scripts returns the texts of all .bt files in the golden archives.
func scripts(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(tb, qt.IsNil(err))
	texts := map[string]string{}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		qt.Assert(tb, qt.IsNil(err))
		for _, f := range ar.Files {
			if strings.HasSuffix(f.Name, ".bt") {
				texts[filepath.Base(file)+"/"+f.Name] = string(f.Data)
			}
		}
	}
	qt.Assert(tb, qt.IsTrue(len(texts) > 20))
	return texts
}

func program(text string) (*ast.Program, *diag.List) {
	return parse.Program(source.NewFile("test.bt", text), parse.Options{})
}

// checkTree fails unless every node has a place in the text and within its
// parent, no node occurs twice, and a tree without errors has no BadExpr.
func checkTree(tb testing.TB, prog *ast.Program, hasErrors bool) {
	tb.Helper()
	seen := map[ast.Node]bool{}
	var stack []ast.Node
	ast.Inspect(prog, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return false
		}
		if seen[n] {
			tb.Fatalf("%T occurs twice", n)
		}
		seen[n] = true
		at := n.Span()
		if !at.IsValid() || at.Start < 0 || at.End < at.Start || at.End > len(at.File.Content) {
			tb.Fatalf("%T has the place %+v", n, at)
		}
		if _, ok := n.(*ast.BadExpr); ok && !hasErrors {
			tb.Fatalf("a tree without errors holds a BadExpr at %s", at)
		}
		if len(stack) > 0 && !hasErrors {
			if up := stack[len(stack)-1].Span(); at.Start < up.Start || at.End > up.End {
				tb.Fatalf("%T %q is not within %T %q", n, at.Text(), stack[len(stack)-1], up.Text())
			}
		}
		stack = append(stack, n)
		return true
	})
}

func TestTrees(t *testing.T) {
	for name, text := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			prog, list := program(text)
			checkTree(t, prog, list.HasErrors())
		})
	}
}

// TestPrefixes cuts every script off at every byte. What is cut within a
// declaration has an error; nothing panics or reports without end.
func TestPrefixes(t *testing.T) {
	for name, text := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			for i := range len(text) {
				prog, list := program(text[:i])
				checkTree(t, prog, list.HasErrors())
				qt.Assert(t, qt.IsTrue(len(list.Items) <= 2*diag.Limit+1))
			}
		})
	}
}

func TestPrefixesHaveErrors(t *testing.T) {
	const text = `tracepoint:a:b /pid == 1/ { printf("%d\n", args.x + @y[1, $z]); if ($a) { f(); } }`
	for i := 1; i < len(text); i++ {
		_, list := program(text[:i])
		qt.Check(t, qt.IsTrue(list.HasErrors()), qt.Commentf("%s", text[:i]))
	}
	_, list := program(text)
	qt.Check(t, qt.IsNil(list.Err()))
}

// TestErrorsPointIntoTheText checks that places of diagnostics are usable.
func TestErrorsPointIntoTheText(t *testing.T) {
	for name, text := range scripts(t) {
		_, list := program(text)
		for _, d := range list.Items {
			qt.Check(t, qt.IsTrue(d.Span.IsValid()), qt.Commentf("%s: %s", name, d.Message))
			qt.Check(t, qt.IsTrue(d.Span.Start >= 0 && d.Span.End <= len(text)), qt.Commentf("%s: %s", name, d.Message))
			qt.Check(t, qt.Not(qt.Equals(d.Message, "")))
			qt.Check(t, qt.Not(qt.Equals(d.Code, "")))
		}
	}
}

func TestNesting(t *testing.T) {
	const n = 200_000
	rep := strings.Repeat
	for _, text := range []string{
		"begin { $x = " + rep("(", n) + "1" + rep(")", n) + "; }",
		"begin { $x = " + rep("(", n),
		"begin { $x = " + rep("- ", n) + "1; }",
		"begin { $x = " + rep("!", n) + "1; }",
		"begin " + rep("{", n) + rep("}", n),
		"begin { $x = " + rep("{ ", n) + "1" + rep(" }", n) + "; }",
		"begin { " + rep("if (1) { ", n) + rep("}", n) + " }",
		"begin { if (1) { }" + rep(" else if (1) { }", n) + " }",
		"begin { $x = " + rep("1 ? 2 : ", n) + "3; }",
		"begin { $x = " + rep("1 + ", n) + "1; }",
		"begin { $x = $y" + rep(".a", n) + "; }",
		"begin { $x = $y" + rep("[0]", n) + "; }",
		"begin { $x = @a[" + rep("@a[", n) + "; }",
		"begin { $x = " + rep("f(", n) + "; }",
		"begin { $x = " + rep("(int8)", n) + "1; }",
		"begin { $x = " + rep("(typeof(", n) + "1; }",
		"begin { $x = " + rep("sizeof(", n) + "1; }",
		"begin { $x = sizeof(" + rep("typeof(", n) + "1; }",
		"begin { $x = " + rep("comptime ", n) + "1; }",
		"begin { $x = " + rep("(a = ", n) + "1; }",
		"begin { let $x: int8" + rep("*", n) + "; }",
		"begin { let $x: int8" + rep("[1]", n) + "; }",
		"begin { " + rep("while (1) { ", n) + " }",
		"begin { " + rep("for ($i : 0..1) { ", n) + " }",
		"begin { $x = " + rep("if (", n) + " }",
	} {
		t.Run(text[:min(len(text), 24)], func(t *testing.T) {
			_, list := program(text)
			found := false
			for _, d := range list.Items {
				found = found || d.Code == parse.Nesting
			}
			qt.Check(t, qt.IsTrue(found))
		})
	}
}

// TestNestingWithinLimits checks that what people write is far from the limit.
func TestNestingWithinLimits(t *testing.T) {
	const n = 200
	rep := strings.Repeat
	for _, text := range []string{
		"begin { $x = " + rep("(", n) + "1" + rep(")", n) + "; }",
		"begin { " + rep("if (1) { ", n) + rep("}", n) + " }",
		"begin { if (1) { }" + rep(" else if (1) { }", n) + " }",
		"begin { $x = " + rep("1 + ", 9000) + "1; }",
		"begin { $x = $y" + rep(".a", 9000) + "; }",
	} {
		prog, list := program(text)
		qt.Check(t, qt.IsNil(list.Err()))
		checkTree(t, prog, false)
	}
}

// TestLinear fails when the time to parse grows faster than the text.
func TestLinear(t *testing.T) {
	for _, unit := range []string{
		"sizeof(a[1]) + ", "(x)-", "1 / /* c */ ", `"s" . `, "(a * b) + ", "@x[1, 2] < ", "f(a, b)\n + ", "&",
	} {
		text := "begin { $x = " + strings.Repeat(unit, 50_000) + "1; }\n"
		start := time.Now()
		program(text)
		if took := time.Since(start); took > 5*time.Second { // a quadratic parser takes minutes
			t.Errorf("%q: %v", unit, took)
		}
	}
}

func TestWarningsAreCapped(t *testing.T) {
	_, list := program("begin { " + strings.Repeat(";", 1000) + " }")
	qt.Check(t, qt.IsNil(list.Err()))
	qt.Check(t, qt.Equals(len(list.Items), diag.Limit))
}

func TestComments(t *testing.T) {
	prog, list := program("// a\nbegin { /* b */ f(); // c\n}\n/* d\n e */ end { g(\"// no\"); }")
	qt.Assert(t, qt.IsNil(list.Err()))
	var got []string
	for _, c := range prog.Comments {
		got = append(got, c.Text)
		qt.Check(t, qt.Equals(c.At.Text(), c.Text))
	}
	qt.Check(t, qt.DeepEquals(got, []string{"// a", "/* b */", "// c", "/* d\n e */"}))
}

func TestExpr(t *testing.T) {
	x, list := parse.Expr(source.NewFile("macro", " (A << 2) | 0x10 "), parse.Options{})
	qt.Assert(t, qt.IsNil(list.Err()))
	qt.Check(t, qt.Equals(btfmt.Expr(x), "(A << 2) | 0x10"))

	_, list = parse.Expr(source.NewFile("macro", "1 2"), parse.Options{})
	qt.Check(t, qt.ErrorMatches(list.Err(), `macro:1:3: expected the end of the expression, found '2'`))
	_, list = parse.Expr(source.NewFile("macro", ""), parse.Options{})
	qt.Check(t, qt.IsNotNil(list.Err()))
}

func TestAttachPoint(t *testing.T) {
	ap, list := parse.AttachPoint(source.NewFile("-l", " t:sys*:\"a b\" "), parse.Options{})
	qt.Assert(t, qt.IsNil(list.Err()))
	qt.Check(t, qt.Equals(ap.Provider, "tracepoint"))
	qt.Check(t, qt.DeepEquals(ap.Args, []string{"sys*", "a b"}))
	qt.Check(t, qt.Equals(ap.ProviderSpan.Text(), "t"))
	qt.Check(t, qt.Equals(ap.ArgSpans[1].Text(), `"a b"`))
	qt.Check(t, qt.Equals(ap.Raw, `t:sys*:"a b"`))

	ap, list = parse.AttachPoint(source.NewFile("-l", "n=kprobe:x"), parse.Options{})
	qt.Assert(t, qt.IsNil(list.Err()))
	qt.Check(t, qt.Equals(ap.Label, "n"))
	qt.Check(t, qt.Equals(ap.ProviderSpan.Text(), "kprobe"))

	for _, bad := range []string{"", ":", `a:"b`, "a:$", "a:$0"} {
		_, list = parse.AttachPoint(source.NewFile("-l", bad), parse.Options{})
		qt.Check(t, qt.IsNotNil(list.Err()), qt.Commentf("%q", bad))
	}
}

func TestInt(t *testing.T) {
	for _, test := range []struct {
		text   string
		value  uint64
		suffix ast.IntSuffix
	}{
		{"99", 99, ""}, {"0x10", 16, ""}, {"1e6", 1_000_000, ""}, {"1s", 1_000_000_000, "s"}, {"010", 8, ""},
	} {
		v, s, err := parse.Int(test.text)
		qt.Check(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(v, test.value))
		qt.Check(t, qt.Equals(s, test.suffix))
	}
	for _, bad := range []string{"", "-1", "x", "1x", "*", "_1"} {
		_, _, err := parse.Int(bad)
		qt.Check(t, qt.IsNotNil(err), qt.Commentf("%q", bad))
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range scripts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prog, list := program(text)
		checkTree(t, prog, list.HasErrors())
		for _, d := range list.Items {
			if !d.Span.IsValid() || d.Span.Start < 0 || d.Span.End > len(text) {
				t.Fatalf("%q has the place %+v", d.Message, d.Span)
			}
		}
		var b strings.Builder
		if err := diag.Render(&b, list, diag.RenderOptions{Color: len(text)%2 == 0, Width: len(text) % 100}); err != nil {
			t.Fatal(err)
		}
		btfmt.Dump(prog, btfmt.DumpOptions{Places: true})
		btfmt.Print(prog) // of broken trees, too
	})
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "kprobe:f%d, kprobe:g%d /pid == %d && comm != \"x\"/ {\n"+
			"  // a comment\n  $s = @start[tid, arg%d];\n  if ($s > 0 && nsecs - $s > 1ms) {\n"+
			"    @lat[comm, $s / 1000] = hist((nsecs - $s) / 1000);\n"+
			"    printf(\"%%-8d %%s\\n\", pid, str(args.filename));\n  }\n  delete(@start, tid);\n}\n", i, i, i, i%10)
	}
	f := source.NewFile("bench.bt", text.String())
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := parse.Program(f, parse.Options{}); list.HasErrors() {
			b.Fatal(list)
		}
	}
}
