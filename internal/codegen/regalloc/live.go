package regalloc

import "math"

// never is the next use of a dead value.
const never = math.MaxInt32

// Extra distances, in instructions.
const (
	farLoop = 1000 // a use outside of the loop
	farCold = 100  // a use on a way that is hardly ever taken
)

// liveValue is a value that is live at the start of a block, with the
// distance to its next use.
type liveValue struct {
	v    Value
	dist int32
}

// loop is a run of blocks [head, last] that a backward edge spans.
type loop struct {
	head, last   int
	hasCall      bool
	callPressure int // most values that live across one call
	pressure     int // most values live at once
}

// liveness is what is live where.
type liveness struct {
	f     *Func
	preds [][]int       // by block
	in    [][]liveValue // by block
	depth []int32       // loops around each block
	loops []loop
	// inner is the smallest loop that starts at a block, as an index of
	// loops, or -1.
	inner []int32
	// crosses tells the values that live across a call.
	crosses []bool
	// used tells the parameters that are live at the start of their block.
	used []bool

	// dist is the next use of each value in the block that is being
	// scanned; it counts only where mark has the current stamp.
	dist  []int32
	mark  []int32
	stamp int32
	// set is the values that are live, with their places in it.
	set   []Value
	place []int32
	solid int // how many of set need a register or a slot
}

func newLiveness(f *Func) *liveness {
	n := len(f.Blocks)
	l := &liveness{
		f: f, preds: make([][]int, n), in: make([][]liveValue, n), depth: make([]int32, n), inner: make([]int32, n),
		crosses: make([]bool, f.NumValues), dist: make([]int32, f.NumValues), mark: make([]int32, f.NumValues),
		place: make([]int32, f.NumValues), used: make([]bool, f.NumValues),
	}
	for b := range f.Blocks {
		for _, e := range f.Blocks[b].Succs {
			l.preds[e.Block] = append(l.preds[e.Block], b)
		}
	}
	l.findLoops()
	l.solve()
	for b := range f.Blocks {
		l.pressure(b)
	}
	return l
}

// findLoops takes every backward edge for a loop of all blocks between its
// ends. That is exact when a loop's blocks are in one run, and a safe guess
// otherwise.
func (l *liveness) findLoops() {
	for h := range l.f.Blocks {
		l.inner[h] = -1
		last := -1
		for _, p := range l.preds[h] {
			if p >= h {
				last = max(last, p)
			}
		}
		if last < 0 {
			continue
		}
		l.inner[h] = int32(len(l.loops))
		l.loops = append(l.loops, loop{head: h, last: last})
		for b := h; b <= last; b++ {
			l.depth[b]++
		}
	}
}

// solve computes what is live into each block by going over the blocks
// backwards until nothing changes.
func (l *liveness) solve() {
	for changed := true; changed; {
		changed = false
		for b := len(l.f.Blocks) - 1; b >= 0; b-- {
			l.scan(b)
			for _, p := range l.f.Blocks[b].Params {
				l.used[p] = l.mark[p] == l.stamp
			}
			old := len(l.in[b])
			in := l.in[b][:0]
			for _, v := range l.set {
				in = append(in, liveValue{v, l.dist[v]})
			}
			l.in[b] = in
			changed = changed || len(in) != old
		}
		if len(l.loops) == 0 {
			return
		}
	}
}

// add makes v live with its next use at distance d, or nearer if it is live
// already.
func (l *liveness) add(v Value, d int32) {
	if l.mark[v] != l.stamp {
		l.mark[v] = l.stamp
		l.place[v] = int32(len(l.set))
		l.set = append(l.set, v)
		l.dist[v] = d
		if !l.f.Remat[v] {
			l.solid++
		}
	} else if d < l.dist[v] {
		l.dist[v] = d
	}
}

func (l *liveness) remove(v Value) {
	if l.mark[v] != l.stamp {
		return
	}
	l.mark[v] = l.stamp - 1
	last := l.set[len(l.set)-1]
	l.set[l.place[v]], l.place[last] = last, l.place[v]
	l.set = l.set[:len(l.set)-1]
	if !l.f.Remat[v] {
		l.solid--
	}
}

// liveOut fills the set with what is live at the end of a block, at distances
// from that end.
func (l *liveness) liveOut(b int) {
	l.stamp += 2
	l.set, l.solid = l.set[:0], 0
	blk := &l.f.Blocks[b]
	for i := range blk.Succs {
		e := &blk.Succs[i]
		to := &l.f.Blocks[e.Block]
		extra := farLoop * max(0, l.depth[b]-l.depth[e.Block])
		if to.Cold && !blk.Cold {
			extra += farCold
		}
		for _, lv := range l.in[e.Block] {
			l.add(lv.v, lv.dist+extra)
		}
		for _, p := range to.Params {
			l.remove(p)
		}
	}
	for i := range blk.Succs {
		e := &blk.Succs[i]
		for j, arg := range e.Args {
			if l.used[l.f.Blocks[e.Block].Params[j]] {
				l.add(arg, 0)
			}
		}
	}
}

// scan leaves in set and dist what is live at the start of the block, its
// live parameters included.
func (l *liveness) scan(b int) {
	l.liveOut(b)
	insts := l.f.Blocks[b].Insts
	n := int32(len(insts))
	for _, v := range l.set {
		l.dist[v] = min(l.dist[v], never/2) + n
	}
	for i := n - 1; i >= 0; i-- {
		in := &insts[i]
		if in.Def != None {
			l.remove(in.Def)
		}
		for _, v := range in.Uses[:in.NumUses] {
			l.add(v, i)
			l.dist[v] = i
		}
	}
}

// pressure notes the values that live across calls, and how many values live
// at once, for the loops around the block.
func (l *liveness) pressure(b int) {
	l.liveOut(b)
	insts := l.f.Blocks[b].Insts
	saved := l.f.Machine.Saved
	most, across, calls := l.solid, 0, false
	for i := len(insts) - 1; i >= 0; i-- {
		in := &insts[i]
		if in.Def != None {
			l.remove(in.Def)
		}
		if in.Clobbers&^saved == l.f.Machine.Regs&^saved {
			calls = true
			across = max(across, l.solid)
			for _, v := range l.set {
				l.crosses[v] = !l.f.Remat[v]
			}
		}
		for _, v := range in.Uses[:in.NumUses] {
			l.add(v, 0)
		}
		most = max(most, l.solid)
	}
	for i := range l.loops {
		if p := &l.loops[i]; p.head <= b && b <= p.last {
			p.hasCall = p.hasCall || calls
			p.callPressure = max(p.callPressure, across)
			p.pressure = max(p.pressure, most)
		}
	}
}
