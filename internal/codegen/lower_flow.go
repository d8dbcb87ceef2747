package codegen

import (
	"github.com/skep-dev/skep/internal/codegen/regalloc"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

// condition is a comparison as a conditional jump makes it.
type condition struct {
	op   isa.Op // class and operation
	x, y vreg   // y is noReg when imm counts
	imm  int64
	not  bool // the jump is taken when the condition does not hold
}

var compareOps = map[ir.Op]isa.Op{
	ir.OpEq: isa.JEq, ir.OpNe: isa.JNe, ir.OpULt: isa.JLt, ir.OpULe: isa.JLe, ir.OpUGt: isa.JGt, ir.OpUGe: isa.JGe,
	ir.OpSLt: isa.JSLt, ir.OpSLe: isa.JSLe, ir.OpSGt: isa.JSGt, ir.OpSGe: isa.JSGe,
}

// condition turns a value into what a jump tests. A comparison is tested
// itself, however often its result is used; everything else is compared with
// 0.
func (l *lowerer) condition(v *ir.Value) condition {
	not, t := false, v.Type
	for {
		t = v.Type // of v itself: its register may be that of a wider value
		v = l.uses.rep(v)
		inner, is, ok := testOfCompare(l.uses, v)
		if !ok {
			break
		}
		v, not = inner, not != is
	}
	if !v.Op.IsCompare() {
		c := condition{op: jumpClass(t) | isa.JNe, x: l.reg(v), y: noReg}
		if not {
			c.op = jumpClass(t) | isa.JEq
		}
		return c
	}
	c := l.comparison(v)
	if not {
		if op, ok := isa.Negate(c.op.Operation()); ok {
			c.op = c.op.Class() | op
		} else {
			c.not = !c.not
		}
	}
	return c
}

// testOfCompare recognises (x op y) == 0 and (x op y) != 0, and returns the
// inner comparison and whether the outer negates it.
func testOfCompare(u *uses, v *ir.Value) (inner *ir.Value, negates, ok bool) {
	if v.Op != ir.OpEq && v.Op != ir.OpNe {
		return nil, false, false
	}
	c, isConst := constant(v.Args[1])
	inner = u.rep(v.Args[0])
	return inner, v.Op == ir.OpEq, isConst && c == 0 && inner.Op.IsCompare()
}

func jumpClass(t ir.Type) isa.Op {
	if t == ir.I32 {
		return isa.ClassJMP32
	}
	return isa.ClassJMP
}

func (l *lowerer) comparison(v *ir.Value) condition {
	x, y, op := v.Args[0], v.Args[1], compareOps[v.Op]
	if _, ok := constant(x); ok {
		x, y, op = y, x, isa.Mirror(op)
	}
	if c, ok := l.bitTest(v.Op, x, y); ok {
		return c
	}
	c := condition{op: jumpClass(x.Type) | op, x: l.reg(x), y: noReg}
	if imm, ok := constant(y); ok && fits32(imm) {
		c.imm = imm
	} else {
		c.y = l.reg(y)
	}
	return c
}

// bitTest recognises (a & b) != 0 and (a & b) == 0 where the conjunction has
// no other use.
func (l *lowerer) bitTest(op ir.Op, x, y *ir.Value) (condition, bool) {
	zero, isConst := constant(y)
	if op != ir.OpEq && op != ir.OpNe || !isConst || zero != 0 || x.Op != ir.OpAnd || l.uses.count[x.ID] != 1 {
		return condition{}, false
	}
	a, b := x.Args[0], x.Args[1]
	if _, ok := constant(a); ok {
		a, b = b, a
	}
	c := condition{op: jumpClass(x.Type) | isa.JSet, x: l.reg(a), y: noReg, not: op == ir.OpEq}
	if imm, ok := constant(b); ok && fits32(imm) {
		c.imm = imm
	} else {
		c.y = l.reg(b)
	}
	return c, true
}

// jump makes the conditional jump; def is for a jump that sets a register.
func (c condition) jump(def vreg) inst {
	in := newInst(isa.Instruction{Op: c.op, Imm: c.imm}, def, c.x)
	if c.y != noReg {
		in = newInst(isa.Instruction{Op: c.op | isa.SrcReg}, def, c.x, c.y)
		in.src = 1
	}
	in.dst = 0
	return in
}

// compare makes a comparison whose result is a number.
func (l *lowerer) compare(v *ir.Value) {
	c := l.condition(v)
	in := c.jump(l.reg(v))
	in.ra.Early = true
	in.expand = setIf
	if c.not {
		in.expand = clearIf
	}
	l.emit(in)
}

func (l *lowerer) terminator(blk *block) {
	t := &blk.ir.Term
	switch t.Kind {
	case ir.Branch:
		c := l.condition(t.Cond)
		if c.not {
			blk.succs[0], blk.succs[1] = blk.succs[1], blk.succs[0]
		}
		l.emit(c.jump(noReg))
	case ir.Return:
		if t.Cond != nil {
			l.exit(l.reg(t.Cond))
		} else {
			l.exit(l.number(0)) // the verifier wants r0 to be set
		}
	case ir.Unreachable:
		l.exit(l.number(0))
	}
}

func (l *lowerer) exit(x vreg) {
	in := newInst(isa.Return(), noReg, x)
	in.ra.UseRegs[0] = 0
	l.emit(in)
}

func (l *lowerer) call(v *ir.Value) {
	op := isa.CallNumber(v.Imm)
	switch v.Op {
	case ir.OpKfunc:
		l.need(l.feat.Kfuncs, "calls of kernel functions (Linux 5.13)")
		op = isa.Instruction{Op: isa.OpCall, Src: isa.CallKfunc, Ref: isa.Ref{Kind: isa.RefKfunc, Name: v.Sym}}
	case ir.OpCall:
		op = isa.Instruction{Op: isa.OpCall, Src: isa.CallFunc, Ref: isa.Ref{Kind: isa.RefFunc, Name: v.Sym}}
	}
	def := l.regs[v.ID]
	result := def
	if def != noReg && v.Op == ir.OpKfunc && v.Type == ir.I32 {
		result = l.temp() // C leaves the upper half of an int undefined
	}
	args := make([]vreg, 0, regalloc.MaxUses)
	for _, a := range v.Args {
		args = append(args, l.reg(a))
	}
	in := newInst(op, result, args...)
	for i := range args {
		in.ra.UseRegs[i] = regalloc.Reg(i + 1)
	}
	in.ra.Clobbers = clobbered
	if result != noReg {
		in.ra.DefReg = 0
	}
	l.emit(in)
	if result != def {
		l.zeroExtend(def, result, 4)
	}
}
