package btfmt_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func program(text string) (*ast.Program, error) {
	prog, list := parse.Program(source.NewFile("test.bt", text), parse.Options{})
	return prog, list.Err()
}

// shape writes a tree with all that it holds but places and comments. It knows
// nothing of the node types, so that it can't share a mistake with Dump.
func shape(b *strings.Builder, v reflect.Value, indent string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil\n")
			return
		}
		shape(b, v.Elem(), indent)
	case reflect.Slice:
		fmt.Fprintf(b, "%d\n", v.Len())
		for i := range v.Len() {
			b.WriteString(indent + "- ")
			shape(b, v.Index(i), indent+"  ")
		}
	case reflect.Struct:
		b.WriteString(v.Type().Name() + "\n")
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[source.Span]() || f.Type == reflect.TypeFor[ast.Place]() ||
				f.Type == reflect.TypeFor[[]source.Span]() || f.Name == "Comments" {
				continue
			}
			b.WriteString(indent + f.Name + ": ")
			shape(b, v.Field(i), indent+"  ")
		}
	default:
		fmt.Fprintf(b, "%#v\n", v.Interface())
	}
}

func shapeOf(prog *ast.Program) string {
	var b strings.Builder
	shape(&b, reflect.ValueOf(prog), "")
	return b.String()
}

// roundTrip prints a program, parses that and compares; it returns the text.
func roundTrip(tb testing.TB, prog *ast.Program) string {
	tb.Helper()
	out := btfmt.Print(prog)
	again, err := program(out)
	if err != nil {
		tb.Fatalf("the printed text does not parse: %v\n%s", err, out)
	}
	if got, want := shapeOf(again), shapeOf(prog); got != want {
		tb.Fatalf("the printed text has another tree:\n%s\nis\n%s\nwant\n%s", out, got, want)
	}
	if len(again.Comments) != len(prog.Comments) {
		tb.Fatalf("the printed text has %d comments, want %d:\n%s", len(again.Comments), len(prog.Comments), out)
	}
	return out
}

// scripts returns the texts of the archives here and in the parser's tests.
func scripts(tb testing.TB) map[string]string {
	tb.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"testdata/*.txtar", "../parse/testdata/*.txtar"} {
		files, err := filepath.Glob(pattern)
		qt.Assert(tb, qt.IsNil(err))
		qt.Assert(tb, qt.IsTrue(len(files) > 0))
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			qt.Assert(tb, qt.IsNil(err))
			for _, f := range ar.Files {
				if strings.HasSuffix(f.Name, ".bt") {
					texts[file+"/"+f.Name] = string(f.Data)
				}
			}
		}
	}
	return texts
}

// TestGolden formats every NAME.bt of the archives and compares with NAME.out.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(t, qt.IsNil(err))
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		qt.Assert(t, qt.IsNil(err))
		want := map[string]string{}
		for _, f := range ar.Files {
			want[f.Name] = string(f.Data)
		}
		var files []txtar.File
		for _, f := range ar.Files {
			name, ok := strings.CutSuffix(f.Name, ".bt")
			if !ok {
				continue
			}
			prog, err := program(string(f.Data))
			qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", f.Name))
			got := btfmt.Print(prog)
			files = append(files, f, txtar.File{Name: name + ".out", Data: []byte(got)})
			if !*update {
				qt.Check(t, qt.Equals(got, want[name+".out"]), qt.Commentf("%s", f.Name))
			}
		}
		if *update {
			ar.Files = files
			qt.Assert(t, qt.IsNil(os.WriteFile(file, txtar.Format(ar), 0o666)))
		}
	}
}

// TestRoundTrip checks that formatting changes neither the tree nor, the
// second time, the text.
func TestRoundTrip(t *testing.T) {
	n := 0
	for name, text := range scripts(t) {
		prog, err := program(text)
		if err != nil {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			out := roundTrip(t, prog)
			again, _ := program(out)
			qt.Check(t, qt.Equals(btfmt.Print(again), out))
		})
	}
	qt.Check(t, qt.IsTrue(n > 20))
}

// TestSynthetic prints a tree that was not parsed.
func TestSynthetic(t *testing.T) {
	x := &ast.Var{Name: "x"}
	prog := &ast.Program{
		MapDecls: []*ast.MapDecl{{Map: &ast.MapRef{Name: "m"}, Kind: ast.Name{Text: "hash"}, MaxEntries: &ast.IntLit{Value: 7}}},
		Probes: []*ast.Probe{{
			AttachPoints: []*ast.AttachPoint{
				{Label: "l", Provider: "uprobe", Args: []string{"/a b", "@", "x.c", "3"}},
				{Provider: "kprobe", Args: []string{`f"{`, "$1"}},
			},
			Body: &ast.Block{Stmts: []ast.Stmt{
				&ast.Assign{Target: x, Value: &ast.Binary{Op: ast.Mul, X: &ast.Binary{Op: ast.Add, X: x, Y: x}, Y: &ast.Unary{Op: ast.Neg, X: x}}},
			}},
		}},
	}
	out := btfmt.Print(prog)
	qt.Check(t, qt.Equals(out, `let @m = hash(7);

l=uprobe:"/a b"@x.c:3,
kprobe:"f\"{":"$1"
{
  $x = ($x + $x) * -$x;
}
`))
	again, err := program(out)
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.DeepEquals(again.Probes[0].AttachPoints[0].Args, prog.Probes[0].AttachPoints[0].Args))
	qt.Check(t, qt.DeepEquals(again.Probes[0].AttachPoints[1].Args, prog.Probes[0].AttachPoints[1].Args))
}

func TestEmpty(t *testing.T) {
	qt.Check(t, qt.Equals(btfmt.Print(&ast.Program{}), ""))
	qt.Check(t, qt.Equals(btfmt.Print(&ast.Program{Probes: []*ast.Probe{{}}}), "{}\n"))
}

func TestTypes(t *testing.T) {
	for _, text := range []string{
		"int8", "struct foo", "enum e *", "void **", "int8[4]", "int8 *[4]", "string[]", "int8[2] *",
		"typeof($x)", "typeof(int8 *)", "typeof((x[0]))", "typeof(typeof(y))",
	} {
		prog, err := program("begin { let $v: " + text + "; }")
		qt.Assert(t, qt.IsNil(err))
		decl := prog.Probes[0].Body.Stmts[0].(*ast.VarDecl)
		qt.Check(t, qt.Equals(btfmt.Type(decl.Type), text))
	}
}

func TestDumpNote(t *testing.T) {
	prog, err := program("begin { $x = 1 }")
	qt.Assert(t, qt.IsNil(err))
	got := btfmt.Dump(prog, btfmt.DumpOptions{Note: func(n ast.Node) string {
		if _, ok := n.(*ast.IntLit); ok {
			return "int64"
		}
		return ""
	}})
	qt.Check(t, qt.Equals(got, `Program
  Probe
    AttachPoint begin
    Block
      Assign =
        Var $x
        value: IntLit 1  ; int64
`))
}

func FuzzPrintRoundTrip(f *testing.F) {
	for _, text := range scripts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prog, err := program(text)
		if err != nil {
			return
		}
		roundTrip(t, prog)
	})
}
