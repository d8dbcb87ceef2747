package ir

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// Type is the type of a Value.
type Type uint8

// The value types. Void is the type of an operation without a result.
const (
	Void Type = iota
	I32
	I64
	Ptr
)

var typeNames = [...]string{"void", "i32", "i64", "ptr"}

func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return "invalid"
	}
	return typeNames[t]
}

// Bits returns 32 for I32, 64 for I64 and Ptr, and 0 for Void.
func (t Type) Bits() int {
	switch t {
	case I32:
		return 32
	case I64, Ptr:
		return 64
	}
	return 0
}

// Module is one compilation unit.
type Module struct {
	Funcs []*Func
	Maps  []*Map
	Data  []*Data
	// License is the licence string that the object declares ("GPL").
	License string
}

// Map is a BPF map that the module's code names. Key and Value, when known,
// describe the layout in BTF.
type Map struct {
	Name       string
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // BPF_F_*
	Key, Value ctypes.Type
}

// Data is a named piece of a data section (.rodata, .data or .bss). Its
// address is an AddrData operation.
type Data struct {
	Name    string
	Section string // ".rodata", ".data" or ".bss", or ".rodata.x" or ".data.x"
	Bytes   []byte // contents; for .bss only the length counts
	Align   int    // a power of two
	Type    ctypes.Type
}

// ReadOnly reports whether programs can't change the data. It may still get
// other contents before the program is loaded.
func (d *Data) ReadOnly() bool {
	return d.Section == ".rodata" || strings.HasPrefix(d.Section, ".rodata.")
}

// Func is a function: a program of the object when Section is set, else a
// subprogram or a callback.
type Func struct {
	Name    string
	Section string // ELF section, such as "tracepoint/raw_syscalls/sys_enter"
	// Static marks a function that is verified together with its callers
	// (local binding); without it the function is global.
	Static bool
	Params []*Value // the entry block's parameters
	Result Type
	Blocks []*Block
	// Proto is the C prototype for BTF; nil when unknown.
	Proto *ctypes.Func
	Span  source.Span

	values int // the next Value.ID
	blocks int // the next Block.ID
}

// Block is a straight run of instructions with one terminator.
type Block struct {
	ID     int
	Func   *Func
	Params []*Value
	Instrs []*Value
	Term   Term
}

// TermKind is the kind of a block's terminator.
type TermKind uint8

// The terminators. NoTerm marks a block that is still being built.
const (
	NoTerm TermKind = iota
	Jump            // goto Then
	Branch          // if Cond != 0 goto Then else goto Else
	Return          // return Cond (nil for a void function)
	Unreachable
)

// Term ends a block.
type Term struct {
	Kind       TermKind
	Cond       *Value // Branch: the condition; Return: the result or nil
	Then, Else Edge
	Span       source.Span
}

// Edge is a way from one block to another, with the values that the target's
// parameters take.
type Edge struct {
	Block *Block
	Args  []*Value
}

// Value is an instruction or a block parameter, and at the same time its
// result. Which of the auxiliary fields have a meaning is in the table of
// Op (see OpInfo).
type Value struct {
	ID    int
	Op    Op
	Type  Type
	Args  []*Value
	Block *Block
	Span  source.Span

	// Imm is a constant's value, a load's or store's byte offset, an
	// alloca's size, a helper's number.
	Imm int64
	// Width is the bytes moved by a memory operation, or the source width
	// of an extension: 1, 2, 4 or 8.
	Width uint8
	// Signed makes a load sign-extend.
	Signed bool
	// Volatile forbids to remove, repeat, merge or forward a load or store.
	Volatile bool
	// Atomic is the operation of an Atomic value.
	Atomic AtomicOp
	// Sym names a map, data, function, helper or kfunc.
	Sym string
	// CORE is the relocation of a CORE operation.
	CORE *CORE
}

// AtomicOp is what an Atomic operation does to memory (RFC 9669 section 5.3).
type AtomicOp uint8

// The atomic operations. All but the plain four return the old value.
const (
	AtomicAdd AtomicOp = iota
	AtomicOr
	AtomicAnd
	AtomicXor
	AtomicFetchAdd
	AtomicFetchOr
	AtomicFetchAnd
	AtomicFetchXor
	AtomicXchg
	AtomicCmpXchg
)

var atomicNames = [...]string{"add", "or", "and", "xor", "fetch_add", "fetch_or", "fetch_and", "fetch_xor", "xchg", "cmpxchg"}

func (a AtomicOp) String() string {
	if int(a) >= len(atomicNames) {
		return "invalid"
	}
	return atomicNames[a]
}

// Fetches reports whether the operation returns the old value.
func (a AtomicOp) Fetches() bool { return a >= AtomicFetchAdd }

// COREKind is the kind of a CO-RE relocation (enum bpf_core_relo_kind).
type COREKind uint32

// The CO-RE relocation kinds, numbered as in .BTF.ext.
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
)

var coreNames = [...]string{
	"field_offset", "field_size", "field_exists", "field_signed", "field_lshift", "field_rshift",
	"type_id_local", "type_id_target", "type_exists", "type_size", "enumval_exists", "enumval_value", "type_matches",
}

func (k COREKind) String() string {
	if int64(k) >= int64(len(coreNames)) {
		return "invalid"
	}
	return coreNames[k]
}

// CORE is a CO-RE relocation: the root type, the access path as libbpf spells
// it ("0:1:3") and what is asked of it. The operation's Imm is the answer for
// the local type.
type CORE struct {
	Kind   COREKind
	Type   ctypes.Type
	Access string
}

// NewFunc appends a function with an entry block whose parameters have the
// given types.
func (m *Module) NewFunc(name, section string, result Type, params ...Type) *Func {
	f := &Func{Name: name, Section: section, Result: result}
	entry := f.NewBlock()
	for _, t := range params {
		f.Params = append(f.Params, entry.AddParam(t))
	}
	m.Funcs = append(m.Funcs, f)
	return f
}

// Func returns the function with the given name, or nil.
func (m *Module) Func(name string) *Func {
	for _, f := range m.Funcs {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Map returns the map with the given name, or nil.
func (m *Module) Map(name string) *Map {
	for _, x := range m.Maps {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// Datum returns the data with the given name, or nil.
func (m *Module) Datum(name string) *Data {
	for _, d := range m.Data {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// NewBlock appends an empty block.
func (f *Func) NewBlock() *Block {
	b := &Block{ID: f.blocks, Func: f}
	f.blocks++
	f.Blocks = append(f.Blocks, b)
	return b
}

// Entry returns the entry block.
func (f *Func) Entry() *Block { return f.Blocks[0] }

// NumValues is an upper bound of the IDs of the function's values, for tables
// indexed by Value.ID.
func (f *Func) NumValues() int { return f.values }

// NumBlocks is an upper bound of the IDs of the function's blocks.
func (f *Func) NumBlocks() int { return f.blocks }

// NewValue makes a value of the function that is in no block yet.
func (f *Func) NewValue(op Op, t Type, args ...*Value) *Value {
	v := &Value{ID: f.values, Op: op, Type: t, Args: args}
	f.values++
	return v
}

// AddParam appends a parameter.
func (b *Block) AddParam(t Type) *Value {
	v := b.Func.NewValue(OpParam, t)
	v.Block = b
	b.Params = append(b.Params, v)
	return v
}

// Append puts an instruction at the end of the block.
func (b *Block) Append(v *Value) *Value {
	v.Block = b
	b.Instrs = append(b.Instrs, v)
	return v
}

// Succs returns the terminator's edges, for reading and changing them.
func (b *Block) Succs() []*Edge {
	switch b.Term.Kind {
	case Jump:
		return []*Edge{&b.Term.Then}
	case Branch:
		return []*Edge{&b.Term.Then, &b.Term.Else}
	}
	return nil
}

func (v *Value) String() string { return fmt.Sprintf("v%d", v.ID) }

func (b *Block) String() string { return fmt.Sprintf("b%d", b.ID) }
