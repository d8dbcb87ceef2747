package ctypes

// The BTF format, as Documentation/bpf/btf.rst and include/uapi/linux/btf.h
// of Linux describe it.
const (
	btfMagic   = 0xeB9F
	btfVersion = 1
	btfHeader  = 24 // bytes of the header
)

// BTFKind is the kind of a BTF type record.
type BTFKind uint8

// The kinds.
const (
	BTFVoid BTFKind = iota
	BTFInt
	BTFPtr
	BTFArray
	BTFStruct
	BTFUnion
	BTFEnum
	BTFFwd
	BTFTypedef
	BTFVolatile
	BTFConst
	BTFRestrict
	BTFFunc
	BTFFuncProto
	BTFVar
	BTFDatasec
	BTFFloat
	BTFDeclTag
	BTFTypeTag
	BTFEnum64

	numBTFKinds
)

// btfShape is how many bytes follow the 12 bytes that every record begins
// with: a fixed part, and a part for each of its vlen elements.
var btfShape = [numBTFKinds]struct {
	name  string
	fixed int
	each  int
}{
	BTFVoid:      {"VOID", 0, 0},
	BTFInt:       {"INT", 4, 0},
	BTFPtr:       {"PTR", 0, 0},
	BTFArray:     {"ARRAY", 12, 0},
	BTFStruct:    {"STRUCT", 0, 12},
	BTFUnion:     {"UNION", 0, 12},
	BTFEnum:      {"ENUM", 0, 8},
	BTFFwd:       {"FWD", 0, 0},
	BTFTypedef:   {"TYPEDEF", 0, 0},
	BTFVolatile:  {"VOLATILE", 0, 0},
	BTFConst:     {"CONST", 0, 0},
	BTFRestrict:  {"RESTRICT", 0, 0},
	BTFFunc:      {"FUNC", 0, 0},
	BTFFuncProto: {"FUNC_PROTO", 0, 8},
	BTFVar:       {"VAR", 4, 0},
	BTFDatasec:   {"DATASEC", 0, 12},
	BTFFloat:     {"FLOAT", 0, 0},
	BTFDeclTag:   {"DECL_TAG", 4, 0},
	BTFTypeTag:   {"TYPE_TAG", 0, 0},
	BTFEnum64:    {"ENUM64", 0, 12},
}

func (k BTFKind) String() string {
	if k >= numBTFKinds {
		return "unknown kind"
	}
	return btfShape[k].name
}

// Bits of the info word, and of an INT's extra word.
const (
	btfVlenMask   = 0xffff
	btfKindShift  = 24
	btfKindMask   = 0x1f
	btfKindFlag   = 1 << 31
	btfIntSigned  = 1 << 0
	btfIntChar    = 1 << 1
	btfIntBool    = 1 << 2
	btfIntEncoded = 24 // where the encoding bits begin
)

// Linkage is the linkage of a FUNC or VAR in BTF.
type Linkage uint32

// The linkages.
const (
	Static Linkage = iota
	Global
	Extern
)

func (l Linkage) String() string {
	switch l {
	case Static:
		return "static"
	case Global:
		return "global"
	case Extern:
		return "extern"
	}
	return "unknown linkage"
}
