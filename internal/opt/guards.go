package opt

import "github.com/skep-dev/skep/internal/ir"

// guards knows which values some branch may have checked. The verifier learns
// bounds from a comparison for its operands, and for copies of them, but not
// for what was computed from them before. So an operation on a checked value
// must stay where it is, and take the checked value as its operand, not an
// equal expression of others.
type guards struct {
	group   []int32 // by Value.ID: union-find over values that are copies of each other
	checked []bool  // by group
}

// findGuards puts a value, its extensions, its sums with constants and the
// parameters that carry it into one group: newer kernels follow all of these.
func (w *work) findGuards() *guards {
	g := &guards{group: make([]int32, w.f.NumValues()), checked: make([]bool, w.f.NumValues())}
	for i := range g.group {
		g.group[i] = int32(i)
	}
	for _, b := range w.f.Blocks {
		for _, v := range b.Instrs {
			switch v.Op {
			case ir.OpZExt, ir.OpSExt, ir.OpTrunc:
				g.join(v, v.Args[0])
			default:
				if x, _, ok := constSum(v); ok {
					g.join(v, x)
				}
			}
		}
		for _, e := range b.Succs() {
			for i, p := range e.Block.Params {
				g.join(p, e.Args[i])
			}
		}
	}
	for _, b := range w.f.Blocks {
		for _, v := range b.Instrs {
			if v.Op.IsCompare() {
				g.mark(v.Args[0])
				g.mark(v.Args[1])
			}
		}
		if b.Term.Kind == ir.Branch && !b.Term.Cond.Op.IsCompare() {
			g.mark(b.Term.Cond)
		}
	}
	return g
}

func (g *guards) find(id int32) int32 {
	for g.group[id] != id {
		g.group[id] = g.group[g.group[id]]
		id = g.group[id]
	}
	return id
}

func (g *guards) join(v, x *ir.Value) {
	if !isConst(v) && !isConst(x) {
		g.group[g.find(int32(v.ID))] = g.find(int32(x.ID))
	}
}

func (g *guards) mark(v *ir.Value) {
	if !isConst(v) {
		g.checked[g.find(int32(v.ID))] = true
	}
}

// has reports whether v may have been checked somewhere. A value that is newer
// than g was not.
func (g *guards) has(v *ir.Value) bool {
	return v.ID < len(g.group) && !isConst(v) && g.checked[g.find(int32(v.ID))]
}
