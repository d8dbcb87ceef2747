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
// are the same, into jumps.
func (w *work) knownBranches() (changed bool) {
	for _, b := range w.f.Blocks {
		t := &b.Term
		if t.Kind != ir.Branch {
			continue
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

// threader shortens edges that lead through blocks without instructions of
// their own.
type threader struct {
	cfg  *ir.CFG
	uses []int32 // by Value.ID
	pass []uint8 // by Block.ID: what threadable said, or notAsked
}

const (
	notAsked uint8 = iota
	stop           // the block does something, or its parameters are used elsewhere
	through        // it only leads on
)

func (w *work) threadEdges(cfg *ir.CFG) (changed bool) {
	t := &threader{cfg: cfg, uses: make([]int32, w.f.NumValues()), pass: make([]uint8, w.f.NumBlocks())}
	for _, b := range w.f.Blocks {
		for _, v := range b.Instrs {
			t.count(v.Args, 1)
		}
		t.countTerm(&b.Term, 1)
	}
	for _, b := range cfg.Order {
		for i, e := range b.Succs() {
			// An edge that leads in a circle of empty blocks has no end.
			for range 16 {
				if !t.thread(b, e, i == 0) {
					break
				}
				changed = true
			}
		}
	}
	return changed
}

func (t *threader) count(list []*ir.Value, n int32) {
	for _, v := range list {
		t.uses[v.ID] += n
	}
}

func (t *threader) countTerm(term *ir.Term, n int32) {
	if term.Cond != nil {
		t.uses[term.Cond.ID] += n
	}
	t.count(term.Then.Args, n)
	t.count(term.Else.Args, n)
}

// threadable reports whether b does nothing but to lead on, so that an edge
// to it may lead to where it leads. What it defines must be used by its
// terminator only.
func (t *threader) threadable(b *ir.Block) bool {
	if t.pass[b.ID] != notAsked {
		return t.pass[b.ID] == through
	}
	t.pass[b.ID] = stop
	for _, v := range b.Instrs {
		if !isConst(v) || t.uses[v.ID] > 0 {
			return false
		}
	}
	if b.Term.Kind != ir.Jump && b.Term.Kind != ir.Branch {
		return false
	}
	t.countTerm(&b.Term, -1)
	elsewhere := int32(0)
	for _, p := range b.Params {
		elsewhere += t.uses[p.ID]
	}
	t.countTerm(&b.Term, 1)
	if elsewhere == 0 {
		t.pass[b.ID] = through
	}
	return elsewhere == 0
}

// thread makes the edge e of b lead to where its target leads, if that is
// known. isThen says that it is the edge for a true condition.
func (t *threader) thread(b *ir.Block, e *ir.Edge, isThen bool) bool {
	via := e.Block
	if via == b || !t.threadable(via) {
		return false
	}
	to := &via.Term.Then
	if via.Term.Kind == ir.Branch {
		// Going around the head of a loop would give the loop a second way in.
		if t.isLoopHead(via) {
			return false
		}
		known, isTrue := outcome(b, e, via, isThen)
		if !known {
			return false
		}
		if !isTrue {
			to = &via.Term.Else
		}
	}
	if to.Block == via {
		return false
	}
	args := make([]*ir.Value, len(to.Args))
	for i, a := range to.Args {
		args[i] = argument(e, via, a)
	}
	t.count(e.Args, -1)
	t.count(args, 1)
	e.Block, e.Args = to.Block, args
	return true
}

// isLoopHead reports whether an edge leads back to b.
func (t *threader) isLoopHead(b *ir.Block) bool {
	for _, p := range t.cfg.Preds(b) {
		if t.cfg.Index(p) >= t.cfg.Index(b) {
			return true
		}
	}
	return false
}

// argument returns what the value a is when via is reached by e.
func argument(e *ir.Edge, via *ir.Block, a *ir.Value) *ir.Value {
	if a != nil && a.Block == via {
		for i, p := range via.Params {
			if p == a {
				return e.Args[i]
			}
		}
	}
	return a
}

// outcome reports whether the branch at the end of via is decided when it is
// reached by e, an edge of b, and how.
func outcome(b *ir.Block, e *ir.Edge, via *ir.Block, isThen bool) (known, isTrue bool) {
	cond := argument(e, via, via.Term.Cond)
	switch {
	case isConst(cond):
		return true, cond.Imm != 0
	case b.Term.Kind == ir.Branch && b.Term.Cond == cond:
		return true, isThen
	}
	return false, false
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
