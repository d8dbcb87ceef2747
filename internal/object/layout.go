package object

import (
	"debug/elf"
	"fmt"
	"math"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
)

// Sections whose names loaders know: the definitions of maps, as BTF
// describes them, and the licence.
const (
	mapsSection    = ".maps"
	licenseSection = "license"
)

// The map types with a rule of their own here (enum bpf_map_type).
const mapArray = 2

// typedMaps are the map types whose keys and values the kernel lets BTF
// describe: hash, array, per-CPU hash and array, LRU hash and per-CPU LRU
// hash, LPM trie, and the storage of sockets, inodes, tasks and cgroups.
var typedMaps = map[uint32]bool{
	1: true, 2: true, 5: true, 6: true, 9: true, 10: true, 11: true, 24: true, 28: true, 29: true, 32: true,
}

// mapVar is a map's variable in .maps.
type mapVar struct {
	name   string
	def    *ctypes.Struct
	offset int
}

// dataSection is a data section in the making.
type dataSection struct {
	out  *outSection
	vars []dataVar
}

type dataVar struct {
	name   string
	typ    ctypes.Type
	offset int
	size   int
}

// layoutMaps places the maps. Those whose value is named directly become data.
func (b *builder) layoutMaps() error {
	direct := b.directMaps()
	for i := range b.in.Maps {
		m := &b.in.Maps[i]
		var err error
		if direct[m.Name] {
			err = b.valueMap(m)
		} else {
			err = b.addMap(m)
		}
		if err != nil {
			return fmt.Errorf("map: %w", err)
		}
	}
	return nil
}

// directMaps returns the names of the maps whose value code names.
func (b *builder) directMaps() map[string]bool {
	direct := map[string]bool{}
	for _, f := range b.in.Funcs {
		for i := range f.Insns {
			if r := &f.Insns[i].Ref; r.Kind == isa.RefMapValue {
				direct[r.Name] = true
			}
		}
	}
	return direct
}

// addMap adds a map to .maps.
func (b *builder) addMap(m *Map) error {
	if b.mapsSec == nil {
		b.mapsSec = b.elf.section(outSection{name: mapsSection, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, align: 8})
	}
	def, err := mapDef(m)
	if err != nil {
		return err
	}
	at := b.mapsSec.size
	b.mapsSec.size += def.Size
	b.mapsSec.data = append(b.mapsSec.data, make([]byte, def.Size)...)
	sym := b.elf.symbol(outSymbol{name: m.Name, bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, section: b.mapsSec, value: at, size: def.Size})
	b.mapsVars = append(b.mapsVars, mapVar{m.Name, def, at})
	return b.define(m.Name, &target{kind: isa.RefMap, sym: sym, offset: at})
}

// mapDef is a map's definition as libbpf reads it: a struct whose members are
// pointers, to an array whose length is a number, or to the key's or the
// value's type.
func mapDef(m *Map) (*ctypes.Struct, error) {
	s := &ctypes.Struct{}
	member := func(name string, t ctypes.Type) {
		s.Fields = append(s.Fields, ctypes.Field{Name: name, Type: &ctypes.Pointer{Elem: t}, Offset: s.Size * 8})
		s.Size += 8
	}
	number := func(name string, v uint32) {
		member(name, &ctypes.Array{Elem: &ctypes.Int{Name: "int", Size: 4, Signed: true}, Len: int(v)})
	}
	number("type", m.Type)
	if m.MaxEntries != 0 {
		number("max_entries", m.MaxEntries)
	}
	if m.Flags != 0 {
		number("map_flags", m.Flags)
	}
	for _, part := range []struct {
		name string
		t    ctypes.Type
		size uint32
	}{{"key", m.Key, m.KeySize}, {"value", m.Value, m.ValueSize}} {
		switch {
		case part.t != nil && ctypes.Sizeof(part.t) != int(part.size):
			return nil, fmt.Errorf("%s: the %s has %d bytes, its type %s has %d", m.Name, part.name, part.size, ctypes.Spell(part.t, ""), ctypes.Sizeof(part.t))
		case part.t != nil && typedMaps[m.Type]:
			member(part.name, part.t)
		case part.size != 0:
			number(part.name+"_size", part.size)
		}
	}
	return s, nil
}

// valueMap makes a data section of a map whose value is named directly.
func (b *builder) valueMap(m *Map) error {
	if m.Type != mapArray || m.MaxEntries != 1 || m.Flags != 0 || m.KeySize != 4 || m.ValueSize == 0 {
		return fmt.Errorf("%s: only the value of an array with one element and without flags can be named directly", m.Name)
	}
	d := Data{Name: m.Name, Section: ValueSection(m.Name), Bytes: make([]byte, m.ValueSize), Align: 8, Type: m.Value}
	return b.addData(&d, isa.RefMapValue)
}

// layoutData places the data.
func (b *builder) layoutData() error {
	for i := range b.in.Data {
		if b.in.Data[i].Section == licenseSection {
			return fmt.Errorf("data: %s stands in the section of the licence", b.in.Data[i].Name)
		}
		if err := b.addData(&b.in.Data[i], isa.RefData); err != nil {
			return fmt.Errorf("data: %w", err)
		}
	}
	return nil
}

// layoutLicense places the licence, in the section where loaders look for it.
func (b *builder) layoutLicense() error {
	if strings.ContainsRune(b.in.License, 0) {
		return fmt.Errorf("the licence %q holds a zero byte", b.in.License)
	}
	return b.addData(&Data{Name: "_license", Section: licenseSection, Bytes: append([]byte(b.in.License), 0)}, isa.RefData)
}

func (b *builder) addData(d *Data, kind isa.RefKind) error {
	flags, err := dataFlags(d.Section)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	if d.Type != nil && ctypes.Sizeof(d.Type) != len(d.Bytes) {
		return fmt.Errorf("%s has %d bytes, its type %s has %d", d.Name, len(d.Bytes), ctypes.Spell(d.Type, ""), ctypes.Sizeof(d.Type))
	}
	if len(d.Bytes) == 0 {
		return fmt.Errorf("%s has no bytes", d.Name)
	}
	align := max(d.Align, 1)
	if align&(align-1) != 0 || align > 4096 {
		return fmt.Errorf("%s has the alignment %d", d.Name, align)
	}
	ds := b.dataSection(d.Section, flags)
	out := ds.out
	at := (out.size + align - 1) &^ (align - 1)
	out.align = max(out.align, align)
	out.size = at + len(d.Bytes)
	if out.size > math.MaxInt32 {
		return fmt.Errorf("section %s is larger than 2 GiB", d.Section)
	}
	if out.typ == elf.SHT_PROGBITS {
		out.data = append(out.data, make([]byte, at-len(out.data))...)
		out.data = append(out.data, d.Bytes...)
	}
	typ := d.Type
	if typ == nil {
		typ = &ctypes.Array{Elem: &ctypes.Int{Name: "char", Size: 1, Signed: true, Char: true}, Len: len(d.Bytes)}
	}
	ds.vars = append(ds.vars, dataVar{d.Name, typ, at, len(d.Bytes)})
	sym := b.elf.symbol(outSymbol{name: d.Name, bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, section: out, value: at, size: len(d.Bytes)})
	return b.define(d.Name, &target{kind: kind, sym: sym, offset: at})
}

func (b *builder) dataSection(name string, flags elf.SectionFlag) *dataSection {
	for _, ds := range b.data {
		if ds.out.name == name {
			return ds
		}
	}
	typ := elf.SHT_PROGBITS
	if name == ".bss" {
		typ = elf.SHT_NOBITS
	}
	ds := &dataSection{out: b.elf.section(outSection{name: name, typ: typ, flags: flags})}
	b.data = append(b.data, ds)
	return ds
}

// dataFlags returns the flags of a data section, by the names that libbpf
// takes for data.
func dataFlags(name string) (elf.SectionFlag, error) {
	switch {
	case strings.ContainsRune(name, 0):
	case name == ".rodata", strings.HasPrefix(name, ".rodata."):
		return elf.SHF_ALLOC, nil
	case name == ".data", name == ".bss", name == licenseSection, strings.HasPrefix(name, ".data."):
		return elf.SHF_ALLOC | elf.SHF_WRITE, nil
	}
	return 0, fmt.Errorf("%q is no section of data", name)
}
