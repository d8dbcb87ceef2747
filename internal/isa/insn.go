package isa

import (
	"strconv"

	"github.com/skep-dev/skep/internal/source"
)

// Reg is a register.
type Reg uint8

// The registers: R0 results, R1 to R5 arguments, R6 to R9 kept across calls,
// R10 the frame's end, read-only.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
)

func (r Reg) String() string { return "r" + strconv.Itoa(int(r)) }

// RefKind is what a symbolic reference names.
type RefKind uint8

// The kinds of references. All but RefFunc and RefKfunc, which are for calls
// too, stand in an lddw.
const (
	RefNone     RefKind = iota
	RefMap              // a map, as helpers take it
	RefMapValue         // the value of a map's only element; the high half of Imm is the offset in it
	RefData             // data of the object; the high half of Imm is the offset in it
	RefFunc             // a function of the object
	RefKfunc            // a kernel function
	RefKsym             // a kernel variable
)

// Ref is a symbolic reference that a linker or loader resolves. As long as an
// instruction has one, the part of Imm that will hold its value is 0, while Src
// already says what that value will mean (WideMapFD, CallKfunc, ...). Data
// becomes the value of an array map, so its references are WideMapValue.
type Ref struct {
	Kind RefKind
	Name string
}

// Instruction is one instruction. Only the fields that the form of Op names
// (see facts.Form) have a meaning.
type Instruction struct {
	Op       Op
	Dst, Src Reg
	Off      int16 // byte offset; jump distance in slots from the next instruction; variant of the operation
	Imm      int64 // of 32 bits, sign-extended, except in lddw
	Ref      Ref
	Span     source.Span
}

// Slots returns how many 8-byte slots the instruction takes: 2 for lddw, else 1.
func (i Instruction) Slots() int {
	if i.Op == OpLoadImm64 {
		return 2
	}
	return 1
}

// Slots returns how many 8-byte slots the instructions take.
func Slots(insns []Instruction) int {
	n := 0
	for i := range insns {
		n += insns[i].Slots()
	}
	return n
}

// ALUImm is `dst op= imm` in 64 bits.
func ALUImm(op Op, dst Reg, imm int64) Instruction {
	return Instruction{Op: ClassALU64 | op, Dst: dst, Imm: imm}
}

// ALUReg is `dst op= src` in 64 bits.
func ALUReg(op Op, dst, src Reg) Instruction {
	return Instruction{Op: ClassALU64 | op | SrcReg, Dst: dst, Src: src}
}

// LoadImm64 is `dst = imm`, 64 bits wide, in two slots.
func LoadImm64(dst Reg, imm int64) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Imm: imm}
}

// Load is `dst = *(uN *)(src +off)`.
func Load(width int, dst, src Reg, off int16) Instruction {
	return Instruction{Op: ClassLDX | ModeMEM | SizeOf(width), Dst: dst, Src: src, Off: off}
}

// StoreReg is `*(uN *)(dst +off) = src`.
func StoreReg(width int, dst Reg, off int16, src Reg) Instruction {
	return Instruction{Op: ClassSTX | ModeMEM | SizeOf(width), Dst: dst, Src: src, Off: off}
}

// StoreImm is `*(uN *)(dst +off) = imm`.
func StoreImm(width int, dst Reg, off int16, imm int64) Instruction {
	return Instruction{Op: ClassST | ModeMEM | SizeOf(width), Dst: dst, Off: off, Imm: imm}
}

// Goto is an unconditional jump over off slots.
func Goto(off int16) Instruction { return Instruction{Op: OpGoto, Off: off} }

// CallNumber calls the helper with the given number.
func CallNumber(n int64) Instruction { return Instruction{Op: OpCall, Imm: n} }

// Return is `exit`.
func Return() Instruction { return Instruction{Op: OpExit} }

// Target returns the distance in slots from the next instruction to where a
// jump or a call of a program's function leads; ok is false for all other
// instructions, and for symbolic calls.
func (i Instruction) Target() (off int, ok bool) {
	switch {
	case i.Ref.Kind != RefNone:
		return 0, false
	case i.Op == OpGotoLong, i.Op == OpCall && i.Src == CallFunc, i.Op == OpLoadImm64 && i.Src == WideFunc:
		return int(int32(i.Imm)), true
	case i.Op == OpCall, i.Op == OpCallReg, i.Op == OpExit, !i.Op.IsJump():
		return 0, false
	}
	return int(i.Off), true
}
