package opt

import "github.com/skep-dev/skep/internal/ir"

// threader shortens edges that lead through blocks without instructions of
// their own.
type threader struct {
	w    *work
	cfg  *ir.CFG
	dom  *ir.DomTree // made when it is needed
	uses []int32     // by Value.ID
	ways []way       // by Block.ID: what waysOf said
	// to are, by Block.ID, the blocks that a branch led to at first: cfg and
	// dom speak of these edges.
	to [][2]*ir.Block
	// users are, by Value.ID of a parameter, the nearest block that dominates
	// all others that use it; made when they are needed.
	users []*ir.Block
}

// way says which edges out of a block may be taken directly by those who lead
// to the block.
type way uint8

const (
	asked way = 1 << iota
	viaThen
	viaElse
)

func (w *work) threadEdges(cfg *ir.CFG) (changed bool) {
	t := &threader{w: w, cfg: cfg, uses: make([]int32, w.f.NumValues()), ways: make([]way, w.f.NumBlocks())}
	t.to = make([][2]*ir.Block, w.f.NumBlocks())
	for _, b := range w.f.Blocks {
		t.countBlock(b, 1)
		t.to[b.ID] = [2]*ir.Block{b.Term.Then.Block, b.Term.Else.Block}
	}
	// From the end: then what an edge leads through has been shortened before.
	for i := len(cfg.Order) - 1; i >= 0; i-- {
		b := cfg.Order[i]
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

func (t *threader) countBlock(b *ir.Block, n int32) {
	for _, v := range b.Instrs {
		t.count(v.Args, n)
	}
	t.countTerm(&b.Term, n)
}

func (t *threader) countTerm(term *ir.Term, n int32) {
	if term.Cond != nil {
		t.uses[term.Cond.ID] += n
	}
	t.count(term.Then.Args, n)
	t.count(term.Else.Args, n)
}

// waysOf returns the edges of b that may be taken without passing b. There
// are none when b does something. What b's parameters are must not matter
// where such an edge leads.
func (t *threader) waysOf(b *ir.Block) way {
	if t.ways[b.ID] == 0 {
		t.ways[b.ID] = asked
		if t.isEmpty(b) {
			t.ways[b.ID] |= t.freeWays(b)
		}
	}
	return t.ways[b.ID]
}

// isEmpty reports whether b does nothing but to lead on: what is in it is used
// by what is dead in it only.
func (t *threader) isEmpty(b *ir.Block) bool {
	if b.Term.Kind != ir.Jump && b.Term.Kind != ir.Branch {
		return false
	}
	i := len(b.Instrs) - 1
	for ; i >= 0; i-- {
		v := b.Instrs[i]
		if t.uses[v.ID] > 0 || !isIdle(v) {
			break
		}
		t.count(v.Args, -1)
	}
	for _, v := range b.Instrs[i+1:] {
		t.count(v.Args, 1)
	}
	return i < 0
}

func (t *threader) freeWays(b *ir.Block) way {
	t.countBlock(b, -1)
	elsewhere := int32(0)
	for _, p := range b.Params {
		elsewhere += t.uses[p.ID]
	}
	t.countBlock(b, 1)
	switch {
	case elsewhere == 0:
		return viaThen | viaElse
	case b.Term.Kind == ir.Jump:
		return 0
	}
	// Behind an edge that is the only one into its target, b has been passed.
	// So if all other uses are there, the other edge may be taken directly.
	// That stays so when other edges are shortened: each stands for a path
	// that was there before, which led through b if it led to those uses.
	var free way
	if t.usedBehind(b, t.to[b.ID][1]) {
		free |= viaThen
	}
	if t.usedBehind(b, t.to[b.ID][0]) {
		free |= viaElse
	}
	return free
}

// usedBehind reports whether b's parameters are used by b and behind its edge
// to the block to only.
func (t *threader) usedBehind(b, to *ir.Block) bool {
	if len(t.cfg.Preds(to)) != 1 {
		return false
	}
	if t.dom == nil {
		t.dom = t.cfg.Dominators()
		t.findUsers()
	}
	for _, p := range b.Params {
		if u := t.users[p.ID]; u != nil && !t.dom.Dominates(to, u) {
			return false
		}
	}
	return true
}

func (t *threader) findUsers() {
	t.users = make([]*ir.Block, t.w.f.NumValues())
	one := func(b *ir.Block, v *ir.Value) {
		switch u := t.users[v.ID]; {
		case v.Op != ir.OpParam || v.Block == b || u == b:
		case u == nil:
			t.users[v.ID] = b
		default:
			t.users[v.ID] = t.dom.Meet(u, b)
		}
	}
	note := func(b *ir.Block, list []*ir.Value) {
		for _, v := range list {
			one(b, v)
		}
	}
	for _, b := range t.cfg.Order {
		for _, v := range b.Instrs {
			note(b, v.Args)
		}
		if b.Term.Cond != nil {
			one(b, b.Term.Cond)
		}
		note(b, b.Term.Then.Args)
		note(b, b.Term.Else.Args)
	}
}

// thread makes the edge e of b lead to where its target leads, if that is
// known. isThen says that it is the edge for a true condition.
func (t *threader) thread(b *ir.Block, e *ir.Edge, isThen bool) bool {
	via := e.Block
	if via == b || t.waysOf(via) == asked {
		return false
	}
	to, needs := &via.Term.Then, viaThen
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
			to, needs = &via.Term.Else, viaElse
		}
	}
	if t.waysOf(via)&needs == 0 {
		return false
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
