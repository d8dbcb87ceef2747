package isa

import "github.com/skep-dev/skep/internal/facts"

// Op is an opcode byte: class (low three bits), and either operation and
// source bit (arithmetic, jumps) or size and mode (memory).
type Op uint8

// The instruction classes.
const (
	ClassLD    Op = 0x00 // non-standard loads: lddw, packet access
	ClassLDX   Op = 0x01
	ClassST    Op = 0x02 // stores of an immediate
	ClassSTX   Op = 0x03 // stores of a register, atomics
	ClassALU32 Op = 0x04
	ClassJMP   Op = 0x05
	ClassJMP32 Op = 0x06
	ClassALU64 Op = 0x07
)

// SrcReg marks arithmetic and jumps whose second operand is a register.
const SrcReg Op = 0x08

// The arithmetic operations, for both classes.
const (
	Add  Op = 0x00
	Sub  Op = 0x10
	Mul  Op = 0x20
	Div  Op = 0x30 // Off 1: signed
	Or   Op = 0x40
	And  Op = 0x50
	Lsh  Op = 0x60
	Rsh  Op = 0x70
	Neg  Op = 0x80
	Mod  Op = 0x90 // Off 1: signed
	Xor  Op = 0xa0
	Mov  Op = 0xb0 // from a register: Off 8, 16, 32 sign-extends
	Arsh Op = 0xc0
	End  Op = 0xd0 // Imm is the width in bits
)

// The jump operations. JA, Call, Exit and JCond stand on their own; the
// others compare.
const (
	JA    Op = 0x00
	JEq   Op = 0x10
	JGt   Op = 0x20
	JGe   Op = 0x30
	JSet  Op = 0x40
	JNe   Op = 0x50
	JSGt  Op = 0x60
	JSGe  Op = 0x70
	Call  Op = 0x80
	Exit  Op = 0x90
	JLt   Op = 0xa0
	JLe   Op = 0xb0
	JSLt  Op = 0xc0
	JSLe  Op = 0xd0
	JCond Op = 0xe0
)

// The sizes of memory operations.
const (
	SizeW  Op = 0x00 // 4 bytes
	SizeH  Op = 0x08 // 2 bytes
	SizeB  Op = 0x10 // 1 byte
	SizeDW Op = 0x18 // 8 bytes
)

// The modes of memory operations.
const (
	ModeIMM    Op = 0x00
	ModeABS    Op = 0x20
	ModeIND    Op = 0x40
	ModeMEM    Op = 0x60
	ModeMEMSX  Op = 0x80
	ModeAtomic Op = 0xc0
)

// Opcodes that have one form only.
const (
	OpLoadImm64 = ClassLD | ModeIMM | SizeDW // two slots
	OpGoto      = ClassJMP | JA
	OpGotoLong  = ClassJMP32 | JA
	OpMayGoto   = ClassJMP | JCond
	OpCall      = ClassJMP | Call
	OpCallReg   = ClassJMP | Call | SrcReg
	OpExit      = ClassJMP | Exit
	OpToLE      = ClassALU32 | End
	OpToBE      = ClassALU32 | End | SrcReg
	OpSwap      = ClassALU64 | End
)

// What an atomic operation does (its Imm). Fetch is part of the last four.
const (
	AtomicFetch   = 0x01
	AtomicAdd     = 0x00
	AtomicOr      = 0x40
	AtomicAnd     = 0x50
	AtomicXor     = 0xa0
	AtomicXchg    = 0xe0 | AtomicFetch
	AtomicCmpXchg = 0xf0 | AtomicFetch
	LoadAcquire   = 0x100
	StoreRelease  = 0x110
)

// What the source register field of lddw says about its Imm.
const (
	WideImm         = 0 // a number
	WideMapFD       = 1 // a map's descriptor
	WideMapValue    = 2 // a map's descriptor (low half), offset in its value (high half)
	WideBTFID       = 3 // a kernel variable's BTF id (low half), BTF descriptor (high half)
	WideFunc        = 4 // a function of the program, relative to the next slot
	WideMapIdx      = 5 // an index of a list of map descriptors
	WideMapIdxValue = 6 // such an index (low half), offset in the value (high half)
)

// What the source register field of a call says about its Imm.
const (
	CallHelper = 0 // a helper's number
	CallFunc   = 1 // a function of the program, relative to the next slot
	CallKfunc  = 2 // a kernel function's BTF id; Off is an index of BTF descriptors
)

// AddrSpaceCast is the Off of the 64-bit move that changes address spaces; Imm holds
// the destination's (high half) and the source's (low half).
const AddrSpaceCast = 1

// Class returns the instruction class.
func (o Op) Class() Op { return o & 0x07 }

// Operation returns the operation bits of arithmetic and jumps.
func (o Op) Operation() Op { return o & 0xf0 }

// Mode returns the mode bits of a memory operation.
func (o Op) Mode() Op { return o & 0xe0 }

// Width returns how many bytes a memory operation moves.
func (o Op) Width() int { return [...]int{4, 2, 1, 8}[o>>3&3] }

// FromReg reports whether arithmetic or a jump takes its second operand from
// a register.
func (o Op) FromReg() bool { return o&SrcReg != 0 }

// Form returns which fields the opcode uses.
func (o Op) Form() facts.Form { return facts.Opcodes(uint8(o)).Form }

// IsALU reports whether the class is arithmetic.
func (o Op) IsALU() bool { return o.Class() == ClassALU32 || o.Class() == ClassALU64 }

// IsJump reports whether the class is one of jumps, calls and exit.
func (o Op) IsJump() bool { return o.Class() == ClassJMP || o.Class() == ClassJMP32 }

// SizeOf returns the size bits for 1, 2, 4 or 8 bytes.
func SizeOf(width int) Op {
	switch width {
	case 1:
		return SizeB
	case 2:
		return SizeH
	case 4:
		return SizeW
	}
	return SizeDW
}

// Negate returns the comparison that holds when o does not; JSet has none.
func Negate(o Op) (Op, bool) {
	switch o {
	case JEq:
		return JNe, true
	case JNe:
		return JEq, true
	case JGt:
		return JLe, true
	case JLe:
		return JGt, true
	case JGe:
		return JLt, true
	case JLt:
		return JGe, true
	case JSGt:
		return JSLe, true
	case JSLe:
		return JSGt, true
	case JSGe:
		return JSLt, true
	case JSLt:
		return JSGe, true
	}
	return o, false
}

// Mirror returns the comparison with its operands exchanged.
func Mirror(o Op) Op {
	switch o {
	case JGt:
		return JLt
	case JLt:
		return JGt
	case JGe:
		return JLe
	case JLe:
		return JGe
	case JSGt:
		return JSLt
	case JSLt:
		return JSGt
	case JSGe:
		return JSLe
	case JSLe:
		return JSGe
	}
	return o
}
