package regalloc

import "slices"

// enter decides what the registers hold at the start of a block.
func (a *allocator) enter(b int) {
	for r := range a.regVal {
		a.regVal[r] = None
	}
	a.occupied = 0
	blk := &a.f.Blocks[b]
	if b == 0 {
		for i, p := range blk.Params {
			a.defs[p] = def{0, -1, a.f.EntryRegs[i]}
			if a.live.used[p] {
				a.put(a.f.EntryRegs[i], p)
			}
		}
	} else {
		a.inheritRegs(b)
	}
	if l := a.live.inner[b]; l >= 0 {
		a.enterLoop(b, &a.live.loops[l])
	}
	if b != 0 {
		for i, p := range blk.Params {
			if a.live.used[p] {
				a.placeParam(b, i, p)
			}
		}
	}
}

// inheritRegs takes over what one predecessor leaves.
func (a *allocator) inheritRegs(b int) {
	preds := a.live.preds[b]
	primary := -1
	for _, p := range preds {
		if p < b && (primary < 0 || a.better(p, primary)) {
			primary = p
		}
	}
	if primary < 0 {
		return
	}
	single := len(preds) == 1
	for r, v := range a.end[primary] {
		if v == None || a.nextUse(v) == never {
			continue
		}
		if !single && (a.f.Remat[v] || a.where[v] != 0 || !a.worthKeeping(b, primary, v)) {
			if a.where[v] != 0 && a.live.crosses[v] && a.m.Saved.Has(Reg(r)) {
				a.forget(v)
				a.put(Reg(r), v)
			}
			continue
		}
		a.put(Reg(r), v)
	}
}

func (a *allocator) isParam(b int, v Value) bool {
	return slices.Contains(a.f.Blocks[b].Params, v)
}

// better reports whether p is a better block to take registers over from than
// q: one that runs more often or, of equals, the later.
func (a *allocator) better(p, q int) bool {
	if a.f.Blocks[p].Cold != a.f.Blocks[q].Cold {
		return a.f.Blocks[q].Cold
	}
	return a.live.depth[p] >= a.live.depth[q]
}

// worthKeeping decides about a value that is in a register at the end of one
// predecessor: where another predecessor would have to reload it, it had
// better be used soon.
func (a *allocator) worthKeeping(b, primary int, v Value) bool {
	if int(a.nextUse(v)) < len(a.f.Blocks[b].Insts) {
		return true
	}
	for _, p := range a.live.preds[b] {
		if p < b && p != primary && !slices.Contains(a.end[p][:], v) {
			return false
		}
	}
	return true
}

// enterLoop makes room in registers for what the loop uses, moves values that
// would not survive the loop's calls to registers that do, and brings in
// values that the loop uses.
func (a *allocator) enterLoop(b int, l *loop) {
	if over := l.pressure - a.m.Regs.Len(); over > 0 {
		a.dropIdle(a.m.Regs, over)
	}
	if l.hasCall {
		if over := l.callPressure - a.m.Saved.Len(); over > 0 {
			a.dropIdle(a.m.Saved, over)
		}
		a.save()
	}
	room, pressure := a.m.Regs, l.pressure
	if l.hasCall {
		room, pressure = a.m.Saved, l.callPressure
	}
	if pressure > room.Len() {
		return
	}
	for _, lv := range a.live.in[b] {
		free := room &^ a.occupied
		if free == 0 {
			return
		}
		if a.where[lv.v] == 0 && !a.f.Remat[lv.v] && lv.dist < farLoop && !a.isParam(b, lv.v) {
			a.put(a.first(free), lv.v)
		}
	}
}

// dropIdle empties up to n registers of a set whose values the loop doesn't
// use, those used last first.
func (a *allocator) dropIdle(set RegSet, n int) {
	for ; n > 0; n-- {
		r := a.victim(set & a.occupied)
		if r == NoReg || a.nextUse(a.regVal[r]) < farLoop {
			return
		}
		a.drop(r)
	}
}

// save moves values from registers that calls destroy to free ones that they
// keep, the ones used soonest first, and drops the rest. The moves happen on
// the edges to the block.
func (a *allocator) save() {
	var move []Value
	for s := a.occupied &^ a.m.Saved; s != 0; s &^= Of(s.lowest()) {
		v := a.regVal[s.lowest()]
		a.drop(s.lowest())
		if a.where[v] == 0 && !a.f.Remat[v] {
			move = append(move, v)
		}
	}
	slices.SortStableFunc(move, func(x, y Value) int { return int(a.nextUse(x) - a.nextUse(y)) })
	for _, v := range move {
		if free := a.m.Saved &^ a.occupied; free != 0 {
			a.put(a.first(free), v)
		}
	}
}

// placeParam gives a parameter a register, or memory when all registers hold
// what is used sooner.
func (a *allocator) placeParam(b, i int, p Value) {
	a.defs[p] = def{int32(b), -1, NoReg}
	free := a.m.Regs &^ a.occupied
	if free == 0 {
		r := a.victim(a.m.Regs)
		v := a.regVal[r]
		if a.nextUse(v) <= a.nextUse(p) {
			a.slot(p, b)
			return
		}
		if a.isParam(b, v) {
			a.defs[v].reg = NoReg
			a.slot(v, b)
		}
		a.drop(r)
		free = Of(r)
	}
	r := a.paramReg(b, i, p, free)
	a.defs[p].reg = r
	a.res.Used |= Of(r)
	a.put(r, p)
}

// paramReg chooses among free registers for a parameter. Where most of its
// arguments are in one register already, that is the best: even if it has to
// go elsewhere before a call, one move after the paths have met is better than
// one on each. At the head of a loop it had better be where it can stay.
func (a *allocator) paramReg(b, i int, p Value, free RegSet) Reg {
	arg, most := a.argReg(b, i, free)
	if most && a.live.inner[b] < 0 {
		return arg
	}
	want, avoid := NoReg, RegSet(0)
	for r, v := range a.wantIn[b] {
		if v == p {
			want = Reg(r)
		} else if v != None {
			avoid |= Of(Reg(r))
		}
	}
	if arg != NoReg && (want == NoReg || !free.Has(want)) {
		want = arg
	}
	return a.choose(free, p, want, avoid)
}

// argReg returns the free register in which most of a parameter's arguments
// are, and whether that is more than half of them. Cold ways count half; of
// equals the last is taken, from where the block is most likely fallen into.
func (a *allocator) argReg(b, i int, free RegSet) (best Reg, most bool) {
	var count [MaxRegs]int
	best = NoReg
	total := 0
	for _, p := range a.live.preds[b] {
		if p >= b {
			continue
		}
		weight := 2
		if a.f.Blocks[p].Cold {
			weight = 1
		}
		total += weight
		for _, e := range a.f.Blocks[p].Succs {
			if e.Block != b {
				continue
			}
			r := a.endReg(p, e.Args[i])
			if r == NoReg || !free.Has(r) {
				continue
			}
			if count[r] += weight; best == NoReg || count[r] >= count[best] {
				best = r
			}
		}
	}
	return best, best != NoReg && 2*count[best] > total
}

// endReg returns a register that holds v at the end of a block, or NoReg.
func (a *allocator) endReg(b int, v Value) Reg {
	for r, x := range a.end[b] {
		if x == v {
			return Reg(r)
		}
	}
	return NoReg
}
