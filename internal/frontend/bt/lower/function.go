package lower

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// scratchLevels is how many programs can be inside each other on one CPU
// (task, soft interrupt, hard interrupt, NMI, or preempted by one another)
// before one finds no scratch slot. The kernel nests tracing programs no
// deeper than this.
const scratchLevels = 4

// stackBudget is how many bytes of values a function keeps on the stack; the
// rest of its 512 bytes is for spilled registers and helper arguments.
const stackBudget = 256

// function is the lowering of one instance.
type function struct {
	l   *lowerer
	in  *check.Instance
	fn  *ir.Func
	b   *ir.Builder
	ctx *ir.Value

	exit *ir.Block // its parameter is the program's result
	vars map[*check.Variable]*slot

	// Scratch memory: base is the address of this program's slot. Variables
	// grow varBytes; temporaries lie behind all variables, so their offsets
	// are known at the end and patched into temps.
	base      *ir.Value
	varBytes  int64
	tempBytes int64
	tempMax   int64
	temps     []*ir.Value
	used      bool
	stack     int64
	key0      *ir.Value // a u32 key of 0 on the stack

	loops []loop
}

type loop struct{ next, done *ir.Block }

// slot is where a variable lives: a cell of 8 bytes, or memory for its type.
type slot struct {
	ptr *ir.Value
	typ *types.Type
}

func newFunction(l *lowerer, in *check.Instance, fn *ir.Func) *function {
	f := &function{l: l, in: in, fn: fn, b: ir.NewBuilder(fn), ctx: fn.Params[0], vars: map[*check.Variable]*slot{}}
	f.b.At = in.Probe.Span()
	return f
}

// body lowers the probe. The entry block only claims scratch memory when it
// turns out to be needed.
func (f *function) body() {
	entry := f.b.Block
	start := f.b.NewBlock(ir.Ptr)
	f.base = start.Params[0]
	f.exit = f.b.NewBlock(ir.I64)
	f.b.SetBlock(start)
	f.filterPID()
	if p := f.in.Probe.Pred; p != nil {
		f.at(p)
		f.unless(p)
	}
	f.block(f.in.Probe.Body)
	f.at(f.in.Probe)
	f.leave(0)
	f.finish(entry, start)
}

// leave ends the program with a constant result.
func (f *function) leave(result int64) {
	if !f.b.Terminated() {
		f.b.Jump(f.exit, f.b.Const(result))
	}
}

// unless leaves the program when the condition is false.
func (f *function) unless(cond ast.Expr) {
	run, skip := f.b.NewBlock(), f.b.NewBlock()
	f.branch(cond, run, skip)
	f.b.SetBlock(skip)
	f.leave(0)
	f.b.SetBlock(run)
}

// filterPID limits probes that fire for every process to the one asked for.
func (f *function) filterPID() {
	if f.l.opts.PID == 0 {
		return
	}
	switch f.in.Points[0].Kind {
	case plan.Begin, plan.End, plan.Interval:
		return
	}
	pid := f.b.Bin(ir.OpLShr, f.call(pidTgid), f.b.Const(32))
	run, skip := f.b.NewBlock(), f.b.NewBlock()
	f.b.Branch(f.b.Cmp(ir.OpEq, pid, f.b.Const(int64(f.l.opts.PID))), run, skip)
	f.b.SetBlock(skip)
	f.leave(0)
	f.b.SetBlock(run)
}

// finish writes the entry and exit blocks, now that it is known whether the
// function uses scratch memory.
func (f *function) finish(entry, start *ir.Block) {
	f.b.At = f.in.Probe.Span()
	f.b.SetBlock(f.exit)
	if f.used {
		f.b.Store(f.base, 0, f.b.Const(0), 8) // release the slot
	}
	f.b.Return(f.exit.Params[0])
	f.b.SetBlock(entry)
	if !f.used {
		start.Params = nil
		f.b.Jump(start)
		return
	}
	for _, t := range f.temps {
		t.Imm += 8 + f.varBytes
	}
	f.l.scratch = max(f.l.scratch, f.varBytes+f.tempMax)
	f.claim(start)
}

// claim takes a free slot of the scratch map on this CPU: the word at its
// start is exchanged, since another program may run in the middle of it.
func (f *function) claim(start *ir.Block) {
	b := f.b
	key := b.Alloca(4, 4)
	none := b.NewBlock()
	for level := range int64(scratchLevels) {
		got, try, next := b.NewBlock(), b.NewBlock(), b.NewBlock()
		b.Store(key, 0, b.Const(level), 4)
		p := f.call(mapLookup, b.Sym(ir.OpAddrMap, plan.Scratch, 0), key)
		b.Branch(b.Cmp(ir.OpNe, p, b.ConstOf(ir.Ptr, 0)), try, none)
		b.SetBlock(try)
		old := b.Atomic(ir.AtomicXchg, p, 0, 8, b.Const(1))
		b.Branch(b.Cmp(ir.OpEq, old, b.Const(0)), got, next)
		b.SetBlock(got)
		b.Jump(start, p)
		b.SetBlock(next)
	}
	b.Jump(none)
	b.SetBlock(none)
	f.miss(plan.MissedScratch)
	b.Return(b.Const(0))
}

// miss counts something that could not be done.
func (f *function) miss(counter int64) {
	b := f.b
	key := b.Alloca(4, 4)
	b.Store(key, 0, b.Const(counter), 4)
	p := f.call(mapLookup, b.Sym(ir.OpAddrMap, f.l.missed(), 0), key)
	add, done := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpNe, p, b.ConstOf(ir.Ptr, 0)), add, done)
	b.SetBlock(add)
	b.Atomic(ir.AtomicAdd, p, 0, 8, b.Const(1))
	b.Jump(done)
	b.SetBlock(done)
}

// at makes the following instructions belong to a node of the script.
func (f *function) at(n ast.Node) {
	if n.Span().IsValid() {
		f.b.At = n.Span()
	}
}

// onStack reports whether a value of the size is kept on the stack, and counts
// it.
func (f *function) onStack(size int64) bool {
	size = align8(size)
	if size > int64(f.l.prog.Config.OnStackLimit) || f.stack+size > stackBudget {
		return false
	}
	f.stack += size
	return true
}

// temp is memory for a value until the end of the statement. An empty tuple
// takes a byte, so that it has an address.
func (f *function) temp(size int64) *ir.Value {
	size = max(size, 1)
	if f.onStack(size) {
		return f.b.Alloca(align8(size), 8)
	}
	f.used = true
	off := f.b.Const(f.tempBytes)
	f.temps = append(f.temps, off)
	f.tempBytes += align8(size)
	f.tempMax = max(f.tempMax, f.tempBytes)
	return f.b.Bin(ir.OpAdd, f.base, off)
}

// memory is the place of a variable of the size.
func (f *function) memory(size int64) (ptr *ir.Value) {
	size = max(size, 1)
	if f.onStack(size) {
		return f.b.Alloca(align8(size), 8)
	}
	f.used = true
	off := 8 + f.varBytes
	f.varBytes += align8(size)
	// The address is computed where the function starts, so that it is
	// there on every path.
	v := f.fn.NewValue(ir.OpAdd, ir.Ptr, f.base, nil)
	c := f.fn.NewValue(ir.OpConst, ir.I64)
	c.Imm = off
	v.Args[1] = c
	start := f.base.Block
	c.Block, v.Block = start, start
	c.Span, v.Span = f.b.At, f.b.At
	start.Instrs = append([]*ir.Value{c, v}, start.Instrs...)
	return v
}

// variable returns the slot of a variable, made on its first use.
func (f *function) variable(v *check.Variable) *slot {
	s := f.vars[v]
	if s == nil {
		s = &slot{typ: v.Type}
		if v.Type.IsScalar() {
			s.ptr = f.b.Alloca(8, 8)
			f.initCell(s.ptr)
		} else {
			s.ptr = f.memory(int64(v.Type.Size))
		}
		f.vars[v] = s
	}
	return s
}

// initCell sets a variable's cell to zero where the function starts, so that
// it has a value on every path.
func (f *function) initCell(cell *ir.Value) {
	start := f.base.Block
	zero := f.fn.NewValue(ir.OpConst, ir.I64)
	st := f.fn.NewValue(ir.OpStore, ir.Void, cell, zero)
	st.Width = 8
	zero.Block, st.Block = start, start
	zero.Span, st.Span = f.b.At, f.b.At
	start.Instrs = append([]*ir.Value{zero, st}, start.Instrs...)
}
