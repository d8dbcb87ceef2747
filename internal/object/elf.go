package object

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math"
)

// The relocation types of BPF objects, as LLVM defines them.
const (
	relWide = 1  // R_BPF_64_64: the immediate of an lddw
	relCall = 10 // R_BPF_64_32: the immediate of a call
)

// Sizes of the structures of ELF64.
const (
	elfHeader  = 64
	elfSection = 64
	elfSymbol  = 24
	elfRel     = 16
)

// outSection is a section to be written.
type outSection struct {
	name    string
	typ     elf.SectionType
	flags   elf.SectionFlag
	data    []byte
	size    int // of a section without bytes in the file
	align   int
	link    int
	info    int
	entsize int
	index   int
}

// outSymbol is a symbol to be written.
type outSymbol struct {
	name    string
	bind    elf.SymBind
	typ     elf.SymType
	section *outSection // nil for an extern
	value   int
	size    int
	index   int
}

// outRel is a relocation to be written.
type outRel struct {
	offset int
	sym    *outSymbol
	typ    uint32
}

// elfWriter collects the parts of an object.
type elfWriter struct {
	order    binary.ByteOrder
	sections []*outSection
	symbols  []*outSymbol
	rels     []*relSection
}

// relSection is the relocations of one section.
type relSection struct {
	target *outSection
	list   []outRel
}

// section adds a section.
func (w *elfWriter) section(s outSection) *outSection {
	if s.align == 0 {
		s.align = 1
	}
	s.index = len(w.sections) + 1
	w.sections = append(w.sections, &s)
	return &s
}

// symbol adds a symbol.
func (w *elfWriter) symbol(s outSymbol) *outSymbol {
	w.symbols = append(w.symbols, &s)
	return &s
}

// bytes lays the object out. Local symbols come before global ones, as ELF
// wants them.
func (w *elfWriter) bytes() ([]byte, error) {
	names := newStrtab()
	symtab, locals := w.symtab(names)
	for _, r := range w.rels {
		var data []byte
		for _, rel := range r.list {
			data = w.u64(data, uint64(rel.offset))
			data = w.u64(data, uint64(rel.sym.index)<<32|uint64(rel.typ))
		}
		w.section(outSection{
			name: ".rel" + r.target.name, typ: elf.SHT_REL, flags: elf.SHF_INFO_LINK,
			data: data, align: 8, link: -1, info: r.target.index, entsize: elfRel,
		})
	}
	sym := w.section(outSection{
		name: ".symtab", typ: elf.SHT_SYMTAB, data: symtab, align: 8,
		link: len(w.sections) + 2, info: locals, entsize: elfSymbol,
	})
	str := w.section(outSection{name: ".strtab", typ: elf.SHT_STRTAB})
	for _, s := range w.sections {
		names.add(s.name)
		if s.link == -1 {
			s.link = sym.index
		}
	}
	str.data = names.data
	if len(w.sections)+1 >= int(elf.SHN_LORESERVE) {
		return nil, fmt.Errorf("object: %d sections", len(w.sections))
	}
	return w.file(names, str.index)
}

// symtab encodes the symbol table and numbers the symbols.
func (w *elfWriter) symtab(names *strtab) (data []byte, locals int) {
	data = make([]byte, elfSymbol) // symbol 0
	index := 1
	for _, local := range []bool{true, false} {
		for _, s := range w.symbols {
			if (s.bind == elf.STB_LOCAL) != local {
				continue
			}
			s.index = index
			index++
			shndx := int(elf.SHN_UNDEF)
			if s.section != nil {
				shndx = s.section.index
			}
			data = w.u32(data, names.add(s.name))
			data = append(data, elf.ST_INFO(s.bind, s.typ), 0)
			data = w.u16(data, shndx)
			data = w.u64(data, uint64(s.value))
			data = w.u64(data, uint64(s.size))
		}
		if local {
			locals = index
		}
	}
	return data, locals
}

// file writes header, contents and section headers.
func (w *elfWriter) file(names *strtab, shstrndx int) ([]byte, error) {
	out := make([]byte, elfHeader)
	offsets := make([]int, len(w.sections))
	for i, s := range w.sections {
		for len(out)%s.align != 0 {
			out = append(out, 0)
		}
		offsets[i] = len(out)
		out = append(out, s.data...)
	}
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	if len(out) > math.MaxInt32 {
		return nil, fmt.Errorf("object: %d bytes", len(out))
	}
	shoff := len(out)
	out = append(out, make([]byte, elfSection)...) // section 0
	for i, s := range w.sections {
		size := max(s.size, len(s.data))
		out = w.u32(out, names.add(s.name))
		out = w.u32(out, int(s.typ))
		for _, v := range []int{int(s.flags), 0, offsets[i], size} {
			out = w.u64(out, uint64(v))
		}
		out = w.u32(w.u32(out, s.link), s.info)
		out = w.u64(w.u64(out, uint64(s.align)), uint64(s.entsize))
	}
	w.header(out, shoff, shstrndx)
	return out, nil
}

// header fills in the ELF header.
func (w *elfWriter) header(out []byte, shoff, shstrndx int) {
	copy(out, elf.ELFMAG)
	out[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	out[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if w.order == binary.ByteOrder(binary.BigEndian) {
		out[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	out[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	w.order.PutUint16(out[16:], uint16(elf.ET_REL))
	w.order.PutUint16(out[18:], uint16(elf.EM_BPF))
	w.order.PutUint32(out[20:], uint32(elf.EV_CURRENT))
	w.order.PutUint64(out[40:], uint64(shoff))
	w.order.PutUint16(out[52:], elfHeader)
	w.order.PutUint16(out[58:], elfSection)
	w.order.PutUint16(out[60:], uint16(len(w.sections)+1))
	w.order.PutUint16(out[62:], uint16(shstrndx))
}

func (w *elfWriter) u16(b []byte, v int) []byte {
	var s [2]byte
	w.order.PutUint16(s[:], uint16(v))
	return append(b, s[:]...)
}

func (w *elfWriter) u32(b []byte, v int) []byte {
	var s [4]byte
	w.order.PutUint32(s[:], uint32(v))
	return append(b, s[:]...)
}

func (w *elfWriter) u64(b []byte, v uint64) []byte {
	var s [8]byte
	w.order.PutUint64(s[:], v)
	return append(b, s[:]...)
}

// strtab is a string table.
type strtab struct {
	data []byte
	offs map[string]int
}

func newStrtab() *strtab { return &strtab{data: []byte{0}, offs: map[string]int{"": 0}} }

// add returns the offset of a string, which it adds when it is new.
func (t *strtab) add(s string) int {
	off, ok := t.offs[s]
	if !ok {
		off = len(t.data)
		t.data = append(append(t.data, s...), 0)
		t.offs[s] = off
	}
	return off
}
