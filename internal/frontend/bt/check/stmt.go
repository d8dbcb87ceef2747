package check

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
)

func (c *checker) block(b *ast.Block) {
	c.push()
	defer c.pop()
	for _, s := range b.Stmts {
		c.stmt(s)
	}
}

func (c *checker) stmt(s ast.Stmt) {
	switch x := s.(type) {
	case *ast.ExprStmt:
		c.expr(x.X)
	case *ast.Discard:
		c.expr(x.X)
	case *ast.Assign:
		c.assign(x)
	case *ast.VarDecl:
		c.varDecl(x)
	case *ast.If:
		c.condition(x.Cond)
		c.block(x.Then)
		if x.Else != nil {
			c.stmt(x.Else)
		}
	case *ast.Block:
		c.block(x)
	case *ast.Unroll:
		c.unroll(x)
	case *ast.Return:
		if x.X != nil {
			if t := c.expr(x.X); t.Kind != types.Invalid && t.Kind != types.Int && t.Kind != types.Bool {
				c.errorf("bt-type", x.X.Span(), "a probe returns an integer, not '%s'", t)
			}
		}
	case *ast.Break, *ast.Continue:
		if c.loops == 0 {
			c.errorf("bt-syntax", s.Span(), "break and continue need a loop around them")
		}
	case *ast.While:
		c.unsupportedStmt(s, "while")
	case *ast.For:
		c.unsupportedStmt(s, "for")
	case *ast.Import:
		c.unsupportedStmt(s, "import")
	}
}

func (c *checker) unsupportedStmt(s ast.Stmt, what string) {
	c.errorf("unsupported", s.Span(), "%s is not supported by this version of skep", what)
}

func (c *checker) unroll(x *ast.Unroll) {
	c.expr(x.Count)
	n, ok := c.constant(x.Count)
	if !ok || n < 1 || n > maxUnroll {
		c.errorf("bt-type", x.Count.Span(), "unroll takes a constant from 1 to %d", maxUnroll)
		n = 1
	}
	outer := c.copies
	c.copies *= int(n)
	if c.copies > maxUnroll {
		c.errorf("bt-type", x.Count.Span(), "nested unrolls repeat their body %d times, more than %d", c.copies, maxUnroll)
		c.copies = outer
	}
	c.loops++
	c.block(x.Body)
	c.loops--
	c.copies = outer
}

// maxUnroll bounds how often a statement is repeated, so that programs stay
// within what the verifier looks at.
const maxUnroll = 1000

func (c *checker) varDecl(x *ast.VarDecl) {
	if c.lookup(x.Var.Name) != nil {
		c.errorf("bt-undefined", x.Var.Span(), "variable $%s was already declared in this block or one around it", x.Var.Name)
	}
	var value *types.Type
	if x.Value != nil {
		value = c.expr(x.Value)
	}
	v := c.declare(x.Var.Name, x)
	c.in.vars[x.Var] = v
	if x.Type != nil {
		if t := c.typeExpr(x.Type); t.Kind != types.Invalid && !v.Fixed {
			v.Type, v.Fixed, c.change = t, true, true
		}
		c.fits(x.Value, v)
	}
	if value != nil {
		c.widen(v, value, x.Span())
	}
	c.in.types[x.Var] = v.Type
}

// fits refuses an integer literal that the declared type can't hold.
func (c *checker) fits(value ast.Expr, v *Variable) {
	if value == nil || v.Type.Kind != types.Int {
		return
	}
	n, ok := c.constant(value)
	if !ok || v.Type.Size == 8 && (v.Type.Signed || n >= 0) {
		return
	}
	bits := v.Type.Size * 8
	low, high := int64(0), int64(1)<<bits-1
	if v.Type.Signed {
		low, high = -1<<(bits-1), 1<<(bits-1)-1
	}
	if n < low || n > high && bits < 64 || bits == 64 && n < 0 {
		c.errorf("bt-type", value.Span(), "the value %d does not fit into %s", n, v.Type).
			WithHint("cast it: (%s)%d", v.Type, n)
	}
}

func (c *checker) assign(x *ast.Assign) {
	switch target := x.Target.(type) {
	case *ast.Var:
		c.assignVar(x, target)
	case *ast.MapRef:
		c.assignMap(x, target)
	default:
		c.errorf("bt-type", x.Target.Span(), "only variables and maps can be assigned to")
	}
}

func (c *checker) assignVar(x *ast.Assign, target *ast.Var) {
	value := c.expr(x.Value)
	v := c.lookup(target.Name)
	if v == nil {
		if x.Op != ast.NoOp {
			c.varUse(target)
			return
		}
		v = c.declare(target.Name, x)
	}
	c.in.vars[target] = v
	if x.Op != ast.NoOp {
		value = c.binaryType(x.Op, v.Type, value, x)
	}
	if v.Fixed && x.Op == ast.NoOp {
		c.fits(x.Value, v)
	}
	if v.Fixed && v.Type.Kind == types.Int && value.Kind == types.Int {
		c.in.types[target] = v.Type
		return
	}
	c.widen(v, value, x.Span())
	c.in.types[target] = v.Type
}

func (c *checker) assignMap(x *ast.Assign, target *ast.MapRef) {
	if call, ok := x.Value.(*ast.Call); ok {
		if agg, ok := aggregates[call.Func.Text]; ok {
			if x.Op != ast.NoOp {
				c.errorf("bt-type", x.OpSpan, "%s() can only be assigned with =", call.Func.Text)
				return
			}
			c.aggregate(c.element(target), call, agg)
			return
		}
	}
	value := c.expr(x.Value)
	m := c.element(target)
	if x.Op != ast.NoOp {
		cur := m.Value
		if cur.Kind == types.Invalid {
			cur = types.Int64() // a map starts at zero
			if value.Kind == types.Int {
				cur = types.IntOf(8, value.Signed)
			}
		}
		value = c.binaryType(x.Op, cur, value, x)
	}
	c.setValue(m, value, x.Span())
	c.in.types[target] = m.Value
}

// aggregateFact describes a function that is assigned to a map.
type aggregateFact struct {
	kind     types.Kind
	agg      plan.Aggregate
	min, max int // arguments
}

var aggregates = map[string]aggregateFact{
	"count": {types.Count, plan.Count, 0, 0},
	"sum":   {types.Sum, plan.Sum, 1, 1},
	"min":   {types.Min, plan.Min, 1, 1},
	"max":   {types.Max, plan.Max, 1, 1},
	"avg":   {types.Avg, plan.Avg, 1, 1},
	"stats": {types.Stats, plan.Stats, 1, 1},
	"hist":  {types.Hist, plan.Hist, 1, 2},
	"lhist": {types.Lhist, plan.Lhist, 4, 4},
}

// aggregate types `@m = count()` and its like.
func (c *checker) aggregate(m *Map, call *ast.Call, f aggregateFact) {
	m.assigned = true
	for _, a := range call.Args {
		c.expr(a)
	}
	if !c.arity(call, f.min, f.max) {
		return
	}
	signed := false
	if f.min > 0 {
		t := c.in.types[call.Args[0]]
		if t.CastsToInt() {
			t = types.IntOf(8, t.Signed)
		}
		if t.Kind == types.Invalid {
			return
		}
		if t.Kind != types.Int && t.Kind != types.Bool {
			c.errorf("bt-type", call.Args[0].Span(), "%s() only supports integer arguments (%s provided)", call.Func.Text, t)
			return
		}
		signed = t.Signed
	}
	t := &types.Type{Kind: f.kind, Size: 8, Signed: signed}
	c.in.types[call] = t
	if m.Value.Kind != types.Invalid && m.Value.Kind != f.kind {
		c.errorf("bt-type", call.Span(), "type mismatch for %s: trying to assign value of type '%s' when map already has a type '%s'", m.Name, t, m.Value)
		return
	}
	n, _ := types.Promote(m.Value, t)
	if m.Value.Kind == types.Invalid {
		n = t
	}
	if !n.Equal(m.Value) {
		m.Value, c.change = n, true
	}
	m.Agg = f.agg
	c.histArgs(m, call)
}

// histArgs reads the constant arguments of hist and lhist.
func (c *checker) histArgs(m *Map, call *ast.Call) {
	consts := make([]int64, 0, 3)
	for i, a := range call.Args {
		if i == 0 {
			continue
		}
		n, ok := c.constant(a)
		if !ok {
			c.errorf("bt-args", a.Span(), "%s() takes literal numbers after its first argument", call.Func.Text)
			return
		}
		consts = append(consts, n)
	}
	switch m.Agg {
	case plan.Hist:
		bits := 0
		if len(consts) == 1 {
			bits = int(consts[0])
		}
		if bits < 0 || bits > 5 {
			c.errorf("bt-args", call.Args[1].Span(), "hist() takes 0 to 5 bits, not %d", bits)
			return
		}
		if m.Bits != bits && m.Bits != 0 {
			c.errorf("bt-args", call.Span(), "%s has different bits in its calls of hist()", m.Name)
		}
		m.Bits = bits
	case plan.Lhist:
		c.lhistArgs(m, call, consts)
	}
}

// maxLhistBuckets bounds a linear histogram, as bpftrace does.
const maxLhistBuckets = 1000

func (c *checker) lhistArgs(m *Map, call *ast.Call, v []int64) {
	lo, hi, step := v[0], v[1], v[2]
	switch {
	case step <= 0:
		c.errorf("bt-args", call.Args[3].Span(), "lhist() step must be >= 1 (%d provided)", step)
		return
	case lo < 0:
		c.errorf("bt-args", call.Args[1].Span(), "lhist() min must be non-negative (provided min %d)", lo)
		return
	case lo > hi:
		c.errorf("bt-args", call.Args[1].Span(), "lhist() min must be less than max (provided min %d and max %d)", lo, hi)
		return
	case hi-lo < step:
		c.errorf("bt-args", call.Args[3].Span(), "lhist() step is too large for the given range (provided step %d for range %d)", step, hi-lo)
		return
	case (hi-lo)/step > maxLhistBuckets:
		c.errorf("bt-args", call.Args[3].Span(), "lhist() too many buckets, must be <= %d (would need %d)", maxLhistBuckets, (hi-lo)/step)
		return
	}
	if m.Step != 0 && (m.Min != lo || m.Max != hi || m.Step != step) {
		c.errorf("bt-args", call.Span(), "%s has different bounds in its calls of lhist()", m.Name)
	}
	m.Min, m.Max, m.Step = lo, hi, step
}
