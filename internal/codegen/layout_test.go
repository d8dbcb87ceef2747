package codegen

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

// coins decides branches: each, by its number, has a coin of its own.
type coins struct {
	seed   uint64
	visits map[int64]uint64
}

func (c *coins) toss(branch int64) bool {
	if c.visits == nil {
		c.visits = map[int64]uint64{}
	}
	c.visits[branch]++
	return rand.New(rand.NewPCG(c.seed^uint64(branch), c.visits[branch])).IntN(2) == 0
}

// walk follows a graph of blocks and returns the numbers of the instructions
// that it passes.
func walk(blocks []outBlock, s uint64, steps int) (trace []int64) {
	c := coins{seed: s}
	for b, budget := 0, 0; len(trace) < steps && budget < 10*steps; budget++ {
		blk := &blocks[b]
		for _, in := range blk.code {
			trace = append(trace, in.Imm)
		}
		switch blk.term {
		case termExit:
			return trace
		case termJump:
			b = blk.succs[0]
		case termBranch:
			b = blk.succs[1]
			if c.toss(blk.jump.Imm) {
				b = blk.succs[0]
			}
		}
	}
	return trace
}

// run follows the code that was made of a graph of blocks.
func run(t *testing.T, code []isa.Instruction, s uint64, steps int) (trace []int64) {
	c := coins{seed: s}
	for pc, budget := 0, 0; len(trace) < steps && budget < 10*steps; budget++ {
		qt.Assert(t, qt.IsTrue(pc >= 0 && pc < len(code)))
		in := code[pc]
		pc++
		off, isJump := in.Target()
		switch {
		case in.Op == isa.OpExit:
			return append(trace, in.Imm)
		case isJump && in.Op == isa.OpGoto:
			pc += off
		case isJump:
			op := in.Op.Operation()
			if c.toss(in.Imm) != (op == isa.JNe || op == isa.JLe) { // those are negated
				pc += off
			}
		default:
			trace = append(trace, in.Imm)
		}
	}
	return trace
}

func randomGraph(rng *rand.Rand) []outBlock {
	blocks := make([]outBlock, 1+rng.IntN(12))
	id := int64(1)
	for b := range blocks {
		blk := &blocks[b]
		blk.cold = rng.IntN(4) == 0
		for range rng.IntN(3) {
			blk.code = append(blk.code, outInsn{Instruction: isa.ALUImm(isa.Mov, 0, id)})
			id++
		}
		blk.succs = [2]int{rng.IntN(len(blocks)), rng.IntN(len(blocks))}
		blk.term = termKind(rng.IntN(3))
		if b+1 < len(blocks) && rng.IntN(2) == 0 {
			blk.succs[rng.IntN(2)] = b + 1
		}
		switch blk.term {
		case termBranch:
			op := []isa.Op{isa.JEq, isa.JGt, isa.JSet}[rng.IntN(3)]
			blk.jump = isa.Instruction{Op: isa.ClassJMP | op, Dst: 1, Imm: id}
			id++
			if blk.succs[0] == blk.succs[1] {
				blk.term = termJump
			}
		case termExit:
			blk.code = append(blk.code, outInsn{Instruction: isa.Return()})
		}
	}
	return blocks
}

// Ordering blocks, leading jumps past empty ones and rotating loops keeps what
// a run does.
func TestLayoutRandom(t *testing.T) {
	first := uint64(1)
	for s := first; s < first+4000; s++ {
		rng := rand.New(rand.NewPCG(s, 4))
		blocks := randomGraph(rng)
		want := walk(blocks, s, 60)
		copied := slices.Clone(blocks)
		for i := range copied {
			copied[i].code = slices.Clone(copied[i].code)
		}
		var errs diag.List
		code, _ := newLayout(copied).code(Features{}, &ir.Func{}, &errs)
		qt.Assert(t, qt.IsNil(errs.Err()))
		got := run(t, code, s, 60)
		n := min(len(got), len(want), 60)
		if !slices.Equal(got[:n], want[:n]) {
			t.Fatalf("seed %d: %v, want %v\n%+v\n%v", s, got, want, blocks, code)
		}
	}
}

// long returns a function with a branch over n stores.
func long(n int) *ir.Module {
	m := &ir.Module{License: "GPL"}
	f := m.NewFunc("main", "syscall", ir.I64, ir.Ptr)
	b := ir.NewBuilder(f)
	x := b.Load(ir.I64, f.Params[0], 0, 8, false)
	body, end := b.NewBlock(), b.NewBlock(ir.I64)
	back := b.NewBlock(ir.I64)
	b.Jump(back, b.Const(0))
	b.SetBlock(back)
	i := back.Params[0]
	b.Branch(b.Cmp(ir.OpNe, b.Bin(ir.OpAnd, x, b.Const(1)), b.Const(0)), body, end)
	back.Term.Else.Args = []*ir.Value{b.Const(5)}
	b.SetBlock(body)
	for k := range n {
		b.Store(f.Params[0], 8+int64(k%8)*8, x, 8)
	}
	next := b.Bin(ir.OpAdd, i, b.Const(1))
	again := b.NewBlock()
	b.Branch(b.Cmp(ir.OpULt, next, b.Const(3)), again, end)
	body.Term.Else.Args = []*ir.Value{next}
	b.SetBlock(again)
	b.Jump(back, next)
	b.SetBlock(end)
	b.Return(end.Params[0])
	return m
}

func TestFarJumps(t *testing.T) {
	for _, n := range []int{100, 32700, 32750, 32760, 32770, 40000, 70000} {
		m := long(n)
		qt.Assert(t, qt.IsNil(ir.Check(m)))
		funcs, err := Generate(m, kernel(t, "6.6"))
		qt.Assert(t, qt.IsNil(err))
		far := slices.ContainsFunc(funcs[0].Insns, func(in isa.Instruction) bool { return in.Op == isa.OpGotoLong })
		if n != 32750 && n != 32760 { // about where it begins
			qt.Check(t, qt.Equals(far, n > 32766), qt.Commentf("%d", n))
		}
		slot := 0
		for _, in := range funcs[0].Insns {
			qt.Assert(t, qt.IsNil(in.Check()))
			if off, ok := in.Target(); ok {
				qt.Assert(t, qt.IsTrue(slot+1+off >= 0 && slot+1+off < len(funcs[0].Insns)))
			}
			slot += in.Slots()
		}
		_, err = Generate(m, kernel(t, "6.5"))
		if n >= 32770 {
			qt.Check(t, qt.ErrorMatches(err, ".*needs Linux 6.6.*"))
		} else if n < 32700 {
			qt.Check(t, qt.IsNil(err))
		}
	}
}
