package ir

import "slices"

// CFG is the control-flow graph of a function at one moment: the order of
// its reachable blocks and who leads to whom. It does not follow later
// changes of the function.
type CFG struct {
	// Order holds the reachable blocks in reverse postorder: every block
	// comes after those that dominate it, and a forward edge never leads
	// to an earlier block.
	Order []*Block

	index []int32 // by Block.ID: the place in Order, or -1
	first []int32 // by place in Order: where its predecessors start in preds
	preds []*Block
}

// NewCFG reads the terminators of f. Edges must lead to blocks of f.
func NewCFG(f *Func) *CFG {
	c := &CFG{index: make([]int32, f.NumBlocks())}
	for i := range c.index {
		c.index[i] = -1
	}
	if len(f.Blocks) == 0 {
		return c
	}
	c.order(f)
	c.fillPreds()
	return c
}

// order is a depth-first walk with its own stack, so that a long function
// needs no deep recursion. The else edge is taken first: then the block that
// a branch falls into when it is true comes next in reverse postorder.
func (c *CFG) order(f *Func) {
	type frame struct {
		b    *Block
		next int
	}
	const open = -2 // seen, not yet placed
	c.Order = make([]*Block, 0, len(f.Blocks))
	stack := make([]frame, 1, 16)
	stack[0] = frame{b: f.Entry()}
	c.index[f.Entry().ID] = open
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		var to *Block
		switch t := &top.b.Term; {
		case t.Kind == Branch && top.next == 0:
			to = t.Else.Block
		case t.Kind == Branch && top.next == 1, t.Kind == Jump && top.next == 0:
			to = t.Then.Block
		default:
			c.Order = append(c.Order, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		top.next++
		if c.index[to.ID] == -1 {
			c.index[to.ID] = open
			stack = append(stack, frame{b: to})
		}
	}
	slices.Reverse(c.Order)
	for i, b := range c.Order {
		c.index[b.ID] = int32(i)
	}
}

func (c *CFG) fillPreds() {
	c.first = make([]int32, len(c.Order)+1)
	for _, b := range c.Order {
		for to := range b.targets {
			c.first[c.index[to.ID]+1]++
		}
	}
	for i := range c.Order {
		c.first[i+1] += c.first[i]
	}
	c.preds = make([]*Block, c.first[len(c.Order)])
	fill := slices.Clone(c.first)
	for _, b := range c.Order {
		for to := range b.targets {
			i := c.index[to.ID]
			c.preds[fill[i]] = b
			fill[i]++
		}
	}
}

// targets yields the blocks that the terminator leads to, once per edge.
func (b *Block) targets(yield func(*Block) bool) {
	switch b.Term.Kind {
	case Jump:
		yield(b.Term.Then.Block)
	case Branch:
		_ = yield(b.Term.Then.Block) && yield(b.Term.Else.Block)
	}
}

// Reachable reports whether some path leads from the entry to b.
func (c *CFG) Reachable(b *Block) bool { return c.Index(b) >= 0 }

// Index returns the place of b in Order, or -1 when b is unreachable.
func (c *CFG) Index(b *Block) int {
	if b.ID >= len(c.index) {
		return -1
	}
	return int(c.index[b.ID])
}

// Preds returns the reachable blocks that lead to b, once per edge: a branch
// with both edges to b is there twice. The slice is not to be changed.
func (c *CFG) Preds(b *Block) []*Block {
	i := c.Index(b)
	if i < 0 {
		return nil
	}
	return c.preds[c.first[i]:c.first[i+1]]
}

// DomTree is the dominator tree of a CFG. An unreachable block has no place
// in it.
type DomTree struct {
	cfg  *CFG
	idom []int32 // by place in Order
	// pre and post number the tree depth-first, so that a dominates b
	// exactly when pre[a] <= pre[b] and post[b] <= post[a].
	pre, post []int32
	preorder  []*Block
}

// Dominators computes the dominator tree by the iterative algorithm of
// Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001).
func (c *CFG) Dominators() *DomTree {
	n := len(c.Order)
	d := &DomTree{cfg: c, idom: make([]int32, n), pre: make([]int32, n), post: make([]int32, n)}
	if n == 0 {
		return d
	}
	for i := range d.idom {
		d.idom[i] = -1
	}
	d.idom[0] = 0
	for changed := true; changed; {
		changed = false
		for i := 1; i < n; i++ {
			dom := int32(-1)
			for _, p := range c.Preds(c.Order[i]) {
				j := c.index[p.ID]
				if d.idom[j] < 0 {
					continue
				}
				if dom < 0 {
					dom = j
				} else {
					dom = d.meet(dom, j)
				}
			}
			if d.idom[i] != dom {
				d.idom[i] = dom
				changed = true
			}
		}
	}
	d.number()
	return d
}

// meet returns the nearest common dominator.
func (d *DomTree) meet(a, b int32) int32 {
	for a != b {
		for a > b {
			a = d.idom[a]
		}
		for b > a {
			b = d.idom[b]
		}
	}
	return a
}

func (d *DomTree) number() {
	n := len(d.idom)
	// Children as linked lists, in Order.
	child, sibling := make([]int32, n), make([]int32, n)
	for i := range child {
		child[i], sibling[i] = -1, -1
	}
	for i := n - 1; i > 0; i-- {
		p := d.idom[i]
		sibling[i], child[p] = child[p], int32(i)
	}
	d.preorder = make([]*Block, 0, n)
	clock := int32(0)
	stack := make([]int32, 1, 16)
	enter := func(i int32) {
		d.pre[i] = clock
		clock++
		d.preorder = append(d.preorder, d.cfg.Order[i])
	}
	enter(0)
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		if next := child[top]; next >= 0 {
			child[top] = sibling[next]
			enter(next)
			stack = append(stack, next)
			continue
		}
		d.post[top] = clock
		clock++
		stack = stack[:len(stack)-1]
	}
}

// IDom returns the immediate dominator of b; nil for the entry block and for
// unreachable ones.
func (d *DomTree) IDom(b *Block) *Block {
	i := d.cfg.Index(b)
	if i <= 0 {
		return nil
	}
	return d.cfg.Order[d.idom[i]]
}

// Dominates reports whether every path from the entry to b leads through a.
// A block dominates itself. It is false when either is unreachable.
func (d *DomTree) Dominates(a, b *Block) bool {
	i, j := d.cfg.Index(a), d.cfg.Index(b)
	return i >= 0 && j >= 0 && d.pre[i] <= d.pre[j] && d.post[j] <= d.post[i]
}

// Meet returns the nearest block that dominates both a and b, which are
// reachable.
func (d *DomTree) Meet(a, b *Block) *Block {
	return d.cfg.Order[d.meet(int32(d.cfg.Index(a)), int32(d.cfg.Index(b)))]
}

// Preorder returns the reachable blocks in a depth-first order of the tree:
// each block after its immediate dominator.
func (d *DomTree) Preorder() []*Block { return d.preorder }
