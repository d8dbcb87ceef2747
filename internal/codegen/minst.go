package codegen

import (
	"github.com/skep-dev/skep/internal/codegen/regalloc"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

// vreg is a virtual register.
type vreg = regalloc.Value

const noReg = regalloc.None

// role says what fills a register field of an instruction: the use with that
// number, or one of the others.
type role int8

const (
	roleNone  role = -1 - iota // the field stays as it is
	roleDef                    // the definition
	roleFrame                  // r10, and the frame area's place is added to Off
)

// expansion is how an instruction on virtual registers becomes instructions.
type expansion uint8

const (
	plain expansion = iota
	// setIf is def = 1; if (condition) skip; def = 0. The instruction is
	// the conditional jump.
	setIf
	// clearIf is setIf with 0 and 1 exchanged.
	clearIf
)

// inst is an instruction on virtual registers.
type inst struct {
	op       isa.Instruction
	ra       regalloc.Inst
	dst, src role
	expand   expansion
	area     int32 // the frame area of a roleFrame
	core     *ir.CORE
	from     *ir.Value // what it was made for; nil for a terminator
}

// edge leads to a block.
type edge struct {
	to   int
	args []vreg
}

// termKind is how a block ends.
type termKind uint8

const (
	termJump   termKind = iota // to succs[0]
	termBranch                 // the last instruction jumps to succs[0], else succs[1]
	termExit                   // the last instruction is exit
)

// block is a basic block on virtual registers.
type block struct {
	ir     *ir.Block // nil for one that splits an edge
	params []vreg
	insts  []inst
	succs  []edge
	term   termKind
	cold   bool
	span   source.Span // of the terminator
}

// remade is a value that can be made anew anywhere.
type remade struct {
	kind remadeKind
	imm  int64           // a number, or the offset in a frame area
	area int32           // of an address in the frame
	wide isa.Instruction // an lddw with a reference
}

type remadeKind uint8

const (
	notRemade remadeKind = iota
	remadeNumber
	remadeFrame
	remadeWide
)

// area is a part of the stack frame.
type area struct {
	size  int64
	value *ir.Value // the alloca
}

// function is a function on virtual registers.
type function struct {
	ir     *ir.Func
	blocks []block
	remade []remade // by vreg
	areas  []area
}

// newInst returns an instruction that uses and defines registers. def may be
// noReg.
func newInst(op isa.Instruction, def vreg, uses ...vreg) inst {
	return inst{op: op, ra: regalloc.NewInst(def, uses...), dst: roleNone, src: roleNone}
}

// regallocFunc is the function as the register allocator sees it.
func (f *function) regallocFunc() *regalloc.Func {
	rf := &regalloc.Func{
		Blocks: make([]regalloc.Block, len(f.blocks)), NumValues: len(f.remade),
		Remat: make([]bool, len(f.remade)), Machine: machine(),
	}
	for v, r := range f.remade {
		rf.Remat[v] = r.kind != notRemade
	}
	total, edges := 0, 0
	for b := range f.blocks {
		total += len(f.blocks[b].insts)
		edges += len(f.blocks[b].succs)
	}
	insts, succs := make([]regalloc.Inst, 0, total), make([]regalloc.Edge, 0, edges)
	for b := range f.blocks {
		blk := &f.blocks[b]
		i, s := len(insts), len(succs)
		for k := range blk.insts {
			insts = append(insts, blk.insts[k].ra)
		}
		for _, e := range blk.succs {
			succs = append(succs, regalloc.Edge{Block: e.to, Args: e.args})
		}
		rf.Blocks[b] = regalloc.Block{Params: blk.params, Insts: insts[i:], Succs: succs[s:], Cold: blk.cold}
	}
	for i := range f.blocks[0].params {
		rf.EntryRegs = append(rf.EntryRegs, regalloc.Reg(i+1))
	}
	return rf
}
