package regalloc

import "math/bits"

// Value is a value of the function, numbered from 0.
type Value int32

// None is no value.
const None Value = -1

// Reg is a register, 0 to MaxRegs-1.
type Reg uint8

// MaxRegs is the number of registers that a machine may have.
const MaxRegs = 16

// NoReg is no register, and "any register" in a constraint.
const NoReg Reg = 0xff

// RegSet is a set of registers.
type RegSet uint16

// Of returns the set of one register; of NoReg it is empty.
func Of(r Reg) RegSet {
	if r == NoReg {
		return 0
	}
	return 1 << r
}

// Has reports whether r is in the set.
func (s RegSet) Has(r Reg) bool { return r != NoReg && s>>r&1 != 0 }

// Len returns the number of registers in the set.
func (s RegSet) Len() int { return bits.OnesCount16(uint16(s)) }

// lowest returns the register with the lowest number; the set isn't empty.
func (s RegSet) lowest() Reg { return Reg(bits.TrailingZeros16(uint16(s))) }

// MaxUses is how many values an instruction may use.
const MaxUses = 5

// Inst is what an instruction does with values. The zero Inst is not valid;
// NewInst makes one.
type Inst struct {
	Def     Value          // the value that it defines, or None
	DefReg  Reg            // the register where the definition appears; NoReg: any
	NumUses uint8          // how many of Uses count
	Tied    int8           // the use whose register the definition overwrites; -1: none
	Uses    [MaxUses]Value // the values that it reads
	UseRegs [MaxUses]Reg   // the register where it reads each; NoReg: any
	// Clobbers are the registers whose contents are lost. Uses are read
	// before, the definition is written after. An instruction with Tied set
	// clobbers nothing.
	Clobbers RegSet
	Commute  bool // uses 0 and 1 may be exchanged
	Early    bool // the definition is written before all uses are read
	Copy     bool // the definition would best be in the register of use 0
}

// NewInst returns an instruction without constraints. def may be None.
func NewInst(def Value, uses ...Value) Inst {
	in := Inst{Def: def, DefReg: NoReg, Tied: -1, NumUses: uint8(len(uses))}
	copy(in.Uses[:], uses)
	for i := range in.UseRegs {
		in.UseRegs[i] = NoReg
	}
	return in
}

// Edge leads to a block and gives values for its parameters.
type Edge struct {
	Block int
	Args  []Value
}

// Block is a straight run of instructions. A branch instruction, if there is
// one, is the last. A block with two successors may lead only to blocks that
// have no other predecessor.
type Block struct {
	Params []Value
	Insts  []Inst
	Succs  []Edge
	Cold   bool // hardly ever runs
}

// Func is a function. Every value has one definition, which dominates its
// uses; a value with Remat set has no definition and can be made anywhere at
// the cost of an instruction.
type Func struct {
	// Blocks are in reverse postorder from the entry, and every loop's
	// blocks are best in one run.
	Blocks []Block
	// EntryRegs is where the parameters of the first block are.
	EntryRegs []Reg
	NumValues int
	Remat     []bool // by Value
	Machine   *Machine
}

// Machine is the set of registers.
type Machine struct {
	Regs  RegSet // may be allocated
	Saved RegSet // of those, the ones that calls keep
	Order []Reg  // Regs, most wanted first
}

// EditKind is what an Edit does.
type EditKind uint8

// The kinds of edits.
const (
	Move  EditKind = iota // To = From
	Load                  // To = Slot
	Store                 // Slot = From
	Remat                 // To = Value, made anew
)

// Edit is an instruction to insert. Edits of a block are in the order in which
// they are to happen.
type Edit struct {
	// Pos is where: 2k is before instruction k of the block, 2k+1 right
	// after it; negative is at the block's start.
	Pos      int32
	Kind     EditKind
	To, From Reg
	Slot     int32 // index in Result.Slots
	Value    Value
}

// Assignment is the registers of an instruction's operands.
type Assignment struct {
	Def  Reg
	Uses [MaxUses]Reg
	// Swapped: the instruction is to be emitted with uses 0 and 1
	// exchanged; Uses has them in the new order.
	Swapped bool
}

// Slot is a place in memory for one value. It is in use from Start to End,
// both in the numbering of Result.Pos.
type Slot struct {
	Start, End int
}

// Result is the outcome.
type Result struct {
	Insts [][]Assignment // by block and instruction
	Edits [][]Edit       // by block
	Slots []Slot
	Used  RegSet // the registers that are written anywhere

	start []int // by block: the number of its start
	loops []loop
}

// Pos numbers the instructions through all blocks; instruction -1 is the
// block's start and len(Insts) its end.
func (r *Result) Pos(block, inst int) int { return r.start[block] + 1 + inst }
