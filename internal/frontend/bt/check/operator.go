package check

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
)

func (c *checker) unary(x *ast.Unary) *types.Type {
	if x.Op.IsIncDec() {
		return c.incDec(x)
	}
	if lit, ok := x.X.(*ast.IntLit); ok && x.Op == ast.Neg {
		c.expr(x.X)
		if lit.Value > 1<<63 {
			c.errorf("bt-type", x.Span(), "-%d does not fit into an int64", lit.Value)
		}
		return types.SignedLiteral(-int64(lit.Value))
	}
	if x.Op == ast.AddrOf {
		c.errorf("unsupported", x.Span(), "taking an address is not supported by this version of skep")
		return types.InvalidType()
	}
	t := c.expr(x.X)
	if t.CastsToInt() {
		t = types.IntOf(8, t.Signed)
	}
	switch {
	case t.Kind == types.Invalid:
		return t
	case x.Op == ast.Not && t.IsScalar():
		return types.BoolType()
	case x.Op == ast.Deref && t.Kind == types.Struct && t.Ctx:
		return t // *args means args
	case x.Op == ast.Deref && t.Kind == types.Int:
		return types.Uint64()
	case x.Op == ast.Deref && t.Kind == types.Pointer:
		return c.deref(x, t)
	case (x.Op == ast.Neg || x.Op == ast.BitNot) && t.Kind == types.Int:
		return types.IntOf(8, t.Signed || x.Op == ast.Neg)
	}
	c.errorf("bt-type", x.Span(), "the %s operator can not be used on expressions of type '%s'", x.Op, t)
	return types.InvalidType()
}

func (c *checker) deref(x *ast.Unary, t *types.Type) *types.Type {
	p := t.Pointee()
	if p.Kind == types.Struct && p.C.(*ctypes.Struct).Fields == nil {
		p = c.complete(p)
	}
	if p.Size == 0 {
		c.errorf("bt-type", x.Span(), "can not dereference a pointer to '%s'", p).
			WithHint("cast it to a pointer to a type with a size first")
		return types.InvalidType()
	}
	return p
}

// incDec types ++ and --, which assign as well.
func (c *checker) incDec(x *ast.Unary) *types.Type {
	result := func(t *types.Type) *types.Type {
		if t.Kind == types.Pointer {
			return t
		}
		dec := x.Op == ast.PreDec || x.Op == ast.PostDec
		return types.IntOf(8, t.Kind == types.Invalid || t.Signed || dec)
	}
	switch v := x.X.(type) {
	case *ast.Var:
		t := c.expr(v)
		if t.Kind == types.Invalid {
			return t
		}
		if t.Kind != types.Int && t.Kind != types.Pointer {
			break
		}
		r := result(t)
		if lv := c.in.vars[v]; !lv.Fixed {
			c.widen(lv, r, x.Span())
		}
		return r
	case *ast.MapRef:
		m := c.element(v)
		if m.Value.Kind != types.Invalid && m.Value.Kind != types.Int && m.Value.Kind != types.Pointer {
			c.in.types[v] = m.Value
			break
		}
		r := result(m.Value)
		c.setValue(m, r, x.Span())
		c.in.types[v] = m.Value
		return r
	}
	c.errorf("bt-type", x.Span(), "the %s operator can only be applied to an integer or pointer variable or map element", x.Op)
	return types.InvalidType()
}

func (c *checker) binary(x *ast.Binary) *types.Type {
	a, b := c.expr(x.X), c.expr(x.Y)
	return c.binaryType(x.Op, a, b, x)
}

// binaryType is the type of `a op b`; at is the node that errors point to.
func (c *checker) binaryType(op ast.BinaryOp, a, b *types.Type, at ast.Node) *types.Type {
	if a.CastsToInt() {
		a = types.IntOf(8, a.Signed)
	}
	if b.CastsToInt() {
		b = types.IntOf(8, b.Signed)
	}
	if op.IsComparison() {
		c.mixedSigns(a, b, at.Span())
	}
	switch {
	case a.Kind == types.Invalid || b.Kind == types.Invalid:
		return types.InvalidType()
	case op.IsLogical() && truthy(a) && truthy(b):
		return types.BoolType()
	case op == ast.Eq || op == ast.Ne:
		if comparable(a, b) {
			return types.BoolType()
		}
	case op.IsComparison():
		if isNumber(a) && isNumber(b) {
			return types.BoolType()
		}
	case a.Kind == types.Pointer || b.Kind == types.Pointer:
		return c.pointerArith(op, a, b, at)
	case isIntegral(a) && isIntegral(b):
		return intResult(op, a, b)
	}
	c.errorf("bt-type", at.Span(), "type mismatch for '%s': comparing '%s' with '%s'", op, a, b).
		Note(at.Span(), "left is '%s', right is '%s'", a, b)
	return types.InvalidType()
}

func isIntegral(t *types.Type) bool { return t.Kind == types.Int || t.Kind == types.Bool }

func isNumber(t *types.Type) bool { return isIntegral(t) || t.Kind == types.Pointer }

func truthy(t *types.Type) bool { return t.IsScalar() }

// comparable reports whether == is defined for two types.
func comparable(a, b *types.Type) bool {
	if isNumber(a) && isNumber(b) {
		return true
	}
	if a.Kind == types.Tuple || a.Kind == types.Record {
		_, ok := types.Promote(a, b)
		return ok
	}
	return a.Kind == types.String && b.Kind == types.String ||
		a.Kind == types.Array && b.Kind == types.Array && a.Size == b.Size && a.Elem.Kind == types.Int
}

// ArithType is the type of arithmetic on two integers.
func ArithType(op ast.BinaryOp, a, b *types.Type) *types.Type { return intResult(op, a, b) }

// intResult follows the language: arithmetic is done in 64 bits and is signed
// when an operand is signed (a literal takes the other operand's sign) or when
// it is a subtraction.
func intResult(op ast.BinaryOp, a, b *types.Type) *types.Type {
	as, bs := a.Signed, b.Signed
	switch {
	case a.Flexible && !b.Flexible:
		as = bs
	case b.Flexible && !a.Flexible:
		bs = as
	}
	signed := as || bs || op == ast.Sub
	if op == ast.Shl || op == ast.Shr {
		signed = a.Signed
	}
	return types.IntOf(8, signed)
}

func (c *checker) pointerArith(op ast.BinaryOp, a, b *types.Type, at ast.Node) *types.Type {
	switch {
	case op == ast.Add && isIntegral(b):
		return a
	case op == ast.Add && isIntegral(a):
		return b
	case op == ast.Sub && isIntegral(b):
		return a
	case op == ast.Sub && a.Kind == b.Kind:
		return types.Int64()
	}
	c.errorf("bt-type", at.Span(), "the %s operator can not be used on expressions of types '%s', '%s'", op, a, b)
	return types.InvalidType()
}

func (c *checker) cast(x *ast.Cast) *types.Type {
	from := c.expr(x.X)
	to := c.typeExpr(x.Type)
	if from.Kind == types.Invalid || to.Kind == types.Invalid {
		return types.InvalidType()
	}
	if from.CastsToInt() {
		from = types.IntOf(8, from.Signed)
	}
	ok := false
	switch to.Kind {
	case types.Int, types.Bool:
		ok = from.IsScalar()
	case types.Pointer:
		ok = from.Kind == types.Pointer || from.Kind == types.Int
		if ok && to.Space == types.AnySpace {
			t := *to
			t.Space = from.Space
			to = &t
		}
	case types.String:
		ok = from.Kind == types.String && from.Size <= to.Size
	}
	if !ok {
		c.errorf("bt-type", x.Span(), "cannot cast from '%s' to '%s'", from, to)
		return types.InvalidType()
	}
	return to
}
