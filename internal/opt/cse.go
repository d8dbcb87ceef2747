package opt

import "github.com/skep-dev/skep/internal/ir"

// mergeValues replaces an instruction by an earlier equal one. Constants,
// addresses and comparisons are merged inside a block only, where the code
// generator wants them; arithmetic on values that a branch may have checked
// too (see guards). Calls of helpers whose result stays the same are merged
// wherever the first one dominates.
func mergeValues(w *work) {
	cfg := w.reachable()
	m := &merger{
		dom:     cfg.Dominators(),
		guards:  w.findGuards(),
		seen:    map[expression]*ir.Value{},
		numbers: newNumbers(w),
	}
	for _, b := range m.dom.Preorder() {
		kept := b.Instrs[:0]
		for _, v := range b.Instrs {
			m.s.all(v.Args)
			if old := m.find(v); old != nil {
				m.s.set(v, old)
				continue
			}
			kept = append(kept, v)
		}
		b.Instrs = kept
	}
	m.s.apply(w.f)
}

// expression is what makes two instructions equal. Operands are numbers, see
// there.
type expression struct {
	op    ir.Op
	typ   ir.Type
	width uint8
	n     uint8 // operands
	x, y  int32
	imm   int64
	sym   string
}

type merger struct {
	dom    *ir.DomTree
	guards *guards
	s      subst
	// seen is the latest instruction for an expression. In preorder over
	// the dominator tree one that does not dominate will not do so later.
	seen    map[expression]*ir.Value
	numbers *numbers
}

// find returns the earlier instruction that v is equal to, or notes v.
func (m *merger) find(v *ir.Value) *ir.Value {
	if !mergeable(v) {
		return nil
	}
	e := m.expression(v)
	old := m.seen[e]
	if old != nil && (old.Block == v.Block || m.across(v) && m.dom.Dominates(old.Block, v.Block)) {
		return old
	}
	m.seen[e] = v
	return nil
}

// mergeable reports whether v gives the same for the same operands.
func mergeable(v *ir.Value) bool {
	switch v.Op {
	case ir.OpConst, ir.OpNeg, ir.OpSExt, ir.OpZExt, ir.OpTrunc, ir.OpBswap,
		ir.OpAddrMap, ir.OpMapVal, ir.OpData, ir.OpFuncPtr, ir.OpKsym:
		return true
	case ir.OpHelper:
		return helperEffect(v.Imm).fixed && len(v.Args) <= 2
	}
	return v.Op.IsBinary() || v.Op.IsCompare()
}

// across reports whether v may be merged with an instruction in another block.
func (m *merger) across(v *ir.Value) bool {
	switch {
	case len(v.Args) == 0:
		return v.Op == ir.OpHelper
	case v.Op.IsCompare():
		return false
	}
	for _, a := range v.Args {
		if m.guards.has(a) && v.Op != ir.OpHelper {
			return false
		}
	}
	return true
}

func (m *merger) expression(v *ir.Value) expression {
	e := expression{op: v.Op, typ: v.Type, width: v.Width, n: uint8(len(v.Args)), imm: v.Imm, sym: v.Sym}
	if v.Op == ir.OpHelper {
		e.sym = "" // the number says which
	}
	if len(v.Args) > 0 {
		e.x = m.numbers.of(v.Args[0])
	}
	if len(v.Args) > 1 {
		e.y = m.numbers.of(v.Args[1])
	}
	if v.Op.Info().Commute && v.Type != ir.Ptr && e.x > e.y {
		e.x, e.y = e.y, e.x
	}
	return e
}
