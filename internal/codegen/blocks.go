package codegen

import (
	"slices"

	"github.com/skep-dev/skep/internal/ir"
)

// graph is the order of a function's blocks and the edges between them.
type graph struct {
	cfg    *ir.CFG
	blocks []block
	// index is the place of each IR block in blocks, by Block.ID.
	index []int
}

// newGraph orders the reachable blocks in reverse postorder with the blocks of
// each loop in one run, and gives every edge from a branch to a block with
// other predecessors a block of its own.
func newGraph(f *ir.Func) *graph {
	g := &graph{cfg: ir.NewCFG(f), index: make([]int, f.NumBlocks())}
	order := gatherLoops(g.cfg)
	at := make([]int, f.NumBlocks()) // place in order
	for i, b := range order {
		at[b.ID] = i
	}
	// How many blocks that split edges stand before and after each one.
	before, after := make([]int, f.NumBlocks()), make([]int, f.NumBlocks())
	for _, b := range order {
		for _, e := range b.Succs() {
			if !g.critical(b, e) {
				continue
			}
			if at[e.Block.ID] > at[b.ID] {
				before[e.Block.ID]++
			} else {
				after[b.ID]++
			}
		}
	}
	n := 0
	for _, b := range order {
		n += before[b.ID]
		g.index[b.ID] = n
		n += 1 + after[b.ID]
	}
	g.blocks = make([]block, n)
	g.link(order, at, before, after)
	g.markCold()
	return g
}

func (g *graph) critical(b *ir.Block, e *ir.Edge) bool {
	return b.Term.Kind == ir.Branch && len(g.cfg.Preds(e.Block)) > 1
}

// link fills in the edges. before and after count down to the free places for
// splitting blocks.
func (g *graph) link(order []*ir.Block, at, before, after []int) {
	for _, b := range order {
		blk := &g.blocks[g.index[b.ID]]
		blk.ir, blk.span = b, b.Term.Span
		switch b.Term.Kind {
		case ir.Jump:
			blk.term = termJump
		case ir.Branch:
			blk.term = termBranch
		default:
			blk.term = termExit
		}
		for _, e := range b.Succs() {
			to := g.index[e.Block.ID]
			if g.critical(b, e) {
				split := 0
				if at[e.Block.ID] > at[b.ID] {
					split = to - before[e.Block.ID]
					before[e.Block.ID]--
				} else {
					split = g.index[b.ID] + after[b.ID]
					after[b.ID]--
				}
				g.blocks[split] = block{succs: []edge{{to: to}}, span: b.Term.Span}
				to = split
			}
			blk.succs = append(blk.succs, edge{to: to})
		}
	}
}

// gatherLoops returns the blocks of a CFG in reverse postorder, with those of
// a loop next to each other: what stands between them but isn't of the loop
// moves behind its last block. Only paths that leave the loop lead there, so
// the order stays a reverse postorder.
func gatherLoops(cfg *ir.CFG) []*ir.Block {
	order := slices.Clone(cfg.Order)
	var dom *ir.DomTree
	type loop struct {
		body []bool // by place in cfg.Order
		size int
	}
	var loops []loop
	for _, h := range cfg.Order {
		var l loop
		for _, p := range cfg.Preds(h) {
			if cfg.Index(p) < cfg.Index(h) {
				continue
			}
			if dom == nil {
				dom = cfg.Dominators()
			}
			if dom.Dominates(h, p) {
				if l.body == nil {
					l = loop{make([]bool, len(order)), 1}
					l.body[cfg.Index(h)] = true
				}
				l.size += fillLoop(cfg, l.body, p)
			}
		}
		if l.body != nil {
			loops = append(loops, l)
		}
	}
	slices.SortStableFunc(loops, func(a, b loop) int { return a.size - b.size })
	for _, l := range loops {
		inside := func(b *ir.Block) bool { return l.body[cfg.Index(b)] }
		first := slices.IndexFunc(order, inside)
		last := len(order) - 1
		for !inside(order[last]) {
			last--
		}
		var out []*ir.Block
		at := first
		for _, b := range order[first : last+1] {
			if inside(b) {
				order[at] = b
				at++
			} else {
				out = append(out, b)
			}
		}
		copy(order[at:], out)
	}
	return order
}

// fillLoop marks the blocks from which p is reached without passing the
// loop's head, which is marked already, and returns how many are new.
func fillLoop(cfg *ir.CFG, body []bool, p *ir.Block) int {
	n := 0
	work := []*ir.Block{p}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if i := cfg.Index(b); !body[i] {
			body[i] = true
			n++
			work = append(work, cfg.Preds(b)...)
		}
	}
	return n
}

// markCold marks the blocks that hardly ever run: those on the null side of a
// pointer's test, and what only they lead to.
func (g *graph) markCold() {
	warm := make([]bool, len(g.blocks))
	warm[0] = true
	for b := range g.blocks {
		blk := &g.blocks[b]
		blk.cold = !warm[b]
		if blk.cold {
			continue
		}
		unlikely := -1
		if blk.ir != nil && blk.term == termBranch {
			unlikely = nullSide(blk.ir.Term.Cond)
		}
		for i, e := range blk.succs {
			if i != unlikely {
				warm[e.to] = true
			}
		}
	}
}

// nullSide returns which successor (0 or 1) of a branch on v is taken for a
// null pointer, or -1 when v is no such test.
func nullSide(v *ir.Value) int {
	isNull := func(x *ir.Value) bool { return x.Op == ir.OpConst && x.Imm == 0 }
	if v.Op != ir.OpEq && v.Op != ir.OpNe || v.Args[0].Type != ir.Ptr || !isNull(v.Args[0]) && !isNull(v.Args[1]) {
		return -1
	}
	if v.Op == ir.OpEq {
		return 0
	}
	return 1
}
