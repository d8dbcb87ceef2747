package cdecl

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// outer is a resolver that knows two kernel types.
type outer struct{ ctypes.Unknown }

func (outer) Type(name string) (ctypes.Type, error) {
	switch name {
	case "struct list_head":
		ptr := &ctypes.Pointer{Elem: &ctypes.Void{}}
		return &ctypes.Struct{Name: "list_head", Size: 16, Fields: []ctypes.Field{{Name: "next", Type: ptr}, {Name: "prev", Type: ptr, Offset: 64}}}, nil
	case "sector_nr":
		return &ctypes.Typedef{Name: "sector_nr", Type: ctypes.Builtin("u64")}, nil
	}
	return nil, ctypes.NotFound("type", name)
}

// TestGolden parses testdata/*.h and compares the definitions and constants.
func TestGolden(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".h")
		if !ok {
			continue
		}
		n++
		t.Run(base, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			got := describe(e.Name(), string(text))
			golden := "testdata/" + base + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if n == 0 {
		t.Fatal("no test data")
	}
}

// describe writes out all that Parse finds.
func describe(name, text string) string {
	d, dl := Parse(source.NewFile(name, text), outer{})
	var b strings.Builder
	for _, n := range d.Named {
		fmt.Fprintf(&b, "%s at %s:\n%s", n.Name, n.Span, ctypes.Dump(n.Type))
	}
	for _, m := range d.Macros() {
		text, _ := d.Macro(m)
		v, ok := d.Const(m)
		fmt.Fprintf(&b, "macro %s = %q, %d %v\n", m, text, v, ok)
	}
	for _, i := range d.Includes {
		fmt.Fprintf(&b, "include %s %v at %s\n", i.Path, i.System, i.Span)
	}
	for _, x := range dl.Items {
		fmt.Fprintf(&b, "%s: %s\n", x.Severity, x.Error())
	}
	return b.String()
}

func parse(t *testing.T, text string) *Decls {
	t.Helper()
	d, dl := Parse(source.NewFile("t.h", text), outer{})
	if err := dl.Err(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"struct a { int x; }; struct a { int y; };":          "t.h:1:29: struct a is defined twice",
		"struct a { struct a b; };":                          "t.h:1:21: the member 'b' has a type without a size",
		"struct a { int x int z; }; int y;":                  "t.h:1:18: expected ';' after the member, found 'int'",
		"struct a { foo x; };":                               "t.h:1:12: unknown type 'foo'",
		"struct a { int x[-1]; };":                           "t.h:1:18: array length -1 is out of range",
		"struct a { int x : 33; };":                          "t.h:1:16: the bit-field 'x' can't be 33 bits wide",
		"struct a { int x : 0; };":                           "can't be 0 bits wide",
		"struct a { float x : 3; };":                         "no integer type",
		"struct a { struct b x; };":                          "has a type without a size",
		"struct a { void x; };":                              "has a type without a size",
		"struct a { int x[1 << 29]; int y[1 << 29]; };":      "larger than",
		"struct a { long x[1 << 30]; };":                     "array is larger than",
		"struct a {":                                         "expected '}' to end struct a",
		"int x;":                                             "the variable 'x' can't be declared here",
		"int f(int a) { return a; }":                         "functions can't be defined here",
		"enum e { A = 1 / 0 };":                              "division by zero",
		"enum e { A = B };":                                  "'B' is no integer constant",
		"enum e { A = 09 };":                                 "'09' is no integer constant",
		"enum e { A = 'ab' };":                               "is no character constant",
		"long char x;":                                       "'long char' is no C type",
		"struct __attribute__((mode(DI))) a { int x; };":     "the attribute mode is not supported",
		"struct a { int x; } __attribute__((aligned(3)));":   "alignment 3 is no power of two",
		"struct a { typeof(1) x; };":                         "typeof is not supported",
		"#if 1\nstruct a { int x; };":                        "#if without #endif",
		"#endif":                                             "#endif without #if",
		"#else":                                              "#else without #if",
		"#if 1\n#else\n#else\n#endif":                        "second #else",
		"#define\n":                                          "#define takes a name",
		"#pragma pack(1)\n":                                  "#pragma pack is not supported",
		"#error no way\n":                                    "#error no way",
		"#frob\n":                                            "unknown directive #frob",
		"#include foo\n":                                     "#include takes",
		"#if X +\n#endif":                                    "expected an integer constant",
		"struct a { int x; } @;":                             "unexpected" + "",
		strings.Repeat("struct { ", 200):                     "nested too deeply",
		"enum { A = " + strings.Repeat("(", 500) + "1 };":    "nested too deeply",
		"#define A B B\n#define B C C\n" + bomb() + "int A;": "macros expand to more than",
	} {
		_, dl := Parse(source.NewFile("t.h", text), outer{})
		err := dl.Err()
		if strings.HasPrefix(want, "unexpected") {
			want = "expected a name, found '@'"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want %q", text, err, want)
		}
	}
}

// bomb defines macros that expand to 2^26 tokens.
func bomb() string {
	var b strings.Builder
	for c := 'C'; c < 'Z'; c++ {
		fmt.Fprintf(&b, "#define %c %c %c\n", c, c+1, c+1)
	}
	return b.String()
}

// TestRecovery goes on after an error.
func TestRecovery(t *testing.T) {
	d, dl := Parse(source.NewFile("t.h", "struct bad { nope x; int y; };\nstruct good { int x; };\nenum { bad2 = };\nenum { ok = 3 };"), nil)
	if len(dl.Items) != 2 {
		t.Errorf("%d errors: %v", len(dl.Items), dl.Items)
	}
	if _, err := d.Type("struct good"); err != nil {
		t.Error(err)
	}
	if _, err := d.Type("struct bad"); !errors.Is(err, ctypes.ErrNotFound) {
		t.Errorf("struct bad: %v", err)
	}
	if v, ok := d.Const("ok"); !ok || v != 3 {
		t.Errorf("ok is %d, %v", v, ok)
	}
}

// TestParts reads parts of a script only, whose definitions have no
// semicolon.
func TestParts(t *testing.T) {
	text := "#define N 2\nstruct a { int x[N]; } kprobe:f { @ = 1; } enum e { E = 5 } begin { }"
	f := source.NewFile("t.bt", text)
	part := func(s string) source.Span {
		i := strings.Index(text, s)
		return source.Span{File: f, Start: i, End: i + len(s)}
	}
	d, dl := Parse(f, nil, part("#define N 2"), part("struct a { int x[N]; }"), part("enum e { E = 5 }"))
	if err := dl.Err(); err != nil {
		t.Fatal(err)
	}
	if a, err := d.Type("struct a"); err != nil || ctypes.Sizeof(a) != 8 {
		t.Errorf("struct a: %v, %v", a, err)
	}
	if v, ok := d.Const("E"); !ok || v != 5 {
		t.Errorf("E is %d, %v", v, ok)
	}
}

// TestForward has pointers to structs that are defined later, elsewhere or
// nowhere.
func TestForward(t *testing.T) {
	d := parse(t, "struct a { struct b *b; struct list_head *l; struct none *n; struct a *self; };\nstruct b { struct a a; struct list_head l; };")
	a, err := d.Type("struct a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Type("struct b")
	if err != nil {
		t.Fatal(err)
	}
	elem := func(name string) ctypes.Type {
		f, _, ok := a.(*ctypes.Struct).Lookup(name)
		if !ok {
			t.Fatalf("no member %s", name)
		}
		return ctypes.Strip(ctypes.Strip(f.Type).(*ctypes.Pointer).Elem)
	}
	if elem("b") != b || elem("self") != a {
		t.Error("pointers don't lead to the definitions")
	}
	if ctypes.Sizeof(elem("l")) != 16 {
		t.Errorf("list_head: %v", elem("l"))
	}
	if f, ok := elem("n").(*ctypes.Fwd); !ok || f.Name != "none" {
		t.Errorf("none: %v", elem("n"))
	}
	if ctypes.Sizeof(b) != 48 {
		t.Errorf("struct b has %d bytes", ctypes.Sizeof(b))
	}
}

func TestConstants(t *testing.T) {
	d := parse(t, `
#define A 10
#define B (A * 2 + 1)
#define C (1ULL << 63)
#define D (sizeof(long) + sizeof(struct s))
#define E 'a'
#define F ~0
#define G (-1 < 0u ? 5 : 6)
#define H "text"
#define I
#define J(x) x
#define K K2
#define L (u8)0x1ff
#define M (A > 5 && B != 2 || 0)
#define N (-7 / 2 * 10 + -7 % 4)
#define O 0777
#define P '\x41'
#define Q (_Bool)5
#define R (1 ? 2 : 3 ? 4 : 5)
#define S LONG_MAX
struct s { int x[3]; };
enum big { HUGE_VALUE = 0xffffffffffffffff, MINUS = 3, };
enum small { X = -1, Y };
`)
	for name, want := range map[string]int64{
		"A": 10, "B": 21, "C": -1 << 63, "D": 20, "E": 'a', "F": -1, "G": 6, "L": 0xff, "M": 1, "N": -33,
		"O": 0o777, "P": 'A', "Q": 1, "R": 2, "HUGE_VALUE": -1, "X": -1, "Y": 0,
	} {
		if v, ok := d.Const(name); !ok || v != want {
			t.Errorf("%s is %d %v, want %d", name, v, ok, want)
		}
	}
	for _, name := range []string{"H", "I", "J", "K", "S", "none"} {
		if v, ok := d.Const(name); ok {
			t.Errorf("%s is %d", name, v)
		}
	}
	if s, ok := d.Macro("H"); !ok || s != `"text"` {
		t.Errorf("H is %q", s)
	}
}

func TestConditionals(t *testing.T) {
	d := parse(t, `
#ifdef NOPE
#define A 1
#error dead
#elif 2 > 1 && !defined(NOPE)
#define A 2
#else
#define A 3
#endif
#if defined A && A == 2
#define B 1
#if 0
#if 1
#define B 5
#endif
#endif
#endif
#ifndef B
#define B 9
#endif
#undef A
#if UNKNOWN
#define C 1
#endif
`)
	if v, ok := d.Const("B"); !ok || v != 1 {
		t.Errorf("B is %d %v", v, ok)
	}
	for _, n := range []string{"A", "C"} {
		if v, ok := d.Const(n); ok {
			t.Errorf("%s is %d", n, v)
		}
	}
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{
		"struct list_head *":        "struct list_head *",
		"unsigned long":             "unsigned long",
		"const char *":              "const char *",
		"char [16]":                 "char[16]",
		"char*[4]":                  "char *[4]",
		"void (*)(int, char *)":     "void (*)(int, char *)",
		"u64":                       "u64",
		"sector_nr *":               "sector_nr *",
		"struct nowhere *":          "struct nowhere *",
		"int (*[3])(void)":          "int (*[3])(void)",
		"volatile unsigned int **":  "volatile unsigned int **",
		"struct { int x; long y; }": "struct {...}",
		"char (*)[4]":               "char (*)[4]",
	} {
		got, err := ParseType(text, outer{})
		if err != nil {
			t.Error(err)
		} else if s := ctypes.Spell(got, ""); s != want {
			t.Errorf("%q is %q, want %q", text, s, want)
		}
	}
	for _, bad := range []string{"", "int x", "nope", "struct", "int *)", "5", "char[", "int;"} {
		if got, err := ParseType(bad, nil); err == nil {
			t.Errorf("%q is %s", bad, ctypes.Spell(got, ""))
		}
	}
}

func TestParseField(t *testing.T) {
	for decl, want := range map[string]string{
		"unsigned long args[6]":                "unsigned long args[6]",
		"const char * filename":                "const char *filename",
		"const char *const * argv":             "const char * const *argv",
		"__data_loc char[] name":               "data char name[]",
		"__rel_loc u64[] phys_addrs":           "rel u64 phys_addrs[]",
		"__data_loc cpumask_t * cpus":          "data cpumask_t *cpus",
		"void __seg_gs * ptr":                  "void *ptr",
		"unsigned * groups":                    "unsigned int *groups",
		"u8 fsid[16]":                          "u8 fsid[16]",
		"char comm[TASK_COMM_LEN]":             "char comm[]",
		"unsigned int len[(1 + 2) * 3]":        "unsigned int len[]",
		"enum zone_type idx":                   "enum zone_type idx",
		"struct foo bar":                       "struct foo bar",
		"some_unknown_t x":                     "some_unknown_t x",
		"int (*fn)(void *)":                    "int (*fn)(void *)",
		"bool on":                              "bool on",
		"__data_loc struct sockaddr_in[] addr": "data struct sockaddr_in addr[]",
	} {
		f, err := ParseField(decl)
		if err != nil {
			t.Error(err)
			continue
		}
		got := ctypes.Spell(f.Type, f.Name)
		switch {
		case f.DataLoc:
			got = "data " + got
		case f.RelLoc:
			got = "rel " + got
		}
		if got != want {
			t.Errorf("%q is %q, want %q", decl, got, want)
		}
	}
	for _, bad := range []string{"", "int", "int a b", "*", "[4]", "__data_loc", "struct x"} {
		if f, err := ParseField(bad); err == nil {
			t.Errorf("%q is %+v", bad, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".h") {
			text, err := os.ReadFile("testdata/" + e.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add("#define A B\n#define B A\nenum { X = A };")
	f.Fuzz(func(t *testing.T, text string) {
		d, dl := Parse(source.NewFile("f.h", text), outer{})
		for _, n := range d.Named {
			ctypes.Dump(n.Type)
			if ctypes.Sizeof(n.Type) < 0 || ctypes.Sizeof(n.Type) > maxSize {
				t.Fatalf("%s has %d bytes", n.Name, ctypes.Sizeof(n.Type))
			}
		}
		for _, m := range d.Macros() {
			d.Const(m)
		}
		for _, x := range dl.Items {
			if x.Message == "" {
				t.Fatal("an error without a message")
			}
		}
	})
}

func FuzzParseField(f *testing.F) {
	for _, s := range []string{"unsigned long args[6]", "__data_loc char[] name", "int (*f)(struct x *, ...)", "enum e { A } x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, decl string) {
		if fl, err := ParseField(decl); err == nil && (fl.Name == "" || fl.Type == nil) {
			t.Fatalf("%q is %+v", decl, fl)
		}
		if _, err := ParseType(decl, nil); err != nil && err.Error() == "" {
			t.Fatal("an error without a message")
		}
	})
}
