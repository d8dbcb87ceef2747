package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
)

// TestRoundTrip builds an object and reads it back.
func TestRoundTrip(t *testing.T) {
	in := sampleInput()
	for name, data := range map[string][]byte{"little": sample(t), "big": bigSample(t)} {
		t.Run(name, func(t *testing.T) {
			o, err := Read(data)
			if err != nil {
				t.Fatal(err)
			}
			if o.License != "GPL" || string(o.PlanData) != string(in.Plan) || o.BTF == nil {
				t.Errorf("licence %q, plan %q", o.License, o.PlanData)
			}
			checkFuncs(t, o, in)
			checkMaps(t, o, in)
			if l := o.Func("main_prog").Lines; len(l) != 3 || l[0].File != "sample.bt" || l[0].Line != 3 || l[0].Column != 2 ||
				l[0].Text != "\t@scalar = twice(add_one(5));\t// some text" || l[1].Insn != 5 || l[2].Insn != 16 {
				t.Errorf("lines of main_prog: %+v", l)
			}
			if l := o.Func("pad").Lines; len(l) != 1 || l[0] != (Line{}) {
				t.Errorf("lines of pad: %+v", l)
			}
			c := o.Func("offset_prog").CORE
			if len(c) != 1 || c[0].Insn != 0 || c[0].Kind != COREFieldOffset || c[0].Access != "0:0" || ctypes.Spell(c[0].Type, "") != "struct task_struct" {
				t.Errorf("CO-RE of offset_prog: %+v", c)
			}
		})
	}
	in.Plan = []byte(`{"version":99}`)
	data, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := mustRead(t, data).Plan(); err == nil || !strings.Contains(err.Error(), "section .skep.plan") {
		t.Errorf("plan of another version: %+v, %v", p, err)
	}
}

func mustRead(t *testing.T, data []byte) *Object {
	t.Helper()
	o, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// checkFuncs compares instructions; references to data come back as the
// section and the offset in it.
func checkFuncs(t *testing.T, o *Object, in Input) {
	t.Helper()
	moved := map[string]struct {
		section string
		offset  int64
	}{"counters": {".bss", 0}, "table": {".rodata", 4}, "scalar": {".data.scalar", 0}}
	if len(o.Funcs) != len(in.Funcs) {
		t.Errorf("%d functions, want %d", len(o.Funcs), len(in.Funcs))
	}
	for _, want := range in.Funcs {
		if want.Name == "twice" {
			continue // sample replaces its body
		}
		got := o.Func(want.Name)
		if got == nil || got.Static != want.Static || got.Proto == nil || got.Proto.Name != want.Name || len(got.Insns) != len(want.Insns) {
			t.Errorf("function %s: %+v", want.Name, got)
			continue
		}
		for i, w := range want.Insns {
			w.Span = got.Insns[i].Span
			if w.Ref.Kind == isa.RefData || w.Ref.Kind == isa.RefMapValue {
				m := moved[w.Ref.Name]
				w.Ref = isa.Ref{Kind: isa.RefData, Name: m.section}
				w.Imm += m.offset << 32
			}
			if got.Insns[i] != w {
				t.Errorf("%s: instruction %d is %+v, want %+v", want.Name, i, got.Insns[i], w)
			}
		}
	}
	if p := o.Func("twice").Proto; ctypes.Spell(p, p.Name) != "unsigned int twice(unsigned int x)" {
		t.Errorf("twice is %s", ctypes.Spell(p, p.Name))
	}
	if n := len(o.Programs()); n != 2 {
		t.Errorf("%d programs", n)
	}
}

func checkMaps(t *testing.T, o *Object, in Input) {
	t.Helper()
	for _, want := range in.Maps {
		if want.Name == "scalar" {
			continue
		}
		m := o.Map(want.Name)
		if m == nil || m.Type != want.Type || m.KeySize != want.KeySize || m.ValueSize != want.ValueSize ||
			m.MaxEntries != want.MaxEntries || m.Flags != want.Flags || !ctypes.Equal(m.Key, want.Key) || !ctypes.Equal(m.Value, want.Value) {
			t.Errorf("map %s: %+v, want %+v", want.Name, m, want)
		}
	}
	var names []string
	for _, d := range o.Data {
		for _, v := range d.Vars {
			names = append(names, d.Name+":"+v.Name)
			if v.Type == nil || ctypes.Sizeof(v.Type) != v.Size {
				t.Errorf("variable %+v", v)
			}
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != ".bss:counters .data.scalar:scalar .rodata:odd .rodata:table" {
		t.Errorf("data: %s", got)
	}
}

func TestReadExterns(t *testing.T) {
	void := &ctypes.Func{Result: &ctypes.Void{}}
	data, err := Build(Input{
		Funcs: []Func{{Name: "prog", Section: "xdp", Insns: []isa.Instruction{
			call(isa.RefKfunc, "kf"), ref(isa.R1, isa.RefKsym, "ks", 0), ref(isa.R1, isa.RefKfunc, "kf", 0), isa.Return(),
		}}},
		Externs: []Extern{{Name: "kf", Func: void}, {Name: "ks", Type: intType, Weak: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := mustRead(t, data)
	if len(o.Externs) != 2 || o.Externs[0].Kind != ExternKfunc || o.Externs[0].Func == nil || o.Externs[0].Weak ||
		o.Externs[1].Kind != ExternKsym || !o.Externs[1].Weak || ctypes.Spell(o.Externs[1].Type, "") != "int" {
		t.Errorf("externs %+v %+v", o.Externs[0], o.Externs[1])
	}
	for i, want := range []isa.Ref{{Kind: isa.RefKfunc, Name: "kf"}, {Kind: isa.RefKsym, Name: "ks"}, {Kind: isa.RefKfunc, Name: "kf"}} {
		if got := o.Funcs[0].Insns[i].Ref; got != want {
			t.Errorf("instruction %d refers to %+v, want %+v", i, got, want)
		}
	}
}

// TestReadBroken cuts objects off at every byte and changes every byte: an
// error says where, or the object is taken, but nothing else happens.
func TestReadBroken(t *testing.T) {
	good := sample(t)
	for n := range good {
		if _, err := Read(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken", n, len(good))
		} else {
			checkError(t, err)
		}
	}
	taken := 0
	for i := range good {
		for _, v := range []byte{0, 0xff, good[i] ^ 1, good[i] + 8} {
			bad := bytes.Clone(good)
			bad[i] = v
			o, err := Read(bad)
			if err != nil {
				checkError(t, err)
				continue
			}
			taken++
			if _, err := o.Plan(); err != nil && !strings.Contains(err.Error(), ".skep.plan") {
				t.Errorf("plan: %v", err)
			}
		}
	}
	t.Logf("%d of %d changes are taken", taken, 4*len(good))
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var fe *FormatError
	if !errors.As(err, &fe) || !strings.HasPrefix(err.Error(), "object: ") && !strings.HasPrefix(err.Error(), "object, ") || fe.Reason == "" {
		t.Errorf("error %q does not say where", err)
	}
}

// TestReadBrokenNames breaks one thing at a time and looks at what is said.
func TestReadBrokenNames(t *testing.T) {
	good := sample(t)
	find := func(o *Object, name string) *Section {
		for _, s := range o.Sections {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("no section %s", name)
		return nil
	}
	o := mustRead(t, good)
	le := binary.LittleEndian
	code, ext, symtab := find(o, "raw_tracepoint/sys_enter"), find(o, ".BTF.ext"), find(o, ".symtab")
	rels, btfs, maps := find(o, ".relraw_tracepoint/sys_enter"), find(o, ".BTF"), find(o, ".maps")
	for name, c := range map[string]struct {
		change func(b []byte)
		want   []string
	}{
		"not ELF":     {func(b []byte) { b[0] = 'x' }, []string{"byte 0x0", "no ELF file"}},
		"32 bits":     {func(b []byte) { b[4] = 1 }, []string{"byte 0x4", "64 bits"}},
		"machine":     {func(b []byte) { le.PutUint16(b[18:], 62) }, []string{"byte 0x12", "not BPF"}},
		"executable":  {func(b []byte) { le.PutUint16(b[16:], 2) }, []string{"ET_EXEC"}},
		"half lddw":   {func(b []byte) { b[code.Offset+6*8] = 7 }, []string{"section raw_tracepoint/sys_enter, byte 0x30", "main_prog"}},
		"relocation":  {func(b []byte) { le.PutUint64(b[rels.Offset:], 0) }, []string{"raw_tracepoint/sys_enter, byte 0x0", "a relocation of an instruction that has none"}},
		"rel. symbol": {func(b []byte) { le.PutUint32(b[rels.Offset+12:], 9999) }, []string{"section .relraw_tracepoint/sys_enter, byte 0x0", "symbol 9999"}},
		"rel. type":   {func(b []byte) { le.PutUint32(b[rels.Offset+8:], 77) }, []string{"relocation type 77"}},
		"rel. place":  {func(b []byte) { le.PutUint64(b[rels.Offset+32:], 1<<40) }, []string{"where no instruction begins"}},
		"symbol name": {func(b []byte) { le.PutUint32(b[symtab.Offset+24:], 1<<30) }, []string{"section .symtab, byte 0x18", "name"}},
		"ext magic":   {func(b []byte) { b[ext.Offset] = 0 }, []string{"section .BTF.ext, byte 0x0", "magic"}},
		"ext record":  {func(b []byte) { le.PutUint32(b[ext.Offset+32:], 5) }, []string{"section .BTF.ext, byte 0x20", "records of 5 bytes"}},
		"ext type":    {func(b []byte) { le.PutUint32(b[ext.Offset+32+4+8+4:], 1<<20) }, []string{"section .BTF.ext, byte 0x30", "there is no type 1048576"}},
		"BTF magic":   {func(b []byte) { b[btfs.Offset] = 0 }, []string{"section .BTF", "magic"}},
		"overlap":     {func(b []byte) { growAll(b, le) }, []string{"overlaps"}},
		"map symbol":  {func(b []byte) { le.PutUint64(b[symtab.Offset+symOff(o, "ring")+8:], uint64(maps.Size)) }, []string{"section .maps", "ring"}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(good)
			c.change(bad)
			_, err := Read(bad)
			if err == nil {
				t.Fatal("taken")
			}
			checkError(t, err)
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// growAll makes every section span the whole file.
func growAll(b []byte, le binary.ByteOrder) {
	off, n := le.Uint64(b[40:]), int(le.Uint16(b[60:]))
	for i := 1; i < n; i++ {
		h := b[int(off)+i*64:]
		le.PutUint64(h[24:], 0)
		le.PutUint64(h[32:], uint64(len(b)))
	}
}

// symOff is the byte offset of a symbol in the symbol table.
func symOff(o *Object, name string) uint64 {
	for i := range o.Symbols {
		if o.Symbols[i].Name == name {
			return uint64(i * elfSymbol)
		}
	}
	return 0
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.o")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a shell script: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add(bigSample(f))
	for _, path := range clangObjects(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Read(data)
		if err != nil {
			checkError(t, err)
			return
		}
		for _, fn := range o.Funcs {
			for i, l := range fn.Lines {
				if l.Insn < 0 || l.Insn >= len(fn.Insns) {
					t.Fatalf("line %d of %s is at instruction %d of %d", i, fn.Name, l.Insn, len(fn.Insns))
				}
			}
			for _, in := range fn.Insns {
				if in.Ref.Kind == isa.RefFunc && o.Func(in.Ref.Name) == nil || in.Ref.Kind == isa.RefMap && o.Map(in.Ref.Name) == nil {
					t.Fatalf("%s refers to %q, which is not there", fn.Name, in.Ref.Name)
				}
			}
		}
		_, _ = o.Plan()
	})
}
