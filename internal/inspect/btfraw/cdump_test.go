package btfraw

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/testkit"
)

// The C that is written of the running kernel's BTF compiles, and every struct
// has its size and every member its offset in it.
func TestKernelLayouts(t *testing.T) {
	data, err := os.ReadFile(testkit.NeedsFile(t, "/sys/kernel/btf/vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	clang := testkit.NeedsTool(t, "clang-19", "clang")
	b, err := Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := NewCDump(b)
	var text bytes.Buffer
	if err := d.WriteAll(&text); err != nil {
		t.Fatal(err)
	}
	structs := 0
	for id := b.First(); id < b.End(); id++ {
		typ, _ := b.Type(id)
		if typ.Kind != ctypes.BTFStruct && typ.Kind != ctypes.BTFUnion || typ.Name == "" {
			continue
		}
		structs++
		tag := d.tag(typ)
		fmt.Fprintf(&text, "_Static_assert(sizeof(%s) == %d, \"%s\");\n", tag, typ.Size, tag)
		for _, m := range typ.Members() {
			if m.Name != "" && m.BitSize == 0 {
				fmt.Fprintf(&text, "_Static_assert(__builtin_offsetof(%s, %s) == %d, \"%s.%s\");\n", tag, m.Name, m.Offset/8, tag, m.Name)
			}
		}
	}
	if structs < 1000 {
		t.Fatalf("only %d structs in the kernel's BTF", structs)
	}
	file := filepath.Join(t.TempDir(), "vmlinux.c")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(clang, "-target", "bpf", "-fsyntax-only", "-ferror-limit=20", "-Wno-everything", file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Whatever the bytes, reading and writing them ends, and without a panic.
func FuzzBTF(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		b, err := Parse(data, nil)
		if err != nil {
			return
		}
		var raw []byte
		for id := b.First(); id < b.End(); id++ {
			typ, ok := b.Type(id)
			if !ok {
				t.Fatalf("type %d of %d is not there", id, b.End())
			}
			raw = typ.AppendRaw(raw[:0])
			b.SizeOf(id)
			v := Values{BTF: b, Sink: nothing{}, Plain: id%2 == 0}
			_ = v.Write(id, data[:min(len(data), 64)])
		}
		_ = NewCDump(b).WriteAll(io.Discard)
	})
}

// nothing is a sink that keeps nothing.
type nothing struct{}

func (nothing) BeginObject()  {}
func (nothing) EndObject()    {}
func (nothing) BeginArray()   {}
func (nothing) EndArray()     {}
func (nothing) Name(string)   {}
func (nothing) String(string) {}
func (nothing) Raw([]byte)    {}
func (nothing) Bool(bool)     {}
func (nothing) Uint(uint64)   {}
func (nothing) Int(int64)     {}

// seeds are small BTFs with all kinds.
func seeds() [][]byte {
	var out [][]byte
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := ctypes.NewBTFBuilder(order)
		num := &ctypes.Int{Name: "int", Size: 4, Signed: true}
		inner := &ctypes.Struct{Name: "inner", Size: 8, Fields: []ctypes.Field{{Name: "x", Type: num}, {Name: "bits", Type: num, Offset: 32, BitSize: 3}}}
		enum := &ctypes.Enum{Name: "color", Size: 4, Values: []ctypes.EnumValue{{Name: "RED"}, {Name: "BLUE", Value: 7}}}
		outer := &ctypes.Struct{Name: "outer", Size: 48, Fields: []ctypes.Field{
			{Name: "self", Type: &ctypes.Pointer{Elem: inner}}, {Name: "in", Type: inner, Offset: 64},
			{Name: "list", Type: &ctypes.Array{Elem: num, Len: 4}, Offset: 128}, {Name: "color", Type: enum, Offset: 256},
		}}
		for _, t := range []ctypes.Type{outer, &ctypes.Typedef{Name: "outer_t", Type: outer}, &ctypes.Float{Name: "double", Size: 8}} {
			if _, err := b.Add(t); err != nil {
				panic(err)
			}
		}
		out = append(out, b.Bytes())
	}
	return out
}
