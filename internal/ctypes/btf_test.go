package ctypes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// sampleTypes are types of every kind, with cycles.
func sampleTypes() []Type {
	node := &Struct{Name: "node", Size: 40}
	anon := &Struct{Union: true, Size: 8, Fields: []Field{{Name: "a", Type: intT}, {Name: "b", Type: longT}}}
	visit := &Func{Result: intT, Variadic: true}
	visitor := &Typedef{"visitor", &Pointer{Elem: visit}}
	visit.Params = []Param{{"n", &Pointer{Elem: node}}, {"", longT}}
	node.Fields = []Field{
		{Name: "next", Type: &Pointer{Elem: node}},
		{Type: anon, Offset: 64},
		{Name: "visit", Type: visitor, Offset: 128},
		{Name: "low", Type: intT, Offset: 192, BitSize: 3},
		{Name: "high", Type: intT, Offset: 195, BitSize: 29},
		{Name: "user", Type: &Pointer{Elem: &Qual{"const", charT}, Tag: "user"}, Offset: 256},
	}
	return []Type{
		node, anon, visit, visitor, intT, longT, charT,
		&Int{Name: "_Bool", Size: 1, Bool: true},
		&Array{node, 3},
		&Enum{Name: "small", Size: 4, Signed: true, Values: []EnumValue{{"minus", -1}, {"one", 1}}},
		&Enum{Name: "large", Size: 8, Values: []EnumValue{{"big", -1 << 63}, {"zero", 0}}},
		&Pointer{Elem: &Fwd{Name: "hidden"}},
		&Pointer{Elem: &Fwd{Name: "hidden_union", Union: true}},
		&Qual{"volatile", &Qual{"const", &Typedef{"u64", longT}}},
		&Float{"double", 8},
		&Pointer{Elem: &Void{}},
	}
}

// TestBTFPointerCycle writes what C can't declare but BTF can say: a cycle
// that goes through no struct.
func TestBTFPointerCycle(t *testing.T) {
	fn := &Func{Result: intT}
	fn.Params = []Param{{"again", &Pointer{Elem: fn}}}
	b := NewBTFBuilder(binary.LittleEndian)
	id, err := b.Add(fn)
	if err != nil {
		t.Fatal(err)
	}
	in, err := OpenBTF(b.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := in.Type(id)
	if err != nil {
		t.Fatal(err)
	}
	if g := got.(*Func); Strip(Strip(g.Params[0].Type).(*Pointer).Elem) != got {
		t.Errorf("comes back as %s", Spell(got, "f"))
	}
}

func orders() map[string]binary.AppendByteOrder {
	return map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian}
}

func TestBTFRoundTrip(t *testing.T) {
	for name, order := range orders() {
		t.Run(name, func(t *testing.T) {
			b := NewBTFBuilder(order)
			var ids []uint32
			for _, x := range sampleTypes() {
				id, err := b.Add(x)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			size := len(b.Bytes())
			for i, x := range sampleTypes() { // equal, not identical
				if id, err := b.Add(x); err != nil || id != ids[i] {
					t.Errorf("%s: a second copy has number %d, the first %d (%v)", Spell(x, "x"), id, ids[i], err)
				}
			}
			if n := len(b.Bytes()); n != size {
				t.Errorf("adding equal types makes %d bytes of %d", n, size)
			}
			in, err := OpenBTF(b.Bytes(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range sampleTypes() {
				got, err := in.Type(ids[i])
				if err != nil {
					t.Fatal(err)
				}
				if !sameLoaded(got, want) {
					t.Errorf("%s comes back as %s", Spell(want, "x"), Spell(got, "x"))
				}
			}
		})
	}
}

// sameLoaded compares after loading all that is lazy, by writing both out.
func sameLoaded(a, b Type) bool { return Equal(loaded(a, map[Type]Type{}), loaded(b, map[Type]Type{})) }

func loaded(t Type, done map[Type]Type) Type {
	if d := done[t]; d != nil {
		return d
	}
	switch x := t.(type) {
	case *Lazy:
		return loaded(x.Load(), done)
	case *Pointer:
		c := *x
		done[t] = &c
		c.Elem = loaded(x.Elem, done)
		return &c
	case *Array:
		return &Array{loaded(x.Elem, done), x.Len}
	case *Typedef:
		c := *x
		done[t] = &c
		c.Type = loaded(x.Type, done)
		return &c
	case *Qual:
		return &Qual{x.Kind, loaded(x.Type, done)}
	case *Struct:
		c := *x
		done[t] = &c
		c.Fields = slices.Clone(x.Fields)
		for i := range c.Fields {
			c.Fields[i].Type = loaded(c.Fields[i].Type, done)
		}
		return &c
	case *Func:
		c := *x
		done[t] = &c
		c.Result = loaded(x.Result, done)
		c.Params = slices.Clone(x.Params)
		for i := range c.Params {
			c.Params[i].Type = loaded(c.Params[i].Type, done)
		}
		return &c
	}
	return t
}

func TestBTFFuncsVarsSections(t *testing.T) {
	b := NewBTFBuilder(binary.LittleEndian)
	proto := &Func{Result: intT, Params: []Param{{"", &Pointer{Elem: &Void{}}}}}
	fn, err := b.Func("prog", proto, Global)
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.Var("counter", longT, Global)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Datasec(".bss", 8, []SecVar{{v, 0, 8}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeclTag("arg:ctx", fn, 0); err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var f *btf.Func
	if err := spec.TypeByName("prog", &f); err != nil {
		t.Fatal(err)
	}
	if p := f.Type.(*btf.FuncProto).Params; f.Linkage != btf.GlobalFunc || len(p) != 1 || p[0].Name != "arg0" || len(f.ParamTags) != 1 {
		t.Errorf("%+v, parameters %+v, tags %+v", f, p, f.ParamTags)
	}
	var ds *btf.Datasec
	if err := spec.TypeByName(".bss", &ds); err != nil || ds.Size != 8 || len(ds.Vars) != 1 {
		t.Errorf("%+v, %v", ds, err)
	}
	for _, bad := range []string{"", "@x", "1x", "a b", "a\x00b"} {
		if _, err := b.Func(bad, proto, Global); err == nil {
			t.Errorf("function name %q is taken", bad)
		}
	}
}

// TestLiveBTFRewrite writes all types of the running kernel anew and has the
// result checked by another reader and by the kernel itself.
func TestLiveBTFRewrite(t *testing.T) {
	k := liveKernel(t)
	b := NewBTFBuilder(binary.LittleEndian)
	n := 0
	for id := uint32(1); id < k.BTF.NumTypes(); id++ {
		switch kind, _ := k.BTF.Kind(id); kind {
		case BTFStruct, BTFUnion, BTFEnum, BTFEnum64, BTFFuncProto, BTFTypedef:
			x, err := k.BTF.Type(id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Add(x); err != nil {
				t.Fatalf("type %d: %v", id, err)
			}
			n++
		}
	}
	raw := b.Bytes()
	again, err := OpenBTF(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	k2 := NewKernel(again)
	for _, name := range []string{"struct task_struct", "struct sock", "union bpf_attr", "enum bpf_cmd", "struct bpf_verifier_env"} {
		want, err := k.Type(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k2.Type(name)
		if err != nil {
			t.Fatal(err)
		}
		if !sameDump(got, want) {
			t.Errorf("%s differs:\n%s\n%s", name, Dump(got), Dump(want))
		}
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var task *btf.Struct
	if err := spec.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d types added, %d written, %d bytes", n, again.NumTypes(), len(raw))
	if os.Getuid() != 0 {
		return
	}
	h, err := btf.NewHandleFromRawBTF(raw)
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("SKIPPED in part, the kernel takes no BTF from us: %v", err)
	}
	if err != nil {
		t.Fatalf("the kernel refuses it: %v", err)
	}
	h.Close()
}

func sameDump(a, b Type) bool { return Dump(a) == Dump(b) }

// TestSplitBTF reads BTF whose types and strings continue a base.
func TestSplitBTF(t *testing.T) {
	base := NewBTFBuilder(binary.LittleEndian)
	if _, err := base.Add(longT); err != nil {
		t.Fatal(err)
	}
	baseBTF, err := OpenBTF(base.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	// A typedef, written by hand: type 2, of type 1, with a name in the
	// split string section and one function with a name of the base.
	strs := []byte("mod_t\x00")
	first := uint32(len(base.strs))
	var types []byte
	for _, v := range []uint32{first, uint32(BTFTypedef) << 24, 1, 0, uint32(BTFFuncProto) << 24, 2, 1, uint32(BTFFunc) << 24, 3} {
		types = binary.LittleEndian.AppendUint32(types, v)
	}
	raw := binary.LittleEndian.AppendUint16(nil, btfMagic)
	raw = append(raw, 1, 0)
	for _, v := range []int{24, 0, len(types), len(types), len(strs)} {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	raw = append(append(raw, types...), strs...)
	split, err := OpenBTF(raw, baseBTF)
	if err != nil {
		t.Fatal(err)
	}
	for range hashAfter + 2 { // by scanning, then by the hash table
		ids := split.Find("mod_t", BTFTypedef)
		if !slices.Equal(ids, []uint32{2}) {
			t.Fatalf("mod_t is %v", ids)
		}
		if ids := split.Find("unsigned long", BTFInt, BTFFunc); !slices.Equal(ids, []uint32{1, 4}) {
			t.Fatalf("unsigned long is %v", ids)
		}
	}
	got, err := split.Type(4)
	if err != nil || Spell(got, "f") != "mod_t f(void)" {
		t.Errorf("%v, %v", got, err)
	}
	if spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(raw), must(btf.LoadSpecFromReader(bytes.NewReader(base.Bytes())))); err != nil {
		t.Errorf("another reader: %v", err)
	} else if typ, err := spec.AnyTypeByName("mod_t"); err != nil || typ.TypeName() != "mod_t" {
		t.Errorf("another reader: %v, %v", typ, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestModuleResolver(t *testing.T) {
	dir := t.TempDir()
	base := NewBTFBuilder(binary.LittleEndian)
	proto := &Func{Result: intT}
	if _, err := base.Func("core_fn", proto, Static); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(dir+"/"+name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("vmlinux", base.Bytes())
	n := uint32(len(base.records))
	strs := []byte("mod_fn\x00")
	var types []byte
	for _, v := range []uint32{uint32(len(base.strs)), uint32(BTFFunc) << 24, n - 1} {
		types = binary.LittleEndian.AppendUint32(types, v)
	}
	raw := append(binary.LittleEndian.AppendUint16(nil, btfMagic), 1, 0)
	for _, v := range []int{24, 0, len(types), len(types), len(strs)} {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	write("wg", append(append(raw, types...), strs...))
	k, err := openKernel(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, module := range map[string]string{"core_fn": "", "vmlinux:core_fn": "", "mod_fn": "wg", "wg:mod_fn": "wg"} {
		f, err := k.Func(name)
		if err != nil || f.Module != module || f.Name != strings.TrimPrefix(strings.TrimPrefix(name, "wg:"), "vmlinux:") {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for _, name := range []string{"wg:core_fn", "vmlinux:mod_fn", "none:mod_fn", "nothing"} {
		if f, err := k.Func(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

func TestOpenBTFErrors(t *testing.T) {
	b := NewBTFBuilder(binary.LittleEndian)
	for _, x := range sampleTypes() {
		if _, err := b.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	good := b.Bytes()
	for n := range good {
		in, err := OpenBTF(good[:n], nil)
		if err == nil {
			t.Errorf("the first %d of %d bytes are taken, %d types", n, len(good), in.NumTypes())
		}
	}
	for at, v := range map[int]byte{0: 0, 2: 9, 4: 3, 7: 0xff, 11: 0xff, 15: 0xff, 19: 0xff, 23: 0xff} {
		bad := slices.Clone(good)
		bad[at] = v
		if _, err := OpenBTF(bad, nil); err == nil || !strings.HasPrefix(err.Error(), "BTF: ") {
			t.Errorf("byte %d set to %#x: %v", at, v, err)
		}
	}
	// A typedef of itself, and a struct in itself.
	for _, kind := range []BTFKind{BTFTypedef, BTFConst, BTFArray, BTFStruct} {
		raw := append(binary.LittleEndian.AppendUint16(nil, btfMagic), 1, 0)
		types := []uint32{0, uint32(kind) << 24, 1}
		switch kind {
		case BTFArray:
			types = append(types, 1, 1, 4)
		case BTFStruct:
			types = []uint32{0, uint32(kind)<<24 | 1, 4, 0, 1, 0}
		}
		for _, v := range append([]uint32{24, 0, uint32(4 * len(types)), uint32(4 * len(types)), 1}, types...) {
			raw = binary.LittleEndian.AppendUint32(raw, v)
		}
		in, err := OpenBTF(append(raw, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := in.Type(1); err == nil {
				t.Errorf("%s of itself: %v", kind, got)
			}
		}
	}
}

func FuzzOpenBTF(f *testing.F) {
	for _, order := range orders() {
		b := NewBTFBuilder(order)
		for _, x := range sampleTypes() {
			if _, err := b.Add(x); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := OpenBTF(data, nil)
		if err != nil {
			return
		}
		out := NewBTFBuilder(binary.LittleEndian)
		for id := range in.NumTypes() {
			kind, name := in.Kind(id)
			typ, err := in.Type(id)
			if err != nil {
				continue
			}
			if name != "" && !slices.Contains(in.Find(name, kind), id) {
				t.Fatalf("type %d is not found by its name %q", id, name)
			}
			Spell(typ, "x")
			Sizeof(typ)
			Alignof(typ)
			Dump(typ)
			if _, err := out.Add(typ); err != nil {
				continue
			}
		}
		if _, err := OpenBTF(out.Bytes(), nil); err != nil {
			t.Fatalf("written anew: %v", err)
		}
	})
}
