package check

import (
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
)

// expr computes and notes the type of an expression.
func (c *checker) expr(e ast.Expr) *types.Type {
	t := c.typeOf(e)
	if t == nil {
		t = types.InvalidType()
	}
	c.in.types[e] = t
	return t
}

func (c *checker) typeOf(e ast.Expr) *types.Type {
	switch x := e.(type) {
	case *ast.IntLit:
		return types.Literal(x.Value)
	case *ast.StrLit:
		return stringLiteral(x.Value)
	case *ast.BoolLit:
		return types.BoolType()
	case *ast.Ident:
		return c.ident(x)
	case *ast.Var:
		return c.varUse(x)
	case *ast.Param:
		return c.param(x)
	case *ast.ParamCount:
		return types.Literal(uint64(len(c.env.Params)))
	case *ast.MapRef:
		return c.element(x).Value
	case *ast.Field:
		return c.field(x)
	case *ast.TupleField:
		return c.tupleField(x)
	case *ast.Index:
		return c.index(x)
	case *ast.Call:
		return c.call(x)
	case *ast.Unary:
		return c.unary(x)
	case *ast.Binary:
		return c.binary(x)
	case *ast.Ternary:
		return c.ternary(x)
	case *ast.BlockExpr:
		return c.blockExpr(x.Block)
	case *ast.IfExpr:
		return c.ifExpr(x)
	case *ast.Cast:
		return c.cast(x)
	case *ast.Tuple:
		return c.tuple(x)
	case *ast.Record:
		return c.record(x)
	case *ast.Sizeof:
		return c.sizeof(x)
	}
	return c.unsupported(e)
}

func stringLiteral(s string) *types.Type { return types.StringOf(len(s) + 1) }

// unsupported refuses an expression of the grammar whose meaning isn't there.
func (c *checker) unsupported(e ast.Expr) *types.Type {
	what := "this expression"
	switch e.(type) {
	case *ast.Offsetof:
		what = "offsetof"
	case *ast.Typeinfo:
		what = "typeinfo"
	case *ast.Comptime:
		what = "comptime"
	case *ast.TypeArg:
		what = "a type as an argument"
	}
	c.errorf("unsupported", e.Span(), "%s is not supported by this version of skep", what)
	return types.InvalidType()
}

func (c *checker) varUse(x *ast.Var) *types.Type {
	v := c.lookup(x.Name)
	if v == nil {
		c.errorf("bt-undefined", x.Span(), "undefined or undeclared variable: $%s", x.Name).
			WithHint("assign it before it is used, in this block or one around it")
		return types.InvalidType()
	}
	c.in.vars[x] = v
	return v.Type
}

// Param is the text of a positional parameter, and whether it was given.
func (e Env) Param(n int) (string, bool) {
	if n < 1 || n > len(e.Params) {
		return "", false
	}
	return e.Params[n-1], true
}

func (c *checker) param(x *ast.Param) *types.Type {
	text, given := c.env.Param(x.N)
	if !given {
		return types.Literal(0)
	}
	if n, ok := paramNumber(text); ok {
		if n < 0 && !strings.HasPrefix(text, "0") {
			return types.SignedLiteral(n)
		}
		return types.Literal(uint64(n))
	}
	return stringLiteral(text)
}

func paramNumber(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseUint(text, 0, 64)
	return int64(n), err == nil
}

func (c *checker) field(x *ast.Field) *types.Type {
	t := c.expr(x.X)
	if t.Kind == types.Pointer {
		t = t.Pointee()
		if t.Kind == types.Struct && t.C.(*ctypes.Struct).Fields == nil {
			t = c.complete(t)
		}
	}
	switch t.Kind {
	case types.Invalid:
		return t
	case types.Record:
		f, ok := t.Field(x.Name.Text)
		if !ok {
			c.errorf("unknown-field", x.Name.At, "record does not contain a field named %q", x.Name.Text).
				WithHint("fields are %s", recordFields(t))
			return types.InvalidType()
		}
		return f.Type
	case types.Struct:
		return c.structField(x, t)
	}
	c.errorf("bt-type", x.Span(), "can not access field %q on expression of type '%s'", x.Name.Text, t)
	return types.InvalidType()
}

// complete looks a forward-declared struct up by its name.
func (c *checker) complete(t *types.Type) *types.Type {
	s := t.C.(*ctypes.Struct)
	kw := "struct "
	if s.Union {
		kw = "union "
	}
	full, err := c.env.Resolver.Type(kw + s.Name)
	if err != nil {
		return t
	}
	return types.FromC(full, t.Space)
}

func recordFields(t *types.Type) string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func (c *checker) structField(x *ast.Field, t *types.Type) *types.Type {
	s := t.C.(*ctypes.Struct)
	f, _, ok := s.Lookup(x.Name.Text)
	if !ok {
		c.unknownField(x, s, t.Ctx)
		return types.InvalidType()
	}
	space := t.Space
	if f.DataLoc || f.RelLoc {
		return c.dataLoc(f)
	}
	ft := *types.FromC(f.Type, space)
	ft.Ctx = t.Ctx && ft.Kind != types.Pointer
	if ft.Kind == types.Pointer && t.Ctx && c.in.Points[0].Category == "syscalls" {
		ft = *types.PointerTo(ft.Pointee(), types.User)
		ft.Elem = types.FromC(pointee(f.Type), types.User)
	}
	return &ft
}

func pointee(t ctypes.Type) ctypes.Type {
	if p, ok := ctypes.Strip(t).(*ctypes.Pointer); ok {
		return p.Elem
	}
	return &ctypes.Void{}
}

// dataLoc is the type of a tracepoint field whose data lies at the end of the
// record: a string when it holds characters, else its address.
func (c *checker) dataLoc(f ctypes.Field) *types.Type {
	t := types.FromC(f.Type, types.Kernel)
	if t.Kind == types.String {
		return &types.Type{Kind: types.String, Size: c.prog.Config.MaxStrlen + 1, Space: types.Kernel, Ctx: true}
	}
	elem := t
	if t.Kind == types.Array {
		elem = t.Elem
	}
	return types.PointerTo(elem, types.Kernel)
}

func (c *checker) unknownField(x *ast.Field, s *ctypes.Struct, ctx bool) {
	var names []string
	for _, f := range s.Fields {
		if f.Name != "" {
			names = append(names, f.Name)
		}
	}
	what := "struct " + s.Name
	if ctx {
		what = c.in.Points[0].Name
	}
	d := c.errorf("unknown-field", x.Name.At, "%s has no field named %q", what, x.Name.Text)
	hint := "its fields are " + strings.Join(names, ", ")
	if near := probe.Nearest(x.Name.Text, names, 1); len(near) > 0 {
		hint = "did you mean " + near[0] + "? " + hint
	}
	d.WithHint("%s", hint)
}

func (c *checker) tupleField(x *ast.TupleField) *types.Type {
	t := c.expr(x.X)
	if t.Kind == types.Invalid {
		return t
	}
	if t.Kind != types.Tuple {
		c.errorf("bt-type", x.Span(), "can not access index %d on expression of type '%s'", x.Index, t)
		return types.InvalidType()
	}
	if x.Index >= len(t.Fields) {
		c.errorf("bt-type", x.IdxAt, "invalid tuple index: %d, the tuple has %d elements", x.Index, len(t.Fields))
		return types.InvalidType()
	}
	return t.Fields[x.Index].Type
}

func (c *checker) index(x *ast.Index) *types.Type {
	t := c.expr(x.X)
	i := c.expr(x.Index)
	if t.Kind == types.Invalid || i.Kind == types.Invalid {
		return types.InvalidType()
	}
	if i.Kind != types.Int {
		c.errorf("bt-type", x.Index.Span(), "an index must be an integer, not '%s'", i)
		return types.InvalidType()
	}
	n, isConst := c.constant(x.Index)
	switch t.Kind {
	case types.Tuple:
		if !isConst || n < 0 || n >= int64(len(t.Fields)) {
			c.errorf("bt-type", x.Index.Span(), "a tuple of %d elements takes a literal index from 0 to %d", len(t.Fields), len(t.Fields)-1)
			return types.InvalidType()
		}
		return t.Fields[n].Type
	case types.String:
		if isConst && (n < 0 || n >= int64(t.Size)) {
			c.errorf("bt-type", x.Index.Span(), "the index %d is out of bounds for a string of %d bytes", n, t.Size)
			return types.InvalidType()
		}
		e := *types.IntOf(1, true)
		e.Space, e.Ctx = t.Space, t.Ctx
		return &e
	case types.Array:
		if isConst && t.Len > 0 && (n < 0 || n >= int64(t.Len)) {
			c.errorf("bt-type", x.Index.Span(), "the index %d is out of bounds for an array of %d elements", n, t.Len)
			return types.InvalidType()
		}
		e := *t.Elem
		e.Space, e.Ctx = t.Space, t.Ctx && t.Elem.Kind != types.Pointer
		return &e
	case types.Pointer:
		p := t.Pointee()
		if p.Size == 0 {
			c.errorf("bt-type", x.Span(), "can not index a pointer to '%s', whose size is unknown", p)
			return types.InvalidType()
		}
		return p
	}
	c.errorf("bt-type", x.Span(), "the array index operator [] can only be used on arrays, pointers, and tuples, found %s.", t)
	return types.InvalidType()
}

func (c *checker) ternary(x *ast.Ternary) *types.Type {
	cond := c.condition(x.Cond)
	then := cond
	if x.Then != nil {
		then = c.expr(x.Then)
	}
	els := c.expr(x.Else)
	return c.join(then, els, x)
}

// join is the type of an expression that has one of two values.
func (c *checker) join(a, b *types.Type, at ast.Expr) *types.Type {
	if a.Kind == types.Invalid || b.Kind == types.Invalid {
		return types.InvalidType()
	}
	t, ok := types.Promote(a, b)
	if !ok || t.IsAggregate() {
		c.errorf("bt-type", at.Span(), "both sides must have the same type: have '%s' and '%s'", a, b)
		return types.InvalidType()
	}
	return t
}

func (c *checker) blockExpr(b *ast.Block) *types.Type {
	c.push()
	defer c.pop()
	for _, s := range b.Stmts {
		c.stmt(s)
	}
	if b.Value == nil {
		return types.VoidType()
	}
	return c.expr(b.Value)
}

func (c *checker) ifExpr(x *ast.IfExpr) *types.Type {
	c.condition(x.Cond)
	then := c.blockExpr(x.Then)
	if x.Else == nil {
		c.errorf("bt-type", x.Span(), "an if that is used for its value needs an else")
		return types.InvalidType()
	}
	return c.join(then, c.expr(x.Else), x)
}

func (c *checker) tuple(x *ast.Tuple) *types.Type {
	elems := make([]*types.Type, len(x.Elems))
	for i, e := range x.Elems {
		if elems[i] = c.element1(e); elems[i] == nil {
			return types.InvalidType()
		}
	}
	return types.TupleOf(elems...)
}

// element1 is the type of a part of a tuple or record, or nil.
func (c *checker) element1(e ast.Expr) *types.Type {
	t := c.expr(e)
	if t.CastsToInt() {
		return types.IntOf(8, t.Signed)
	}
	if t.Kind == types.Invalid {
		return nil
	}
	if t.IsAggregate() || t.Kind == types.Void {
		c.errorf("bt-type", e.Span(), "a value of type '%s' can't be part of a tuple", t)
		return nil
	}
	return t
}

func (c *checker) record(x *ast.Record) *types.Type {
	fields := make([]types.Field, len(x.Fields))
	for i, f := range x.Fields {
		t := c.element1(f.Value)
		if t == nil {
			return types.InvalidType()
		}
		fields[i] = types.Field{Name: f.Name.Text, Type: t}
	}
	return types.RecordOf(fields...)
}

func (c *checker) sizeof(x *ast.Sizeof) *types.Type {
	var t *types.Type
	if x.X != nil {
		t = c.expr(x.X)
	} else {
		t = c.typeExpr(x.Type)
	}
	c.in.sizes[x] = t.Size
	return types.Uint64()
}

// constant evaluates what is known without running the script: literals,
// parameters and arithmetic on them.
func (c *checker) constant(e ast.Expr) (int64, bool) { return constant(e, c.env) }

// Constant evaluates an expression that is known without running the script.
func (e Env) Constant(x ast.Expr) (int64, bool) { return constant(x, e) }

func constant(e ast.Expr, env Env) (int64, bool) {
	switch x := e.(type) {
	case *ast.IntLit:
		return int64(x.Value), true
	case *ast.BoolLit:
		if x.Value {
			return 1, true
		}
		return 0, true
	case *ast.ParamCount:
		return int64(len(env.Params)), true
	case *ast.Param:
		text, given := env.Param(x.N)
		if !given {
			return 0, true
		}
		return paramNumber(text)
	case *ast.Unary:
		n, ok := constant(x.X, env)
		switch x.Op {
		case ast.Neg:
			return -n, ok
		case ast.BitNot:
			return ^n, ok
		}
	case *ast.Binary:
		a, ok := constant(x.X, env)
		b, ok2 := constant(x.Y, env)
		if ok && ok2 {
			return fold(x.Op, a, b)
		}
	}
	return 0, false
}

func fold(op ast.BinaryOp, a, b int64) (int64, bool) {
	switch op {
	case ast.Add:
		return a + b, true
	case ast.Sub:
		return a - b, true
	case ast.Mul:
		return a * b, true
	case ast.Div:
		if b != 0 {
			return a / b, true
		}
	case ast.Mod:
		if b != 0 {
			return a % b, true
		}
	case ast.Shl:
		return a << (uint64(b) & 63), true
	case ast.Shr:
		return a >> (uint64(b) & 63), true
	case ast.BitAnd:
		return a & b, true
	case ast.BitOr:
		return a | b, true
	case ast.BitXor:
		return a ^ b, true
	}
	return 0, false
}

// condition types an expression that is used as true or false.
func (c *checker) condition(e ast.Expr) *types.Type {
	t := c.expr(e)
	switch {
	case t.Kind == types.Invalid, t.IsScalar(), t.CastsToInt():
	default:
		c.errorf("bt-type", e.Span(), "a condition must be an integer, a boolean or a pointer, not '%s'", t)
	}
	return t
}

// isKind reports whether one of the instance's points is of the kind.
func (in *Instance) isKind(k plan.ProbeKind) bool { return in.Points[0].Kind == k }
