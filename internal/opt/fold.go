package opt

import "github.com/skep-dev/skep/internal/ir"

// folder simplifies instructions one by one, each after its operands.
type folder struct {
	w      *work
	guards *guards
	s      subst
	b      *ir.Block
	out    []*ir.Value // the block's instructions so far
	at     *ir.Value   // the instruction in hand, for the place of new ones
}

// fold computes what is constant, applies the laws of arithmetic, brings
// constants to the right of commutative operations and comparisons, takes
// extensions away that change nothing, and moves constant offsets from
// pointers into loads and stores.
func fold(w *work) {
	cfg := w.reachable()
	f := &folder{w: w, guards: w.findGuards()}
	for _, b := range cfg.Order {
		f.block(b, f.simplify)
	}
	f.s.apply(w.f) // operands along edges that lead back
}

// block runs one over each instruction of b, whose operands are final by
// then. one may change v in place, add instructions before it, or return the
// value that stands in for it.
func (f *folder) block(b *ir.Block, one func(v *ir.Value) *ir.Value) {
	f.b, f.out = b, make([]*ir.Value, 0, len(b.Instrs)+4)
	for _, v := range b.Instrs {
		f.s.all(v.Args)
		f.at = v
		if x := one(v); x != nil {
			f.s.set(v, x)
			continue
		}
		f.out = append(f.out, v)
	}
	b.Instrs = f.out
	f.s.term(&b.Term)
}

// constant puts a constant before the instruction in hand.
func (f *folder) constant(t ir.Type, x int64) *ir.Value {
	c := f.w.newConst(f.b, t, x, f.at)
	f.out = append(f.out, c)
	return c
}

// simplify applies rules until none fits. Rules make an instruction smaller
// or move constants right, so there is an end; the bound is for a mistake.
func (f *folder) simplify(v *ir.Value) *ir.Value {
	for range 16 {
		x, changed := f.rule(v)
		if x != nil {
			return x
		}
		if !changed {
			break
		}
	}
	return nil
}

// rule applies one rule: x stands in for v, or v was changed.
func (f *folder) rule(v *ir.Value) (x *ir.Value, changed bool) {
	switch {
	case v.Op.IsBinary() || v.Op.IsCompare():
		a, b := v.Args[0], v.Args[1]
		if isConst(a) && isConst(b) && v.Type != ir.Ptr {
			if r, ok := ir.Arith(v.Op, a.Type, uint64(a.Imm), uint64(b.Imm)); ok {
				setConst(v, int64(r))
				return nil, false
			}
		}
		if isConst(a) && v.Op.IsCompare() {
			v.Op, v.Args = mirrored(v.Op), []*ir.Value{b, a}
			return nil, true
		}
		if isConst(a) && v.Op.Info().Commute && v.Type != ir.Ptr {
			v.Args = []*ir.Value{b, a}
			return nil, true
		}
		if v.Op.IsCompare() {
			return f.compare(v)
		}
		return f.binary(v)
	case v.Op == ir.OpNeg:
		return f.foldNeg(v)
	case v.Op == ir.OpSExt || v.Op == ir.OpZExt:
		return f.foldExt(v)
	case v.Op == ir.OpTrunc:
		return f.foldTrunc(v)
	case v.Op == ir.OpBswap:
		return f.foldSwap(v)
	case v.Op == ir.OpLoad || v.Op == ir.OpStore || v.Op == ir.OpAtomic:
		return nil, foldAddress(v)
	}
	return nil, false
}

// seesThrough reports whether a rule may look behind a, an operand, and use a's
// own operands in its place.
func (f *folder) seesThrough(a *ir.Value) bool { return !f.guards.has(a) }

// mirrored returns the comparison that says the same with its operands
// exchanged.
func mirrored(op ir.Op) ir.Op {
	switch op {
	case ir.OpULt:
		return ir.OpUGt
	case ir.OpULe:
		return ir.OpUGe
	case ir.OpUGt:
		return ir.OpULt
	case ir.OpUGe:
		return ir.OpULe
	case ir.OpSLt:
		return ir.OpSGt
	case ir.OpSLe:
		return ir.OpSGe
	case ir.OpSGt:
		return ir.OpSLt
	case ir.OpSGe:
		return ir.OpSLe
	}
	return op
}

// inverse returns the comparison that is true when op is false.
func inverse(op ir.Op) ir.Op {
	switch op {
	case ir.OpEq:
		return ir.OpNe
	case ir.OpNe:
		return ir.OpEq
	case ir.OpULt:
		return ir.OpUGe
	case ir.OpULe:
		return ir.OpUGt
	case ir.OpUGt:
		return ir.OpULe
	case ir.OpUGe:
		return ir.OpULt
	case ir.OpSLt:
		return ir.OpSGe
	case ir.OpSLe:
		return ir.OpSGt
	case ir.OpSGt:
		return ir.OpSLe
	}
	return ir.OpSLt
}

// compare simplifies a comparison whose right side may be a constant. It
// never turns one kind of bound into another.
func (f *folder) compare(v *ir.Value) (x *ir.Value, changed bool) {
	a, b := v.Args[0], v.Args[1]
	if a == b {
		r, _ := ir.Arith(v.Op, a.Type, 0, 0)
		setConst(v, int64(r))
		return nil, false
	}
	if !isConst(b) {
		return nil, false
	}
	if a.Op.IsCompare() && (v.Op == ir.OpEq || v.Op == ir.OpNe) && (b.Imm == 0 || b.Imm == 1) {
		// (p < q) != 0 is p < q itself.
		if (v.Op == ir.OpNe) == (b.Imm == 0) {
			return a, true
		}
		if f.sameBlock(a) {
			v.Op, v.Args = inverse(a.Op), a.Args
			return nil, true
		}
	}
	switch {
	case v.Op == ir.OpULt && b.Imm == 0:
		setConst(v, 0)
	case v.Op == ir.OpUGe && b.Imm == 0:
		setConst(v, 1)
	}
	return nil, false
}

// sameBlock reports whether x is computed in the block in hand, so that no
// branch lies between and its operands may be used again.
func (f *folder) sameBlock(x *ir.Value) bool { return x.Block == f.b }

func (f *folder) foldNeg(v *ir.Value) (*ir.Value, bool) {
	a := v.Args[0]
	switch {
	case isConst(a):
		r, _ := ir.Arith(ir.OpNeg, v.Type, uint64(a.Imm), 0)
		setConst(v, int64(r))
	case a.Op == ir.OpNeg && f.seesThrough(a):
		return a.Args[0], true
	}
	return nil, false
}

func (f *folder) foldTrunc(v *ir.Value) (*ir.Value, bool) {
	a := v.Args[0]
	switch {
	case isConst(a):
		setConst(v, a.Imm)
	case (a.Op == ir.OpZExt || a.Op == ir.OpSExt) && f.seesThrough(a):
		switch from := a.Args[0]; {
		case from.Type == ir.Ptr:
		case a.Width < 4:
			setExt(v, from, a.Width, a.Op == ir.OpSExt)
			return nil, true
		case from.Type == ir.I32:
			return from, true
		default:
			v.Args = []*ir.Value{from}
			return nil, true
		}
	}
	return nil, false
}

func (f *folder) foldSwap(v *ir.Value) (*ir.Value, bool) {
	a := v.Args[0]
	switch {
	case isConst(a):
		setConst(v, int64(ir.Swap(uint64(a.Imm), v.Width)))
	case a.Op == ir.OpBswap && a.Width == v.Width && int(v.Width)*8 == v.Bits() && f.seesThrough(a):
		return a.Args[0], true
	}
	return nil, false
}

// foldExt removes an extension that another one, or the way in which the
// value was made, has done already.
func (f *folder) foldExt(v *ir.Value) (*ir.Value, bool) {
	a := v.Args[0]
	signed := v.Op == ir.OpSExt
	if isConst(a) {
		setConst(v, int64(ir.Extend(v.Type, uint64(a.Imm), v.Width, signed)))
		return nil, false
	}
	if a.Type == v.Type && isExtended(a, v.Width, signed) {
		return a, true
	}
	// What an inner operation did to bytes that the outer one drops is of no
	// interest.
	inner := a.Op == ir.OpZExt || a.Op == ir.OpSExt || a.Op == ir.OpTrunc
	if inner && a.Args[0].Type != ir.Ptr && f.seesThrough(a) {
		width := a.Width
		if a.Op == ir.OpTrunc {
			width = 4
		}
		if v.Width <= width {
			v.Args = []*ir.Value{a.Args[0]}
			return nil, true
		}
	}
	return nil, false
}

// isExtended reports whether extending the low width bytes of v to its own type
// gives v.
func isExtended(v *ir.Value, width uint8, signed bool) bool {
	bits := 8 * int(width)
	if bits == v.Bits() {
		return true
	}
	if !signed {
		return upperZero(v, bits, depthLimit)
	}
	switch v.Op {
	case ir.OpSExt:
		return v.Width <= width
	case ir.OpLoad:
		if v.Signed {
			return v.Width <= width
		}
	}
	return upperZero(v, bits-1, depthLimit)
}

// foldAddress moves a constant offset into the instruction, where BPF has 16
// bits for it.
func foldAddress(v *ir.Value) bool {
	p := v.Args[0]
	base, off, ok := constSum(p)
	if !ok || p.Type != ir.Ptr || base.Type != ir.Ptr {
		return false
	}
	off += v.Imm
	if off != int64(int16(off)) {
		return false
	}
	args := append([]*ir.Value{base}, v.Args[1:]...)
	v.Args, v.Imm = args, off
	return true
}
