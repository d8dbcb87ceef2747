package lower

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// aggregate lowers `@m = count()` and its like. Additions are atomic although
// the values are per CPU, because an interrupt's program may add in the middle
// of another's.
func (f *function) aggregate(m *check.Map, ref *ast.MapRef, call *ast.Call) {
	var v *ir.Value
	if len(call.Args) > 0 {
		v = f.scalar(call.Args[0])
	}
	f.withElement(m, f.key(m, ref.Keys), func(p *ir.Value) {
		b := f.b
		switch m.Agg {
		case plan.Count:
			b.Atomic(ir.AtomicAdd, p, 0, 8, b.Const(1))
		case plan.Sum:
			b.Atomic(ir.AtomicAdd, p, 0, 8, v)
		case plan.Avg, plan.Stats:
			b.Atomic(ir.AtomicAdd, p, 0, 8, v)
			b.Atomic(ir.AtomicAdd, p, 8, 8, b.Const(1))
		case plan.Min, plan.Max:
			f.extreme(m, p, v)
		case plan.Hist:
			f.bump(p, f.log2Bucket(v, int64(m.Bits)), int64(plan.HistBuckets(m.Bits)))
		case plan.Lhist:
			f.bump(p, f.linearBucket(m, v), int64(plan.LhistBuckets(m.Min, m.Max, m.Step)))
		}
		f.markPresent(m, p)
	})
}

// extreme keeps the smallest or largest value; the second word says that
// there is one.
func (f *function) extreme(m *check.Map, p, v *ir.Value) {
	b := f.b
	check2, store, done := b.NewBlock(), b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpEq, b.Load(ir.I64, p, 8, 8, false), b.Const(0)), store, check2)
	b.SetBlock(check2)
	op := map[bool]map[plan.Aggregate]ir.Op{
		false: {plan.Min: ir.OpULt, plan.Max: ir.OpUGt}, true: {plan.Min: ir.OpSLt, plan.Max: ir.OpSGt},
	}[m.Value.Signed][m.Agg]
	b.Branch(b.Cmp(op, v, b.Load(ir.I64, p, 0, 8, false)), store, done)
	b.SetBlock(store)
	b.Store(p, 0, v, 8)
	b.Store(p, 8, b.Const(1), 8)
	b.Jump(done)
	b.SetBlock(done)
}

// bump adds one to bucket i of n at p. The bound is checked for the verifier.
func (f *function) bump(p, i *ir.Value, n int64) {
	b := f.b
	in, done := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpULt, i, b.Const(n)), in, done)
	b.SetBlock(in)
	at := b.Bin(ir.OpAdd, p, b.Bin(ir.OpShl, i, b.Const(3)))
	b.Atomic(ir.AtomicAdd, at, 0, 8, b.Const(1))
	b.Jump(done)
	b.SetBlock(done)
}

// log2Bucket computes plan.HistBucket.
func (f *function) log2Bucket(v *ir.Value, k int64) *ir.Value {
	b := f.b
	done := b.NewBlock(ir.I64)
	negative, positive := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpSLt, v, b.Const(0)), negative, positive)
	b.SetBlock(negative)
	b.Jump(done, b.Const(0))
	b.SetBlock(positive)
	small, large := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpULt, v, b.Const(1<<k)), small, large)
	b.SetBlock(small)
	b.Jump(done, b.Bin(ir.OpAdd, v, b.Const(1)))
	b.SetBlock(large)
	e := f.highestBit(v)
	i := b.Bin(ir.OpAdd, b.Bin(ir.OpShl, b.Bin(ir.OpSub, e, b.Const(k-1)), b.Const(k)), b.Const(1))
	if k > 0 {
		low := b.Bin(ir.OpAnd, b.Bin(ir.OpLShr, v, b.Bin(ir.OpSub, e, b.Const(k))), b.Const(1<<k-1))
		i = b.Bin(ir.OpAdd, i, low)
	}
	b.Jump(done, i)
	b.SetBlock(done)
	return done.Params[0]
}

// highestBit is the position of the highest bit of v, which isn't 0, found by
// halving.
func (f *function) highestBit(v *ir.Value) *ir.Value {
	b := f.b
	pos := b.Const(0)
	for _, half := range []int64{32, 16, 8, 4, 2, 1} {
		high, next := b.NewBlock(), b.NewBlock(ir.I64, ir.I64)
		low := b.NewBlock()
		b.Branch(b.Cmp(ir.OpUGt, v, b.Const(1<<half-1)), high, low)
		b.SetBlock(high)
		b.Jump(next, b.Bin(ir.OpLShr, v, b.Const(half)), b.Bin(ir.OpAdd, pos, b.Const(half)))
		b.SetBlock(low)
		b.Jump(next, v, pos)
		b.SetBlock(next)
		v, pos = next.Params[0], next.Params[1]
	}
	return pos
}

// linearBucket computes plan.LhistBucket.
func (f *function) linearBucket(m *check.Map, v *ir.Value) *ir.Value {
	b := f.b
	done := b.NewBlock(ir.I64)
	below, rest, above, inside := b.NewBlock(), b.NewBlock(), b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpSLt, v, b.Const(m.Min)), below, rest)
	b.SetBlock(below)
	b.Jump(done, b.Const(0))
	b.SetBlock(rest)
	b.Branch(b.Cmp(ir.OpSGe, v, b.Const(m.Max)), above, inside)
	b.SetBlock(above)
	b.Jump(done, b.Const(int64(plan.LhistBuckets(m.Min, m.Max, m.Step)-1)))
	b.SetBlock(inside)
	i := b.Bin(ir.OpUDiv, b.Bin(ir.OpSub, v, b.Const(m.Min)), b.Const(m.Step))
	b.Jump(done, b.Bin(ir.OpAdd, i, b.Const(1)))
	b.SetBlock(done)
	return done.Params[0]
}

// aggregateValue reads an aggregation as an integer: it adds up, or compares,
// what each CPU has.
func (f *function) aggregateValue(m *check.Map, key *ir.Value) *ir.Value {
	b := f.b
	head := b.NewBlock(ir.I64, ir.I64, ir.I64) // cpu, value, count
	body, end := b.NewBlock(), b.NewBlock()
	b.Jump(head, b.Const(0), b.Const(0), b.Const(0))
	b.SetBlock(head)
	cpu, acc, n := head.Params[0], head.Params[1], head.Params[2]
	b.Branch(b.Cmp(ir.OpULt, cpu, b.Const(int64(max(f.l.opts.CPUs, 1)))), body, end)
	b.SetBlock(body)
	p := f.call(lookupPercpu, f.mapAddr(m), key, cpu)
	next := b.NewBlock(ir.I64, ir.I64)
	null := f.ifNotNull(p)
	f.combine(m, p, acc, n, next)
	b.SetBlock(null)
	b.Jump(next, acc, n)
	b.SetBlock(next)
	b.Jump(head, b.Bin(ir.OpAdd, cpu, b.Const(1)), next.Params[0], next.Params[1])
	b.SetBlock(end)
	if m.Agg == plan.Avg {
		if m.Value.Signed {
			return b.Bin(ir.OpSDiv, acc, n)
		}
		return b.Bin(ir.OpUDiv, acc, n)
	}
	return acc
}

// combine jumps to next with the value so far joined with one CPU's part.
func (f *function) combine(m *check.Map, p, acc, n *ir.Value, next *ir.Block) {
	b := f.b
	v := b.Load(ir.I64, p, 0, 8, false)
	switch m.Agg {
	case plan.Count, plan.Sum:
		b.Jump(next, b.Bin(ir.OpAdd, acc, v), n)
	case plan.Avg:
		b.Jump(next, b.Bin(ir.OpAdd, acc, v), b.Bin(ir.OpAdd, n, b.Load(ir.I64, p, 8, 8, false)))
	default: // min and max
		op := map[bool]map[plan.Aggregate]ir.Op{
			false: {plan.Min: ir.OpULt, plan.Max: ir.OpUGt}, true: {plan.Min: ir.OpSLt, plan.Max: ir.OpSGt},
		}[m.Value.Signed][m.Agg]
		set, first, keep, take := b.NewBlock(), b.NewBlock(), b.NewBlock(), b.NewBlock()
		b.Branch(b.Cmp(ir.OpNe, b.Load(ir.I64, p, 8, 8, false), b.Const(0)), set, keep)
		b.SetBlock(set)
		b.Branch(b.Cmp(ir.OpEq, n, b.Const(0)), take, first)
		b.SetBlock(first)
		b.Branch(b.Cmp(op, v, acc), take, keep)
		b.SetBlock(take)
		b.Jump(next, v, b.Const(1))
		b.SetBlock(keep)
		b.Jump(next, acc, n)
	}
}
