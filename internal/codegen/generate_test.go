package codegen

import (
	"math/rand/v2"

	"github.com/skep-dev/skep/internal/ir"
)

// The generated programs read ctxInputs bytes of their context and write the
// rest of ctxSize.
const (
	ctxInputs = 128
	ctxSize   = 256
	valueSize = 136
)

// generator makes random modules that the kernel's verifier accepts: every
// access is in bounds as far as it can tell, every loop is short, and what
// comes out depends only on the context.
type generator struct {
	rng     *rand.Rand
	m       *ir.Module
	f       *ir.Func
	b       *ir.Builder
	atomics bool // all of them, not only add
	ctx     *ir.Value
	longs   []*ir.Value
	ints    []*ir.Value
	stack   []*ir.Value // areas of 32 bytes
	values  []*ir.Value // non-null addresses of map values
	budget  int
	rounds  int // how often the place in hand runs
	depth   int
}

func generateModule(rng *rand.Rand, size int, atomics bool) *ir.Module {
	g := &generator{rng: rng, m: &ir.Module{License: "GPL"}, atomics: atomics}
	g.m.Maps = []*ir.Map{
		{Name: "array", Type: 2, KeySize: 4, ValueSize: valueSize, MaxEntries: 3},
		{Name: "single", Type: 2, KeySize: 4, ValueSize: valueSize, MaxEntries: 1},
	}
	for _, name := range []string{"sub0", "sub1"} {
		g.function(name, size/5, []ir.Type{ir.I64, ir.I32}[g.rng.IntN(2)], ir.I64, ir.I32, ir.Ptr)
	}
	addressFunc(g.m)
	g.function("main", size, ir.I64, ir.Ptr)
	return g.m
}

// addressFunc adds a function that returns the address of an element: 0 to 2
// of array, 3 of single. No program calls it; it serves to set up maps for the
// evaluator.
func addressFunc(m *ir.Module) {
	f := m.NewFunc("address", "", ir.Ptr, ir.I64)
	f.Static = true
	b := ir.NewBuilder(f)
	key := b.Alloca(4, 4)
	b.Store(key, 0, f.Params[0], 4)
	in, out := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpULt, f.Params[0], b.Const(3)), in, out)
	b.SetBlock(in)
	b.Return(b.Helper(ir.Ptr, 1, "map_lookup_elem", b.Sym(ir.OpAddrMap, "array", 0), key))
	b.SetBlock(out)
	b.Return(b.Sym(ir.OpMapVal, "single", 0))
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func one[T any](g *generator, list []T) T {
	if n := len(list); n > 4 && g.chance(50) {
		return list[n-1-g.rng.IntN(4)]
	}
	return list[g.rng.IntN(len(list))]
}

func (g *generator) function(name string, size int, result ir.Type, params ...ir.Type) {
	section := ""
	if name == "main" {
		section = "syscall"
	}
	g.f = g.m.NewFunc(name, section, result, params...)
	g.f.Static = section == ""
	g.b = ir.NewBuilder(g.f)
	g.ctx, g.longs, g.ints, g.stack, g.values = nil, nil, nil, nil, nil
	g.budget, g.rounds, g.depth = size, 1, 0
	for range 1 + g.rng.IntN(3) {
		a := g.b.Alloca(32, 8)
		g.b.Zero(a, 32)
		g.stack = append(g.stack, a)
	}
	if section != "" {
		g.ctx = g.f.Params[0]
	} else {
		g.longs, g.ints = append(g.longs, g.f.Params[0]), append(g.ints, g.f.Params[1])
		if g.chance(50) {
			g.stack = append(g.stack, g.f.Params[2])
		}
	}
	g.longs = append(g.longs, g.b.Const(g.number()))
	g.ints = append(g.ints, g.b.ConstOf(ir.I32, int64(int32(g.number()))))
	for g.budget > 0 {
		g.statement()
	}
	g.finish(result)
}

// finish makes most values matter for the result.
func (g *generator) finish(result ir.Type) {
	sum := g.b.Const(1)
	for _, v := range g.longs {
		if g.chance(70) {
			sum = g.b.Bin(ir.OpXor, g.b.Bin(ir.OpMul, sum, g.b.Const(31)), v)
		}
	}
	for _, v := range g.ints {
		if g.chance(70) {
			sum = g.b.Bin(ir.OpAdd, g.b.Bin(ir.OpMul, sum, g.b.Const(31)), g.b.Ext(v, ir.I64, 4, g.chance(50)))
		}
	}
	if g.ctx != nil {
		g.b.Store(g.ctx, ctxSize-8, sum, 8)
	}
	if result == ir.I32 {
		g.b.Return(g.b.Trunc(sum))
	} else {
		g.b.Return(sum)
	}
}

func (g *generator) number() int64 {
	switch g.rng.IntN(7) {
	case 0:
		return int64(g.rng.IntN(4)) - 2
	case 1:
		return 1 << g.rng.IntN(64)
	case 2:
		return 1<<g.rng.IntN(64) - 1
	case 3:
		return int64(g.rng.Uint64())
	case 4:
		return int64(int32(g.rng.Uint32()))
	case 5:
		return int64(g.rng.Uint32())
	}
	return int64(g.rng.IntN(256))
}

func (g *generator) long() *ir.Value {
	if g.chance(20) {
		return g.b.Const(g.number())
	}
	return one(g, g.longs)
}

func (g *generator) int() *ir.Value {
	if g.chance(20) {
		return g.b.ConstOf(ir.I32, int64(int32(g.number())))
	}
	return one(g, g.ints)
}

func (g *generator) keep(v *ir.Value) {
	switch v.Type {
	case ir.I32:
		g.ints = append(g.ints, v)
	case ir.I64:
		g.longs = append(g.longs, v)
	}
}

func (g *generator) statement() {
	g.budget--
	n := 20
	if g.rounds > 1 {
		n = 17
	}
	switch k := g.rng.IntN(n); {
	case k < 8:
		g.pure()
	case k < 12:
		g.memory()
	case k < 13:
		g.lookup()
	case k < 14:
		g.call()
	case k < 17:
		g.branch()
	default:
		g.loop()
	}
}

func (g *generator) pure() {
	b := g.b
	ops := []ir.Op{
		ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod, ir.OpAnd, ir.OpOr, ir.OpXor,
		ir.OpShl, ir.OpLShr, ir.OpAShr,
	}
	t := []ir.Type{ir.I32, ir.I64}[g.rng.IntN(2)]
	width := []uint8{1, 2, 4}[g.rng.IntN(3)]
	switch g.rng.IntN(10) {
	case 0, 1, 2:
		g.keep(b.Bin(ops[g.rng.IntN(len(ops))], g.long(), g.long()))
	case 3, 4:
		g.keep(b.Bin(ops[g.rng.IntN(len(ops))], g.int(), g.int()))
	case 5:
		g.keep(g.condition())
	case 6:
		if g.chance(50) {
			g.keep(b.Ext(g.long(), t, width, g.chance(50)))
		} else {
			g.keep(b.Ext(g.int(), t, width, g.chance(50)))
		}
	case 7:
		g.keep(b.Trunc(g.long()))
	case 8:
		g.keep(b.Neg(g.int()))
		g.keep(b.Bswap(g.long(), []uint8{2, 4, 8}[g.rng.IntN(3)]))
	case 9:
		g.keep(b.Neg(g.long()))
		g.keep(b.Bswap(g.int(), []uint8{2, 4}[g.rng.IntN(2)]))
	}
}

func (g *generator) condition() *ir.Value {
	ops := []ir.Op{
		ir.OpEq, ir.OpNe, ir.OpULt, ir.OpULe, ir.OpUGt, ir.OpUGe, ir.OpSLt, ir.OpSLe, ir.OpSGt, ir.OpSGe,
	}
	op := ops[g.rng.IntN(len(ops))]
	switch g.rng.IntN(5) {
	case 0:
		return g.b.Cmp(op, g.int(), g.int())
	case 1: // a bit test
		x := g.b.Bin(ir.OpAnd, g.long(), g.long())
		return g.b.Cmp(ops[g.rng.IntN(2)], x, g.b.Const(0))
	case 2:
		return g.b.Cmp(ops[g.rng.IntN(2)], g.condition(), g.b.Const(0))
	}
	return g.b.Cmp(op, g.long(), g.long())
}

// object returns an address with at least size bytes behind it, some of them
// behind a variable offset.
func (g *generator) object() (p *ir.Value, size int64, onStack bool) {
	if len(g.values) > 0 && g.chance(40) {
		v := one(g, g.values)
		if g.chance(40) {
			i := g.b.Bin(ir.OpAnd, one(g, g.longs), g.b.Const(0x78))
			return g.b.Bin(ir.OpAdd, v, i), valueSize - 0x78, false
		}
		return v, valueSize, false
	}
	p = one(g, g.stack)
	if p.Op == ir.OpParam {
		return p, 32, true
	}
	if g.chance(20) {
		return g.b.Bin(ir.OpAdd, p, g.b.Const(8)), 24, true
	}
	return p, 32, true
}

func (g *generator) offset(size int64, width uint8) int64 {
	return g.rng.Int64N(size/int64(width)) * int64(width)
}

func (g *generator) memory() {
	b := g.b
	width := []uint8{1, 2, 4, 8}[g.rng.IntN(4)]
	t := ir.I64
	if width < 8 && g.chance(50) {
		t = ir.I32
	}
	value := func() *ir.Value {
		if t == ir.I32 {
			return g.int()
		}
		return g.long()
	}
	p, size, onStack := g.object()
	switch g.rng.IntN(8) {
	case 0, 1:
		if g.ctx != nil {
			g.keep(b.Load(t, g.ctx, g.offset(ctxInputs, width), width, g.chance(50)))
		}
	case 2:
		if g.ctx != nil {
			b.Store(g.ctx, ctxInputs+g.offset(ctxSize-ctxInputs-8, width), value(), width)
		}
	case 3:
		g.keep(b.Load(t, p, g.offset(size, width), width, g.chance(50)))
	case 4:
		b.Store(p, g.offset(size, width), value(), width)
	case 5:
		if g.chance(50) {
			b.Zero(p, 1+g.rng.Int64N(size))
		} else if q, other, _ := g.object(); p != q && !samePlace(p, q) {
			b.Copy(p, q, 1+g.rng.Int64N(min(size, other)))
		}
	default:
		g.atomic(p, size, onStack)
	}
}

// samePlace reports whether two addresses may be in one object.
func samePlace(p, q *ir.Value) bool {
	root := func(v *ir.Value) *ir.Value {
		for v.Op == ir.OpAdd {
			v = v.Args[0]
		}
		return v
	}
	p, q = root(p), root(q)
	return p == q || p.Op != ir.OpAlloca && q.Op != ir.OpAlloca
}

// atomic makes an atomic operation. On the stack it doesn't fetch: the verifier
// of Linux 6.18 loses track of what such a result depends on (its precision
// tracking goes on with the operand's register instead of the stack slot),
// prunes states that differ in the slot, and then removes branches that are
// taken.
func (g *generator) atomic(p *ir.Value, size int64, onStack bool) {
	width := []uint8{4, 8}[g.rng.IntN(2)]
	value := g.long
	if width == 4 && g.chance(50) {
		value = g.int
	}
	op := ir.AtomicAdd
	if g.atomics {
		op = ir.AtomicOp(g.rng.IntN(int(ir.AtomicCmpXchg) + 1))
		if onStack {
			op %= ir.AtomicFetchAdd
		}
	}
	args := []*ir.Value{value()}
	if op == ir.AtomicCmpXchg {
		args = append(args, value())
	}
	if r := g.b.Atomic(op, p, g.offset(size, width), width, args...); r.Type != ir.Void && g.chance(80) {
		g.keep(r)
	}
}

// lookup finds an element, which is there, and goes on with its address.
func (g *generator) lookup() {
	b := g.b
	key := one(g, g.stack)
	i := b.Bin(ir.OpUMod, g.long(), b.Const(3))
	b.Store(key, 0, i, 4)
	v := b.Helper(ir.Ptr, 1, "map_lookup_elem", b.Sym(ir.OpAddrMap, "array", 0), key)
	found, missing := b.NewBlock(), b.NewBlock()
	null := b.ConstOf(ir.Ptr, 0)
	if g.chance(50) {
		b.Branch(b.Cmp(ir.OpNe, v, null), found, missing)
	} else {
		b.Branch(b.Cmp(ir.OpEq, v, null), missing, found)
	}
	b.SetBlock(missing)
	b.Return(b.ConstOf(g.f.Result, 77))
	b.SetBlock(found)
	g.values = append(g.values, v)
	if g.chance(30) {
		g.values = append(g.values, b.Sym(ir.OpMapVal, "single", 0))
	}
}

func (g *generator) call() {
	b := g.b
	if g.ctx == nil || g.chance(40) {
		b.Helper(ir.I64, 5, "ktime_get_ns")
		return
	}
	sub := g.m.Funcs[g.rng.IntN(2)]
	r := b.Call(sub.Result, sub.Name, g.long(), g.int(), g.f.Entry().Instrs[0])
	if g.chance(80) {
		g.keep(r)
	}
}

// scope runs body so that what it defines is forgotten afterwards.
func (g *generator) scope(body func()) {
	longs, ints, values := len(g.longs), len(g.ints), len(g.values)
	g.depth++
	body()
	g.depth--
	g.longs, g.ints, g.values = g.longs[:longs], g.ints[:ints], g.values[:values]
}

func (g *generator) branch() {
	if g.depth > 3 {
		return
	}
	b := g.b
	then, els := b.NewBlock(), b.NewBlock()
	join := b.NewBlock(ir.I64, ir.I32)
	b.Branch(g.condition(), then, els)
	for _, arm := range []*ir.Block{then, els} {
		b.SetBlock(arm)
		g.scope(func() {
			for range g.rng.IntN(4) {
				g.statement()
			}
			if g.chance(5) && g.depth == 1 {
				g.finish(g.f.Result)
			} else {
				b.Jump(join, g.long(), g.int())
			}
		})
	}
	b.SetBlock(join)
	g.keep(join.Params[0])
	g.keep(join.Params[1])
}

func (g *generator) loop() {
	rounds := 1 + g.rng.IntN(5)
	if g.rounds*rounds > 6 || g.depth > 2 {
		return
	}
	b := g.b
	head := b.NewBlock(ir.I64, ir.I64, ir.I32)
	body := b.NewBlock()
	exit := b.NewBlock()
	b.Jump(head, b.Const(0), g.long(), g.int())
	b.SetBlock(head)
	i := head.Params[0]
	if g.chance(50) {
		b.Branch(b.Cmp(ir.OpULt, i, b.Const(int64(rounds))), body, exit)
	} else {
		b.Branch(b.Cmp(ir.OpSGe, i, b.Const(int64(rounds))), exit, body)
	}
	g.keep(head.Params[1])
	g.keep(head.Params[2])
	b.SetBlock(body)
	g.rounds *= rounds
	g.scope(func() {
		g.longs = append(g.longs, i)
		for range 1 + g.rng.IntN(5) {
			g.statement()
		}
		b.Jump(head, b.Bin(ir.OpAdd, i, b.Const(1)), g.long(), g.int())
	})
	g.rounds /= rounds
	b.SetBlock(exit)
}
