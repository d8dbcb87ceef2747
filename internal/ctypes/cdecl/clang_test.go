package cdecl

import (
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// TestClangLayout lays random structs out, and has clang do the same.
func TestClangLayout(t *testing.T) {
	compiler := ""
	for _, c := range []string{"clang", "clang-19", "clang-20", "clang-18", "clang-16", "clang-14"} {
		if path, err := exec.LookPath(c); err == nil {
			compiler = path
			break
		}
	}
	if compiler == "" {
		t.Skip("SKIPPED, clang is not installed")
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { clangLayout(t, compiler, seed) })
	}
}

func clangLayout(t *testing.T, compiler string, seed uint64) {
	const count = 150
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	var b strings.Builder
	b.WriteString("typedef unsigned int u32;\ntypedef long s64_t;\ntypedef enum { A_0, A_1 } en;\ntypedef enum { B_0 = -1, B_1 = 1LL << 40 } wide_en;\n" +
		"typedef enum { P_0, P_1 = 200 } __attribute__((packed)) small_en;\n")
	for i := range count {
		g.named = i
		b.WriteString(g.record(fmt.Sprint("s", i), 0) + ";\n")
	}
	decls := b.String()
	for i := range count {
		fmt.Fprintf(&b, "struct s%d v%d;\n", i, i)
	}
	dir := t.TempDir()
	src, obj := filepath.Join(dir, "x.c"), filepath.Join(dir, "x.o")
	if err := os.WriteFile(src, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(compiler, "-target", "bpf", "-g", "-w", "-c", src, "-o", obj).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, msg, decls)
	}
	f, err := elf.Open(obj)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := f.Section(".BTF").Data()
	if err != nil {
		t.Fatal(err)
	}
	btf, err := ctypes.OpenBTF(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := ctypes.NewKernel(btf)
	d, dl := Parse(source.NewFile("x.h", decls), nil)
	if err := dl.Err(); err != nil {
		t.Fatalf("%v\n%s", err, decls)
	}
	for i := range count {
		name := fmt.Sprint("struct s", i)
		got, err := d.Type(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := want.Type(name)
		if err != nil {
			t.Fatal(err)
		}
		if g, w := normal(ctypes.Dump(got)), normal(ctypes.Dump(w)); g != w {
			t.Errorf("%s is\n%s\nclang has\n%s", name, g, w)
		}
	}
}

// normal hides that BTF names no qualifier order and has its own name for
// plain types.
func normal(s string) string {
	return strings.NewReplacer("unsigned __int128", "__int128 unsigned").Replace(s)
}

// generator makes random struct definitions.
type generator struct {
	*rand.Rand
	named  int // structs s0 to s(named-1) exist
	fields int
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

var scalars = []string{
	"char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int", "long",
	"unsigned long", "long long", "unsigned long long", "_Bool", "u32", "s64_t", "en", "wide_en", "small_en", "float", "double",
	"unsigned __int128",
}

// record is a struct or union with a body.
func (g *generator) record(name string, depth int) string {
	kind := "struct "
	if depth > 0 && g.IntN(3) == 0 {
		kind = "union "
	}
	var b strings.Builder
	b.WriteString(kind + name + " {\n")
	for range 1 + g.IntN(7) {
		b.WriteString(g.member(depth))
	}
	b.WriteString("}")
	b.WriteString(g.attribute())
	return b.String()
}

func (g *generator) attribute() string {
	switch g.IntN(8) {
	case 0:
		return " __attribute__((packed))"
	case 1:
		return fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<g.IntN(6))
	case 2:
		return fmt.Sprintf(" __attribute__((packed, aligned(%d)))", 1<<g.IntN(5))
	}
	return ""
}

func (g *generator) member(depth int) string {
	g.fields++
	name := fmt.Sprint("f", g.fields)
	switch n := g.IntN(20); {
	case n < 5:
		return g.bitfield(name)
	case n == 5 && g.named > 0:
		return fmt.Sprintf("struct s%d %s;\n", g.IntN(g.named), name)
	case n == 6:
		return g.pick("void *"+name, "struct later *"+name, "int (*"+name+")(void *, long)", "char *"+name+"[3]") + ";\n"
	case n < 9 && depth < 3:
		return g.record("", depth+1) + " " + g.pick("", name, name+"[2]") + ";\n"
	case n < 12:
		return g.pick(scalars...) + " " + name + fmt.Sprintf("[%d]", 1+g.IntN(5)) + g.pick("", "[2]") + ";\n"
	default:
		return g.pick(scalars...) + " " + name + g.attribute() + ";\n"
	}
}

// widths are the types for bit-fields and how wide they may be.
var widths = map[string]int{"char": 8, "unsigned short": 16, "int": 32, "unsigned int": 32, "long": 64, "unsigned long": 64, "_Bool": 1, "u32": 32, "en": 32, "small_en": 8}

func (g *generator) bitfield(name string) string {
	typ := g.pick("char", "unsigned short", "int", "unsigned int", "long", "unsigned long", "_Bool", "u32", "en", "small_en")
	switch g.IntN(8) {
	case 0:
		return typ + " : 0;\n"
	case 1:
		return fmt.Sprintf("%s : %d;\n", typ, 1+g.IntN(widths[typ]))
	case 2:
		return fmt.Sprintf("%s %s : %d%s;\n", typ, name, 1+g.IntN(widths[typ]), g.attribute())
	}
	return fmt.Sprintf("%s %s : %d;\n", typ, name, 1+g.IntN(widths[typ]))
}
