package asmfile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/source"
	"github.com/skep-dev/skep/internal/testkit"
)

// sources are the C files of other tests, which clang makes objects of.
func sources(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../object/testdata/*.c")
	if err != nil || len(files) == 0 {
		t.Fatal("no C files", err)
	}
	return append(files, "../../cli/bpftool/testdata/zoo.c")
}

// What is written of an object makes an object with the same instructions,
// references, maps and data.
func TestRoundTrip(t *testing.T) {
	clang := testkit.NeedsTool(t, "clang-19", "clang")
	for _, file := range sources(t) {
		for _, target := range []string{"bpfel", "bpfeb"} {
			for _, cpu := range []string{"v1", "v3", "v4"} {
				out := filepath.Join(t.TempDir(), "o")
				args := []string{"-O2", "-g", "-target", target, "-mcpu=" + cpu, "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu", "-c", file, "-o", out}
				if msg, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", file, err, msg)
				}
				data, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				t.Run(filepath.Base(file)+"/"+target+"/"+cpu, func(t *testing.T) { roundTrip(t, data) })
			}
		}
	}
}

func roundTrip(t *testing.T, data []byte) {
	want, err := object.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Write(&text, want); err != nil {
		t.Fatal(err)
	}
	built, err := Assemble(source.NewFile("test.s", text.String()))
	for _, x := range want.Externs {
		if x.Kind == object.ExternKconfig {
			if err == nil || !strings.Contains(err.Error(), "is not defined") {
				t.Errorf("an object with values of the kernel's configuration: %v", err)
			}
			return // this form has none of them, and says so
		}
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	got, err := object.Read(built)
	if err != nil {
		t.Fatal(err)
	}
	if got.Order != want.Order || got.License != want.License {
		t.Errorf("order and licence are %v %q, want %v %q", got.Order, got.License, want.Order, want.License)
	}
	for _, f := range want.Funcs {
		g := got.Func(f.Name)
		if g == nil || g.Section != f.Section || g.Static != f.Static {
			t.Errorf("function %s is %+v", f.Name, g)
			continue
		}
		a, err1 := isa.Encode(nil, f.Insns, want.Order)
		b, err2 := isa.Encode(nil, g.Insns, got.Order)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("function %s: %v %v\n%x\n%x", f.Name, err1, err2, a, b)
		}
		for i := range f.Insns {
			if i < len(g.Insns) && f.Insns[i].Ref != g.Insns[i].Ref {
				t.Errorf("function %s, instruction %d refers to %v, want %v", f.Name, i, g.Insns[i].Ref, f.Insns[i].Ref)
			}
		}
	}
	for _, m := range want.Maps {
		g := got.Map(m.Name)
		if g == nil || g.Type != m.Type || g.KeySize != m.KeySize || g.ValueSize != m.ValueSize || g.MaxEntries != m.MaxEntries || g.Flags != m.Flags {
			t.Errorf("map %s is %+v, want %+v", m.Name, g, m)
		}
	}
	for i, d := range want.Data {
		if i >= len(got.Data) || got.Data[i].Name != d.Name || got.Data[i].Size != d.Size || !bytes.Equal(got.Data[i].Content(), d.Content()) {
			t.Errorf("data %d is not %s", i, d.Name)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"r0 = 1", "before the first .func"},
		{".func f\n\tr0 = \n", "end of line"},
		{".map m hush key 4", "unknown map type"},
		{".map m hash key x", `"x" is not a size`},
		{".what", "unknown directive"},
		{".bytes 00", "no .data before"},
		{".data .data\n.bytes 0", "odd length"},
		{".func f section \"x", "has no end"},
		{".func f\n.proto int g(void)\n", "no prototype of f"},
		{".func f\n\tr1 = data[.rodata]+4\n\texit", "there is no .data .rodata"},
		{".zero 5000000000", "is not a number"},
		{".func f\n\tr0 = 1\n\tgoto L9\n", "no label L9"},
	} {
		_, err := Parse(source.NewFile("t.s", c.text))
		var list *diag.List
		if !errors.As(err, &list) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(".license \"GPL\"\n.map m hash key 4 value 8 entries 1\n.data .rodata align 4\n.bytes 0011\n.zero 3\n.kfunc weak k\n.ksym s\n.func f static\n.proto int f(int x)\n\tr0 = data[.rodata]+1\n\tr1 = map[m]\n\tcall func[f]\n\texit\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || strings.Contains(text, ".zero") && len(text) > 200 {
			return
		}
		in, err := Parse(source.NewFile("t.s", text))
		if err != nil {
			if !errors.As(err, new(*diag.List)) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if total := 0; true {
			for _, d := range in.Data {
				total += len(d.Bytes)
			}
			if total > 1<<20 {
				return
			}
		}
		if out, err := object.Build(in); err == nil {
			if _, err := object.Read(out); err != nil {
				t.Fatalf("what was built can't be read: %v\n%s", err, text)
			}
		}
	})
}
