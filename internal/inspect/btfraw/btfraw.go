// Package btfraw reads BTF record by record, as the format has it: for dumps
// that show what is there (`btf dump format raw`), for values that are printed
// by their types, and for writing types as C. Whoever wants C types with
// layouts takes ctypes.
//
// It imports ctypes and facts of this module, and the standard library.
package btfraw

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/skep-dev/skep/internal/ctypes"
)

const (
	magic      = 0xeb9f
	headerSize = 24
)

// BTF is BTF of either byte order. Types of split BTF continue the numbers and
// strings of their base.
type BTF struct {
	Order binary.ByteOrder

	base     *BTF
	firstID  uint32
	firstStr uint32
	types    []byte
	strs     []byte
	offs     []uint32
}

// Type is the head of a record; its methods read what follows the head.
type Type struct {
	ID   uint32
	Kind ctypes.BTFKind
	Name string // "" for anonymous ones
	Flag bool   // kind_flag
	Vlen int    // how many members, values, parameters or variables follow
	// Size is a size in bytes or the number of a type, after the kind.
	Size uint32

	btf  *BTF
	tail []byte
}

// Member is a member of a struct or union.
type Member struct {
	Name    string
	Type    uint32
	Offset  uint32 // in bits
	BitSize uint32 // 0 unless it is a bit-field
}

// EnumValue is a value of an enumeration; unsigned ones are stored as their
// bits.
type EnumValue struct {
	Name  string
	Value int64
}

// Param is a parameter of a function.
type Param struct {
	Name string
	Type uint32
}

// SecVar is a variable of a data section.
type SecVar struct{ Type, Offset, Size uint32 }

// Parse reads BTF, with the BTF that it is split from or nil. data must not
// change while the BTF is in use.
func Parse(data []byte, base *BTF) (*BTF, error) {
	if len(data) < headerSize {
		return nil, fmt.Errorf("BTF: %d bytes are shorter than the header", len(data))
	}
	b := &BTF{base: base, firstID: 1}
	switch {
	case binary.LittleEndian.Uint16(data) == magic:
		b.Order = binary.LittleEndian
	case binary.BigEndian.Uint16(data) == magic:
		b.Order = binary.BigEndian
	default:
		return nil, fmt.Errorf("BTF: magic number %#04x at offset 0", binary.LittleEndian.Uint16(data))
	}
	if data[2] != 1 {
		return nil, fmt.Errorf("BTF: version %d at offset 2, only 1 is known", data[2])
	}
	hdr := uint64(b.Order.Uint32(data[4:]))
	if hdr < headerSize || hdr > uint64(len(data)) {
		return nil, fmt.Errorf("BTF: header length %d at offset 4", hdr)
	}
	section := func(what string, at int) ([]byte, error) {
		off, n := hdr+uint64(b.Order.Uint32(data[at:])), uint64(b.Order.Uint32(data[at+4:]))
		if off+n > uint64(len(data)) {
			return nil, fmt.Errorf("BTF: %s section at %d of %d bytes ends behind the %d bytes there are", what, off, n, len(data))
		}
		return data[off : off+n], nil
	}
	var err error
	if b.types, err = section("type", 8); err != nil {
		return nil, err
	}
	if b.strs, err = section("string", 16); err != nil {
		return nil, err
	}
	if base != nil {
		b.firstID = base.End()
		b.firstStr = base.firstStr + uint32(len(base.strs))
	}
	return b, b.index()
}

// index notes where the records begin.
func (b *BTF) index() error {
	for off := 0; off < len(b.types); {
		if len(b.types)-off < 12 {
			return fmt.Errorf("BTF: type %d: %d bytes are left of the type section at %d", b.End(), len(b.types)-off, off)
		}
		info := b.Order.Uint32(b.types[off+4:])
		n, ok := tailSize(ctypes.BTFKind(info>>24&0x1f), int(info&0xffff))
		if !ok {
			return fmt.Errorf("BTF: type %d at offset %d of the type section: unknown kind %d", b.End(), off, info>>24&0x1f)
		}
		if len(b.types)-off-12 < n {
			return fmt.Errorf("BTF: type %d at offset %d of the type section needs %d more bytes than there are", b.End(), off, n-(len(b.types)-off-12))
		}
		b.offs = append(b.offs, uint32(off))
		off += 12 + n
	}
	return nil
}

// tailSize is the number of bytes that follow the head of a record.
func tailSize(k ctypes.BTFKind, vlen int) (int, bool) {
	switch k {
	case ctypes.BTFInt, ctypes.BTFVar, ctypes.BTFDeclTag:
		return 4, true
	case ctypes.BTFArray:
		return 12, true
	case ctypes.BTFStruct, ctypes.BTFUnion, ctypes.BTFDatasec, ctypes.BTFEnum64:
		return 12 * vlen, true
	case ctypes.BTFEnum, ctypes.BTFFuncProto:
		return 8 * vlen, true
	case ctypes.BTFPtr, ctypes.BTFFwd, ctypes.BTFTypedef, ctypes.BTFVolatile, ctypes.BTFConst, ctypes.BTFRestrict,
		ctypes.BTFFunc, ctypes.BTFFloat, ctypes.BTFTypeTag:
		return 0, true
	}
	return 0, false
}

// First is the number of the first type that is not in the base.
func (b *BTF) First() uint32 { return b.firstID }

// End is the number after that of the last type.
func (b *BTF) End() uint32 { return b.firstID + uint32(len(b.offs)) }

// String returns the string at an offset.
func (b *BTF) String(off uint32) string {
	for b.base != nil && off < b.firstStr {
		b = b.base
	}
	off -= b.firstStr
	if uint64(off) >= uint64(len(b.strs)) {
		return ""
	}
	s := b.strs[off:]
	if end := bytes.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	return string(s)
}

// Type returns a record; ok is false for void and for numbers of no type.
func (b *BTF) Type(id uint32) (t Type, ok bool) {
	for b.base != nil && id < b.firstID {
		b = b.base
	}
	if id < b.firstID || id-b.firstID >= uint32(len(b.offs)) {
		return Type{}, false
	}
	rec := b.types[b.offs[id-b.firstID]:]
	info := b.Order.Uint32(rec[4:])
	t = Type{
		ID: id, Kind: ctypes.BTFKind(info >> 24 & 0x1f), Name: b.String(b.Order.Uint32(rec)), Flag: info>>31 != 0,
		Vlen: int(info & 0xffff), Size: b.Order.Uint32(rec[8:]), btf: b,
	}
	n, _ := tailSize(t.Kind, t.Vlen) // index has seen that the kind is known
	t.tail = rec[12 : 12+n]
	return t, true
}

// Skip follows typedefs, qualifiers and type tags.
func (b *BTF) Skip(id uint32) (Type, bool) {
	for range 64 { // a longer chain is a cycle
		t, ok := b.Type(id)
		if !ok {
			return t, false
		}
		switch t.Kind {
		case ctypes.BTFTypedef, ctypes.BTFVolatile, ctypes.BTFConst, ctypes.BTFRestrict, ctypes.BTFTypeTag:
			id = t.Size
		default:
			return t, true
		}
	}
	return Type{}, false
}

// SizeOf is the size of a type in bytes. It is false for what has none.
func (b *BTF) SizeOf(id uint32) (int, bool) {
	n := uint64(1)
	for range 64 {
		t, ok := b.Skip(id)
		if !ok {
			return 0, false
		}
		switch t.Kind {
		case ctypes.BTFInt, ctypes.BTFStruct, ctypes.BTFUnion, ctypes.BTFEnum, ctypes.BTFEnum64, ctypes.BTFFloat, ctypes.BTFDatasec:
			n *= uint64(t.Size)
		case ctypes.BTFPtr:
			n *= 8
		case ctypes.BTFVar:
			id = t.Size
			continue
		case ctypes.BTFArray:
			elem, _, count := t.Array()
			if n *= uint64(count); n > 1<<40 {
				return 0, false
			}
			id = elem
			continue
		default:
			return 0, false
		}
		return int(n), n < 1<<40
	}
	return 0, false
}

func (t Type) u32(at int) uint32 { return t.btf.Order.Uint32(t.tail[at:]) }

// The encodings of an INT.
const (
	IntSigned = 1
	IntChar   = 2
	IntBool   = 4
)

// Int returns an INT's encoding, offset in bits and number of bits.
func (t Type) Int() (encoding, offset, bits uint32) {
	v := t.u32(0)
	return v >> 24 & 0xf, v >> 16 & 0xff, v & 0xff
}

// Array returns an ARRAY's element type, index type and number of elements.
func (t Type) Array() (elem, index, count uint32) { return t.u32(0), t.u32(4), t.u32(8) }

// Members returns the members of a STRUCT or UNION.
func (t Type) Members() []Member {
	m := make([]Member, t.Vlen)
	for i := range m {
		m[i] = Member{Name: t.btf.String(t.u32(12 * i)), Type: t.u32(12*i + 4), Offset: t.u32(12*i + 8)}
		if t.Flag {
			m[i].BitSize, m[i].Offset = m[i].Offset>>24, m[i].Offset&0xffffff
		}
	}
	return m
}

// Enums returns the values of an ENUM or ENUM64. The flag of the type says
// whether they are signed.
func (t Type) Enums() []EnumValue {
	e := make([]EnumValue, t.Vlen)
	for i := range e {
		if t.Kind == ctypes.BTFEnum64 {
			e[i] = EnumValue{t.btf.String(t.u32(12 * i)), int64(uint64(t.u32(12*i+8))<<32 | uint64(t.u32(12*i+4)))}
			continue
		}
		v := t.u32(8*i + 4)
		e[i] = EnumValue{t.btf.String(t.u32(8 * i)), int64(v)}
		if t.Flag {
			e[i].Value = int64(int32(v))
		}
	}
	return e
}

// Params returns the parameters of a FUNC_PROTO; a last one of type void means
// that more may follow.
func (t Type) Params() []Param {
	p := make([]Param, t.Vlen)
	for i := range p {
		p[i] = Param{t.btf.String(t.u32(8 * i)), t.u32(8*i + 4)}
	}
	return p
}

// Vars returns the variables of a DATASEC.
func (t Type) Vars() []SecVar {
	v := make([]SecVar, t.Vlen)
	for i := range v {
		v[i] = SecVar{t.u32(12 * i), t.u32(12*i + 4), t.u32(12*i + 8)}
	}
	return v
}

// Linkage is the linkage of a VAR or FUNC.
func (t Type) Linkage() ctypes.Linkage {
	if t.Kind == ctypes.BTFVar {
		return ctypes.Linkage(t.u32(0))
	}
	return ctypes.Linkage(t.Vlen)
}

// Component is the index of the member or parameter that a DECL_TAG is put
// on, or -1 for the whole.
func (t Type) Component() int { return int(int32(t.u32(0))) }
