package opt

import "github.com/skep-dev/skep/internal/ir"

// cfgRounds bounds how often simplifyCFG starts over. Each round makes blocks
// fewer or edges shorter, and few functions need a third.
const cfgRounds = 8

// simplifyCFG follows branches whose outcome is known, skips blocks that only
// lead on, joins blocks in a straight line and drops unreachable ones.
func simplifyCFG(w *work) {
	for range cfgRounds {
		changed := w.knownBranches()
		cfg := w.reachable()
		changed = w.threadEdges(cfg) || changed
		w.reachable()
		changed = w.joinBlocks() || changed
		if !changed {
			return
		}
	}
}

// knownBranches turns branches on constants, and branches both of whose edges
// are the same, into jumps, and branches on x != 0 and x == 0 into branches on
// x, which say the same.
func (w *work) knownBranches() (changed bool) {
	for _, b := range w.f.Blocks {
		t := &b.Term
		if t.Kind != ir.Branch {
			continue
		}
		for t.Cond.Op == ir.OpNe || t.Cond.Op == ir.OpEq {
			x, y := t.Cond.Args[0], t.Cond.Args[1]
			if x.Type != ir.I64 || !isConst(y) || y.Imm != 0 {
				break
			}
			if t.Cond.Op == ir.OpEq {
				t.Then, t.Else = t.Else, t.Then
			}
			t.Cond, changed = x, true
		}
		switch {
		case isConst(t.Cond):
			if t.Cond.Imm == 0 {
				t.Then = t.Else
			}
		case !sameEdge(&t.Then, &t.Else):
			continue
		}
		t.Kind, t.Cond, t.Else = ir.Jump, nil, ir.Edge{}
		changed = true
	}
	return changed
}

func sameEdge(a, b *ir.Edge) bool {
	if a.Block != b.Block {
		return false
	}
	for i := range a.Args {
		if !sameValue(a.Args[i], b.Args[i]) {
			return false
		}
	}
	return true
}

// joinBlocks appends a block to the only one that leads to it, when that has
// no other way to go.
func (w *work) joinBlocks() bool {
	preds := make([]int32, w.f.NumBlocks())
	for _, b := range w.f.Blocks {
		for _, e := range b.Succs() {
			preds[e.Block.ID]++
		}
	}
	var s subst
	gone := make([]bool, w.f.NumBlocks())
	joined := false
	for _, b := range w.f.Blocks {
		for !gone[b.ID] && b.Term.Kind == ir.Jump {
			next := b.Term.Then.Block
			if next == b || preds[next.ID] != 1 {
				break
			}
			for i, p := range next.Params {
				s.set(p, s.get(b.Term.Then.Args[i]))
			}
			for _, v := range next.Instrs {
				v.Block = b
			}
			b.Instrs = append(b.Instrs, next.Instrs...)
			b.Term = next.Term
			gone[next.ID], joined = true, true
			next.Instrs, next.Params, next.Term = nil, nil, ir.Term{}
		}
	}
	if joined {
		w.keepBlocks(func(b *ir.Block) bool { return !gone[b.ID] })
		s.apply(w.f)
	}
	return joined
}
