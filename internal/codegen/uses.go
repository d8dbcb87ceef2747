package codegen

import (
	"math/bits"

	"github.com/skep-dev/skep/internal/ir"
)

// uses is what is known of how the values of a function are used.
type uses struct {
	count []int32 // by Value.ID
	// wide tells the values of which some use reads more than the low 32
	// bits of the register.
	wide []bool
	// alias is the value whose register a parameter of a block with one
	// predecessor shares, by Value.ID.
	alias []*ir.Value
}

func newUses(f *ir.Func, cfg *ir.CFG) *uses {
	n := f.NumValues()
	u := &uses{count: make([]int32, n), wide: make([]bool, n), alias: make([]*ir.Value, n)}
	for _, b := range cfg.Order {
		for _, v := range b.Instrs {
			for i, a := range v.Args {
				u.count[a.ID]++
				u.wide[a.ID] = u.wide[a.ID] || !readsLow(v, i)
			}
		}
		if c := b.Term.Cond; c != nil {
			u.count[c.ID]++
			u.wide[c.ID] = u.wide[c.ID] || b.Term.Kind == ir.Return
		}
		for _, e := range b.Succs() {
			single := len(cfg.Preds(e.Block)) == 1
			for i, a := range e.Args {
				u.count[a.ID]++
				u.wide[a.ID] = true
				if single {
					u.alias[e.Block.Params[i].ID] = a
				}
			}
		}
	}
	return u
}

// readsLow reports whether the instruction for user, whose argument i is of
// type I32, reads only the low 32 bits of the argument's register.
func readsLow(user *ir.Value, i int) bool {
	switch {
	case user.Args[i].Type != ir.I32:
		return false
	case user.Op.IsBinary(), user.Op.IsCompare():
		return true
	}
	switch user.Op {
	case ir.OpSExt:
		return !keeps(user) // else the register has the uses of both
	case ir.OpNeg, ir.OpZExt, ir.OpBswap:
		return true
	case ir.OpStore:
		return i == 1
	case ir.OpAtomic:
		return i > 0 && user.Width == 4
	}
	return false
}

// keeps reports whether a sign extension changes nothing.
func keeps(v *ir.Value) bool {
	return 8*int(v.Width) == v.Type.Bits() && v.Args[0].Type == v.Type
}

// rep returns the value whose register holds v as well: extensions that
// change nothing, truncations whose upper half nobody reads, parameters that
// can only have one value.
func (u *uses) rep(v *ir.Value) *ir.Value {
	for {
		switch {
		case v.Op == ir.OpParam && u.alias[v.ID] != nil:
			v = u.alias[v.ID]
		case v.Op == ir.OpTrunc && (!u.wide[v.ID] || u.bits(v.Args[0], 4) <= 32):
			v = v.Args[0]
		case v.Op == ir.OpZExt && u.bits(v.Args[0], 4) <= 8*int(v.Width):
			v = v.Args[0]
		case v.Op == ir.OpSExt && keeps(v):
			v = v.Args[0]
		default:
			return v
		}
	}
}

// bits returns how many low bits of v's register may be other than 0, looking
// at most depth operations back.
func (u *uses) bits(v *ir.Value, depth int) int {
	full := v.Type.Bits()
	if v.Op == ir.OpTrunc && !u.wide[v.ID] {
		full = 64 // the register may be that of the wider value
	}
	if depth == 0 {
		return full
	}
	arg := func(i int) int { return u.bits(v.Args[i], depth-1) }
	switch v.Op {
	case ir.OpConst:
		if v.Type == ir.I32 {
			return bits.Len32(uint32(v.Imm))
		}
		return bits.Len64(uint64(v.Imm))
	case ir.OpLoad:
		if !v.Signed {
			return 8 * int(v.Width)
		}
	case ir.OpZExt:
		return min(8*int(v.Width), arg(0))
	case ir.OpTrunc:
		return min(full, arg(0))
	case ir.OpBswap:
		return 8 * int(v.Width)
	case ir.OpAnd:
		return min(full, arg(0), arg(1))
	case ir.OpOr, ir.OpXor:
		return min(full, max(arg(0), arg(1)))
	case ir.OpLShr:
		if c := v.Args[1]; c.Op == ir.OpConst && v.Type == ir.I64 {
			return max(0, min(full, arg(0))-int(uint64(c.Imm)%64))
		}
	case ir.OpUDiv, ir.OpUMod:
		return min(full, arg(0))
	}
	if v.Op.IsCompare() {
		return 1
	}
	return full
}
