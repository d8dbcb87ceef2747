package codegen

import (
	"github.com/skep-dev/skep/internal/codegen/regalloc"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

// outInsn is a finished instruction with its relocation.
type outInsn struct {
	isa.Instruction
	core *ir.CORE
}

// outBlock is a block of finished instructions. The conditional jump of a
// termBranch is apart.
type outBlock struct {
	code  []outInsn
	term  termKind
	jump  isa.Instruction
	succs [2]int
	cold  bool
	span  source.Span
}

// emitter turns instructions on virtual registers into finished ones.
type emitter struct {
	fn    *function
	res   *regalloc.Result
	frame *frame
	out   []outBlock
	code  []outInsn // of the block at work
}

func newEmitter(fn *function, res *regalloc.Result, fr *frame) *emitter {
	return &emitter{fn: fn, res: res, frame: fr, out: make([]outBlock, len(fn.blocks))}
}

func (e *emitter) blocks() {
	total := 0
	for b := range e.fn.blocks {
		total += len(e.fn.blocks[b].insts) + len(e.res.Edits[b])
	}
	buf := make([]outInsn, 0, total+total/4+8)
	for b := range e.fn.blocks {
		blk, out := &e.fn.blocks[b], &e.out[b]
		e.code = buf
		e.block(b, blk, out)
		n := len(e.code)
		out.code, buf = e.code[:n:n], e.code[n:]
		out.term, out.cold, out.span = blk.term, blk.cold, blk.span
		for i, s := range blk.succs {
			out.succs[i] = s.to
		}
	}
}

func (e *emitter) block(b int, blk *block, out *outBlock) {
	edits := e.res.Edits[b]
	until := func(pos int32, at source.Span) {
		for len(edits) > 0 && edits[0].Pos <= pos {
			e.edit(edits[0], at)
			edits = edits[1:]
		}
	}
	for k := range blk.insts {
		in := &blk.insts[k]
		until(int32(2*k), in.op.Span)
		as := &e.res.Insts[b][k]
		op := e.registers(in, as)
		switch {
		case in.expand != plain:
			e.set(in.expand, op, isa.Reg(as.Def))
		case k == len(blk.insts)-1 && blk.term == termBranch:
			out.jump = op
		default:
			e.append(op, in.core)
		}
		until(int32(2*k+1), in.op.Span)
	}
	until(int32(2*len(blk.insts)), blk.span)
}

func (e *emitter) append(op isa.Instruction, core *ir.CORE) {
	e.code = append(e.code, outInsn{op, core})
}

// registers fills in the register fields.
func (e *emitter) registers(in *inst, as *regalloc.Assignment) isa.Instruction {
	op := in.op
	reg := func(r role) isa.Reg {
		switch r {
		case roleDef:
			return isa.Reg(as.Def)
		case roleFrame:
			op.Off += e.frame.areas[in.area]
			return isa.R10
		}
		return isa.Reg(as.Uses[r])
	}
	if in.dst != roleNone {
		op.Dst = reg(in.dst)
	}
	if in.src != roleNone {
		op.Src = reg(in.src)
	}
	return op
}

// set is a comparison whose result is a number.
func (e *emitter) set(how expansion, jump isa.Instruction, def isa.Reg) {
	one, zero := isa.ALUImm(isa.Mov, def, 1), isa.ALUImm(isa.Mov, def, 0)
	if how == clearIf {
		one, zero = zero, one
	}
	one.Span, zero.Span = jump.Span, jump.Span
	jump.Off = 1
	e.append(one, nil)
	e.append(jump, nil)
	e.append(zero, nil)
}

// edit makes what the register allocator inserted.
func (e *emitter) edit(ed regalloc.Edit, at source.Span) {
	var op isa.Instruction
	to, from := isa.Reg(ed.To), isa.Reg(ed.From)
	switch ed.Kind {
	case regalloc.Move:
		op = isa.ALUReg(isa.Mov, to, from)
	case regalloc.Load:
		op = isa.Load(8, to, isa.R10, e.frame.slots[ed.Slot])
	case regalloc.Store:
		op = isa.StoreReg(8, isa.R10, e.frame.slots[ed.Slot], from)
	case regalloc.Remat:
		e.remake(e.fn.remade[ed.Value], to, at)
		return
	}
	op.Span = at
	e.append(op, nil)
}

// remake makes a constant or an address.
func (e *emitter) remake(r remade, to isa.Reg, at source.Span) {
	var op isa.Instruction
	switch {
	case r.kind == remadeFrame:
		op = isa.ALUReg(isa.Mov, to, isa.R10)
		op.Span = at
		e.append(op, nil)
		op = isa.ALUImm(isa.Add, to, r.imm+int64(e.frame.areas[r.area]))
	case r.kind == remadeWide:
		op = r.wide
		op.Dst = to
	case fits32(r.imm):
		op = isa.ALUImm(isa.Mov, to, r.imm)
	case uint64(r.imm) <= 0xffffffff:
		op = isa.Instruction{Op: isa.ClassALU32 | isa.Mov, Dst: to, Imm: int64(int32(r.imm))}
	default:
		op = isa.LoadImm64(to, r.imm)
	}
	op.Span = at
	e.append(op, nil)
}
