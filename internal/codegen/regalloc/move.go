package regalloc

// loc is where a value is: a register, a slot, or nowhere because it can be
// made anew.
type loc int32

const (
	anew      loc = -1
	firstSlot loc = MaxRegs
)

func regLoc(r Reg) loc     { return loc(r) }
func slotLoc(s int32) loc  { return firstSlot + loc(s) }
func (l loc) isReg() bool  { return l >= 0 && l < firstSlot }
func (l loc) isSlot() bool { return l >= firstSlot }
func (l loc) set() RegSet {
	if l.isReg() {
		return Of(Reg(l))
	}
	return 0
}

// move is one of several that happen at once.
type move struct {
	to, from loc
	v        Value
}

// source is where to get a value that no register holds, for use in block b.
func (a *allocator) source(v Value, b int) loc {
	if a.f.Remat[v] {
		return anew
	}
	return slotLoc(a.slot(v, b))
}

// mover puts moves that happen at once in an order, with help from scratch
// registers that may be overwritten.
type mover struct {
	a       *allocator
	moves   []move
	scratch RegSet
}

// parallel emits moves as if they all happened at once. No two have the same
// destination; no destination is in scratch.
func (a *allocator) parallel(moves []move, scratch RegSet) {
	m := mover{a, moves[:0], scratch}
	for _, mv := range moves {
		if mv.to != mv.from {
			m.moves = append(m.moves, mv)
		}
	}
	for len(m.moves) > 0 {
		if !m.ready(loc.isReg) && !m.ready(func(loc) bool { return true }) {
			m.breakCycle()
		}
	}
}

// ready emits a move from such a place whose destination nobody has to read
// any more.
func (m *mover) ready(from func(loc) bool) bool {
	for i, mv := range m.moves {
		if !from(mv.from) || m.isSource(mv.to) {
			continue
		}
		m.moves = append(m.moves[:i], m.moves[i+1:]...)
		m.emit(mv)
		return true
	}
	return false
}

func (m *mover) isSource(l loc) bool {
	for _, mv := range m.moves {
		if mv.from == l {
			return true
		}
	}
	return false
}

// temp returns a register that may be overwritten now.
func (m *mover) temp() (Reg, bool) {
	s := m.scratch
	for _, mv := range m.moves {
		s &^= mv.from.set()
	}
	if s == 0 {
		return NoReg, false
	}
	return s.lowest(), true
}

func (m *mover) emit(mv move) {
	a := m.a
	switch {
	case mv.to.isReg():
		m.toReg(Reg(mv.to), mv)
	case mv.from.isReg():
		a.emit(Edit{Kind: Store, From: Reg(mv.from), Slot: int32(mv.to - firstSlot)})
	default:
		// From memory to memory through a register.
		t, ok := m.temp()
		if ok {
			m.toReg(t, mv)
			a.emit(Edit{Kind: Store, From: t, Slot: int32(mv.to - firstSlot)})
			return
		}
		t = a.m.Regs.lowest()
		slot := a.tempSlot()
		a.emit(Edit{Kind: Store, From: t, Slot: slot})
		m.toReg(t, mv)
		a.emit(Edit{Kind: Store, From: t, Slot: int32(mv.to - firstSlot)})
		a.emit(Edit{Kind: Load, To: t, Slot: slot})
	}
}

func (m *mover) toReg(r Reg, mv move) {
	switch {
	case mv.from == anew:
		m.a.emit(Edit{Kind: Remat, To: r, Value: mv.v})
	case mv.from.isSlot():
		m.a.emit(Edit{Kind: Load, To: r, Slot: int32(mv.from - firstSlot)})
	default:
		m.a.emit(Edit{Kind: Move, To: r, From: Reg(mv.from)})
	}
}

// breakCycle copies the source of one move elsewhere, when each destination
// is also a source.
func (m *mover) breakCycle() {
	from := m.moves[0].from
	to := slotLoc(-1)
	if t, ok := m.temp(); ok {
		to = regLoc(t)
		m.scratch &^= Of(t)
	} else {
		to = slotLoc(m.a.tempSlot())
	}
	m.emit(move{to, from, m.moves[0].v})
	for i := range m.moves {
		if m.moves[i].from == from {
			m.moves[i].from = to
		}
	}
}

// edge emits what brings values from where they are at the end of a block to
// where its successor expects them.
func (a *allocator) edge(b int, e *Edge) {
	blk, to := &a.f.Blocks[b], &a.f.Blocks[e.Block]
	a.b = b
	var moves []move
	dests := RegSet(0)
	want := func(dst loc, v Value) {
		from := loc(anew)
		if dst.isReg() && a.end[b][dst] == v {
			return
		}
		if r := a.endReg(b, v); r != NoReg {
			from = regLoc(r)
		} else {
			from = a.source(v, b)
		}
		moves = append(moves, move{dst, from, v})
	}
	for r, v := range a.begin[e.Block] {
		if v == None {
			continue
		}
		dests |= Of(Reg(r))
		for j, p := range to.Params {
			if p == v {
				v = e.Args[j]
				break
			}
		}
		want(regLoc(Reg(r)), v)
	}
	for j, p := range to.Params {
		if a.live.used[p] && a.defs[p].reg == NoReg {
			want(slotLoc(a.slots[p]), e.Args[j])
		}
	}
	if len(moves) == 0 {
		return
	}
	at := b
	a.pos = int32(2 * len(blk.Insts))
	if len(blk.Succs) > 1 {
		at, a.pos = e.Block, -2
	}
	a.edits = a.res.Edits[at]
	a.parallel(moves, a.m.Regs&^dests)
	a.res.Edits[at] = a.edits
}
