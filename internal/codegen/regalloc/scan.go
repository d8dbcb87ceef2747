package regalloc

// operands is what is known of an instruction's operands from looking
// backwards.
type operands struct {
	next    [MaxUses]int32 // the next use of each used value after this one
	want    [MaxUses]Reg   // where each would best be afterwards
	defNext int32
	defWant Reg
	avoid   RegSet // registers that other values want afterwards
}

// scanner looks at a block backwards: when is each value used next, and in
// which register would it best be then?
type scanner struct {
	ops []operands // by instruction of the block

	next  []int32 // by value, valid where epoch is the current one
	epoch []int32
	now   int32

	want     []Reg // by value
	wantedBy regs
	wantIn   []regs // by block: which value wants each register at its start
}

func (s *scanner) init(f *Func) {
	s.next, s.epoch, s.want = make([]int32, f.NumValues), make([]int32, f.NumValues), make([]Reg, f.NumValues)
	s.wantIn = make([]regs, len(f.Blocks))
	most := 0
	for b := range f.Blocks {
		most = max(most, len(f.Blocks[b].Insts))
	}
	s.ops = make([]operands, most)
	for v := range s.want {
		s.want[v] = NoReg
	}
	for r := range s.wantedBy {
		s.wantedBy[r] = None
	}
}

// nextUse returns the next use of a value: an instruction of the block, or
// farther away than its end.
func (s *scanner) nextUse(v Value) int32 {
	if s.epoch[v] != s.now {
		return never
	}
	return s.next[v]
}

func (s *scanner) setNext(v Value, at int32) { s.next[v], s.epoch[v] = at, s.now }

func (s *scanner) setWant(v Value, r Reg) {
	s.unwant(v)
	if w := s.wantedBy[r]; w != None {
		s.want[w] = NoReg
	}
	s.want[v], s.wantedBy[r] = r, v
}

func (s *scanner) unwant(v Value) {
	if r := s.want[v]; r != NoReg {
		s.want[v], s.wantedBy[r] = NoReg, None
	}
}

// wantAll fills wantIn, from the last block to the first.
func (a *allocator) wantAll() {
	for b := len(a.f.Blocks) - 1; b >= 0; b-- {
		a.scan(b)
		a.wantIn[b] = a.wantedBy
	}
}

// scan fills ops for a block, and next for what is live at its start.
func (a *allocator) scan(b int) {
	a.now++
	insts := a.f.Blocks[b].Insts
	a.live.liveOut(b)
	for _, v := range a.live.set {
		a.setNext(v, min(a.live.dist[v], never/2)+int32(len(insts)))
	}
	a.wantOut(b)
	args := RegSet(0) // of the next call
	for i := len(insts) - 1; i >= 0; i-- {
		in, op := &insts[i], &a.ops[i]
		op.avoid = args
		for r, v := range a.wantedBy {
			if v != None {
				op.avoid |= Of(Reg(r))
			}
		}
		if in.Def != None {
			op.defNext, op.defWant = a.nextUse(in.Def), a.want[in.Def]
			op.avoid &^= Of(op.defWant)
			a.unwant(in.Def)
			a.setNext(in.Def, never)
		}
		for s := in.Clobbers | Of(in.DefReg); s != 0; s &^= Of(s.lowest()) {
			if v := a.wantedBy[s.lowest()]; v != None {
				a.unwant(v)
			}
		}
		if in.Clobbers.Len() > 1 {
			args = 0
		}
		for k, v := range in.Uses[:in.NumUses] {
			op.next[k], op.want[k] = a.nextUse(v), a.want[v]
			args |= Of(in.UseRegs[k])
		}
		for k, v := range in.Uses[:in.NumUses] {
			a.setNext(v, int32(i))
			if r := in.UseRegs[k]; r != NoReg {
				a.setWant(v, r)
			}
		}
		a.inherit(in, op)
	}
}

// inherit lets the value that an instruction overwrites or copies want the
// register that the result wants.
func (a *allocator) inherit(in *Inst, op *operands) {
	if in.Def == None || op.defWant == NoReg {
		return
	}
	k := int(in.Tied)
	if in.Copy {
		k = 0
	}
	if k < 0 || in.UseRegs[k] != NoReg || op.next[k] != never || a.wantedBy[op.defWant] != None {
		return
	}
	if v := in.Uses[k]; a.want[v] == NoReg {
		a.setWant(v, op.defWant)
	}
}

// wantOut starts with the registers that the successors want or, where they
// are done already, have.
func (a *allocator) wantOut(b int) {
	for r, v := range a.wantedBy {
		if v != None {
			a.want[v], a.wantedBy[r] = NoReg, None
		}
	}
	succs := a.f.Blocks[b].Succs
	for i := range succs {
		e := &succs[i]
		to := &a.f.Blocks[e.Block]
		have := &a.wantIn[e.Block]
		if e.Block <= b {
			have = &a.begin[e.Block]
		}
		for r, v := range have {
			if v == None {
				continue
			}
			for j, p := range to.Params {
				if p == v {
					v = e.Args[j]
				}
			}
			a.wish(v, Reg(r))
		}
		for j, p := range to.Params {
			if r := a.hints[p]; r != NoReg && e.Block > b {
				a.wish(e.Args[j], r)
			}
		}
	}
}

// wish is setWant unless the value or the register has been spoken for.
func (a *allocator) wish(v Value, r Reg) {
	if a.want[v] == NoReg && a.wantedBy[r] == None {
		a.setWant(v, r)
	}
}
