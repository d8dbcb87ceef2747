package lower

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

func (f *function) mapOf(ref *ast.MapRef) *check.Map {
	for _, m := range f.l.prog.Maps {
		if m.Name == "@"+ref.Name {
			return m
		}
	}
	panic("lower: a map that the checker doesn't know: @" + ref.Name)
}

func (f *function) mapAddr(m *check.Map) *ir.Value {
	return f.b.Sym(ir.OpAddrMap, f.l.symbols[m.Name], 0)
}

// key evaluates the key of an element into memory.
func (f *function) key(m *check.Map, keys []ast.Expr) *ir.Value {
	if m.Scalar {
		return f.zeroKey()
	}
	k := f.temp(int64(m.Key.Size))
	if len(keys) == 1 {
		f.into(keys[0], k, 0, m.Key)
		return k
	}
	f.clearPadding(k, m.Key)
	for i, e := range keys {
		f.into(e, k, int64(m.Key.Fields[i].Offset), m.Key.Fields[i].Type)
	}
	return k
}

// zeroKey is the key of the one element of an array.
func (f *function) zeroKey() *ir.Value {
	k := f.b.Alloca(4, 4)
	f.b.Store(k, 0, f.b.Const(0), 4)
	return k
}

// ifNotNull branches on a pointer and goes on in the block for a valid one.
func (f *function) ifNotNull(p *ir.Value) (null *ir.Block) {
	found, null := f.b.NewBlock(), f.b.NewBlock()
	f.b.Branch(f.b.Cmp(ir.OpNe, p, f.b.ConstOf(ir.Ptr, 0)), found, null)
	f.b.SetBlock(found)
	return null
}

// scalarPlain reports whether the map's one value has a fixed address.
func scalarPlain(m *check.Map) bool { return m.Scalar && m.Agg == plan.Plain }

func (f *function) scalarAddr(m *check.Map) *ir.Value {
	return f.b.Sym(ir.OpData, f.l.symbols[m.Name], 0)
}

// markPresent notes that the scalar has been assigned.
func (f *function) markPresent(m *check.Map, p *ir.Value) {
	if _, off := valueSize(m); off != 0 {
		f.b.Store(p, int64(off), f.b.Const(1), 8)
	}
}

// mapScalar reads an element that fits a register; one that isn't there is 0.
func (f *function) mapScalar(ref *ast.MapRef) *ir.Value {
	m := f.mapOf(ref)
	if m.Agg != plan.Plain {
		return f.aggregateValue(m, f.key(m, ref.Keys))
	}
	t := storedType(m.Value)
	if scalarPlain(m) {
		return f.b.Load(ir.I64, f.scalarAddr(m), 0, uint8(t.Size), t.Signed)
	}
	p := f.call(mapLookup, f.mapAddr(m), f.key(m, ref.Keys))
	done := f.b.NewBlock(ir.I64)
	null := f.ifNotNull(p)
	f.b.Jump(done, f.b.Load(ir.I64, p, 0, uint8(t.Size), t.Signed))
	f.b.SetBlock(null)
	f.b.Jump(done, f.b.Const(0))
	f.b.SetBlock(done)
	return done.Params[0]
}

// mapInto copies an element that lives in memory; one that isn't there is all
// zeros.
func (f *function) mapInto(ref *ast.MapRef, at *ir.Value, t *types.Type) {
	m := f.mapOf(ref)
	if scalarPlain(m) {
		f.copyValue(at, place{base: f.scalarAddr(m)}, m.Value, t)
		return
	}
	p := f.call(mapLookup, f.mapAddr(m), f.key(m, ref.Keys))
	done := f.b.NewBlock()
	null := f.ifNotNull(p)
	f.copyValue(at, place{base: p}, m.Value, t)
	f.b.Jump(done)
	f.b.SetBlock(null)
	f.zero(at, int64(t.Size))
	f.b.Jump(done)
	f.b.SetBlock(done)
}

// update stores a new element and counts when the map is full.
func (f *function) update(m *check.Map, key, value *ir.Value, flags int64) {
	r := f.call(mapUpdate, f.mapAddr(m), key, value, f.b.Const(flags))
	if flags == updateNoKey {
		return // the caller looks whether the element is there
	}
	full, done := f.b.NewBlock(), f.b.NewBlock()
	f.b.Branch(f.b.Cmp(ir.OpNe, r, f.b.Const(0)), full, done)
	f.b.SetBlock(full)
	f.miss(plan.MissedUpdate)
	f.b.Jump(done)
	f.b.SetBlock(done)
}

func (f *function) assignMap(x *ast.Assign, ref *ast.MapRef) {
	m := f.mapOf(ref)
	if m.Agg != plan.Plain {
		f.aggregate(m, ref, x.Value.(*ast.Call))
		return
	}
	if x.Op != ast.NoOp {
		f.compound(x, m, ref)
		return
	}
	t := storedType(m.Value)
	if scalarPlain(m) {
		p := f.scalarAddr(m)
		if t.IsScalar() {
			f.b.Store(p, 0, f.stored(x.Value, m), uint8(t.Size))
		} else {
			tmp := f.temp(int64(t.Size))
			f.into(x.Value, tmp, 0, t)
			f.read(p, place{base: tmp}, int64(t.Size))
		}
		f.markPresent(m, p)
		return
	}
	size, _ := valueSize(m)
	var value *ir.Value
	if t.IsScalar() {
		v := f.stored(x.Value, m)
		value = f.temp(8)
		f.b.Store(value, 0, v, 8)
	} else {
		value = f.temp(int64(size))
		if int(size) != t.Size {
			f.zero(value, int64(size))
		}
		f.into(x.Value, value, 0, t)
	}
	f.update(m, f.key(m, ref.Keys), value, updateAny)
}

// stored is the value of an expression as the map's value type keeps it.
func (f *function) stored(e ast.Expr, m *check.Map) *ir.Value {
	v := f.scalar(e)
	if from := f.in.Type(e); from.Size > m.Value.Size {
		return f.extend(v, m.Value)
	}
	return v
}

// compound lowers `@m op= e`. Additions are atomic, so none is lost when
// several CPUs add at once; other operators read, compute and write.
func (f *function) compound(x *ast.Assign, m *check.Map, ref *ast.MapRef) {
	a, b := m.Value, f.in.Type(x.Value)
	if (x.Op == ast.Add || x.Op == ast.Sub) && a.Kind == types.Int {
		v := f.scalar(x.Value)
		if x.Op == ast.Sub {
			v = f.b.Neg(v)
		}
		f.mapAdd(ref, v)
		return
	}
	v := f.scalar(x.Value)
	t := a
	if a.Kind == types.Int {
		t = check.ArithType(x.Op, a, b)
	}
	f.modify(m, ref, func(p *ir.Value) {
		old := f.b.Load(ir.I64, p, 0, 8, false)
		f.b.Store(p, 0, f.arith(x.Op, old, v, a, b, t), 8)
	})
}

// mapAdd adds to an integer element and returns what it was before. An
// element that isn't there starts at zero.
func (f *function) mapAdd(ref *ast.MapRef, by *ir.Value) *ir.Value {
	cell := f.b.Alloca(8, 8)
	f.b.Store(cell, 0, f.b.Const(0), 8)
	m := f.mapOf(ref)
	f.modify(m, ref, func(p *ir.Value) {
		f.b.Store(cell, 0, f.b.Atomic(ir.AtomicFetchAdd, p, 0, 8, by), 8)
	})
	return f.b.Load(ir.I64, cell, 0, 8, false)
}

// modify runs change with the address of an element, which is made with zeros
// first when it isn't there.
func (f *function) modify(m *check.Map, ref *ast.MapRef, change func(p *ir.Value)) {
	if scalarPlain(m) {
		p := f.scalarAddr(m)
		change(p)
		f.markPresent(m, p)
		return
	}
	f.withElement(m, f.key(m, ref.Keys), change)
}

// withElement runs change with the address of an element of a map, which is
// made with zeros first when it isn't there.
func (f *function) withElement(m *check.Map, key *ir.Value, change func(p *ir.Value)) {
	b := f.b
	have, done := b.NewBlock(ir.Ptr), b.NewBlock()
	p := f.call(mapLookup, f.mapAddr(m), key)
	null := f.ifNotNull(p)
	b.Jump(have, p)
	b.SetBlock(null)
	if m.Scalar {
		b.Jump(done) // an array's element is always there
	} else {
		size, _ := valueSize(m)
		f.update(m, key, f.zeros(int64(size)), updateNoKey)
		q := f.call(mapLookup, f.mapAddr(m), key)
		full := f.ifNotNull(q)
		b.Jump(have, q)
		b.SetBlock(full)
		f.miss(plan.MissedUpdate)
		b.Jump(done)
	}
	b.SetBlock(have)
	change(have.Params[0])
	b.Jump(done)
	b.SetBlock(done)
}

// zeros is memory of size zero bytes.
func (f *function) zeros(size int64) *ir.Value {
	if size <= int64(f.l.prog.Config.OnStackLimit) {
		p := f.b.Alloca(align8(size), 8)
		f.b.Zero(p, align8(size))
		return p
	}
	return f.b.Sym(ir.OpData, f.l.zeroData(int(size)), 0)
}

// deleteKey lowers delete(); the result is whether the element was there.
func (f *function) deleteKey(x *ast.Call) *ir.Value {
	ref := x.Args[0].(*ast.MapRef)
	m := f.mapOf(ref)
	if m.Scalar {
		return f.deleteScalar(m)
	}
	keys := ref.Keys
	if len(x.Args) == 2 {
		keys = check.KeyList(x.Args[1])
	}
	r := f.call(mapDelete, f.mapAddr(m), f.key(m, keys))
	return f.b.Cmp(ir.OpEq, r, f.b.Const(0))
}

// deleteScalar resets the one element; per CPU, where it is one of many, this
// is what the running CPU has.
func (f *function) deleteScalar(m *check.Map) *ir.Value {
	size, _ := valueSize(m)
	if m.Agg == plan.Plain {
		f.zero(f.scalarAddr(m), int64(size))
		return f.b.Const(1)
	}
	f.record(plan.Event{Kind: plan.Clear, Map: m.Name}, f.in.Probe, nil)
	return f.b.Const(1)
}

// hasKey lowers has_key().
func (f *function) hasKey(x *ast.Call) *ir.Value {
	m := f.mapOf(x.Args[0].(*ast.MapRef))
	p := f.call(mapLookup, f.mapAddr(m), f.key(m, check.KeyList(x.Args[1])))
	return f.b.Cmp(ir.OpNe, p, f.b.ConstOf(ir.Ptr, 0))
}
