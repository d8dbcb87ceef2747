package btfraw

import (
	"fmt"

	"github.com/skep-dev/skep/internal/ctypes"
)

// kindNames are the kinds as bpftool spells them.
var kindNames = [...]string{
	ctypes.BTFVoid: "UNKNOWN", ctypes.BTFInt: "INT", ctypes.BTFPtr: "PTR", ctypes.BTFArray: "ARRAY", ctypes.BTFStruct: "STRUCT",
	ctypes.BTFUnion: "UNION", ctypes.BTFEnum: "ENUM", ctypes.BTFFwd: "FWD", ctypes.BTFTypedef: "TYPEDEF",
	ctypes.BTFVolatile: "VOLATILE", ctypes.BTFConst: "CONST", ctypes.BTFRestrict: "RESTRICT", ctypes.BTFFunc: "FUNC",
	ctypes.BTFFuncProto: "FUNC_PROTO", ctypes.BTFVar: "VAR", ctypes.BTFDatasec: "DATASEC", ctypes.BTFFloat: "FLOAT",
	ctypes.BTFDeclTag: "DECL_TAG", ctypes.BTFTypeTag: "TYPE_TAG", ctypes.BTFEnum64: "ENUM64",
}

// KindName is the kind in capitals, as the format's description has it.
func KindName(k ctypes.BTFKind) string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// NameOr is a record's name, or "(anon)".
func NameOr(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

// Encoding is the name of an INT's encoding.
func Encoding(e uint32) string {
	switch e {
	case 0:
		return "(none)"
	case IntSigned:
		return "SIGNED"
	case IntChar:
		return "CHAR"
	case IntBool:
		return "BOOL"
	}
	return "UNKN"
}

func linkage(l ctypes.Linkage) string {
	switch l {
	case ctypes.Static:
		return "static"
	case ctypes.Global:
		return "global"
	case ctypes.Extern:
		return "extern"
	}
	return "(unknown)"
}

// LinkageName is the linkage of a VAR or FUNC in words.
func (t Type) LinkageName() string { return linkage(t.Linkage()) }

// Fwd is "union" or "struct", which a FWD announces.
func (t Type) Fwd() string {
	if t.Flag {
		return "union"
	}
	return "struct"
}

// AppendRaw appends a record as `btf dump format raw` writes it: a line, and a
// line for each member.
func (t Type) AppendRaw(b []byte) []byte {
	b = fmt.Appendf(b, "[%d] %s '%s'", t.ID, KindName(t.Kind), NameOr(t.Name))
	switch t.Kind {
	case ctypes.BTFInt:
		enc, off, bits := t.Int()
		b = fmt.Appendf(b, " size=%d bits_offset=%d nr_bits=%d encoding=%s", t.Size, off, bits, Encoding(enc))
	case ctypes.BTFPtr, ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict, ctypes.BTFTypedef, ctypes.BTFTypeTag:
		b = fmt.Appendf(b, " type_id=%d", t.Size)
	case ctypes.BTFArray:
		elem, index, n := t.Array()
		b = fmt.Appendf(b, " type_id=%d index_type_id=%d nr_elems=%d", elem, index, n)
	case ctypes.BTFStruct, ctypes.BTFUnion:
		b = fmt.Appendf(b, " size=%d vlen=%d", t.Size, t.Vlen)
		for _, m := range t.Members() {
			b = fmt.Appendf(b, "\n\t'%s' type_id=%d bits_offset=%d", NameOr(m.Name), m.Type, m.Offset)
			if m.BitSize != 0 {
				b = fmt.Appendf(b, " bitfield_size=%d", m.BitSize)
			}
		}
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		b = t.appendEnum(b)
	case ctypes.BTFFwd:
		b = fmt.Appendf(b, " fwd_kind=%s", t.Fwd())
	case ctypes.BTFFunc:
		b = fmt.Appendf(b, " type_id=%d linkage=%s", t.Size, t.LinkageName())
	case ctypes.BTFFuncProto:
		b = fmt.Appendf(b, " ret_type_id=%d vlen=%d", t.Size, t.Vlen)
		for _, p := range t.Params() {
			b = fmt.Appendf(b, "\n\t'%s' type_id=%d", NameOr(p.Name), p.Type)
		}
	case ctypes.BTFVar:
		b = fmt.Appendf(b, " type_id=%d, linkage=%s", t.Size, t.LinkageName())
	case ctypes.BTFDatasec:
		b = t.appendDatasec(b)
	case ctypes.BTFFloat:
		b = fmt.Appendf(b, " size=%d", t.Size)
	case ctypes.BTFDeclTag:
		b = fmt.Appendf(b, " type_id=%d component_idx=%d", t.Size, t.Component())
	}
	return append(b, '\n')
}

// EnumSign is SIGNED or UNSIGNED, as the flag of an ENUM says.
func (t Type) EnumSign() string {
	if t.Flag {
		return "SIGNED"
	}
	return "UNSIGNED"
}

func (t Type) appendEnum(b []byte) []byte {
	b = fmt.Appendf(b, " encoding=%s size=%d vlen=%d", t.EnumSign(), t.Size, t.Vlen)
	suffix := ""
	if t.Kind == ctypes.BTFEnum64 {
		suffix = "ULL"
		if t.Flag {
			suffix = "LL"
		}
	}
	for _, e := range t.Enums() {
		if t.Flag {
			b = fmt.Appendf(b, "\n\t'%s' val=%d%s", NameOr(e.Name), e.Value, suffix)
		} else {
			b = fmt.Appendf(b, "\n\t'%s' val=%d%s", NameOr(e.Name), uint64(e.Value), suffix)
		}
	}
	return b
}

func (t Type) appendDatasec(b []byte) []byte {
	b = fmt.Appendf(b, " size=%d vlen=%d", t.Size, t.Vlen)
	for _, v := range t.Vars() {
		b = fmt.Appendf(b, "\n\ttype_id=%d offset=%d size=%d", v.Type, v.Offset, v.Size)
		if of, ok := t.btf.Type(v.Type); ok {
			b = fmt.Appendf(b, " (%s '%s')", KindName(of.Kind), of.Name)
		}
	}
	return b
}
