package lower

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
)

func (f *function) constant(e ast.Expr) (int64, bool) { return f.l.opts.Env.Constant(e) }

// scalar evaluates an expression whose type fits a register. The value is in
// the 64-bit form of the expression's type.
func (f *function) scalar(e ast.Expr) *ir.Value {
	f.at(e)
	if n, ok := f.constant(e); ok {
		return f.b.Const(n)
	}
	switch x := e.(type) {
	case *ast.Ident:
		return f.builtin(x.Name)
	case *ast.Var:
		return f.b.Load(ir.I64, f.variable(f.in.Var(x)).ptr, 0, 8, false)
	case *ast.MapRef:
		return f.mapScalar(x)
	case *ast.Call:
		return f.callScalar(x)
	case *ast.Unary:
		return f.unary(x)
	case *ast.Binary:
		return f.binary(x)
	case *ast.Ternary, *ast.IfExpr:
		return f.choice(e)
	case *ast.BlockExpr:
		return f.blockValue(x.Block)
	case *ast.Cast:
		return f.cast(x)
	case *ast.Sizeof:
		return f.b.Const(int64(f.in.Sizeof(x)))
	case *ast.Field:
		if fd, bits, p, ok := f.bitFieldOf(x); ok {
			return f.bitField(fd, bits, p, f.in.Type(x))
		}
	}
	// What is left names memory: fields, elements, dereferences.
	t := f.in.Type(e)
	p := f.placeOf(e)
	if t.Kind == types.Pointer && f.isDataLoc(e) {
		return f.addr(p)
	}
	return f.load(p, t)
}

// cast converts a value to an integer, boolean or pointer type.
func (f *function) cast(x *ast.Cast) *ir.Value {
	v, to := f.scalar(x.X), f.in.Type(x)
	if to.Kind == types.Bool {
		return f.b.Cmp(ir.OpNe, v, f.b.Const(0))
	}
	return f.extend(v, to)
}

// unary lowers the operators with one operand.
func (f *function) unary(x *ast.Unary) *ir.Value {
	if x.Op.IsIncDec() {
		return f.incDec(x)
	}
	switch x.Op {
	case ast.Neg:
		return f.b.Neg(f.scalar(x.X))
	case ast.BitNot:
		return f.b.Bin(ir.OpXor, f.scalar(x.X), f.b.Const(-1))
	case ast.Not:
		return f.b.Cmp(ir.OpEq, f.scalar(x.X), f.b.Const(0))
	}
	return f.load(f.placeOf(x), f.in.Type(x))
}

// step is by how much ++ and -- change a value: pointers move by what they
// point to.
func step(t *types.Type, op ast.UnaryOp) int64 {
	n := int64(1)
	if t.Kind == types.Pointer {
		n = max(int64(t.Pointee().Size), 1)
	}
	if op == ast.PreDec || op == ast.PostDec {
		return -n
	}
	return n
}

func (f *function) incDec(x *ast.Unary) *ir.Value {
	t := f.in.Type(x)
	by := step(t, x.Op)
	if ref, ok := x.X.(*ast.MapRef); ok {
		old := f.mapAdd(ref, f.b.Const(by))
		if x.Op.IsPostfix() {
			return old
		}
		return f.b.Bin(ir.OpAdd, old, f.b.Const(by))
	}
	s := f.variable(f.in.Var(x.X.(*ast.Var)))
	old := f.b.Load(ir.I64, s.ptr, 0, 8, false)
	changed := f.extend(f.b.Bin(ir.OpAdd, old, f.b.Const(by)), s.typ)
	f.b.Store(s.ptr, 0, changed, 8)
	if x.Op.IsPostfix() {
		return old
	}
	return changed
}

// compareOps gives each comparison its unsigned and signed operation.
var compareOps = map[ast.BinaryOp][2]ir.Op{
	ast.Eq: {ir.OpEq, ir.OpEq}, ast.Ne: {ir.OpNe, ir.OpNe}, ast.Lt: {ir.OpULt, ir.OpSLt}, ast.Le: {ir.OpULe, ir.OpSLe},
	ast.Gt: {ir.OpUGt, ir.OpSGt}, ast.Ge: {ir.OpUGe, ir.OpSGe},
}

// arithOps gives each arithmetic operator its unsigned and signed operation.
var arithOps = map[ast.BinaryOp][2]ir.Op{
	ast.Add: {ir.OpAdd, ir.OpAdd}, ast.Sub: {ir.OpSub, ir.OpSub}, ast.Mul: {ir.OpMul, ir.OpMul},
	ast.Div: {ir.OpUDiv, ir.OpSDiv}, ast.Mod: {ir.OpUMod, ir.OpSMod}, ast.BitAnd: {ir.OpAnd, ir.OpAnd},
	ast.BitOr: {ir.OpOr, ir.OpOr}, ast.BitXor: {ir.OpXor, ir.OpXor}, ast.Shl: {ir.OpShl, ir.OpShl}, ast.Shr: {ir.OpLShr, ir.OpAShr},
}

func (f *function) binary(x *ast.Binary) *ir.Value {
	if x.Op.IsLogical() {
		return f.truth(x)
	}
	a, b := f.in.Type(x.X), f.in.Type(x.Y)
	if x.Op.IsComparison() {
		if !a.IsScalar() && !a.CastsToInt() {
			return f.compareMemory(x)
		}
		return f.b.Cmp(compareOp(x.Op, a, b), f.scalar(x.X), f.scalar(x.Y))
	}
	return f.arith(x.Op, f.scalar(x.X), f.scalar(x.Y), a, b, f.in.Type(x))
}

// compareOp chooses the comparison for two types: signed when the type that
// holds both is.
func compareOp(op ast.BinaryOp, a, b *types.Type) ir.Op {
	signed := 0
	if a.Kind == types.Int && b.Kind == types.Int {
		if t, ok := types.Promote(a, b); ok && t.Signed {
			signed = 1
		}
	} else if a.Kind == types.Int && a.Signed && b.Kind == types.Bool || b.Kind == types.Int && b.Signed && a.Kind == types.Bool {
		signed = 1
	} else if a.CastsToInt() || b.CastsToInt() {
		if a.Signed || b.Signed {
			signed = 1
		}
	}
	return compareOps[op][signed]
}

// arith computes `v op w` for operands of types a and b with a result of type
// t. Pointers move by the size of what they point to.
func (f *function) arith(op ast.BinaryOp, v, w *ir.Value, a, b, t *types.Type) *ir.Value {
	scale := func(x *ir.Value, p *types.Type) *ir.Value {
		return f.b.Bin(ir.OpMul, x, f.b.Const(max(int64(p.Pointee().Size), 1)))
	}
	if a.Kind == types.Pointer && b.Kind != types.Pointer {
		w = scale(w, a)
	} else if b.Kind == types.Pointer && a.Kind != types.Pointer {
		v = scale(v, b)
	}
	signed := 0
	if t.Signed {
		signed = 1
	}
	r := f.b.Bin(arithOps[op][signed], v, w)
	if a.Kind == types.Pointer && b.Kind == types.Pointer {
		return f.b.Bin(ir.OpSDiv, r, f.b.Const(max(int64(a.Pointee().Size), 1)))
	}
	return r
}

// truth evaluates a condition to 0 or 1.
func (f *function) truth(e ast.Expr) *ir.Value {
	yes, no, done := f.b.NewBlock(), f.b.NewBlock(), f.b.NewBlock(ir.I64)
	f.branch(e, yes, no)
	f.b.SetBlock(yes)
	f.b.Jump(done, f.b.Const(1))
	f.b.SetBlock(no)
	f.b.Jump(done, f.b.Const(0))
	f.b.SetBlock(done)
	return done.Params[0]
}

// branch goes to yes or no by the truth of a condition. The right side of &&
// and || is evaluated only when it matters.
func (f *function) branch(e ast.Expr, yes, no *ir.Block) {
	switch x := e.(type) {
	case *ast.Binary:
		if x.Op.IsLogical() {
			mid := f.b.NewBlock()
			if x.Op == ast.LogAnd {
				f.branch(x.X, mid, no)
			} else {
				f.branch(x.X, yes, mid)
			}
			f.b.SetBlock(mid)
			f.branch(x.Y, yes, no)
			return
		}
	case *ast.Unary:
		if x.Op == ast.Not {
			f.branch(x.X, no, yes)
			return
		}
	}
	v := f.scalar(e)
	f.at(e)
	if !v.Op.IsCompare() {
		v = f.b.Cmp(ir.OpNe, v, f.b.Const(0))
	}
	f.b.Branch(v, yes, no)
}

// choice evaluates a ternary or an if expression to a scalar.
func (f *function) choice(e ast.Expr) *ir.Value {
	done := f.b.NewBlock(ir.I64)
	f.choose(e, func(arm func() *ir.Value) { f.b.Jump(done, arm()) }, func(x ast.Expr) func() *ir.Value {
		return func() *ir.Value { return f.scalar(x) }
	})
	f.b.SetBlock(done)
	return done.Params[0]
}

// choose runs end for each arm of a conditional expression, in the block of
// that arm.
func (f *function) choose(e ast.Expr, end func(func() *ir.Value), arm func(ast.Expr) func() *ir.Value) {
	yes, no := f.b.NewBlock(), f.b.NewBlock()
	switch x := e.(type) {
	case *ast.Ternary:
		if x.Then == nil {
			v := f.scalar(x.Cond)
			f.b.Branch(f.b.Cmp(ir.OpNe, v, f.b.Const(0)), yes, no)
			f.b.SetBlock(yes)
			end(func() *ir.Value { return v })
		} else {
			f.branch(x.Cond, yes, no)
			f.b.SetBlock(yes)
			end(arm(x.Then))
		}
		f.b.SetBlock(no)
		end(arm(x.Else))
	case *ast.IfExpr:
		f.branch(x.Cond, yes, no)
		f.b.SetBlock(yes)
		end(arm(&ast.BlockExpr{Place: x.Then.Place, Block: x.Then}))
		f.b.SetBlock(no)
		end(arm(x.Else))
	}
}

// blockValue evaluates a block expression.
func (f *function) blockValue(b *ast.Block) *ir.Value {
	f.stmts(b.Stmts)
	if f.b.Terminated() {
		f.b.SetBlock(f.b.NewBlock()) // nothing gets here
		return f.b.Const(0)
	}
	return f.scalar(b.Value)
}

// into evaluates an expression and stores it as a value of type t at dst+off.
func (f *function) into(e ast.Expr, dst *ir.Value, off int64, t *types.Type) {
	f.at(e)
	from := f.in.Type(e)
	if t.IsScalar() || t.Kind == types.Timestamp {
		f.b.Store(dst, off, f.scalar(e), uint8(t.Size))
		return
	}
	at := dst
	if off != 0 {
		at = f.b.Bin(ir.OpAdd, dst, f.b.Const(off))
	}
	switch x := e.(type) {
	case *ast.StrLit:
		f.storeString(at, x.Value, int64(t.Size))
		return
	case *ast.Param:
		text, _ := f.l.opts.Env.Param(x.N)
		f.storeString(at, text, int64(t.Size))
		return
	case *ast.Ident:
		if f.identInto(x.Name, at, t) {
			return
		}
	case *ast.Tuple:
		f.clearPadding(at, t)
		for i, el := range x.Elems {
			f.into(el, at, int64(t.Fields[i].Offset), t.Fields[i].Type)
		}
		return
	case *ast.Record:
		f.clearPadding(at, t)
		for _, fd := range x.Fields {
			to, _ := t.Field(fd.Name.Text)
			f.into(fd.Value, at, int64(to.Offset), to.Type)
		}
		return
	case *ast.Call:
		f.callInto(x, at, t)
		return
	case *ast.MapRef:
		f.mapInto(x, at, t)
		return
	case *ast.Ternary, *ast.IfExpr:
		f.choiceInto(e, at, t)
		return
	case *ast.BlockExpr:
		f.stmts(x.Block.Stmts)
		f.into(x.Block.Value, at, 0, t)
		return
	case *ast.Cast:
		f.into(x.X, at, 0, t)
		return
	}
	f.copyValue(at, f.placeOf(e), from, t)
}

func (f *function) choiceInto(e ast.Expr, at *ir.Value, t *types.Type) {
	done := f.b.NewBlock()
	f.choose(e, func(arm func() *ir.Value) { arm(); f.b.Jump(done) }, func(x ast.Expr) func() *ir.Value {
		return func() *ir.Value { f.into(x, at, 0, t); return nil }
	})
	f.b.SetBlock(done)
}

// copyValue copies a value of type from at a place into one of type t, which
// may be longer (strings) or have wider integers (tuples).
func (f *function) copyValue(at *ir.Value, p place, from, t *types.Type) {
	switch {
	case from.Kind == types.String && p.access != direct:
		f.readString(at, p, int64(t.Size), f.stringLimit(from, t))
	case from.Kind == types.String && t.Size > from.Size:
		f.zero(at, int64(t.Size))
		f.read(at, p, int64(from.Size))
	case from.Kind == types.Tuple || from.Kind == types.Record:
		f.copyFields(at, p, from, t)
	default:
		f.read(at, p, int64(t.Size))
	}
}

// stringLimit bounds the read of a string of known length.
func (f *function) stringLimit(from, t *types.Type) *ir.Value {
	return f.b.Const(int64(min(from.Size, t.Size)))
}

func (f *function) copyFields(at *ir.Value, p place, from, t *types.Type) {
	if from.Equal(t) {
		f.read(at, p, int64(t.Size))
		return
	}
	f.clearPadding(at, t)
	for i, to := range t.Fields {
		src := from.Fields[i]
		if t.Kind == types.Record {
			src, _ = from.Field(to.Name)
		}
		q := p.plus(int64(src.Offset))
		if to.Type.IsScalar() {
			f.b.Store(at, int64(to.Offset), f.load(q, src.Type), uint8(to.Type.Size))
			continue
		}
		dst := f.b.Bin(ir.OpAdd, at, f.b.Const(int64(to.Offset)))
		f.copyValue(dst, q, src.Type, to.Type)
	}
}

// clearPadding zeroes a tuple that has gaps between its parts, so that equal
// values have equal bytes.
func (f *function) clearPadding(at *ir.Value, t *types.Type) {
	end := 0
	for _, fd := range t.Fields {
		if fd.Offset != end {
			f.zero(at, int64(t.Size))
			return
		}
		end = fd.Offset + fd.Type.Size
		if fd.Type.Kind == types.Tuple || fd.Type.Kind == types.Record {
			continue // cleared on its own
		}
	}
	if end != t.Size {
		f.zero(at, int64(t.Size))
	}
}

// storeString writes a text and zeros up to size bytes; what doesn't fit is
// cut, with room for the final NUL.
func (f *function) storeString(at *ir.Value, text string, size int64) {
	if int64(len(text)) >= size {
		text = text[:max(size-1, 0)]
	}
	n := int64(len(text)) + 1
	if size > 2*inlineCopy {
		f.zero(at, size)
	} else {
		n = size
	}
	if len(text) > 4*inlineCopy {
		f.call(readKernel, at, f.b.Const(int64(len(text))), f.b.Sym(ir.OpData, f.l.text(text), 0))
		return
	}
	buf := make([]byte, align8(n))
	copy(buf, text)
	for i := int64(0); i < n; {
		w := chunk(n - i)
		f.b.Store(at, i, f.b.Const(int64(word(buf[i:], w))), uint8(w))
		i += w
	}
}

// chunk is the widest store that fits into n bytes.
func chunk(n int64) int64 {
	for _, w := range []int64{8, 4, 2} {
		if n >= w {
			return w
		}
	}
	return 1
}

// word reads w bytes as the target's little-endian number.
func word(b []byte, w int64) uint64 {
	var full [8]byte
	copy(full[:], b[:w])
	return binary.LittleEndian.Uint64(full[:])
}

// compareMemory lowers == and != of strings, tuples and arrays.
func (f *function) compareMemory(x *ast.Binary) *ir.Value {
	op := ir.OpEq
	if x.Op == ast.Ne {
		op = ir.OpNe
	}
	if s, ok := f.literalText(x.Y); ok {
		return f.compareText(x.X, s, op)
	}
	if s, ok := f.literalText(x.X); ok {
		return f.compareText(x.Y, s, op)
	}
	a, b := f.in.Type(x.X), f.in.Type(x.Y)
	if a.Kind == types.String {
		return f.b.Cmp(op, f.differLoop(f.direct(x.X), f.direct(x.Y), int64(min(a.Size, b.Size)), true), f.b.Const(0))
	}
	t, _ := types.Promote(a, b)
	if t == nil {
		t = a
	}
	p, q := f.temp(int64(t.Size)), f.temp(int64(t.Size))
	f.into(x.X, p, 0, t)
	f.into(x.Y, q, 0, t)
	return f.b.Cmp(op, f.differ(p, q, int64(t.Size)), f.b.Const(0))
}

func (f *function) literalText(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.StrLit:
		return x.Value, true
	case *ast.Param:
		if f.in.Type(e).Kind == types.String {
			return f.l.opts.Env.Param(x.N)
		}
	case *ast.Ident:
		if x.Name == "probe" {
			return f.in.Points[0].Name, true
		}
	}
	return "", false
}

// direct gives an address that the program can load from, holding the value of
// an expression.
func (f *function) direct(e ast.Expr) *ir.Value {
	if p := f.placeOf(e); p.access == direct {
		return f.addr(p)
	} else {
		t := f.in.Type(e)
		tmp := f.temp(int64(t.Size))
		f.copyValue(tmp, p, t, t)
		return tmp
	}
}

// compareText compares a string with a known text by words.
func (f *function) compareText(e ast.Expr, text string, op ir.Op) *ir.Value {
	size := int64(f.in.Type(e).Size)
	n := int64(len(text)) + 1
	if n > size {
		// It can't be equal, but its effects happen.
		f.direct(e)
		if op == ir.OpEq {
			return f.b.Const(0)
		}
		return f.b.Const(1)
	}
	p := f.direct(e)
	buf := make([]byte, n)
	copy(buf, text)
	return f.b.Cmp(op, f.differText(p, buf, n), f.b.Const(0))
}

// differText is zero when the n bytes at p are those of text.
func (f *function) differText(p *ir.Value, text []byte, n int64) *ir.Value {
	var acc *ir.Value
	for i := int64(0); i < n; {
		w := chunk(n - i)
		d := f.b.Bin(ir.OpXor, f.b.Load(ir.I64, p, i, uint8(w), false), f.b.Const(int64(word(text[i:], w))))
		if acc == nil {
			acc = d
		} else {
			acc = f.b.Bin(ir.OpOr, acc, d)
		}
		i += w
	}
	if acc == nil {
		return f.b.Const(0)
	}
	return acc
}

// differ is zero when the size bytes at p and q are the same.
func (f *function) differ(p, q *ir.Value, size int64) *ir.Value {
	if size > 4*inlineCopy {
		return f.differLoop(p, q, size, false)
	}
	var acc *ir.Value
	for i := int64(0); i < size; {
		w := chunk(size - i)
		d := f.b.Bin(ir.OpXor, f.b.Load(ir.I64, p, i, uint8(w), false), f.b.Load(ir.I64, q, i, uint8(w), false))
		if acc == nil {
			acc = d
		} else {
			acc = f.b.Bin(ir.OpOr, acc, d)
		}
		i += w
	}
	if acc == nil {
		return f.b.Const(0)
	}
	return acc
}

// differLoop compares n bytes one by one; with text it stops at a NUL.
func (f *function) differLoop(p, q *ir.Value, n int64, text bool) *ir.Value {
	b := f.b
	head, body, next, done := b.NewBlock(ir.I64), b.NewBlock(), b.NewBlock(), b.NewBlock(ir.I64)
	b.Jump(head, b.Const(0))
	b.SetBlock(head)
	i := head.Params[0]
	end := b.NewBlock()
	b.Branch(b.Cmp(ir.OpULt, i, b.Const(n)), body, end)
	b.SetBlock(end)
	b.Jump(done, b.Const(0))
	b.SetBlock(body)
	v := b.Load(ir.I64, b.Bin(ir.OpAdd, p, i), 0, 1, false)
	w := b.Load(ir.I64, b.Bin(ir.OpAdd, q, i), 0, 1, false)
	d := b.Bin(ir.OpXor, v, w)
	same := b.NewBlock()
	diff := b.NewBlock()
	b.Branch(b.Cmp(ir.OpEq, d, b.Const(0)), same, diff)
	b.SetBlock(diff)
	b.Jump(done, b.Const(1))
	b.SetBlock(same)
	if text {
		stop := b.NewBlock()
		b.Branch(b.Cmp(ir.OpEq, v, b.Const(0)), stop, next)
		b.SetBlock(stop)
		b.Jump(done, b.Const(0))
	} else {
		b.Jump(next)
	}
	b.SetBlock(next)
	b.Jump(head, b.Bin(ir.OpAdd, i, b.Const(1)))
	b.SetBlock(done)
	return done.Params[0]
}
