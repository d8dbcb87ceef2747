package cdecl

import (
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// TestAdd reads two files into one set: the second sees the macros and types
// of the first.
func TestAdd(t *testing.T) {
	first := source.NewFile("first.h", "#define N 4\n#define TWICE(x) ((x) * 2)\n#define EMPTY\nstruct a { int x; };\nenum colour { RED, BLUE = 7 };\nenum { LOOSE = 3 };\n")
	second := source.NewFile("second.h", "#ifdef N\nstruct b { struct a all[N]; };\n#endif\n#define M (N + BLUE)\n")
	d := New()
	for _, f := range []*source.File{first, second} {
		if dl := d.Add(f, nil); dl.HasErrors() {
			t.Fatal(dl)
		}
	}
	b, err := d.Type("struct b")
	if err != nil {
		t.Fatal(err)
	}
	if n := ctypes.Sizeof(b); n != 16 {
		t.Errorf("struct b has %d bytes", n)
	}
	if v, ok := d.Const("M"); !ok || v != 11 {
		t.Errorf("M is %d, %t", v, ok)
	}
	if s := d.MacroBody("M"); s.File != second || s.Text() != "(N + BLUE)" {
		t.Errorf("M is written at %s: %q", s, s.Text())
	}
	for _, name := range []string{"EMPTY", "TWICE", "nope"} {
		if s := d.MacroBody(name); s.IsValid() {
			t.Errorf("%s has the body %q", name, s.Text())
		}
	}
	if !d.IsFunctionMacro("TWICE") || d.IsFunctionMacro("N") || d.IsFunctionMacro("nope") {
		t.Error("only TWICE has parameters")
	}
	if v, ok := d.Const("LOOSE"); !ok || v != 3 {
		t.Errorf("LOOSE is %d, %t", v, ok)
	}
	if names := d.Macros(); len(names) != 4 {
		t.Errorf("macros are %v", names)
	}
}
