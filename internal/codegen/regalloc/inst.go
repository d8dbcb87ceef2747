package regalloc

// inst brings the operands of an instruction into registers, makes room for
// what it destroys, and gives its definition a register.
func (a *allocator) inst(i int) {
	in, op := &a.f.Blocks[a.b].Insts[i], &a.ops[i]
	out := &a.res.Insts[a.b][i]
	work := *in
	if a.shouldSwap(in, op) {
		work.Uses[0], work.Uses[1] = in.Uses[1], in.Uses[0]
		swapped := *op
		swapped.next[0], swapped.next[1] = op.next[1], op.next[0]
		swapped.want[0], swapped.want[1] = op.want[1], op.want[0]
		op = &swapped
		out.Swapped = true
	}
	in = &work
	fixed := RegSet(0)
	for _, r := range in.UseRegs[:in.NumUses] {
		fixed |= Of(r)
	}
	pinned := a.useAny(in, op, out, fixed)
	tied := a.useTied(in, op, out, fixed|pinned)
	pinned |= Of(tied)
	if lost := in.Clobbers | Of(in.DefReg); fixed|lost != 0 {
		a.constrain(in, op, out, fixed, lost, pinned)
	}
	early := NoReg
	if in.Early && in.Def != None {
		early = a.pick(in.Def, choice{a.m.Regs &^ pinned &^ fixed, op.defWant, op.avoid})
	}
	for k, v := range in.Uses[:in.NumUses] {
		if op.next[k] == never {
			a.forget(v)
		} else {
			a.setNext(v, op.next[k])
		}
	}
	a.define(in, op, out, tied, early, int32(i))
}

// shouldSwap reports whether the operands of a commutative instruction are
// better exchanged: the one that is overwritten should be one that dies.
func (a *allocator) shouldSwap(in *Inst, op *operands) bool {
	if !in.Commute || in.Uses[0] == in.Uses[1] {
		return false
	}
	dies := func(k int) bool { return op.next[k] == never && a.where[in.Uses[k]] != 0 }
	return !dies(0) && dies(1)
}

// useAny brings the uses that may be in any register into one, and returns
// those registers. The tied use is left to useTied.
func (a *allocator) useAny(in *Inst, op *operands, out *Assignment, fixed RegSet) RegSet {
	pinned := RegSet(0)
	// What is in a register already must not leave while others come in.
	for k, v := range in.Uses[:in.NumUses] {
		if s := a.where[v] &^ fixed; in.UseRegs[k] == NoReg && k != int(in.Tied) && s != 0 {
			pinned |= Of(s.lowest())
		}
	}
	for k, v := range in.Uses[:in.NumUses] {
		if in.UseRegs[k] != NoReg || k == int(in.Tied) {
			continue
		}
		r := NoReg
		if s := a.where[v] & pinned; s != 0 {
			r = s.lowest()
		} else {
			protect := pinned
			if in.Tied >= 0 {
				protect |= a.where[in.Uses[in.Tied]]
			}
			c := choice{a.m.Regs &^ fixed &^ protect, op.want[k], op.avoid}
			if c.allowed == 0 {
				c.allowed = a.m.Regs &^ fixed &^ pinned
			}
			r = a.pick(v, c)
			if s := a.where[v]; s != 0 {
				a.emit(Edit{Kind: Move, To: r, From: s.lowest()})
			} else {
				a.fetch(r, v)
			}
			a.put(r, v)
		}
		pinned |= Of(r)
		out.Uses[k] = r
	}
	return pinned
}

// useTied brings the use that the definition overwrites into the register
// that will hold the definition, and returns it.
func (a *allocator) useTied(in *Inst, op *operands, out *Assignment, taken RegSet) Reg {
	if in.Tied < 0 {
		return NoReg
	}
	k := int(in.Tied)
	v := in.Uses[k]
	dies := op.next[k] == never
	if dies {
		// Another use of the same value may share the register.
		if s := a.where[v]; s != 0 {
			r := s.lowest()
			if s.Has(op.defWant) {
				r = op.defWant
			}
			out.Uses[k] = r
			return r
		}
	}
	c := choice{a.m.Regs &^ taken, op.defWant, op.avoid}
	from := a.where[v]
	r := a.pick(in.Def, c)
	switch {
	case from.Has(r): // v itself had to leave
	case from != 0:
		a.emit(Edit{Kind: Move, To: r, From: from.lowest()})
	default:
		a.fetch(r, v)
	}
	// Nobody may take the register until the definition is in it.
	a.put(r, in.Def)
	out.Uses[k] = r
	return r
}

// constrain brings uses into the registers that the instruction insists on
// and saves what it destroys.
func (a *allocator) constrain(in *Inst, op *operands, out *Assignment, fixed, lost, pinned RegSet) {
	after := func(v Value) int32 { return a.useAfter(in, op, v) }
	saves := a.rescue(after, fixed|lost, pinned)
	var moves []move
	for _, s := range saves {
		moves = append(moves, move{regLoc(s.to), regLoc(a.where[s.v].lowest()), s.v})
	}
	for k, v := range in.Uses[:in.NumUses] {
		r := in.UseRegs[k]
		if r == NoReg {
			continue
		}
		out.Uses[k] = r
		switch s := a.where[v]; {
		case s.Has(r):
		case s != 0:
			moves = append(moves, move{regLoc(r), regLoc(s.lowest()), v})
		default:
			moves = append(moves, move{regLoc(r), a.source(v, a.b), v})
		}
	}
	scratch := (a.m.Regs&^a.occupied | lost) &^ fixed &^ pinned
	for _, s := range saves {
		scratch &^= Of(s.to)
	}
	a.parallel(moves, scratch)
	// What was destroyed is gone; a value in a fixed register that is not
	// destroyed has taken the place of another.
	for s := fixed | lost; s != 0; s &^= Of(s.lowest()) {
		a.drop(s.lowest())
	}
	for _, s := range saves {
		a.drop(s.to)
		a.put(s.to, s.v)
	}
	for k, v := range in.Uses[:in.NumUses] {
		if r := in.UseRegs[k]; r != NoReg && !lost.Has(r) {
			a.drop(r)
			a.put(r, v)
		}
	}
}

// useAfter returns the next use of a value after the instruction.
func (a *allocator) useAfter(in *Inst, op *operands, v Value) int32 {
	for k, u := range in.Uses[:in.NumUses] {
		if u == v {
			return op.next[k]
		}
	}
	return a.nextUse(v)
}

type save struct {
	v  Value
	to Reg
}

// rescue finds places for the values that live on but are only in registers
// that are lost. Where there are not enough, those that are used last go
// without.
func (a *allocator) rescue(after func(Value) int32, lost, pinned RegSet) []save {
	var need []Value
	for s := lost & a.occupied; s != 0; s &^= Of(s.lowest()) {
		v := a.regVal[s.lowest()]
		keeps := a.where[v] &^ lost
		if keeps == 0 && !a.f.Remat[v] && after(v) != never && a.where[v].lowest() == s.lowest() {
			need = append(need, v)
		}
	}
	if len(need) == 0 {
		return nil
	}
	avail := RegSet(0)
	for s := a.m.Regs &^ lost &^ pinned; s != 0; s &^= Of(s.lowest()) {
		r := s.lowest()
		v := a.regVal[r]
		if v == None || a.f.Remat[v] || after(v) == never || a.where[v]&^(lost|avail|Of(r)) != 0 {
			avail |= Of(r)
		}
	}
	for len(need) > avail.Len() {
		worst, most, reg := -1, int64(-1), NoReg
		score := func(v Value) int64 {
			d := int64(after(v))
			if a.slots[v] >= 0 {
				d *= 2
			}
			return d
		}
		for i, v := range need {
			if d := score(v); d > most {
				worst, most, reg = i, d, NoReg
			}
		}
		for s := a.m.Regs &^ lost &^ pinned &^ avail; s != 0; s &^= Of(s.lowest()) {
			if d := score(a.regVal[s.lowest()]); d > most {
				worst, most, reg = -1, d, s.lowest()
			}
		}
		if worst >= 0 {
			need = append(need[:worst], need[worst+1:]...)
		} else {
			avail |= Of(reg)
		}
	}
	saves := make([]save, 0, len(need))
	for _, v := range need {
		r := a.choose(avail, v, NoReg, 0)
		avail &^= Of(r)
		saves = append(saves, save{v, r})
	}
	return saves
}

// define gives the definition its register.
func (a *allocator) define(in *Inst, op *operands, out *Assignment, tied, early Reg, i int32) {
	out.Def = NoReg
	if in.Def == None {
		return
	}
	var r Reg
	switch {
	case in.DefReg != NoReg:
		r = in.DefReg
	case tied != NoReg:
		r = tied
	case early != NoReg:
		r = early
	default:
		want := op.defWant
		if in.Copy && want == NoReg && a.occupied&Of(out.Uses[0]) == 0 {
			want = out.Uses[0]
		}
		r = a.pick(in.Def, choice{a.m.Regs, want, op.avoid})
	}
	a.drop(r)
	out.Def = r
	a.res.Used |= Of(r)
	a.defs[in.Def] = def{int32(a.b), i, r}
	a.setNext(in.Def, op.defNext)
	if op.defNext != never {
		a.put(r, in.Def)
	} else {
		a.where[in.Def] = 0
	}
}
