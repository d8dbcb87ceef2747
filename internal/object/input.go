package object

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/plan"
)

// Input is what Build makes an object of.
type Input struct {
	// Order is the byte order; nil is little-endian.
	Order binary.ByteOrder
	Funcs []Func
	Maps  []Map
	Data  []Data
	// Externs describes the kernel functions and variables that the
	// functions name.
	Externs []Extern
	License string
	// Plan goes into the section plan.Section; nil leaves it out.
	Plan []byte
}

// Func is a program, or a subprogram when Section is empty.
type Func struct {
	Name    string
	Section string // "tracepoint/sched/sched_switch"; "" puts it into .text
	// Static gives the function local binding: the kernel then verifies it
	// together with its callers. A callback has to be static.
	Static bool
	// Insns may refer to maps, data, functions, kernel functions and kernel
	// variables by name. Their spans become the line information.
	Insns []isa.Instruction
	CORE  []CORE
	// Proto is the C prototype; nil means `int name(void *ctx)` for a
	// program and an unknown one for a static function.
	Proto *ctypes.Func
}

// CORE is a CO-RE relocation of one instruction of a function: the kernel's
// loader writes the answer for the running kernel into it.
type CORE struct {
	Insn   int // index in Func.Insns
	Kind   COREKind
	Type   ctypes.Type // the root type
	Access string      // the path from it, "0:1:3"
}

// COREKind is the kind of a CO-RE relocation (enum bpf_core_relo_kind of
// Linux).
type COREKind uint32

// The CO-RE relocation kinds.
const (
	COREFieldOffset COREKind = iota
	COREFieldSize
	COREFieldExists
	COREFieldSigned
	COREFieldLShift
	COREFieldRShift
	CORETypeIDLocal
	CORETypeIDTarget
	CORETypeExists
	CORETypeSize
	COREEnumvalExists
	COREEnumvalValue
	CORETypeMatches

	numCOREKinds
)

var coreNames = [numCOREKinds]string{
	"field_byte_offset", "field_byte_size", "field_exists", "field_signed", "field_lshift_u64", "field_rshift_u64",
	"type_id_local", "type_id_target", "type_exists", "type_size", "enumval_exists", "enumval_value", "type_matches",
}

func (k COREKind) String() string {
	if k >= numCOREKinds {
		return "unknown CO-RE relocation"
	}
	return coreNames[k]
}

// Map is a map of the object. Its fields are those of ir.Map.
//
// A map whose value code names directly (isa.RefMapValue) can't be written as
// such: relocations against maps give their descriptor. It becomes the data
// section ValueSection(Name), which every loader turns into an array map of
// that name with one element. Such a map has one element, no flags, and no
// other references to it.
type Map struct {
	Name       string
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32      // BPF_F_*
	Key, Value ctypes.Type // layout for BTF; nil when unknown
}

// ValueSection is the name of the section, and so of the map that loaders
// make, for a map whose value is named directly.
func ValueSection(name string) string { return plan.DataPrefix + name }

// Data is a named piece of a data section. Its fields are those of ir.Data.
type Data struct {
	Name    string
	Section string // ".rodata", ".data" or ".bss", or ".rodata.x" or ".data.x"
	Bytes   []byte // contents; for .bss only the length counts
	Align   int    // a power of two; 0 is 1
	Type    ctypes.Type
}

// Extern is a kernel function or variable.
type Extern struct {
	Name string
	Func *ctypes.Func // the prototype of a function
	Type ctypes.Type  // the type of a variable; nil is void
	Weak bool         // loading goes on when the kernel lacks it
}
