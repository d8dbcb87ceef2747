package codegen

import (
	"slices"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

// lowerer selects the instructions of a function. Blocks are visited in
// reverse order and instructions backwards: an operation without effect is
// made only when something that was made already uses its value.
type lowerer struct {
	f    *ir.Func
	feat Features
	errs *diag.List
	uses *uses
	fn   *function

	regs  []vreg // by Value.ID; noReg: nobody asked for it
	areas []int32
	// lacks notes the features that were reported as missing.
	lacks map[string]bool

	// out collects the instructions for the operation that is being made, in
	// order; at and from are what they stand for.
	out  []inst
	at   source.Span
	from *ir.Value
}

// lower makes instructions on virtual registers of a function.
func lower(f *ir.Func, feat Features, errs *diag.List) *function {
	g := newGraph(f)
	l := &lowerer{
		f: f, feat: feat, errs: errs, uses: newUses(f, g.cfg), fn: &function{ir: f, blocks: g.blocks},
		regs: make([]vreg, f.NumValues()), areas: make([]int32, f.NumValues()),
	}
	for i := range l.regs {
		l.regs[i], l.areas[i] = noReg, -1
	}
	l.fn.remade = make([]remade, 0, f.NumValues())
	for i := len(g.blocks) - 1; i >= 0; i-- {
		if g.blocks[i].ir != nil {
			l.block(&g.blocks[i])
		}
	}
	l.params(g)
	return l.fn
}

func (l *lowerer) block(blk *block) {
	l.edges(blk)
	rev := make([]inst, 0, len(blk.ir.Instrs)+2)
	l.at, l.from = blk.ir.Term.Span, nil
	l.terminator(blk)
	rev = l.flush(rev)
	for i := len(blk.ir.Instrs) - 1; i >= 0; i-- {
		v := blk.ir.Instrs[i]
		if !v.Op.Info().Effect && !v.Volatile && l.regs[v.ID] == noReg {
			continue
		}
		l.at, l.from = v.Span, v
		l.value(v)
		rev = l.flush(rev)
	}
	slices.Reverse(rev)
	blk.insts = rev
}

// flush moves the instructions of one operation, last first, to the reversed
// list of the block.
func (l *lowerer) flush(rev []inst) []inst {
	for i := len(l.out) - 1; i >= 0; i-- {
		rev = append(rev, l.out[i])
	}
	l.out = l.out[:0]
	return rev
}

// edges gives the successors' parameters their arguments. A parameter that
// shares its argument's register needs none.
func (l *lowerer) edges(blk *block) {
	for i, e := range blk.ir.Succs() {
		to := &blk.succs[i]
		if next := &l.fn.blocks[to.to]; next.ir == nil { // splits the edge
			to = &next.succs[0]
		}
		for j, p := range e.Block.Params {
			if l.uses.count[p.ID] > 0 && l.uses.alias[p.ID] == nil {
				to.args = append(to.args, l.reg(e.Args[j]))
			}
		}
	}
}

// params declares the parameters of all blocks, in the order in which edges
// gave arguments for them.
func (l *lowerer) params(g *graph) {
	for i := range g.blocks {
		blk := &g.blocks[i]
		if blk.ir == nil || len(blk.ir.Params) == 0 {
			continue
		}
		for _, p := range blk.ir.Params {
			if i == 0 || l.uses.count[p.ID] > 0 && l.uses.alias[p.ID] == nil {
				blk.params = append(blk.params, l.reg(p))
			}
		}
	}
}

func (l *lowerer) newReg(r remade) vreg {
	l.fn.remade = append(l.fn.remade, r)
	return vreg(len(l.fn.remade) - 1)
}

func (l *lowerer) temp() vreg { return l.newReg(remade{}) }

// number returns a register with a constant.
func (l *lowerer) number(x int64) vreg { return l.newReg(remade{kind: remadeNumber, imm: x}) }

// reg returns the register of a value, which is thereby asked for.
func (l *lowerer) reg(v *ir.Value) vreg {
	v = l.uses.rep(v)
	if l.regs[v.ID] == noReg {
		l.regs[v.ID] = l.newReg(l.remake(v))
	}
	return l.regs[v.ID]
}

// remake says how a value can be made anew, if it can.
func (l *lowerer) remake(v *ir.Value) remade {
	wide := func(src isa.Reg, kind isa.RefKind, off int64) remade {
		return remade{kind: remadeWide, wide: isa.Instruction{
			Op: isa.OpLoadImm64, Src: src, Imm: off << 32, Ref: isa.Ref{Kind: kind, Name: v.Sym}, Span: v.Span,
		}}
	}
	switch v.Op {
	case ir.OpConst:
		if v.Type == ir.I32 {
			return remade{kind: remadeNumber, imm: int64(uint32(v.Imm))}
		}
		return remade{kind: remadeNumber, imm: v.Imm}
	case ir.OpAddrMap:
		return wide(isa.WideMapFD, isa.RefMap, 0)
	case ir.OpMapVal:
		return wide(isa.WideMapValue, isa.RefMapValue, v.Imm)
	case ir.OpData:
		return wide(isa.WideMapValue, isa.RefData, v.Imm)
	case ir.OpKsym:
		return wide(isa.WideBTFID, isa.RefKsym, v.Imm)
	case ir.OpFuncPtr:
		l.need(l.feat.FuncPtr, "addresses of functions (Linux 5.13)")
		return wide(isa.WideFunc, isa.RefFunc, 0)
	}
	if p := l.place(v, 0); p.area >= 0 {
		return remade{kind: remadeFrame, imm: p.off, area: p.area}
	}
	return remade{}
}

// need reports a feature that the target kernel lacks, once.
func (l *lowerer) need(has bool, what string) {
	if has || l.lacks[what] {
		return
	}
	if l.lacks == nil {
		l.lacks = map[string]bool{}
	}
	l.lacks[what] = true
	l.errs.Errorf(CodeFeature, l.at, "the target kernel lacks %s", what)
}

// constant returns the value of an integer constant.
func constant(v *ir.Value) (int64, bool) {
	if v.Op == ir.OpConst {
		return v.Imm, true
	}
	return 0, false
}

func fits32(x int64) bool { return x == int64(int32(x)) }
func fits16(x int64) bool { return x == int64(int16(x)) }

// emit appends an instruction.
func (l *lowerer) emit(in inst) {
	in.op.Span, in.from = l.at, l.from
	l.out = append(l.out, in)
}

// value makes the instructions for an operation.
func (l *lowerer) value(v *ir.Value) {
	switch {
	case l.regs[v.ID] != noReg && l.fn.remade[l.regs[v.ID]].kind != notRemade:
		return // made where it is used
	case v.Op.IsBinary():
		l.binary(v)
		return
	case v.Op.IsCompare():
		l.compare(v)
		return
	}
	switch v.Op {
	case ir.OpNeg:
		l.unary(class(v.Type)|isa.Neg, 0, l.reg(v), l.reg(v.Args[0]))
	case ir.OpSExt:
		l.signExtend(v.Type, l.reg(v), l.reg(v.Args[0]), v.Width)
	case ir.OpZExt:
		l.zeroExtend(l.reg(v), l.reg(v.Args[0]), v.Width)
	case ir.OpTrunc:
		l.zeroExtend(l.reg(v), l.reg(v.Args[0]), 4)
	case ir.OpBswap:
		l.bswap(v)
	case ir.OpLoad:
		l.load(v)
	case ir.OpStore:
		l.store(v)
	case ir.OpZero:
		l.zero(v)
	case ir.OpCopy:
		l.copy(v)
	case ir.OpAtomic:
		l.atomic(v)
	case ir.OpHelper, ir.OpKfunc, ir.OpCall:
		l.call(v)
	case ir.OpCORE:
		l.core(v)
	}
}

// core makes a constant that the loader fills in. The value of an enumerator
// may have 64 bits whatever it is here.
func (l *lowerer) core(v *ir.Value) {
	in := newInst(isa.ALUImm(isa.Mov, 0, v.Imm), l.reg(v))
	switch {
	case v.Type == ir.I32:
		in.op = isa.Instruction{Op: isa.ClassALU32 | isa.Mov, Imm: int64(int32(v.Imm))}
	case v.CORE.Kind == ir.COREEnumvalValue || !fits32(v.Imm):
		in.op = isa.LoadImm64(0, v.Imm)
	}
	in.dst, in.core = roleDef, v.CORE
	l.emit(in)
}
