package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
)

// FormatError says where an object is broken.
type FormatError struct {
	Section string // the section; "" when the fault is in none
	Offset  int64  // byte offset in the section, or in the file; -1 when unknown
	Reason  string
}

func (e *FormatError) Error() string {
	where := "object"
	if e.Section != "" {
		where = "object: section " + e.Section
	}
	if e.Offset >= 0 {
		where += fmt.Sprintf(", byte %#x", e.Offset)
	}
	return where + ": " + e.Reason
}

func broken(section string, offset int, format string, args ...any) *FormatError {
	return &FormatError{section, int64(offset), fmt.Sprintf(format, args...)}
}

// Section is a section of an object.
type Section struct {
	Index  int
	Name   string
	Type   elf.SectionType
	Flags  elf.SectionFlag
	Offset uint64 // in the file
	Size   uint64
	Data   []byte // part of the object's bytes; nil for a section without bytes in the file
	Align  uint64
	Link   uint32
	Info   uint32
	Entry  uint64 // size of an element of a table
}

// Symbol is a symbol of an object.
type Symbol struct {
	Name    string
	Bind    elf.SymBind
	Type    elf.SymType
	Other   uint8
	Section *Section // nil for an undefined symbol, and for absolute and common ones
	Index   elf.SectionIndex
	Value   uint64
	Size    uint64
}

// elfReader reads the container. All that it returns points into data.
type elfReader struct {
	data     []byte
	order    binary.ByteOrder
	sections []*Section
	symbols  []Symbol
	symtab   *Section
	inside   map[int][]*Symbol  // the named symbols of each section
	against  map[int][]*Section // the sections of relocations of each section
}

// cut returns n bytes at off of the file.
func (r *elfReader) cut(off, n uint64) ([]byte, bool) {
	size := uint64(len(r.data))
	if off > size || n > size-off {
		return nil, false
	}
	return r.data[off : off+n : off+n], true
}

func readELF(data []byte) (*elfReader, error) {
	r := &elfReader{data: data, inside: map[int][]*Symbol{}, against: map[int][]*Section{}}
	if len(data) < elfHeader || string(data[:4]) != elf.ELFMAG {
		return nil, broken("", 0, "no ELF file")
	}
	if c := elf.Class(data[elf.EI_CLASS]); c != elf.ELFCLASS64 {
		return nil, broken("", elf.EI_CLASS, "ELF class %d, BPF objects have 64 bits", c)
	}
	switch elf.Data(data[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		r.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		r.order = binary.BigEndian
	default:
		return nil, broken("", elf.EI_DATA, "unknown byte order %d", data[elf.EI_DATA])
	}
	if t := elf.Type(r.order.Uint16(data[16:])); t != elf.ET_REL {
		return nil, broken("", 16, "ELF type %s, an object has ET_REL", t)
	}
	// Old compilers left the machine empty.
	if m := elf.Machine(r.order.Uint16(data[18:])); m != elf.EM_BPF && m != elf.EM_NONE {
		return nil, broken("", 18, "machine %s, not BPF", m)
	}
	if err := r.readSections(); err != nil {
		return nil, err
	}
	return r, r.readSymbols()
}

// readSections reads the section headers.
func (r *elfReader) readSections() error {
	off := r.order.Uint64(r.data[40:])
	entry, count := uint64(r.order.Uint16(r.data[58:])), uint64(r.order.Uint16(r.data[60:]))
	names := uint32(r.order.Uint16(r.data[62:]))
	if off == 0 {
		return broken("", 40, "no section headers")
	}
	if entry != elfSection {
		return broken("", 58, "section headers of %d bytes, not %d", entry, elfSection)
	}
	first, ok := r.cut(off, elfSection)
	if !ok {
		return broken("", 40, "section headers at %#x are outside of the file's %d bytes", off, len(r.data))
	}
	if count == 0 { // more sections than fit 16 bits
		count = r.order.Uint64(first[32:])
	}
	if names == uint32(elf.SHN_XINDEX) {
		names = r.order.Uint32(first[40:])
	}
	if count > uint64(len(r.data))/elfSection {
		return broken("", 60, "%d section headers don't fit the file's %d bytes", count, len(r.data))
	}
	table, ok := r.cut(off, count*elfSection)
	if !ok {
		return broken("", 40, "%d section headers at %#x end after the file's %d bytes", count, off, len(r.data))
	}
	nameOffs := make([]uint32, count)
	total := uint64(0)
	for i := range int(count) {
		h := table[i*elfSection:]
		nameOffs[i] = r.order.Uint32(h)
		s := &Section{
			Index: i,
			Type:  elf.SectionType(r.order.Uint32(h[4:])), Flags: elf.SectionFlag(r.order.Uint64(h[8:])),
			Offset: r.order.Uint64(h[24:]), Size: r.order.Uint64(h[32:]),
			Link: r.order.Uint32(h[40:]), Info: r.order.Uint32(h[44:]),
			Align: r.order.Uint64(h[48:]), Entry: r.order.Uint64(h[56:]),
		}
		if i > 0 && s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL {
			if s.Data, ok = r.cut(s.Offset, s.Size); !ok {
				return broken(fmt.Sprintf("#%d", i), -1, "%d bytes at %#x end after the file's %d bytes", s.Size, s.Offset, len(r.data))
			}
			// Nothing below has to fear that few bytes are read many times.
			if total += s.Size; total > uint64(len(r.data)) {
				return broken(fmt.Sprintf("#%d", i), -1, "it overlaps another section")
			}
		}
		if s.Type == elf.SHT_REL || s.Type == elf.SHT_RELA {
			r.against[int(s.Info)] = append(r.against[int(s.Info)], s)
		}
		r.sections = append(r.sections, s)
	}
	strs, err := r.strings(names, "the section names")
	if err != nil {
		return err
	}
	for i, s := range r.sections {
		if s.Name, ok = stringAt(strs, uint64(nameOffs[i])); !ok && i > 0 {
			return broken(fmt.Sprintf("#%d", i), -1, "its name is at %#x of %d bytes", nameOffs[i], len(strs))
		}
	}
	return nil
}

// strings returns a string table as one text, of which names are parts.
func (r *elfReader) strings(index uint32, what string) (string, error) {
	if int64(index) >= int64(len(r.sections)) || r.sections[index].Type != elf.SHT_STRTAB {
		return "", broken("", -1, "section %d, for %s, is no string table", index, what)
	}
	return string(r.sections[index].Data), nil
}

func stringAt(table string, off uint64) (string, bool) {
	if off >= uint64(len(table)) {
		return "", off == 0
	}
	n := strings.IndexByte(table[off:], 0)
	if n < 0 {
		return "", false
	}
	return table[off : off+uint64(n)], true
}

// readSymbols reads the symbol table, if there is one.
func (r *elfReader) readSymbols() error {
	for _, s := range r.sections {
		if s.Type != elf.SHT_SYMTAB {
			continue
		}
		if r.symtab != nil {
			return broken(s.Name, -1, "a second symbol table")
		}
		r.symtab = s
	}
	if r.symtab == nil {
		return nil
	}
	tab := r.symtab
	if tab.Entry != elfSymbol || len(tab.Data)%elfSymbol != 0 {
		return broken(tab.Name, -1, "%d bytes of symbols with %d bytes each", len(tab.Data), tab.Entry)
	}
	strs, err := r.strings(tab.Link, "the symbol names")
	if err != nil {
		return err
	}
	for off := 0; off < len(tab.Data); off += elfSymbol {
		d := tab.Data[off:]
		sym := Symbol{
			Bind: elf.ST_BIND(d[4]), Type: elf.ST_TYPE(d[4]), Other: d[5],
			Index: elf.SectionIndex(r.order.Uint16(d[6:])), Value: r.order.Uint64(d[8:]), Size: r.order.Uint64(d[16:]),
		}
		var ok bool
		if sym.Name, ok = stringAt(strs, uint64(r.order.Uint32(d))); !ok {
			return broken(tab.Name, off, "the symbol's name is at %#x of %d bytes", r.order.Uint32(d), len(strs))
		}
		if sym.Index != elf.SHN_UNDEF && sym.Index < elf.SHN_LORESERVE {
			if int(sym.Index) >= len(r.sections) {
				return broken(tab.Name, off, "symbol %q is in section %d of %d", sym.Name, sym.Index, len(r.sections))
			}
			sym.Section = r.sections[sym.Index]
		}
		r.symbols = append(r.symbols, sym)
	}
	for i := range r.symbols {
		if sym := &r.symbols[i]; sym.Section != nil && sym.Name != "" {
			r.inside[sym.Section.Index] = append(r.inside[sym.Section.Index], sym)
		}
	}
	return nil
}

// section returns the first section with a name, or nil.
func (r *elfReader) section(name string) *Section {
	for _, s := range r.sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// rel is a relocation.
type rel struct {
	sym *Symbol
	typ uint32
	at  int // byte offset of the record in its section
}

// relocations reads the relocations against a section, by the offset that
// they change.
func (r *elfReader) relocations(target *Section) (map[uint64]rel, error) {
	out := map[uint64]rel{}
	for _, s := range r.against[target.Index] {
		if s.Type == elf.SHT_RELA {
			return nil, broken(s.Name, -1, "relocations with addends, BPF objects have none")
		}
		if s.Entry != elfRel || len(s.Data)%elfRel != 0 {
			return nil, broken(s.Name, -1, "%d bytes of relocations with %d bytes each", len(s.Data), s.Entry)
		}
		if r.symtab == nil || int64(s.Link) != int64(r.symtab.Index) {
			return nil, broken(s.Name, -1, "relocations for section %d, which is not the symbol table", s.Link)
		}
		for off := 0; off < len(s.Data); off += elfRel {
			at, info := r.order.Uint64(s.Data[off:]), r.order.Uint64(s.Data[off+8:])
			if info>>32 >= uint64(len(r.symbols)) {
				return nil, broken(s.Name, off, "symbol %d of %d", info>>32, len(r.symbols))
			}
			if _, dup := out[at]; dup {
				return nil, broken(s.Name, off, "a second relocation of byte %#x of %s", at, target.Name)
			}
			out[at] = rel{&r.symbols[info>>32], uint32(info), off}
		}
	}
	return out, nil
}

// cString is the text up to the first zero byte.
func cString(data []byte) string {
	s, _, _ := bytes.Cut(data, []byte{0})
	return string(s)
}
