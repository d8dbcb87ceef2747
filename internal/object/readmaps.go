package object

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/skep-dev/skep/internal/ctypes"
)

func refError(format string, args ...any) error { return fmt.Errorf(format, args...) }

// MapDef is a map's definition as an object states it.
type MapDef struct {
	Map
	Extra    uint64 // map_extra
	NumaNode uint32
	Pinning  uint32    // LIBBPF_PIN_*: 1 is by name
	Inner    *MapDef   // template of the maps in a map of maps
	Values   []MapSlot // what the elements of a map of maps or programs are
	Legacy   bool      // from a section "maps" of struct bpf_map_def
	Tail     []byte    // of a legacy definition: what follows its five numbers
}

// MapSlot is an initial element of a map of maps or programs.
type MapSlot struct {
	Index int
	Name  string // the map or function
}

// isLegacyMaps reports whether a section holds struct bpf_map_def.
func isLegacyMaps(s *Section) bool {
	return s.Type == elf.SHT_PROGBITS && (s.Name == "maps" || len(s.Name) > 5 && s.Name[:5] == "maps/")
}

// readMaps reads the maps of both forms.
func (o *Object) readMaps(r *elfReader) error {
	for _, s := range r.sections {
		switch {
		case s.Name == mapsSection && s.Type == elf.SHT_PROGBITS:
			if err := o.readBTFMaps(r, s); err != nil {
				return err
			}
		case isLegacyMaps(s):
			if err := o.readLegacyMaps(r, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapSymbols returns the symbols of a section of maps by their places.
func mapSymbols(r *elfReader, s *Section) []*Symbol {
	var syms []*Symbol
	for _, sym := range r.inside[s.Index] {
		if sym.Type == elf.STT_OBJECT || sym.Type == elf.STT_NOTYPE {
			syms = append(syms, sym)
		}
	}
	slices.SortStableFunc(syms, func(a, b *Symbol) int { return cmp.Compare(a.Value, b.Value) })
	return syms
}

// legacySize is the part of struct bpf_map_def that all versions have: type,
// key_size, value_size, max_entries, map_flags.
const legacySize = 20

func (o *Object) readLegacyMaps(r *elfReader, s *Section) error {
	syms := mapSymbols(r, s)
	for i, sym := range syms {
		end := s.Size
		if i+1 < len(syms) {
			end = syms[i+1].Value
		}
		if sym.Value > end || end > s.Size || end-sym.Value < legacySize {
			return broken(s.Name, int(min(sym.Value, s.Size)), "map %s has no room for its definition", sym.Name)
		}
		d := s.Data[sym.Value:end]
		o.Maps = append(o.Maps, &MapDef{Legacy: true, Tail: d[legacySize:], Map: Map{
			Name: sym.Name, Type: o.Order.Uint32(d), KeySize: o.Order.Uint32(d[4:]), ValueSize: o.Order.Uint32(d[8:]),
			MaxEntries: o.Order.Uint32(d[12:]), Flags: o.Order.Uint32(d[16:]),
		}})
	}
	return nil
}

func (o *Object) readBTFMaps(r *elfReader, s *Section) error {
	if o.BTF == nil {
		return broken(s.Name, -1, "maps that BTF describes, in an object without BTF")
	}
	types, err := o.varTypes(s)
	if err != nil {
		return err
	}
	rels, err := r.relocations(s)
	if err != nil {
		return err
	}
	for _, sym := range mapSymbols(r, s) {
		def, ok := ctypes.Strip(types[sym.Name]).(*ctypes.Struct)
		if !ok {
			return broken(s.Name, int(min(sym.Value, s.Size)), "the BTF describes no map %s", sym.Name)
		}
		if sym.Value > s.Size || sym.Size > s.Size-sym.Value {
			return broken(s.Name, -1, "map %s at %#x with %d bytes is outside of its %d bytes", sym.Name, sym.Value, sym.Size, s.Size)
		}
		m, err := readMapDef(sym.Name, def, 0)
		if err != nil {
			return broken(s.Name, int(sym.Value), "map %s: %v", sym.Name, err)
		}
		if err := mapSlots(m, def, sym, rels); err != nil {
			return broken(s.Name, int(sym.Value), "map %s: %v", sym.Name, err)
		}
		o.Maps = append(o.Maps, m)
	}
	return nil
}

// readMapDef reads the struct that defines a map, as libbpf does: numbers are
// the lengths of arrays that members point to, or an enum's value.
func readMapDef(name string, def *ctypes.Struct, depth int) (*MapDef, error) {
	m := &MapDef{Map: Map{Name: name}}
	numbers := map[string]*uint32{
		"type": &m.Type, "max_entries": &m.MaxEntries, "map_flags": &m.Flags, "numa_node": &m.NumaNode,
		"key_size": &m.KeySize, "value_size": &m.ValueSize, "pinning": &m.Pinning,
	}
	for _, f := range def.Fields {
		var err error
		switch field := numbers[f.Name]; {
		case field != nil:
			var v uint64
			if v, err = mapNumber(f); err == nil {
				if v > 1<<32-1 {
					return nil, fmt.Errorf("%s is %d", f.Name, v)
				}
				if f.Name == "key_size" && m.Key != nil && uint64(m.KeySize) != v ||
					f.Name == "value_size" && m.Value != nil && uint64(m.ValueSize) != v {
					return nil, fmt.Errorf("%s is %d, and its type has another size", f.Name, v)
				}
				*field = uint32(v)
			}
		case f.Name == "map_extra":
			m.Extra, err = mapNumber(f)
		case f.Name == "key":
			m.Key, err = mapPointee(f, &m.KeySize)
		case f.Name == "value":
			m.Value, err = mapPointee(f, &m.ValueSize)
		case f.Name == "values":
			err = readInner(m, f, depth)
		default:
			return nil, fmt.Errorf("unknown field %q in its definition", f.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mapNumber reads a number: the length of the array that the member points
// to, or the value of the enum that is its type.
func mapNumber(f ctypes.Field) (uint64, error) {
	switch x := ctypes.Strip(f.Type).(type) {
	case *ctypes.Pointer:
		if a, ok := ctypes.Strip(x.Elem).(*ctypes.Array); ok {
			return uint64(a.Len), nil
		}
	case *ctypes.Enum:
		if len(x.Values) == 1 {
			return uint64(x.Values[0].Value), nil
		}
	}
	return 0, fmt.Errorf("%s is %s, no number", f.Name, ctypes.Spell(f.Type, ""))
}

// mapPointee reads the type of a key or value.
func mapPointee(f ctypes.Field, size *uint32) (ctypes.Type, error) {
	p, ok := ctypes.Strip(f.Type).(*ctypes.Pointer)
	if !ok {
		return nil, fmt.Errorf("%s is %s, no pointer to its type", f.Name, ctypes.Spell(f.Type, ""))
	}
	n := ctypes.Sizeof(p.Elem)
	if *size != 0 && int(*size) != n || n < 0 || n > maxObject {
		return nil, fmt.Errorf("%s has %d bytes, and %s_size says %d", f.Name, n, f.Name, *size)
	}
	*size = uint32(n)
	t := p.Elem
	if l, lazy := t.(*ctypes.Lazy); lazy {
		t = l.Load()
	}
	return t, nil
}

// readInner reads what a map of maps or programs holds: an array of pointers
// to the inner map's definition, or to a function.
func readInner(m *MapDef, f ctypes.Field, depth int) error {
	a, ok := ctypes.Strip(f.Type).(*ctypes.Array)
	if !ok {
		return fmt.Errorf("values is %s, no array", ctypes.Spell(f.Type, ""))
	}
	p, ok := ctypes.Strip(a.Elem).(*ctypes.Pointer)
	if !ok {
		return fmt.Errorf("values is %s, no array of pointers", ctypes.Spell(f.Type, ""))
	}
	if m.ValueSize != 0 && m.ValueSize != 4 {
		return fmt.Errorf("values of %d bytes, descriptors have 4", m.ValueSize)
	}
	m.ValueSize = 4
	if s, ok := ctypes.Strip(p.Elem).(*ctypes.Struct); ok {
		if depth > 0 {
			return fmt.Errorf("maps of maps of maps")
		}
		var err error
		m.Inner, err = readMapDef(m.Name+".inner", s, depth+1)
		return err
	}
	return nil
}

// mapSlots reads the relocations that fill the values of a map of maps or
// programs.
func mapSlots(m *MapDef, def *ctypes.Struct, sym *Symbol, rels map[uint64]rel) error {
	for _, f := range def.Fields {
		if f.Name != "values" {
			continue
		}
		start := sym.Value + uint64(f.Offset/8)
		for at, rl := range rels {
			if at < start || at >= sym.Value+sym.Size {
				continue
			}
			if (at-start)%8 != 0 || rl.sym.Name == "" {
				return fmt.Errorf("the relocation at byte %#x is of no element", at)
			}
			m.Values = append(m.Values, MapSlot{int(at-start) / 8, rl.sym.Name})
		}
	}
	slices.SortFunc(m.Values, func(a, b MapSlot) int { return a.Index - b.Index })
	return nil
}
