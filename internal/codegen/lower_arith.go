package codegen

import (
	"math/bits"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

// class is the arithmetic class for a type.
func class(t ir.Type) isa.Op {
	if t == ir.I32 {
		return isa.ClassALU32
	}
	return isa.ClassALU64
}

// unary is `def op`, in place of x.
func (l *lowerer) unary(op isa.Op, imm int64, def, x vreg) {
	in := newInst(isa.Instruction{Op: op, Imm: imm}, def, x)
	in.dst, in.ra.Tied = roleDef, 0
	l.emit(in)
}

// byReg is `def op= y`, in place of x.
func (l *lowerer) byReg(op isa.Op, def, x, y vreg) {
	in := newInst(isa.Instruction{Op: op | isa.SrcReg}, def, x, y)
	in.dst, in.src, in.ra.Tied = roleDef, 1, 0
	switch op.Operation() {
	case isa.Add, isa.Mul, isa.And, isa.Or, isa.Xor:
		in.ra.Commute = true
	}
	l.emit(in)
}

// move is `def = x` with another width or sign, or a plain copy.
func (l *lowerer) move(op isa.Op, off int16, def, x vreg) {
	in := newInst(isa.Instruction{Op: op | isa.Mov | isa.SrcReg, Off: off}, def, x)
	in.dst, in.src, in.ra.Copy = roleDef, 0, true
	l.emit(in)
}

// binaryOps are the operations that need no thought.
var binaryOps = map[ir.Op]isa.Op{
	ir.OpAdd: isa.Add, ir.OpSub: isa.Sub, ir.OpMul: isa.Mul, ir.OpUDiv: isa.Div, ir.OpUMod: isa.Mod, ir.OpSDiv: isa.Div,
	ir.OpSMod: isa.Mod, ir.OpAnd: isa.And, ir.OpOr: isa.Or, ir.OpXor: isa.Xor,
	ir.OpShl: isa.Lsh, ir.OpLShr: isa.Rsh, ir.OpAShr: isa.Arsh,
}

func (l *lowerer) binary(v *ir.Value) {
	x, y := v.Args[0], v.Args[1]
	if _, ok := constant(x); ok && v.Op.Info().Commute {
		x, y = y, x
	}
	if v.Op == ir.OpAdd && l.addCORE(v, x, y) {
		return
	}
	if c, ok := constant(y); ok && l.binaryImm(v, x, c) {
		return
	}
	if v.Op == ir.OpSDiv || v.Op == ir.OpSMod {
		l.signedDivide(v, l.reg(x), y)
		return
	}
	l.byReg(class(v.Type)|binaryOps[v.Op], l.reg(v), l.reg(x), l.reg(y))
}

// addCORE makes the addition of a CO-RE value that has no other use: its
// relocation then is on the addition itself.
func (l *lowerer) addCORE(v, x, y *ir.Value) bool {
	if x.Op == ir.OpCORE && y.Op != ir.OpCORE {
		x, y = y, x
	}
	if y.Op != ir.OpCORE || l.uses.count[y.ID] != 1 || v.Type == ir.I32 || !fits32(y.Imm) || y.CORE.Kind == ir.COREEnumvalValue {
		return false
	}
	in := newInst(isa.ALUImm(isa.Add, 0, y.Imm), l.reg(v), l.reg(x))
	in.dst, in.ra.Tied, in.core = roleDef, 0, y.CORE
	l.emit(in)
	return true
}

// binaryImm makes an operation with a constant, or returns false when the
// constant has to be in a register.
func (l *lowerer) binaryImm(v, x *ir.Value, c int64) bool {
	op := class(v.Type)
	width := int64(v.Type.Bits())
	def := l.reg(v)
	switch v.Op {
	case ir.OpShl, ir.OpLShr, ir.OpAShr:
		l.unary(op|binaryOps[v.Op], c&(width-1), def, l.reg(x))
		return true
	case ir.OpSub:
		if v.Args[0].Type == ir.Ptr && v.Type != ir.Ptr || !fits32(-c) {
			break
		}
		l.unary(op|isa.Add, -c, def, l.reg(x))
		return true
	case ir.OpUDiv, ir.OpUMod, ir.OpSDiv, ir.OpSMod:
		return l.divideImm(v, x, c)
	case ir.OpMul:
		if u := unsigned(v.Type, c); bits.OnesCount64(u) == 1 {
			l.unary(op|isa.Lsh, int64(bits.TrailingZeros64(u)), def, l.reg(x))
			return true
		}
	case ir.OpAnd:
		switch {
		case c == 0xffffffff && v.Type == ir.I64:
			l.zeroExtend(def, l.reg(x), 4)
			return true
		case c > 0x7fffffff && c < 0xffffffff:
			op, c = isa.ClassALU32, int64(int32(c)) // clears the upper half as well
		}
	}
	if !fits32(c) {
		return false
	}
	l.unary(op|binaryOps[v.Op], c, def, l.reg(x))
	return true
}

// unsigned returns the bits of a constant of type t.
func unsigned(t ir.Type, c int64) uint64 {
	if t == ir.I32 {
		return uint64(uint32(c))
	}
	return uint64(c)
}

// divideImm divides by a constant. The verifier refuses a constant 0, which
// by BPF's rules gives 0, and x as the remainder.
func (l *lowerer) divideImm(v, x *ir.Value, c int64) bool {
	op, def := class(v.Type), l.reg(v)
	u := unsigned(v.Type, c)
	quotient := v.Op == ir.OpUDiv || v.Op == ir.OpSDiv
	switch {
	case u == 0 && quotient:
		l.move(isa.ClassALU64, 0, def, l.number(0))
	case u == 0:
		l.move(op, 0, def, l.reg(x))
	case c == -1 && v.Op == ir.OpSDiv:
		// The instruction would trap for the smallest number on kernels
		// before 6.12.
		l.unary(op|isa.Neg, 0, def, l.reg(x))
	case c == -1 && v.Op == ir.OpSMod:
		l.move(isa.ClassALU64, 0, def, l.number(0))
	case v.Op == ir.OpSDiv || v.Op == ir.OpSMod:
		return false
	case bits.OnesCount64(u) == 1 && quotient:
		l.unary(op|isa.Rsh, int64(bits.TrailingZeros64(u)), def, l.reg(x))
	case bits.OnesCount64(u) == 1 && (u-1 <= 0x7fffffff):
		l.unary(op|isa.And, int64(u-1), def, l.reg(x))
	case !fits32(c):
		return false
	default:
		l.unary(op|binaryOps[v.Op], c, def, l.reg(x))
	}
	return true
}

// signedDivide makes signed division and remainder. Without the instructions
// of version 4 it divides magnitudes and gives the result its sign:
// with s = x>>63 (0 or -1), |x| is (x^s)-s.
func (l *lowerer) signedDivide(v *ir.Value, x vreg, divisor *ir.Value) {
	op, def := class(v.Type), l.reg(v)
	c, isConst := constant(divisor)
	if l.feat.SDiv {
		in := newInst(isa.Instruction{Op: op | binaryOps[v.Op], Off: 1, Imm: c}, def, x)
		if !isConst || !fits32(c) {
			in = newInst(isa.Instruction{Op: op | binaryOps[v.Op] | isa.SrcReg, Off: 1}, def, x, l.reg(divisor))
			in.src = 1
		}
		in.dst, in.ra.Tied = roleDef, 0
		l.emit(in)
		return
	}
	sign, ux := l.magnitude(op, v.Type, x)
	uy, flip := noReg, noReg // flip: -1 where the quotient changes its sign
	if isConst {
		abs := c
		if c < 0 {
			abs = -c
		}
		uy, flip = l.number(int64(unsigned(v.Type, abs))), sign
		if c < 0 && v.Op == ir.OpSDiv {
			flip = l.temp()
			l.unary(op|isa.Xor, -1, flip, sign)
		}
	} else {
		var signY vreg
		signY, uy = l.magnitude(op, v.Type, l.reg(divisor))
		flip = sign
		if v.Op == ir.OpSDiv {
			flip = l.temp()
			l.byReg(op|isa.Xor, flip, sign, signY)
		}
	}
	q, flipped := l.temp(), l.temp()
	l.byReg(op|binaryOps[v.Op], q, ux, uy)
	l.byReg(op|isa.Xor, flipped, q, flip)
	l.byReg(op|isa.Sub, def, flipped, flip)
}

// magnitude returns the sign of x (0 or -1) and its absolute value.
func (l *lowerer) magnitude(op isa.Op, t ir.Type, x vreg) (sign, abs vreg) {
	sign, abs = l.temp(), l.temp()
	flipped := l.temp()
	l.unary(op|isa.Arsh, int64(t.Bits()-1), sign, x)
	l.byReg(op|isa.Xor, flipped, x, sign)
	l.byReg(op|isa.Sub, abs, flipped, sign)
	return sign, abs
}

// zeroExtend keeps the low width bytes of x.
func (l *lowerer) zeroExtend(def, x vreg, width uint8) {
	switch width {
	case 8:
		l.move(isa.ClassALU64, 0, def, x)
	case 4:
		l.move(isa.ClassALU32, 0, def, x)
	default:
		l.unary(isa.ClassALU64|isa.And, 1<<(8*width)-1, def, x)
	}
}

// signExtend extends the low width bytes of x to the type t.
func (l *lowerer) signExtend(t ir.Type, def, x vreg, width uint8) {
	op := class(t)
	switch {
	case int(width)*8 == t.Bits():
		l.move(op, 0, def, x)
	case l.feat.MovSX:
		l.move(op, int16(width)*8, def, x)
	default:
		shift := int64(t.Bits() - 8*int(width))
		up := l.temp()
		l.unary(op|isa.Lsh, shift, up, x)
		l.unary(op|isa.Arsh, shift, def, up)
	}
}

func (l *lowerer) bswap(v *ir.Value) {
	op := isa.OpToBE // on a little-endian machine that is a swap
	switch {
	case l.feat.Bswap:
		op = isa.OpSwap
	case l.feat.BigEndian:
		op = isa.OpToLE
	}
	l.unary(op, int64(v.Width)*8, l.reg(v), l.reg(v.Args[0]))
}
