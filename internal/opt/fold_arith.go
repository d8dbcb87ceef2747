package opt

import (
	"math/bits"

	"github.com/skep-dev/skep/internal/ir"
)

// binary applies the laws of arithmetic. A constant operand is on the right.
func (f *folder) binary(v *ir.Value) (x *ir.Value, changed bool) {
	a, b := v.Args[0], v.Args[1]
	if a == b {
		if x, ok := foldSelf(v, a); ok {
			return x, false
		}
	}
	if !isConst(b) {
		return f.variable(v, a, b)
	}
	c := b.Imm
	if x, done := f.identity(v, a, c); done {
		return x, false
	}
	switch v.Op {
	case ir.OpSub: // x - c is x + -c
		if a.Type != ir.Ptr || b.Type == ir.I64 {
			setBinary(v, ir.OpAdd, a, f.constant(b.Type, -c))
			return nil, true
		}
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor: // (x op c) op d
		if a.Op == v.Op && isConst(a.Args[1]) && (v.Type == ir.Ptr || f.seesThrough(a)) {
			r, _ := ir.Arith(v.Op, b.Type, uint64(a.Args[1].Imm), uint64(c))
			setBinary(v, v.Op, a.Args[0], f.constant(b.Type, int64(r)))
			return nil, true
		}
	case ir.OpShl, ir.OpLShr, ir.OpAShr:
		return nil, f.shift(v, a, c)
	}
	return nil, false
}

// foldSelf folds x op x; x stands in for v, or v became a constant.
func foldSelf(v, a *ir.Value) (x *ir.Value, ok bool) {
	switch v.Op {
	case ir.OpSub, ir.OpXor:
		setConst(v, 0)
		return nil, true
	case ir.OpAnd, ir.OpOr:
		return a, true
	}
	return nil, false
}

// variable folds operations without a constant.
func (f *folder) variable(v, a, b *ir.Value) (x *ir.Value, changed bool) {
	if f.guards.has(a) || f.guards.has(b) {
		return nil, false
	}
	switch {
	case v.Op == ir.OpSub && a.Op == ir.OpAdd && a.Args[0] == b && a.Args[1].Type == v.Type:
		return a.Args[1], true // (x + y) - x
	case v.Op == ir.OpSub && a.Op == ir.OpAdd && a.Args[1] == b && a.Type == v.Type:
		return a.Args[0], true // (x + y) - y
	case v.Op == ir.OpAdd && b.Op == ir.OpNeg:
		setBinary(v, ir.OpSub, a, b.Args[0])
		return nil, true
	case v.Op == ir.OpSub && b.Op == ir.OpNeg && v.Type == b.Type:
		setBinary(v, ir.OpAdd, a, b.Args[0])
		return nil, true
	}
	return nil, false
}

// identity folds operations with a constant that changes nothing or leaves
// nothing: x stands in for v, or v became a constant or a negation.
func (f *folder) identity(v, a *ir.Value, c int64) (x *ir.Value, done bool) {
	toConst := func(r int64) (*ir.Value, bool) {
		setConst(v, r)
		return nil, true
	}
	toNeg := func() (*ir.Value, bool) {
		v.Op, v.Args = ir.OpNeg, []*ir.Value{a}
		return nil, true
	}
	same := func() (*ir.Value, bool) { return a, true }
	switch v.Op {
	case ir.OpAdd, ir.OpSub:
		if c == 0 && a.Type == v.Type {
			return same()
		}
	case ir.OpOr:
		switch c {
		case 0:
			return same()
		case -1:
			return toConst(-1)
		}
	case ir.OpXor:
		if c == 0 {
			return same()
		}
	case ir.OpAnd:
		switch {
		case c == 0:
			return toConst(0)
		case c == -1 || c > 0 && c&(c+1) == 0 && upperZero(a, bits.Len64(uint64(c)), depthLimit):
			return same()
		}
	case ir.OpMul:
		switch c {
		case 0:
			return toConst(0)
		case 1:
			return same()
		case -1:
			return toNeg()
		}
	case ir.OpUDiv, ir.OpSDiv:
		switch {
		case c == 0:
			return toConst(0)
		case c == 1:
			return same()
		case c == -1 && v.Op == ir.OpSDiv:
			return toNeg()
		}
	case ir.OpUMod, ir.OpSMod:
		switch {
		case c == 0:
			return same()
		case c == 1 || c == -1 && v.Op == ir.OpSMod:
			return toConst(0)
		}
	case ir.OpShl, ir.OpLShr, ir.OpAShr:
		if c&int64(v.Bits()-1) == 0 {
			return same()
		}
	}
	return nil, false
}

// shift brings the count into range, and joins two shifts in one direction.
func (f *folder) shift(v, a *ir.Value, c int64) bool {
	width := int64(v.Bits())
	n := c & (width - 1)
	if n != c {
		setBinary(v, v.Op, a, f.constant(v.Type, n))
		return true
	}
	if a.Op != v.Op || !isConst(a.Args[1]) || !f.seesThrough(a) {
		return false
	}
	n += a.Args[1].Imm & (width - 1)
	switch {
	case n < width:
		setBinary(v, v.Op, a.Args[0], f.constant(v.Type, n))
	case v.Op == ir.OpAShr: // nothing is left but the sign
		setBinary(v, v.Op, a.Args[0], f.constant(v.Type, width-1))
	default:
		setConst(v, 0)
	}
	return true
}

// depthLimit bounds how many operands deep upperZero looks.
const depthLimit = 4

// upperZero reports whether only the low n bits of v can be set. It knows what
// the kernel's verifier knows too, so that a mask that it proves useless is
// not what makes the verifier accept an access.
func upperZero(v *ir.Value, n, depth int) bool {
	if n >= v.Bits() {
		return true
	}
	if n < 0 || depth == 0 {
		return false
	}
	depth--
	switch v.Op {
	case ir.OpConst:
		return upperBits(v) <= n
	case ir.OpZExt:
		return 8*int(v.Width) <= n || upperZero(v.Args[0], n, depth)
	case ir.OpLoad:
		return !v.Signed && 8*int(v.Width) <= n
	case ir.OpAnd:
		return upperZero(v.Args[0], n, depth) || upperZero(v.Args[1], n, depth)
	case ir.OpOr, ir.OpXor:
		return upperZero(v.Args[0], n, depth) && upperZero(v.Args[1], n, depth)
	case ir.OpLShr:
		if !isConst(v.Args[1]) {
			return false
		}
		c := int(v.Args[1].Imm) & (v.Bits() - 1)
		return v.Bits()-c <= n || upperZero(v.Args[0], n+c, depth)
	}
	return v.Op.IsCompare() && n >= 1
}

// upperBits returns how many low bits a constant needs.
func upperBits(c *ir.Value) int {
	x := uint64(c.Imm)
	if c.Type == ir.I32 {
		x = uint64(uint32(x))
	}
	return bits.Len64(x)
}
