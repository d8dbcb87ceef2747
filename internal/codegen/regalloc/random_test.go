package regalloc

import (
	"math/rand/v2"
	"slices"
)

// bpf is the machine that the tests use: r0-r5 destroyed by calls, r6-r9 kept.
func bpf() *Machine {
	return &Machine{Regs: 0x3ff, Saved: 0x3c0, Order: []Reg{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
}

// randomFunc makes a function with any shape of control flow, irreducible
// loops included.
func randomFunc(rng *rand.Rand, blocks, insts int) *Func {
	g := &randomGen{rng: rng, f: &Func{Machine: bpf()}}
	g.graph(blocks)
	g.fill(insts)
	return g.f
}

type randomGen struct {
	rng   *rand.Rand
	f     *Func
	succs [][]int
	preds [][]int
	avail [][]Value // by block: values defined in it
}

// graph makes a random graph without critical edges, in reverse postorder.
func (g *randomGen) graph(n int) {
	succs := make([][]int, n)
	for b := range succs {
		if b+1 == n || g.rng.IntN(8) == 0 {
			continue
		}
		succs[b] = append(succs[b], b+1)
		for g.rng.IntN(2) == 0 && len(succs[b]) < 2 {
			// Mostly forward, sometimes back, never to the entry.
			to := 1 + g.rng.IntN(n-1)
			if g.rng.IntN(3) > 0 {
				to = b + 1 + g.rng.IntN(n-b-1)
			}
			if to != b+1 {
				succs[b] = append(succs[b], to)
			}
		}
		if g.rng.IntN(2) == 0 {
			slices.Reverse(succs[b])
		}
	}
	npreds := make([]int, n)
	for _, ss := range succs {
		for _, s := range ss {
			npreds[s]++
		}
	}
	for b := 0; b < n; b++ {
		for i, s := range succs[b] {
			if len(succs[b]) > 1 && npreds[s] > 1 {
				succs = append(succs, []int{s})
				succs[b][i] = len(succs) - 1
			}
		}
	}
	// Reverse postorder.
	number := make([]int, len(succs))
	for i := range number {
		number[i] = -1
	}
	var post []int
	var visit func(b int)
	visit = func(b int) {
		number[b] = -2
		for _, s := range succs[b] {
			if number[s] == -1 {
				visit(s)
			}
		}
		post = append(post, b)
	}
	visit(0)
	slices.Reverse(post)
	for i, b := range post {
		number[b] = i
	}
	g.succs = make([][]int, len(post))
	g.preds = make([][]int, len(post))
	for i, b := range post {
		for _, s := range succs[b] {
			g.succs[i] = append(g.succs[i], number[s])
			g.preds[number[s]] = append(g.preds[number[s]], i)
		}
	}
}

func (g *randomGen) value() Value {
	g.f.NumValues++
	g.f.Remat = append(g.f.Remat, false)
	return Value(g.f.NumValues - 1)
}

func (g *randomGen) fill(insts int) {
	n := len(g.succs)
	g.f.Blocks = make([]Block, n)
	g.avail = make([][]Value, n)
	dom := newDomTree(g.preds)
	var consts []Value
	for range 1 + g.rng.IntN(4) {
		v := g.value()
		g.f.Remat[v] = true
		consts = append(consts, v)
	}
	// Parameters and definitions first, since arguments of backward edges
	// come from later blocks.
	for b := range g.f.Blocks {
		blk := &g.f.Blocks[b]
		blk.Cold = g.rng.IntN(5) == 0
		params := 0
		if b == 0 {
			params = g.rng.IntN(6)
			for r := range params {
				g.f.EntryRegs = append(g.f.EntryRegs, Reg(r+1))
			}
		} else if len(g.preds[b]) > 1 || g.rng.IntN(8) == 0 {
			params = g.rng.IntN(5)
			if g.rng.IntN(10) == 0 {
				params = g.rng.IntN(14)
			}
		}
		for range params {
			blk.Params = append(blk.Params, g.value())
		}
		in := g.reach(b, dom, consts)
		in = append(in, blk.Params...)
		for range g.rng.IntN(insts) {
			inst := g.inst(in)
			blk.Insts = append(blk.Insts, inst)
			if inst.Def != None {
				in = append(in, inst.Def)
				g.avail[b] = append(g.avail[b], inst.Def)
			}
		}
		g.avail[b] = append(g.avail[b], blk.Params...)
		if len(in) > 0 {
			last := NewInst(None, g.pick(in))
			if len(g.succs[b]) == 0 {
				last.UseRegs[0] = 0
			}
			if len(g.succs[b]) != 1 {
				blk.Insts = append(blk.Insts, last)
			}
		}
	}
	for b := range g.f.Blocks {
		in := append(g.reach(b, dom, consts), g.avail[b]...)
		for _, s := range g.succs[b] {
			e := Edge{Block: s}
			for range g.f.Blocks[s].Params {
				e.Args = append(e.Args, g.pick(in))
			}
			g.f.Blocks[b].Succs = append(g.f.Blocks[b].Succs, e)
		}
	}
}

// reach returns the values that dominate the start of a block.
func (g *randomGen) reach(b int, dom *domTree, consts []Value) []Value {
	in := slices.Clone(consts)
	for d := b; d != 0; {
		d = dom.idom(d)
		in = append(in, g.avail[d]...)
	}
	return in
}

// pick prefers the values that were defined last.
func (g *randomGen) pick(in []Value) Value {
	if n := len(in); n > 6 && g.rng.IntN(2) == 0 {
		return in[n-1-g.rng.IntN(6)]
	}
	return in[g.rng.IntN(len(in))]
}

func (g *randomGen) inst(in []Value) Inst {
	some := func(n int) (uses []Value) {
		for range n {
			uses = append(uses, g.pick(in))
		}
		return uses
	}
	switch g.rng.IntN(12) {
	case 0: // a call
		inst := NewInst(None, some(g.rng.IntN(6))...)
		for k := range inst.NumUses {
			inst.UseRegs[k] = Reg(k + 1)
		}
		inst.Clobbers = 0x3f
		if g.rng.IntN(3) > 0 {
			inst.Def, inst.DefReg = g.value(), 0
		}
		return inst
	case 1, 2, 3:
		inst := NewInst(g.value(), some(2)...)
		inst.Tied = 0
		inst.Commute = g.rng.IntN(2) == 0
		return inst
	case 4:
		inst := NewInst(g.value(), some(1)...)
		inst.Tied = 0
		return inst
	case 5: // fetch and add
		inst := NewInst(g.value(), some(2)...)
		inst.Tied = 1
		return inst
	case 6: // compare and exchange
		inst := NewInst(g.value(), some(3)...)
		inst.UseRegs[1], inst.DefReg = 0, 0
		return inst
	case 7:
		inst := NewInst(g.value(), some(2)...)
		inst.Early = true
		return inst
	case 8:
		inst := NewInst(g.value(), some(1)...)
		inst.Copy = true
		return inst
	case 9:
		return NewInst(None, some(1+g.rng.IntN(3))...)
	default:
		return NewInst(g.value(), some(g.rng.IntN(2))...)
	}
}
