package irtest

import (
	"math/rand/v2"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ir"
)

// ContextSize is how many bytes of context the generated program reads.
const ContextSize = 64

// Generate returns a random module that passes ir.Check. Its function @main
// takes a context of ContextSize bytes and ends after some thousand steps at
// most; no access leaves its object and no byte of stack is read before it is
// written. size is about how many statements @main has.
func Generate(rng *rand.Rand, size int) *ir.Module {
	g := &generator{rng: rng, m: &ir.Module{License: "GPL"}}
	g.symbols()
	for i := range rng.IntN(3) {
		g.function([]string{"one", "two"}[i], "", 6)
		g.callees = append(g.callees, g.f)
	}
	g.function("callback", "", 4)
	g.function("main", "tracepoint/test/test", size)
	return g.m
}

// pointer is a pointer to size bytes that are there. Writable ones may be
// stored to. A tidy one leads to a stack slot that is only loaded and stored
// in the same pieces again, so that they can become values.
type pointer struct {
	v        *ir.Value
	size     int64
	writable bool
	tidy     bool
}

// access is one that was made: width bytes at p+off.
type access struct {
	pointer
	off   int64
	width uint8
}

type generator struct {
	rng     *rand.Rand
	m       *ir.Module
	f       *ir.Func
	b       *ir.Builder
	callees []*ir.Func
	budget  int // statements left
	depth   int // of loops and branches
	loops   int // around the place in hand

	// What may be used at the place in hand. A branch cuts the lists back
	// to what was there before it.
	longs, ints []*ir.Value
	pointers    []pointer
	hot         []access
	cells       []*ir.Value // stack slots that one store fills
	maps        []*ir.Value
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, list []T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) symbols() {
	g.m.Maps = []*ir.Map{
		{Name: "hash", Type: 1, KeySize: 8, ValueSize: 16, MaxEntries: 4},
		{Name: "array", Type: 2, KeySize: 4, ValueSize: 24, MaxEntries: 3},
		{Name: "globals", Type: 2, KeySize: 4, ValueSize: 32, MaxEntries: 1},
	}
	text := make([]byte, 24)
	for i := range text {
		text[i] = byte(g.rng.IntN(256))
	}
	g.m.Data = []*ir.Data{
		{Name: "text", Section: ".rodata", Align: 8, Bytes: text},
		{Name: "vars", Section: ".data", Align: 8, Bytes: append([]byte(nil), text...)},
		{Name: "zeros", Section: ".bss", Align: 8, Bytes: make([]byte, 16)},
	}
}

// function generates a function. Subprograms and callbacks take a pointer to
// 8 bytes and a number; callbacks get them the other way around.
func (g *generator) function(name, section string, size int) {
	params := []ir.Type{ir.Ptr, ir.I64}
	switch name {
	case "main":
		params = params[:1]
	case "callback":
		params[0], params[1] = ir.I64, ir.Ptr
	}
	g.f = g.m.NewFunc(name, section, ir.I64, params...)
	g.f.Static = section == ""
	g.b = ir.NewBuilder(g.f)
	g.longs, g.ints, g.pointers, g.hot, g.cells, g.maps = nil, nil, nil, nil, nil, nil
	g.budget, g.depth, g.loops = size, 0, 0
	for _, p := range g.f.Params {
		switch {
		case p.Type == ir.I64:
			g.longs = append(g.longs, p)
		case name == "main":
			g.pointers = append(g.pointers, pointer{v: p, size: ContextSize, writable: g.chance(30)})
		default:
			g.pointers = append(g.pointers, pointer{v: p, size: 8, writable: true})
		}
	}
	for range 1 + g.rng.IntN(4) {
		g.alloca(int64(8 + 8*g.rng.IntN(4)))
	}
	g.globals()
	g.longs = append(g.longs, g.b.Const(g.number()))
	g.ints = append(g.ints, g.b.ConstOf(ir.I32, g.number()))
	for g.budget > 0 {
		g.statement()
	}
	if name == "callback" && g.chance(50) {
		g.b.Return(g.b.Const(0))
		return
	}
	g.b.Return(g.digest())
}

// digest mixes most values that may be used at the place in hand into one, so
// that few of them are dead.
func (g *generator) digest() *ir.Value {
	acc := g.long()
	for _, v := range g.longs {
		if g.chance(70) {
			acc = g.b.Bin(ir.OpXor, g.b.Bin(ir.OpMul, acc, g.b.Const(0x100000001b3)), v)
		}
	}
	for _, v := range g.ints {
		if g.chance(70) {
			acc = g.b.Bin(ir.OpAdd, acc, g.b.Ext(v, ir.I64, 4, false))
		}
	}
	return acc
}

// alloca makes a stack slot with all bytes written.
func (g *generator) alloca(size int64) {
	p := g.b.Alloca(size, 8)
	if g.chance(60) {
		g.b.Zero(p, size)
	} else {
		for off := int64(0); off < size; off += 8 {
			g.b.Store(p, off, g.b.Const(g.number()), 8)
		}
	}
	g.pointers = append(g.pointers, pointer{v: p, size: size, writable: true, tidy: g.chance(50)})
}

func (g *generator) globals() {
	for range 2 { // the same memory by two names
		off := int64(8 * g.rng.IntN(3))
		g.pointers = append(g.pointers,
			pointer{v: g.b.Sym(ir.OpMapVal, "globals", off), size: 32 - off, writable: true},
			pointer{v: g.b.Sym(ir.OpData, "vars", off/2), size: 24 - off/2, writable: true})
	}
	g.pointers = append(g.pointers,
		pointer{v: g.b.Sym(ir.OpData, "text", 0), size: 24},
		pointer{v: g.b.Sym(ir.OpData, "zeros", 0), size: 16, writable: true})
	for _, x := range g.m.Maps {
		g.maps = append(g.maps, g.b.Sym(ir.OpAddrMap, x.Name, 0))
	}
}

// number returns a constant of the kind that finds mistakes.
func (g *generator) number() int64 {
	switch g.rng.IntN(6) {
	case 0:
		return int64(g.rng.IntN(4)) - 1
	case 1:
		return 1 << g.rng.IntN(64)
	case 2:
		return 1<<g.rng.IntN(64) - 1
	case 3:
		return int64(g.rng.Uint64())
	case 4:
		return int64(int32(g.rng.Uint32()))
	}
	return int64(g.rng.IntN(256))
}

// long returns an I64, often a new constant.
func (g *generator) long() *ir.Value {
	if g.chance(20) {
		return g.b.Const(g.number())
	}
	return g.recent(g.longs)
}

func (g *generator) int() *ir.Value {
	if g.chance(20) {
		return g.b.ConstOf(ir.I32, g.number())
	}
	return g.recent(g.ints)
}

// recent prefers the latest values, so that expressions grow deep.
func (g *generator) recent(list []*ir.Value) *ir.Value {
	if g.chance(50) {
		return list[len(list)-1-g.rng.IntN(min(3, len(list)))]
	}
	return pick(g, list)
}

func (g *generator) keep(v *ir.Value) {
	switch v.Type {
	case ir.I32:
		g.ints = append(g.ints, v)
	case ir.I64:
		g.longs = append(g.longs, v)
	}
}

var arithmetic = []ir.Op{
	ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod, ir.OpAnd, ir.OpOr, ir.OpXor,
	ir.OpShl, ir.OpLShr, ir.OpAShr,
}

var comparisons = []ir.Op{
	ir.OpEq, ir.OpNe, ir.OpULt, ir.OpULe, ir.OpUGt, ir.OpUGe, ir.OpSLt, ir.OpSLe, ir.OpSGt, ir.OpSGe,
}

// pure emits an operation without effect.
func (g *generator) pure() {
	b := g.b
	switch g.rng.IntN(13) {
	case 9, 10, 11, 12:
		g.idiom()
	case 0, 1, 2:
		g.keep(b.Bin(pick(g, arithmetic), g.long(), g.long()))
	case 3:
		g.keep(b.Bin(pick(g, arithmetic), g.int(), g.int()))
	case 4:
		g.keep(g.condition())
	case 5:
		g.extension()
	case 6:
		if g.chance(50) {
			g.keep(b.Neg(g.long()))
		} else {
			g.keep(b.Neg(g.int()))
		}
	case 7:
		g.keep(b.Bswap(g.long(), pick(g, []uint8{2, 4, 8})))
	case 8:
		g.repeat()
	}
}

func (g *generator) extension() {
	t := pick(g, []ir.Type{ir.I32, ir.I64})
	width := pick(g, []uint8{1, 2, 4})
	switch g.rng.IntN(3) {
	case 0:
		g.keep(g.b.Ext(g.long(), t, width, g.chance(50)))
	case 1:
		g.keep(g.b.Ext(g.int(), t, width, g.chance(50)))
	case 2:
		g.keep(g.b.Trunc(g.long()))
	}
}

// repeat emits a value once more that is there already.
func (g *generator) repeat() {
	v := g.recent(g.longs)
	switch v.Op {
	case ir.OpParam, ir.OpAtomic, ir.OpHelper, ir.OpCall, ir.OpCORE, ir.OpConst:
		return
	}
	again := g.f.NewValue(v.Op, v.Type, append([]*ir.Value(nil), v.Args...)...)
	again.Imm, again.Width, again.Signed, again.Sym = v.Imm, v.Width, v.Signed, v.Sym
	g.keep(g.b.Block.Append(again))
}

func (g *generator) condition() *ir.Value {
	if g.chance(25) {
		return g.b.Cmp(pick(g, comparisons), g.int(), g.int())
	}
	return g.b.Cmp(pick(g, comparisons), g.long(), g.long())
}

// coreType is what CO-RE operations name.
func coreType() ctypes.Type { return ctypes.NewLazy("struct", "task_struct", nil) }
