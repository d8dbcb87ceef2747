package regalloc

import (
	"fmt"
)

// bitset is a set of values.
type bitset []uint64

func newBitset(n int) bitset      { return make(bitset, (n+63)/64) }
func (s bitset) has(v Value) bool { return s[v/64]>>(v%64)&1 != 0 }
func (s bitset) add(v Value)      { s[v/64] |= 1 << (v % 64) }
func (s bitset) remove(v Value)   { s[v/64] &^= 1 << (v % 64) }
func (s bitset) clone() bitset    { return append(bitset(nil), s...) }
func (s bitset) meet(t bitset) (changed bool) {
	for i := range s {
		changed = changed || s[i]&^t[i] != 0
		s[i] &= t[i]
	}
	return changed
}

// state is what each register and slot holds: one place may hold several
// values that are known to be equal.
type state []bitset

func (s state) clone() state {
	t := make(state, len(s))
	for i := range s {
		t[i] = s[i].clone()
	}
	return t
}

// checker interprets an allocation symbolically over all paths.
type checker struct {
	f   *Func
	res *Result
	in  []state // by block; nil: not reached yet
}

// check reports an error when some path reads anything but the value that it
// should.
func check(f *Func, res *Result) error {
	c := &checker{f: f, res: res, in: make([]state, len(f.Blocks))}
	entry := c.empty()
	for i, p := range f.Blocks[0].Params {
		entry[f.EntryRegs[i]].add(p)
	}
	c.in[0] = entry
	work := []int{0}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		s, err := c.block(b, c.in[b].clone())
		if err != nil {
			return err
		}
		for _, e := range f.Blocks[b].Succs {
			if c.flow(e, s.clone()) {
				work = append(work, e.Block)
			}
		}
	}
	return nil
}

func (c *checker) empty() state {
	s := make(state, MaxRegs+len(c.res.Slots))
	for i := range s {
		s[i] = newBitset(c.f.NumValues)
	}
	return s
}

// flow follows an edge: the parameters become equal to their arguments.
func (c *checker) flow(e Edge, s state) (changed bool) {
	params := c.f.Blocks[e.Block].Params
	for _, set := range s {
		var add []Value
		for i, arg := range e.Args {
			if set.has(arg) {
				add = append(add, params[i])
			}
		}
		for _, p := range params {
			set.remove(p)
		}
		for _, p := range add {
			set.add(p)
		}
	}
	if c.in[e.Block] == nil {
		c.in[e.Block] = s
		return true
	}
	for i := range s {
		changed = c.in[e.Block][i].meet(s[i]) || changed
	}
	return changed
}

func (c *checker) block(b int, s state) (state, error) {
	edits := c.res.Edits[b]
	apply := func(upto int32) error {
		for len(edits) > 0 && edits[0].Pos <= upto {
			e := edits[0]
			edits = edits[1:]
			switch e.Kind {
			case Move:
				s[e.To] = s[e.From].clone()
			case Load:
				s[e.To] = s[MaxRegs+e.Slot].clone()
			case Store:
				s[MaxRegs+e.Slot] = s[e.From].clone()
			case Remat:
				if !c.f.Remat[e.Value] {
					return fmt.Errorf("b%d: value %d can't be made anew", b, e.Value)
				}
				s[e.To] = newBitset(c.f.NumValues)
				s[e.To].add(e.Value)
				if e.Pos < 0 {
					c.addParams(b, e.Value, s[e.To])
				}
			}
			if e.Kind != Store && !c.f.Machine.Regs.Has(e.To) {
				return fmt.Errorf("b%d: edit of register %d", b, e.To)
			}
			if e.Kind == Store || e.Kind == Load {
				slot := c.res.Slots[e.Slot]
				if at := c.res.Pos(b, int(e.Pos)>>1); at < slot.Start || at > slot.End {
					return fmt.Errorf("b%d: slot %d is used at %d outside of %d-%d", b, e.Slot, at, slot.Start, slot.End)
				}
			}
		}
		return nil
	}
	for i := range c.f.Blocks[b].Insts {
		if err := apply(int32(2 * i)); err != nil {
			return nil, err
		}
		if err := c.inst(b, i, s); err != nil {
			return nil, fmt.Errorf("b%d inst %d: %w", b, i, err)
		}
		if err := apply(int32(2*i + 1)); err != nil {
			return nil, err
		}
	}
	if err := apply(int32(2 * len(c.f.Blocks[b].Insts))); err != nil {
		return nil, err
	}
	if len(edits) > 0 {
		return nil, fmt.Errorf("b%d: edit after the end, or out of order: %+v", b, edits[0])
	}
	// Slots that are out of their range may have been given to others.
	end := c.res.Pos(b, len(c.f.Blocks[b].Insts))
	for i, slot := range c.res.Slots {
		if end < slot.Start || end > slot.End {
			s[MaxRegs+i] = newBitset(c.f.NumValues)
		}
	}
	return s, nil
}

// addParams adds the parameters for which the only edge to the block gives v:
// edits at the start of the block come after the parameters have their values.
func (c *checker) addParams(b int, v Value, set bitset) {
	for p := range c.f.Blocks {
		for _, e := range c.f.Blocks[p].Succs {
			for i, arg := range e.Args {
				if e.Block == b && arg == v {
					set.add(c.f.Blocks[b].Params[i])
				}
			}
		}
	}
}

func (c *checker) inst(b, i int, s state) error {
	in, as := c.f.Blocks[b].Insts[i], c.res.Insts[b][i]
	if as.Swapped {
		if !in.Commute {
			return fmt.Errorf("operands exchanged")
		}
		in.Uses[0], in.Uses[1] = in.Uses[1], in.Uses[0]
	}
	for k, v := range in.Uses[:in.NumUses] {
		r := as.Uses[k]
		if !c.f.Machine.Regs.Has(r) {
			return fmt.Errorf("use %d is in no register", k)
		}
		if want := in.UseRegs[k]; want != NoReg && want != r {
			return fmt.Errorf("use %d is in r%d, not in r%d", k, r, want)
		}
		if !s[r].has(v) {
			return fmt.Errorf("use %d: r%d doesn't hold %d", k, r, v)
		}
		if in.Early && in.Def != None && as.Def == r {
			return fmt.Errorf("definition overwrites use %d early", k)
		}
	}
	for r := Reg(0); r < MaxRegs; r++ {
		if in.Clobbers.Has(r) {
			s[r] = newBitset(c.f.NumValues)
		}
	}
	if in.Def == None {
		return nil
	}
	switch {
	case !c.f.Machine.Regs.Has(as.Def):
		return fmt.Errorf("definition in no register")
	case in.DefReg != NoReg && as.Def != in.DefReg:
		return fmt.Errorf("definition in r%d, not in r%d", as.Def, in.DefReg)
	case in.Tied >= 0 && as.Def != as.Uses[in.Tied]:
		return fmt.Errorf("definition in r%d, not in the register of use %d", as.Def, in.Tied)
	}
	for _, set := range s {
		set.remove(in.Def)
	}
	s[as.Def] = newBitset(c.f.NumValues)
	s[as.Def].add(in.Def)
	return nil
}
