package regalloc

// Allocate assigns registers.
func Allocate(f *Func) *Result {
	a := newAllocator(f)
	a.wantAll()
	for b := range f.Blocks {
		a.block(b)
	}
	for b := range f.Blocks {
		for i := range f.Blocks[b].Succs {
			a.edge(b, &f.Blocks[b].Succs[i])
		}
	}
	a.placeStores()
	a.sortEdits()
	return a.res
}

// regs is what the registers hold.
type regs [MaxRegs]Value

// def is where a value is defined.
type def struct {
	block, inst int32 // inst -1: a parameter
	reg         Reg   // where the definition appears; NoReg: in memory
}

type allocator struct {
	f    *Func
	m    *Machine
	live *liveness
	res  *Result

	begin, end []regs // by block
	defs       []def  // by value
	slots      []int32
	spills     []spill // by slot
	hints      []Reg   // by value: where the first argument for a parameter is

	// The state at the point that is being worked on.
	b        int
	regVal   regs
	where    []RegSet // by value: the registers that hold it
	occupied RegSet
	pos      int32 // of edits
	edits    []Edit

	scanner
	domTree *domTree
}

func newAllocator(f *Func) *allocator {
	n := len(f.Blocks)
	a := &allocator{
		f: f, m: f.Machine, live: newLiveness(f), begin: make([]regs, n), end: make([]regs, n),
		defs: make([]def, f.NumValues), slots: make([]int32, f.NumValues), hints: make([]Reg, f.NumValues),
		where: make([]RegSet, f.NumValues),
		res:   &Result{Insts: make([][]Assignment, n), Edits: make([][]Edit, n), start: make([]int, n+1)},
	}
	none := regs{}
	for r := range none {
		none[r] = None
	}
	a.regVal = none
	for b := range a.begin {
		a.begin[b], a.end[b] = none, none
	}
	for v := range a.slots {
		a.slots[v], a.hints[v], a.defs[v].reg = -1, NoReg, NoReg
	}
	a.res.loops = a.live.loops
	total := 0
	for b := range f.Blocks {
		a.res.start[b+1] = a.res.start[b] + len(f.Blocks[b].Insts) + 2
		total += len(f.Blocks[b].Insts)
	}
	all := make([]Assignment, total)
	for b := range f.Blocks {
		k := len(f.Blocks[b].Insts)
		a.res.Insts[b], all = all[:k:k], all[k:]
	}
	a.scanner.init(f)
	return a
}

func (a *allocator) block(b int) {
	a.b = b
	for _, v := range a.regVal {
		if v != None {
			a.where[v] = 0
		}
	}
	a.scan(b)
	a.enter(b)
	a.begin[b] = a.regVal
	a.edits = nil
	for i := range a.f.Blocks[b].Insts {
		a.pos = int32(2 * i)
		a.inst(i)
	}
	a.end[b] = a.regVal
	a.res.Edits[b] = a.edits
	a.hintParams(b)
}

// hintParams notes where the arguments for parameters are that have no
// register yet, for the sake of the other edges to the same block.
func (a *allocator) hintParams(b int) {
	for _, e := range a.f.Blocks[b].Succs {
		for i, arg := range e.Args {
			p := a.f.Blocks[e.Block].Params[i]
			if e.Block > b && a.hints[p] == NoReg && a.where[arg] != 0 {
				a.hints[p] = a.where[arg].lowest()
			}
		}
	}
}

func (a *allocator) emit(e Edit) {
	e.Pos = a.pos
	if e.Kind != Store {
		a.res.Used |= Of(e.To)
	}
	a.edits = append(a.edits, e)
}

// put makes a register hold a value; it must be free.
func (a *allocator) put(r Reg, v Value) {
	a.regVal[r] = v
	a.where[v] |= Of(r)
	a.occupied |= Of(r)
}

// drop empties a register.
func (a *allocator) drop(r Reg) {
	if v := a.regVal[r]; v != None {
		a.where[v] &^= Of(r)
		a.regVal[r] = None
		a.occupied &^= Of(r)
	}
}

// forget empties all registers that hold a value.
func (a *allocator) forget(v Value) {
	for s := a.where[v]; s != 0; s = a.where[v] {
		a.drop(s.lowest())
	}
}

// choice is what bears on the choice of a register for a value.
type choice struct {
	allowed RegSet
	want    Reg
	avoid   RegSet // others want these soon
}

// pick returns a free register for v, emptying one when there is none.
func (a *allocator) pick(v Value, c choice) Reg {
	free := c.allowed &^ a.occupied
	if free == 0 {
		r := a.victim(c.allowed)
		a.drop(r)
		return r
	}
	return a.choose(free, v, c.want, c.avoid)
}

// choose picks the best of some registers for v.
func (a *allocator) choose(free RegSet, v Value, want Reg, avoid RegSet) Reg {
	saved := free & a.m.Saved
	if a.live.crosses[v] && saved != 0 {
		free = saved
	}
	if free.Has(want) {
		return want
	}
	for _, s := range [...]RegSet{free &^ a.m.Saved &^ avoid, free &^ a.m.Saved, free} {
		if s != 0 {
			return a.first(s)
		}
	}
	return NoReg
}

// first returns the most wanted register of a set.
func (a *allocator) first(s RegSet) Reg {
	for _, r := range a.m.Order {
		if s.Has(r) {
			return r
		}
	}
	return s.lowest()
}

// victim returns the register of the set whose value is missed least.
func (a *allocator) victim(set RegSet) Reg {
	best, most := NoReg, int64(-1)
	for s := set; s != 0; s &^= Of(s.lowest()) {
		r := s.lowest()
		if cost := a.leave(a.regVal[r]); cost > most {
			best, most = r, cost
		}
	}
	return best
}

// leave tells how cheap it is for a value to leave a register: the farther
// its next use and the less it costs to get it back, the more.
func (a *allocator) leave(v Value) int64 {
	d := int64(a.nextUse(v))
	switch {
	case a.where[v].Len() > 1:
		return 1 << 40
	case a.f.Remat[v]:
		return d * 3
	case a.slots[v] >= 0:
		return d * 2
	}
	return d
}

// fetch makes register r hold v, which no register holds.
func (a *allocator) fetch(r Reg, v Value) {
	if a.f.Remat[v] {
		a.emit(Edit{Kind: Remat, To: r, Value: v})
		return
	}
	a.emit(Edit{Kind: Load, To: r, Slot: a.slot(v, a.b)})
}
