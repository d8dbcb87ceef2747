package opt

import (
	"math/bits"

	"github.com/skep-dev/skep/internal/ir"
)

// reduceStrength replaces costly arithmetic by cheap: multiplication and
// unsigned division by powers of two, masks and pairs of shifts that are
// extensions. The verifier follows shifts and masks better than divisions.
func reduceStrength(w *work) {
	cfg := w.reachable()
	f := &folder{w: w, guards: w.findGuards()}
	for _, b := range cfg.Order {
		f.block(b, f.cheaper)
	}
	f.s.apply(w.f)
}

// cheaper never returns a value: it changes v in place.
func (f *folder) cheaper(v *ir.Value) *ir.Value {
	if !v.Op.IsBinary() || v.Type == ir.Ptr || !isConst(v.Args[1]) {
		return nil
	}
	a, c := v.Args[0], v.Args[1].Imm
	u := uint64(c)
	if v.Type == ir.I32 {
		u = uint64(uint32(c))
	}
	log, isPower := bits.TrailingZeros64(u), u != 0 && u&(u-1) == 0
	switch v.Op {
	case ir.OpMul:
		if isPower {
			setBinary(v, ir.OpShl, a, f.constant(v.Type, int64(log)))
		}
	case ir.OpUDiv:
		if isPower {
			setBinary(v, ir.OpLShr, a, f.constant(v.Type, int64(log)))
		}
	case ir.OpUMod:
		if isPower && !f.mask(v, a, u-1) {
			setBinary(v, ir.OpAnd, a, f.constant(v.Type, int64(u-1)))
		}
	case ir.OpAnd:
		f.mask(v, a, u)
	case ir.OpLShr, ir.OpAShr:
		f.shiftPair(v, a, c)
	}
	return nil
}

// mask turns an AND with the low 32 bits into a zero extension: that mask is
// no immediate of a 64-bit instruction. Smaller ones are.
func (f *folder) mask(v, a *ir.Value, m uint64) bool {
	if v.Type != ir.I64 || m != 1<<32-1 {
		return false
	}
	setExt(v, a, 4, false)
	return true
}

// shiftPair turns x << n >> n into an extension when that is of whole bytes.
func (f *folder) shiftPair(v, a *ir.Value, c int64) {
	if a.Op != ir.OpShl || !isConst(a.Args[1]) || a.Args[1].Imm != c || !f.seesThrough(a) {
		return
	}
	switch width := int64(v.Bits()) - c; width {
	case 8, 16, 32:
		setExt(v, a.Args[0], uint8(width/8), v.Op == ir.OpAShr)
	}
}
