package regalloc

import (
	"cmp"
	"slices"
)

// spill is a value in memory.
type spill struct {
	v Value // None: a temporary place
	// at is the nearest block that dominates all reloads, or -1.
	at int32
	// first and last are the first and the last use of the slot, in the
	// numbering of Result.Pos.
	first, last int
}

// slot returns the slot of a value, which is about to be reloaded in block b.
func (a *allocator) slot(v Value, b int) int32 {
	if a.slots[v] < 0 {
		a.slots[v] = int32(len(a.spills))
		a.spills = append(a.spills, spill{v: v, at: -1, first: -1})
	}
	s := &a.spills[a.slots[v]]
	if s.at < 0 {
		s.at = int32(b)
	} else {
		s.at = a.dom().meet(s.at, int32(b))
	}
	return a.slots[v]
}

// tempSlot returns a place for a register while moves are put in order.
func (a *allocator) tempSlot() int32 {
	a.spills = append(a.spills, spill{v: None, at: -1, first: -1})
	return int32(len(a.spills) - 1)
}

// dom returns the dominator tree.
func (a *allocator) dom() *domTree {
	if a.domTree == nil {
		a.domTree = newDomTree(a.live.preds)
	}
	return a.domTree
}

// placeStores emits the store of each spilled value. It happens once, at the
// definition or at the start of a block where the value still is in a
// register and that dominates all reloads: the one deepest in the dominator
// tree of those in the fewest loops.
func (a *allocator) placeStores() {
	for i := range a.spills {
		s := &a.spills[i]
		if s.v == None {
			continue
		}
		d := a.defs[s.v]
		if d.reg == NoReg {
			continue // a parameter in memory: the edges store it
		}
		best, reg := int(d.block), NoReg
		for b := int(s.at); b > int(d.block); b = a.dom().idom(b) {
			r := a.beginReg(b, s.v)
			if r != NoReg && a.live.depth[b] <= a.live.depth[d.block] && (reg == NoReg || a.live.depth[b] < a.live.depth[best]) {
				best, reg = b, r
			}
		}
		e := Edit{Kind: Store, Slot: int32(i), Pos: -1, From: reg, Value: s.v}
		if reg == NoReg {
			e.From = d.reg
			if d.inst >= 0 {
				e.Pos = 2*d.inst + 1
			}
		}
		a.res.Edits[best] = append(a.res.Edits[best], e)
	}
}

func (a *allocator) beginReg(b int, v Value) Reg {
	for r, x := range a.begin[b] {
		if x == v {
			return Reg(r)
		}
	}
	return NoReg
}

// sortEdits orders the edits by place and finds out how long each slot is in
// use.
func (a *allocator) sortEdits() {
	for b := range a.res.Edits {
		slices.SortStableFunc(a.res.Edits[b], func(x, y Edit) int { return cmp.Compare(x.Pos, y.Pos) })
		for _, e := range a.res.Edits[b] {
			if e.Kind != Load && e.Kind != Store {
				continue
			}
			s, at := &a.spills[e.Slot], a.res.Pos(b, int(e.Pos)>>1)
			if s.first < 0 || at < s.first {
				s.first = at
			}
			s.last = max(s.last, at)
		}
	}
	a.res.Slots = make([]Slot, len(a.spills))
	for i, s := range a.spills {
		a.res.Slots[i] = Slot{s.first, a.res.extend(s.first, s.last)}
	}
}

// extend returns the end of a range that has to last while a loop that it
// reaches into goes round: what was stored before the loop is read again in
// its next round.
func (r *Result) extend(first, last int) int {
	for changed := true; changed; {
		changed = false
		for _, l := range r.loops {
			head, end := r.Pos(l.head, -1), r.start[l.last+1]-1
			if head > first && head <= last && last < end {
				last, changed = end, true
			}
		}
	}
	return last
}

// domTree is the dominator tree of blocks in reverse postorder, computed as
// by Cooper, Harvey and Kennedy.
type domTree struct{ parent []int32 }

func newDomTree(preds [][]int) *domTree {
	d := &domTree{make([]int32, len(preds))}
	for b := range d.parent {
		d.parent[b] = -1
	}
	d.parent[0] = 0
	for changed := true; changed; {
		changed = false
		for b := 1; b < len(preds); b++ {
			dom := int32(-1)
			for _, p := range preds[b] {
				if d.parent[p] < 0 {
					continue
				}
				if dom < 0 {
					dom = int32(p)
				} else {
					dom = d.meet(dom, int32(p))
				}
			}
			if d.parent[b] != dom {
				d.parent[b], changed = dom, true
			}
		}
	}
	return d
}

// meet returns the nearest common dominator.
func (d *domTree) meet(a, b int32) int32 {
	for a != b {
		for a > b {
			a = d.parent[a]
		}
		for b > a {
			b = d.parent[b]
		}
	}
	return a
}

func (d *domTree) idom(b int) int { return int(d.parent[b]) }

// Around extends a range of positions by every loop that it touches.
func (r *Result) Around(first, last int) (int, int) {
	for changed := true; changed; {
		changed = false
		for _, l := range r.loops {
			head, end := r.Pos(l.head, -1), r.start[l.last+1]-1
			if head <= last && end >= first && (head < first || end > last) {
				first, last, changed = min(first, head), max(last, end), true
			}
		}
	}
	return first, last
}
