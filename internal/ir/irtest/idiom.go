package irtest

import "github.com/skep-dev/skep/internal/ir"

// idiom emits one of the forms that simplification has rules for.
func (g *generator) idiom() {
	t := pick(g, []ir.Type{ir.I64, ir.I64, ir.I32})
	value := g.long
	if t == ir.I32 {
		value = g.int
	}
	x := g.narrow(value(), t)
	switch g.rng.IntN(8) {
	case 0: // one operation twice
		op := pick(g, arithmetic)
		g.keep(g.b.Bin(op, g.b.Bin(op, x, g.small(t)), g.small(t)))
	case 1: // an operation and its inverse
		y := value()
		g.keep(g.b.Bin(ir.OpSub, g.b.Bin(ir.OpAdd, x, y), pick(g, []*ir.Value{x, y})))
	case 2: // shifts up and down again
		n := int64(8 * g.rng.IntN(t.Bits()/8))
		up := g.b.Bin(ir.OpShl, x, g.b.ConstOf(t, n))
		g.keep(g.b.Bin(pick(g, []ir.Op{ir.OpLShr, ir.OpAShr}), up, g.b.ConstOf(t, n)))
	case 3: // extensions of extensions
		inner := g.b.Ext(x, ir.I64, pick(g, []uint8{1, 2, 4}), g.chance(50))
		g.keep(g.b.Ext(inner, pick(g, []ir.Type{ir.I32, ir.I64}), pick(g, []uint8{1, 2, 4}), g.chance(50)))
	case 4: // a comparison of small numbers, asked about again
		c := g.b.Cmp(pick(g, comparisons), g.b.Bin(ir.OpAnd, x, g.b.ConstOf(t, 3)), g.b.ConstOf(t, int64(g.rng.IntN(4))))
		g.keep(c)
		g.keep(g.b.Cmp(pick(g, []ir.Op{ir.OpEq, ir.OpNe, ir.OpULt}), c, g.b.Const(int64(g.rng.IntN(3)))))
	case 5: // special operands
		g.keep(g.b.Bin(pick(g, arithmetic), x, g.small(t)))
	case 6:
		g.keep(g.b.Bin(pick(g, arithmetic), g.small(t), x))
	case 7:
		g.keep(g.b.Bin(pick(g, []ir.Op{ir.OpAdd, ir.OpSub}), x, g.b.Neg(g.b.Neg(value()))))
	}
}

// narrow sometimes makes a value of few bits, in one of the ways that the
// passes see through.
func (g *generator) narrow(x *ir.Value, t ir.Type) *ir.Value {
	n := int64(g.rng.IntN(t.Bits()))
	switch g.rng.IntN(5) {
	case 0:
		return g.b.Bin(ir.OpLShr, x, g.b.ConstOf(t, n))
	case 1:
		return g.b.Bin(ir.OpAnd, x, g.b.ConstOf(t, 1<<n-1))
	case 2:
		return g.b.Ext(x, t, pick(g, []uint8{1, 2, 4}), g.chance(50))
	}
	return x
}

// small returns a constant that rules treat specially.
func (g *generator) small(t ir.Type) *ir.Value {
	return g.b.ConstOf(t, pick(g, []int64{
		-1, 0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 255, 256, 65535, 1 << 16, 1 << 31, 1<<31 - 1, 1<<32 - 1, 1 << 32, -1 << 63, -1 << 31,
	}))
}
