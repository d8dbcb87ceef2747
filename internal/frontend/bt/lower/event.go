package lower

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// recordHeader is the bytes of a record before its fields: the event's number.
const recordHeader = 8

// record sends a record with the given arguments. They are evaluated straight
// into the ring buffer's memory, except those that may leave the program in
// the middle.
func (f *function) record(e plan.Event, at ast.Node, args []ast.Expr) {
	size := int64(recordHeader)
	typs := make([]*types.Type, len(args))
	for i, a := range args {
		t := storedArg(f.in.Type(a))
		typs[i] = t
		align := int64(max(t.Align(), 1))
		size = (size + align - 1) &^ (align - 1)
		e.Args = append(e.Args, plan.Field{Offset: int(size), Type: t.Plan()})
		e.Args[i].Type.Truncates = f.truncates(a)
		size += int64(t.Size)
	}
	size = align8(size)
	e.Size = int(size)
	id := f.l.event(e, at)

	early := f.evaluateEarly(args, typs)
	f.reserve(size, id, func(rec *ir.Value) {
		for i, a := range args {
			off := int64(e.Args[i].Offset)
			switch {
			case early[i] == nil:
				f.into(a, rec, off, typs[i])
			case typs[i].IsScalar() || typs[i].Kind == types.Timestamp:
				f.b.Store(rec, off, early[i], uint8(typs[i].Size))
			default:
				f.read(f.b.Bin(ir.OpAdd, rec, f.b.Const(off)), place{base: early[i]}, int64(typs[i].Size))
			}
		}
	})
}

// storedArg is the type of an argument in a record.
func storedArg(t *types.Type) *types.Type {
	if t.CastsToInt() {
		return types.IntOf(8, t.Signed)
	}
	return t
}

// truncates reports whether a string argument may have been cut at the largest
// size that strings have, which its reader is told of. A length that the
// script asked for is no cut.
func (f *function) truncates(e ast.Expr) bool {
	t := f.in.Type(e)
	return t.Kind == types.String && t.Size == f.l.prog.Config.MaxStrlen+1
}

// evaluateEarly evaluates the arguments before the record is reserved, if any
// of them does more than compute a value: what it does must happen also when
// the ring is full.
func (f *function) evaluateEarly(args []ast.Expr, typs []*types.Type) []*ir.Value {
	early := make([]*ir.Value, len(args))
	pure := true
	for _, a := range args {
		pure = pure && isPure(a)
	}
	if pure {
		return early
	}
	for i, a := range args {
		if typs[i].IsScalar() || typs[i].Kind == types.Timestamp {
			early[i] = f.scalar(a)
		} else {
			early[i] = f.temp(int64(typs[i].Size))
			f.into(a, early[i], 0, typs[i])
		}
	}
	return early
}

// isPure reports whether an expression changes nothing.
func isPure(e ast.Expr) bool {
	pure := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BlockExpr, *ast.IfExpr:
			pure = false
		case *ast.Unary:
			pure = pure && !x.Op.IsIncDec()
		case *ast.Call:
			pure = pure && pureCalls[x.Func.Text]
		}
		return pure
	})
	return pure
}

var pureCalls = map[string]bool{
	"str": true, "buf": true, "strncmp": true, "strftime": true, "nsecs": true, "ksym": true, "macaddr": true,
	"has_key": true, "pid": true, "tid": true, "uid": true, "gid": true, "cpu": true, "comm": true, "elapsed": true,
	"probe": true, "probetype": true, "rand": true, "numaid": true, "cgroup": true, "jiffies": true, "ncpus": true,
}

// reserve takes size bytes of the ring buffer, lets fill write them and
// submits them. A record that finds no room is counted.
func (f *function) reserve(size, id int64, fill func(rec *ir.Value)) {
	b := f.b
	rec := f.call(ringReserve, b.Sym(ir.OpAddrMap, plan.Ring, 0), b.Const(size), b.Const(0))
	done := b.NewBlock()
	full := f.ifNotNull(rec)
	b.Store(rec, 0, b.Const(id), 8)
	fill(rec)
	f.call(ringSubmit, rec, b.Const(0))
	b.Jump(done)
	b.SetBlock(full)
	f.miss(plan.MissedRecord)
	b.Jump(done)
	b.SetBlock(done)
}

// The bounds of join(): how many strings it prints, and how long each may be.
const (
	joinMax  = 16
	joinSize = 1024
)

// join sends the strings of a NULL-terminated array of pointers: their number,
// then a slot for each.
func (f *function) join(x *ast.Call) {
	sep := " "
	if len(x.Args) == 2 {
		sep, _ = f.literalText(x.Args[1])
	}
	t := f.in.Type(x.Args[0])
	array := f.scalar(x.Args[0])
	str := plan.Type{Kind: plan.String, Size: joinSize}
	id := f.l.event(plan.Event{Kind: plan.Join, Format: sep, Size: recordHeader + 8 + joinMax*joinSize, Args: []plan.Field{
		{Offset: recordHeader, Type: plan.Type{Kind: plan.Int, Size: 8}},
		{Offset: recordHeader + 8, Type: plan.Type{Kind: plan.Array, Size: joinMax * joinSize, Len: joinMax, Elem: &str}},
	}}, x)
	acc := accessOf(t.Space)
	f.reserve(recordHeader+8+joinMax*joinSize, id, func(rec *ir.Value) {
		b := f.b
		done := b.NewBlock(ir.I64)
		ptr := b.Alloca(8, 8)
		for i := range int64(joinMax) {
			f.read(ptr, place{access: acc, base: array, off: 8 * i}, 8)
			p := b.Load(ir.I64, ptr, 0, 8, false)
			end, next := b.NewBlock(), b.NewBlock()
			b.Branch(b.Cmp(ir.OpEq, p, b.Const(0)), end, next)
			b.SetBlock(end)
			b.Jump(done, b.Const(i))
			b.SetBlock(next)
			slot := b.Bin(ir.OpAdd, rec, b.Const(recordHeader+8+i*joinSize))
			f.call(stringReader(acc), slot, b.Const(joinSize), p)
		}
		b.Jump(done, b.Const(joinMax))
		b.SetBlock(done)
		b.Store(rec, recordHeader, done.Params[0], 8)
	})
}

func stringReader(a access) helper {
	switch a {
	case userMem:
		return readUserStr
	case anyMem:
		return probeReadStr
	}
	return readKernelStr
}
