package ops

import (
	"fmt"

	"github.com/skep-dev/skep/internal/isa"
)

// Code says what an operation does.
type Code uint16

func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("Code(%d)", uint16(c))
}

// Op is an operation. Off is a byte offset, or the distance of a jump counted
// from the next slot; Imm is sign-extended to 64 bits.
type Op struct {
	Code     Code
	Dst, Src uint8
	Off      int32
	Imm      uint64
}

// Program is a program ready to run. It is not changed once it is made.
type Program struct {
	Name  string
	Code  []Op // with joined operations
	Plain []Op // without
	// Entries are the slots of the functions, 0 among them.
	Entries map[int]string
	// Stack says whether the program refers to r10 at all.
	Stack bool
	// Source says where the instruction in a slot comes from, "" when that
	// isn't known. It may be nil.
	Source func(slot int) string
	// Object is what the owner of the program keeps with it.
	Object any
}

// The registers have fixed meanings from R1, the context, to R10, the frame.
const (
	StackSize = 512 // bytes of one function's frame
	MaxFrames = 8   // functions that may be active at once
)

// FuncBase marks a number as the address of a function: it is FuncBase plus
// the slot. No memory lies there.
const FuncBase = 0xfff1 << 48

// Error is a reason not to decode a program.
type Error struct {
	Slot   int
	Insn   isa.Instruction
	Reason string
}

func (e *Error) Error() string {
	if e.Insn == (isa.Instruction{}) {
		return fmt.Sprintf("instruction %d: %s", e.Slot, e.Reason)
	}
	return fmt.Sprintf("instruction %d (%s): %s", e.Slot, e.Insn, e.Reason)
}

// join is a code that stands for a sequence of operations.
type join struct {
	code  Code
	parts []Code
	where func(at []Op) bool // what the operands must be like, nil: anything
}
