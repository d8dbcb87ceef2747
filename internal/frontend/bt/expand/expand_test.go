package expand_test

import (
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// kernel knows one type.
type kernel struct{ ctypes.Unknown }

func (kernel) Type(name string) (ctypes.Type, error) {
	if name == "struct inner" {
		return &ctypes.Struct{Name: "inner", Size: 24}, nil
	}
	return nil, ctypes.NotFound("type", name)
}

// TestTypes resolves the types that a script and its imports declare, with
// those of the kernel behind them.
func TestTypes(t *testing.T) {
	files := tree(map[string]string{"a.h": "struct fromh { int x[4]; };", "b.bt": "struct fromb { struct fromh h[2]; };"})
	const text = "#define N 3\nstruct own { struct inner i[N]; };\nimport \"a.h\"; import \"b.bt\";\nbegin { }"
	_, r, diags := script(t, "main.bt", text, expand.Options{Files: files, Outer: kernel{}})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%v", diags))
	for name, size := range map[string]int{"struct own": 72, "struct fromh": 16, "struct fromb": 32} {
		typ, err := r.Types.Type(name)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(ctypes.Sizeof(typ), size), qt.Commentf("%s", name))
	}
	_, err := r.Types.Type("struct inner")
	qt.Check(t, qt.ErrorIs(err, ctypes.ErrNotFound))
}

func TestCTypes(t *testing.T) {
	p, _ := parse.Program(source.NewFile("t.bt", "#define N 2\nstruct s { struct inner i[N]; };\nenum e { A = N };\nbegin { }"), parse.Options{})
	decls, diags := expand.CTypes(p, kernel{})
	qt.Assert(t, qt.HasLen(diags.Items, 0))
	typ, err := decls.Type("struct s")
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(ctypes.Sizeof(typ), 48))
	v, ok := decls.Const("A")
	qt.Check(t, qt.IsTrue(ok && v == 2))

	made := &ast.Program{CDefs: []*ast.CDef{{Kind: ast.CStruct, Name: "m", Text: "struct m { int x; }"}}}
	decls, diags = expand.CTypes(made, nil)
	qt.Assert(t, qt.HasLen(diags.Items, 0))
	_, err = decls.Type("struct m")
	qt.Check(t, qt.IsNil(err))
}

func TestSplitArgs(t *testing.T) {
	pos, named := expand.SplitArgs([]string{"a", "--x=1", "-5", "--", "--flag", "b"})
	qt.Check(t, qt.DeepEquals(pos, []string{"a", "-5", "b"}))
	qt.Check(t, qt.DeepEquals(named, []string{"x=1", "flag"}))
}

// TestNamedParams tells what parameters a script has, for its help.
func TestNamedParams(t *testing.T) {
	_, r, _ := script(t, "t.bt", `macro b() { getopt("b", -1, "what b is") } begin { print((getopt("c"), b, b, getopt("a", "x"))); }`, expand.Options{})
	var got []string
	for _, p := range r.NamedParams {
		got = append(got, p.Name+"|"+p.Description+"|"+p.At.String())
		qt.Check(t, qt.Equals(r.Locate(p.At), p.At))
	}
	qt.Check(t, qt.DeepEquals(got, []string{"a||t.bt:1:78", "b|what b is|t.bt:1:13", "c||t.bt:1:59"}))
}

// TestBare prints a script whose comments and places are of several texts.
func TestBare(t *testing.T) {
	const text = `#!/bin/sh
// first
#define N 3
struct s { int x; };
config = { max_strlen = 64; stack_mode = raw }
let @m = hash(1_000);
macro m(x) { // within
  x + N
}
fn f($a: int64, $b: struct s *): uint8 { return $a; }
l=tracepoint:a:b, begin /pid/ { print(m(1)); // trailing
  assert(pid, "x");
  // last
  print(2); }
`
	p, _, diags := script(t, "t.bt", text, expand.Options{})
	qt.Assert(t, qt.HasLen(diags.Items, 0))
	qt.Check(t, qt.Equals(btfmt.Print(expand.Bare(p)), `#!/bin/sh
#define N 3

struct s { int x; };

config = {
  max_strlen = 64;
  stack_mode = raw;
}

fn f($a: int64, $b: struct s *): uint8
{
  return $a;
}

let @m = hash(1_000);

l=tracepoint:a:b,
begin
/pid/
{
  print(4);
  {
    if (!pid) {
      errorf("assert failed: %s", "x");
      exit(1);
    }
  }
  print(2);
}
`))
}

func TestCommentsOfMacrosGo(t *testing.T) {
	p, _, _ := script(t, "t.bt", "// first\nmacro m() { // within\n 1 }\nbegin { /* kept */ print(m); }", expand.Options{})
	var got []string
	for _, c := range p.Comments {
		got = append(got, c.Text)
	}
	qt.Check(t, qt.DeepEquals(got, []string{"// first", "/* kept */"}))
	qt.Check(t, qt.HasLen(p.Macros, 0))
}

func TestTooManyErrors(t *testing.T) {
	_, _, diags := script(t, "t.bt", "macro m() { @x }\nbegin { "+strings.Repeat("print(m); ", 500)+"}", expand.Options{})
	qt.Assert(t, qt.HasLen(diags.Items, 21))
	qt.Check(t, qt.Equals(diags.Items[20].Message, "too many errors"))
}

func BenchmarkProgram(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"plain", `tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }`},
		{"macros", `macro inc(x) { let $y = x + 1; $y } begin { print(inc(inc($1))); }`},
		{"library", `begin { assert(pid > 1, "no"); print((ppid, pcomm)); }`},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				p, _ := parse.Program(source.NewFile("t.bt", c.text), parse.Options{})
				expand.Program(p, expand.Options{Params: []string{"1"}, Defines: map[string]string{"BPFTRACE_HAVE_BTF": "1"}})
			}
		})
	}
}
