package irtest

import "github.com/skep-dev/skep/internal/ir"

// statement emits something at the end of the current block.
func (g *generator) statement() {
	g.budget--
	deep := g.depth >= 4
	switch n := g.rng.IntN(100); {
	case n < 40:
		g.pure()
	case n < 52:
		g.load()
	case n < 62:
		g.store()
	case n < 66:
		g.block()
	case n < 69:
		g.atomic()
	case n < 79:
		g.helper()
	case n < 80:
		g.pass()
	case n < 81:
		v := g.b.CORE(&ir.CORE{Kind: ir.COREFieldOffset, Type: coreType(), Access: "0:1"}, int64(g.rng.IntN(64)))
		g.keep(v)
	case n < 83 && len(g.callees) > 0 && g.loops == 0:
		g.call()
	case n < 91 && !deep:
		g.branch()
	case n < 94 && !deep:
		g.shortCircuit()
	case n < 98 && !deep && g.loops < 2:
		g.loop()
	case n < 99:
		g.leave()
	default:
		g.unreached()
	}
}

// access chooses a pointer and an offset at which width bytes are there. Half
// of the time it is where one was before.
func (g *generator) access(write bool) access {
	if len(g.hot) > 0 && g.chance(50) {
		a := g.hot[len(g.hot)-1-g.rng.IntN(min(6, len(g.hot)))]
		if a.writable || !write {
			return a
		}
	}
	a := access{width: pick(g, []uint8{8, 4, 8, 2, 1})}
	for a.pointer = pick(g, g.pointers); write && !a.writable; {
		a.pointer = pick(g, g.pointers)
	}
	a.off = int64(g.rng.IntN(int(a.size/8))) * 8
	if a.tidy || g.chance(50) {
		a.width = []uint8{8, 4, 2, 8}[a.off/8%4]
	} else if g.chance(30) {
		a.off = int64(g.rng.IntN(int(a.size) - int(a.width) + 1))
	}
	if !a.tidy && g.chance(25) {
		a.pointer.v, a.off = g.computed(a)
	} else if g.chance(25) {
		part := int64(g.rng.IntN(int(a.off) + 1))
		if g.chance(30) {
			a.v = g.b.Bin(ir.OpSub, a.v, g.b.Const(-part))
		} else {
			a.v = g.b.Bin(ir.OpAdd, a.v, g.b.Const(part))
		}
		a.off -= part
	}
	g.hot = append(g.hot, a)
	return a
}

// computed adds an offset that only the run knows, as i & mask is: what is
// there, up to a power of two.
func (g *generator) computed(a access) (*ir.Value, int64) {
	room := a.size - a.off - int64(a.width)
	mask := int64(0)
	for mask*2+1 <= room {
		mask = mask*2 + 1
	}
	i := g.b.Bin(ir.OpAnd, g.long(), g.b.Const(mask))
	return g.b.Bin(ir.OpAdd, a.v, i), a.off
}

func (g *generator) load() {
	a := g.access(false)
	t := ir.I64
	if a.width <= 4 && g.chance(40) {
		t = ir.I32
	}
	v := g.b.Load(t, a.v, a.off, a.width, g.chance(40))
	v.Volatile = g.chance(2)
	g.keep(v)
}

func (g *generator) store() {
	a := g.access(true)
	x := g.long()
	if a.width <= 4 && g.chance(40) {
		x = g.int()
	}
	g.b.Store(a.v, a.off, x, a.width)
	if g.chance(2) {
		last := g.b.Block.Instrs[len(g.b.Block.Instrs)-1]
		last.Volatile = true
	}
}

// block zeroes or copies several bytes.
func (g *generator) block() {
	var p pointer
	for p = pick(g, g.pointers); !p.writable; {
		p = pick(g, g.pointers)
	}
	off := int64(g.rng.IntN(int(p.size/4))) * 4
	size := int64(g.rng.IntN(int(p.size-off) + 1))
	if g.chance(50) {
		size = min(8, p.size-off)
	}
	to := p.v
	if off > 0 {
		to = g.b.Bin(ir.OpAdd, p.v, g.b.Const(off))
	}
	if p.tidy || g.chance(50) {
		g.b.Zero(to, size)
		return
	}
	from := pick(g, g.pointers)
	if apart(root(from.v), root(p.v)) {
		g.b.Copy(to, from.v, min(size, from.size))
	}
}

// apart reports whether two objects are different memory for sure.
func apart(x, y *ir.Value) bool {
	known := func(v *ir.Value) bool { return v.Op == ir.OpAlloca || v.Op == ir.OpData || v.Op == ir.OpMapVal }
	return known(x) && known(y) && (x.Op != y.Op || x.Sym != y.Sym || x.Op == ir.OpAlloca && x != y)
}

// root is the object that a pointer leads to, as far as the generator made it.
func root(v *ir.Value) *ir.Value {
	for v.Op == ir.OpAdd || v.Op == ir.OpSub {
		v = v.Args[0]
	}
	return v
}

func (g *generator) atomic() {
	a := g.access(true)
	if a.tidy || a.width < 4 || a.off%int64(a.width) != 0 || a.v.Op == ir.OpAdd || a.v.Op == ir.OpSub {
		return // the kernel wants it aligned
	}
	op := ir.AtomicOp(g.rng.IntN(int(ir.AtomicCmpXchg) + 1))
	value := g.long
	if a.width == 4 && g.chance(50) {
		value = g.int
	}
	args := []*ir.Value{value()}
	if op == ir.AtomicCmpXchg {
		args = append(args, value())
	}
	if v := g.b.Atomic(op, a.v, a.off, a.width, args...); v.Type != ir.Void {
		g.keep(v)
	}
}

// slot returns a pointer to a stack slot of at least size bytes, or false.
func (g *generator) slot(size int64) (*ir.Value, bool) {
	for _, p := range g.pointers {
		if p.v.Op == ir.OpAlloca && !p.tidy && p.size >= size && g.chance(60) {
			return p.v, true
		}
	}
	return nil, false
}

// helper calls a helper that Observe knows.
func (g *generator) helper() {
	b := g.b
	switch g.rng.IntN(11) {
	case 9, 10:
		g.cell()
	case 0:
		g.keep(b.Helper(ir.I64, 14, "get_current_pid_tgid"))
	case 1:
		g.keep(b.Helper(ir.I64, 5, "ktime_get_ns"))
	case 2:
		g.keep(b.Helper(ir.I64, 8, "get_smp_processor_id"))
	case 3: // shows values
		if p, ok := g.slot(8); ok {
			b.Helper(ir.I64, 6, "trace_printk", p, b.Const(8), g.long(), g.long())
		}
	case 4: // fills a slot
		if p, ok := g.slot(16); ok {
			g.keep(b.Helper(ir.I64, 113, "probe_read_kernel", p, b.Const(16), g.long()))
		}
	case 5, 6:
		g.lookup()
	case 7:
		if key, ok := g.slot(8); ok {
			value := pick(g, g.pointers)
			if at := pick(g, g.maps); value.size >= int64(g.m.Map(at.Sym).ValueSize) {
				g.keep(b.Helper(ir.I64, 2, "map_update_elem", at, key, value.v, b.Const(int64(g.rng.IntN(3)))))
			}
		}
	case 8:
		if p, ok := g.slot(8); ok && g.f.Name == "main" && g.loops == 0 {
			g.keep(b.Helper(ir.I64, 181, "loop", b.Const(int64(g.rng.IntN(4))), b.Sym(ir.OpFuncPtr, "callback", 0), p, b.Const(0)))
		}
	}
}

// cell shows a stack slot that is stored once: a new one or one from before.
func (g *generator) cell() {
	if len(g.cells) == 0 || g.chance(60) {
		p := g.b.Alloca(8, 8)
		x := g.recent(g.longs)
		if g.chance(30) {
			x = g.b.Const(int64(g.rng.IntN(2)))
		}
		g.b.Store(p, 0, x, 8)
		g.cells = append(g.cells, p)
	}
	g.b.Helper(ir.I64, 6, "trace_printk", pick(g, g.cells), g.b.Const(8), g.long(), g.long())
}

// lookup looks a key up and does something with the value when there is one.
func (g *generator) lookup() {
	key, ok := g.slot(8)
	if !ok {
		return
	}
	b := g.b
	at := pick(g, g.maps)
	if g.chance(50) {
		b.Store(key, 0, b.Const(int64(g.rng.IntN(4))), 8)
	}
	p := b.Helper(ir.Ptr, 1, "map_lookup_elem", at, key)
	if g.chance(30) { // and once more, with something in between or not
		if g.chance(60) {
			g.statement()
		}
		p = b.Helper(ir.Ptr, 1, "map_lookup_elem", pick(g, []*ir.Value{at, at, at, pick(g, g.maps)}), key)
	}
	at = p.Args[0]
	found, done := b.NewBlock(), b.NewBlock()
	b.Branch(b.Cmp(ir.OpNe, p, b.ConstOf(ir.Ptr, 0)), found, done)
	value := pointer{v: p, size: int64(g.m.Map(at.Sym).ValueSize), writable: true}
	g.inside(found, func() {
		g.pointers = append(g.pointers, value, value, value)
		if g.chance(40) { // another entry takes its place, or not
			g.keep(b.Load(ir.I64, p, 0, 8, false))
			if from := pick(g, g.pointers); from.size >= value.size {
				b.Helper(ir.I64, 2, "map_update_elem", at, key, from.v, b.Const(0))
			}
			g.keep(b.Load(ir.I64, p, 0, 8, false))
		}
		g.some()
	})
	g.jump(done)
	b.SetBlock(done)
}

// pass takes a pointer through memory or through a block's parameter.
func (g *generator) pass() {
	b := g.b
	p, q := pick(g, g.pointers), pick(g, g.pointers)
	if p.v.Op == ir.OpHelper || p.tidy || q.v.Op == ir.OpHelper || q.tidy || g.depth > 0 && g.chance(50) {
		return // a value's address may not be stored
	}
	if g.chance(50) {
		cell := b.Alloca(8, 8)
		b.Store(cell, 0, p.v, 8)
		p.v = b.Load(ir.Ptr, cell, 0, 8, false)
		g.pointers = append(g.pointers, p)
		return
	}
	yes, join := b.NewBlock(), b.NewBlock(ir.Ptr)
	b.Branch(g.condition(), yes, join)
	b.Block.Term.Else.Args = []*ir.Value{p.v}
	b.SetBlock(yes)
	b.Jump(join, q.v)
	b.SetBlock(join)
	g.pointers = append(g.pointers, pointer{v: join.Params[0], size: min(p.size, q.size), writable: p.writable && q.writable})
}

// call calls one of the subprograms with a pointer into the stack.
func (g *generator) call() {
	if p, ok := g.slot(8); ok {
		g.keep(g.b.Call(ir.I64, pick(g, g.callees).Name, p, g.long()))
	}
}

// inside generates into another block; what is defined there is forgotten
// afterwards.
func (g *generator) inside(n *ir.Block, body func()) {
	longs, ints, pointers, hot, cells := len(g.longs), len(g.ints), len(g.pointers), len(g.hot), len(g.cells)
	g.depth++
	g.b.SetBlock(n)
	body()
	g.depth--
	g.longs, g.ints, g.pointers = g.longs[:longs], g.ints[:ints], g.pointers[:pointers]
	g.hot, g.cells = g.hot[:hot], g.cells[:cells]
}

// some generates a few statements, which may be none, as the whole of a block.
func (g *generator) some() {
	from := len(g.longs)
	for range g.rng.IntN(5) {
		if g.budget > 0 && !g.b.Terminated() {
			g.statement()
		}
	}
	if len(g.longs) > from && g.chance(60) && !g.b.Terminated() {
		// What is about to be forgotten is shown first.
		a := g.access(true)
		g.b.Store(a.v, a.off, g.recent(g.longs[from:]), a.width)
	}
}

// jump ends the block unless it has its end.
func (g *generator) jump(to *ir.Block, args ...*ir.Value) {
	if !g.b.Terminated() {
		g.b.Jump(to, args...)
	}
}

// branch is an if with or without else; values meet after it.
func (g *generator) branch() {
	b := g.b
	var params []ir.Type
	for range g.rng.IntN(3) {
		params = append(params, pick(g, []ir.Type{ir.I64, ir.I64, ir.I32}))
	}
	args := func() (list []*ir.Value) {
		for _, t := range params {
			if t == ir.I64 {
				list = append(list, g.long())
			} else {
				list = append(list, g.int())
			}
		}
		return list
	}
	yes, no, after := b.NewBlock(), b.NewBlock(), b.NewBlock(params...)
	cond := g.condition()
	switch {
	case g.chance(15):
		cond = g.long()
	case g.chance(10):
		cond = b.Const(int64(g.rng.IntN(2)))
	}
	if g.chance(15) { // the same question twice
		again := b.NewBlock()
		b.Branch(cond, again, no)
		b.SetBlock(again)
	}
	direct := g.chance(20)
	if direct { // an edge of the branch itself carries the values
		list := args()
		b.Branch(cond, yes, after)
		b.Block.Term.Else.Args = list
	} else {
		b.Branch(cond, yes, no)
	}
	g.inside(yes, func() { g.some(); g.jump(after, args()...) })
	g.inside(no, func() { g.some(); g.jump(after, args()...) })
	b.SetBlock(after)
	for _, p := range after.Params {
		g.keep(p)
	}
}

// shortCircuit is if (p && q) or if (p || q) as front ends lower it: through
// a block that gets 0 or 1.
func (g *generator) shortCircuit() {
	b := g.b
	second, join := b.NewBlock(), b.NewBlock(ir.I64)
	quick := b.NewBlock()
	if g.chance(50) {
		b.Branch(g.condition(), second, quick)
		b.SetBlock(quick)
		b.Jump(join, b.Const(0))
	} else {
		b.Branch(g.condition(), quick, second)
		b.SetBlock(quick)
		b.Jump(join, b.Const(1))
	}
	g.inside(second, func() {
		g.some()
		if !b.Terminated() {
			b.Jump(join, b.Cmp(ir.OpNe, g.condition(), b.Const(0)))
		}
	})
	b.SetBlock(join)
	yes, after := b.NewBlock(), b.NewBlock()
	b.Branch(join.Params[0], yes, after)
	g.inside(yes, func() { g.some(); g.jump(after) })
	b.SetBlock(after)
	if g.chance(30) {
		g.keep(join.Params[0])
	}
}

// loop counts up and carries values around.
func (g *generator) loop() {
	b := g.b
	head := b.NewBlock(ir.I64, ir.I64, ir.I64)
	body, after := b.NewBlock(), b.NewBlock()
	times := b.Const(int64(g.rng.IntN(5)))
	step := b.Const(1)
	b.Jump(head, b.Const(0), g.long(), g.long())
	b.SetBlock(head)
	i, x, y := head.Params[0], head.Params[1], head.Params[2]
	for range g.rng.IntN(3) {
		g.load()
	}
	b.Branch(b.Cmp(ir.OpULt, i, times), body, after)
	g.loops++
	g.inside(body, func() {
		g.longs = append(g.longs, i, x, y)
		g.some()
		if b.Terminated() {
			return
		}
		next := b.Bin(ir.OpAdd, i, step)
		switch g.rng.IntN(3) {
		case 0:
			b.Jump(head, next, y, x)
		case 1:
			b.Jump(head, next, x, g.long())
		default:
			b.Jump(head, next, g.long(), g.long())
		}
	})
	g.loops--
	b.SetBlock(after)
	g.keep(x)
	g.keep(y)
}

// leave returns early on some condition.
func (g *generator) leave() {
	b := g.b
	out, on := b.NewBlock(), b.NewBlock()
	b.Branch(g.condition(), out, on)
	b.SetBlock(out)
	b.Return(g.long())
	b.SetBlock(on)
}

// unreached makes a block that no edge leads to, with an edge out of it.
func (g *generator) unreached() {
	b := g.b
	lost, on := b.NewBlock(), b.NewBlock(ir.I64)
	b.Jump(on, g.long())
	g.inside(lost, func() { g.some(); g.jump(on, g.long()) })
	b.SetBlock(on)
	g.keep(on.Params[0])
}
