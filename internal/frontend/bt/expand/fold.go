package expand

import (
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// folder replaces parameters by what was given for them, and expressions of
// literals by their values.
type folder struct {
	opts   Options
	diags  *diag.List
	named  namedParams
	warned map[int]bool // positional parameters
	// subprogs are the names of the script's own functions.
	subprogs map[string]bool
	// unsure counts the branches around the code at hand of which only check
	// can say whether they are left out. What is wrong there is no error yet.
	unsure int
	r      ast.Rewriter
}

func newFolder(o Options, diags *diag.List) *folder {
	f := &folder{opts: o, diags: diags, warned: map[int]bool{}, subprogs: map[string]bool{}}
	f.named.read(o.Named)
	f.r = ast.Rewriter{Expr: f.expr, Stmt: f.stmt, Type: f.typ}
	return f
}

func (f *folder) program(p *ast.Program) {
	for _, s := range p.Subprogs {
		f.subprogs[s.Name.Text] = true
	}
	f.r.Children(p)
}

// finish reports named parameters that the script doesn't know, and returns
// those that it does.
func (f *folder) finish() []NamedParam { return f.named.finish(f.diags) }

func (f *folder) problem(at source.Span, what string) {
	if f.unsure == 0 {
		f.diags.Errorf(Constant, at, "%s", what)
	}
}

func (f *folder) typ(t ast.TypeExpr) ast.TypeExpr {
	f.r.Children(t)
	return t
}

func (f *folder) stmt(s ast.Stmt) []ast.Stmt {
	switch s := s.(type) {
	case *ast.If:
		return f.ifStmt(s)
	case *ast.ExprStmt:
		f.r.Children(s)
		st := asStmt(s)
		return shortenBlock(st)
	}
	f.r.Children(s)
	unwrapOperands(s)
	return shortenBlock(s)
}

// shortenBlock removes blocks that hold nothing, or no more than a block.
func shortenBlock(s ast.Stmt) []ast.Stmt {
	b, ok := s.(*ast.Block)
	switch {
	case !ok:
	case len(b.Stmts) == 0:
		return nil
	case len(b.Stmts) == 1:
		if inner, ok := b.Stmts[0].(*ast.Block); ok {
			return []ast.Stmt{inner}
		}
	}
	return []ast.Stmt{s}
}

// ifStmt folds an if. One whose condition is decided when the program is
// compiled leaves the branch that it takes, and the other is not looked at.
func (f *folder) ifStmt(s *ast.If) []ast.Stmt {
	truth, decided, open := f.condition(&s.Cond)
	if !decided {
		f.branches(open, s, &s.Cond)
		return []ast.Stmt{s}
	}
	taken := s.Else
	if truth {
		taken = s.Then
	}
	switch t := taken.(type) {
	case nil:
		return nil
	case *ast.If:
		return f.ifStmt(t)
	}
	f.r.Children(taken)
	return shortenBlock(taken)
}

// condition folds the condition of an if. Decided means that it is comptime
// and known; open, that it is comptime and has to wait for check.
func (f *folder) condition(cond *ast.Expr) (truth, decided, open bool) {
	if c, ok := (*cond).(*ast.Comptime); ok {
		*cond = f.expr(c)
		truth, decided = Truth(*cond)
		return truth, decided, !decided
	}
	*cond = f.expr(*cond)
	if truth, ok := Truth(*cond); ok {
		*cond = boolLit(truth, ast.Place{At: (*cond).Span()})
	}
	return false, false, false
}

// branches folds what is below an if but its condition.
func (f *folder) branches(open bool, n ast.Node, cond *ast.Expr) {
	if open {
		f.unsure++
		defer func() { f.unsure-- }()
	}
	folded := *cond
	*cond = nil // it has been folded, and may say so only once
	f.r.Children(n)
	*cond = folded
}

func (f *folder) expr(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.Param:
		return f.param(x)
	case *ast.ParamCount:
		return intLit(uint64(len(f.opts.Params)), x.Place)
	case *ast.Ident:
		x.Name = nativeName(x.Name)
		return x
	case *ast.Call:
		return f.call(x)
	case *ast.Ternary:
		return f.ternary(x)
	case *ast.IfExpr:
		return f.ifExpr(x)
	case *ast.Comptime:
		return f.comptime(x)
	case *ast.BlockExpr:
		f.r.Children(x)
		settleValue(x.Block)
		return shortenValue(x)
	case *ast.Unary:
		f.r.Children(x)
		unwrapOperands(x)
		return f.result(x, func() (ast.Expr, string) { return unary(x.Op, x.X, x.Place) })
	case *ast.Binary:
		f.r.Children(x)
		unwrapOperands(x)
		return f.result(x, func() (ast.Expr, string) {
			f.warnEmpty(x)
			return binary(x.Op, x.X, x.Y, x.Place)
		})
	case *ast.Field, *ast.TupleField, *ast.Index:
		f.r.Children(x)
		unwrapOperands(x)
		if p := part(x); p != nil {
			return p
		}
		return x
	}
	f.r.Children(x)
	unwrapOperands(x)
	return x
}

// shortenValue removes the block around a value that needs none.
func shortenValue(x *ast.BlockExpr) ast.Expr {
	if len(x.Block.Stmts) > 0 || x.Block.Value == nil {
		return x
	}
	switch v := x.Block.Value.(type) {
	case *ast.Var, *ast.BlockExpr, *ast.Tuple, *ast.Record:
		return v
	default:
		if IsLiteral(v) {
			return v
		}
	}
	return x
}

// result is what an operator makes of its operands, or the expression itself.
func (f *folder) result(x ast.Expr, op func() (ast.Expr, string)) ast.Expr {
	if IsLiteral(x) {
		return x
	}
	lit, problem := op()
	if problem != "" {
		f.problem(x.Span(), problem)
	}
	if lit == nil {
		return x
	}
	return lit
}

// warnEmpty warns of a number that drops all characters of a string.
func (f *folder) warnEmpty(x *ast.Binary) {
	s, ok := x.X.(*ast.StrLit)
	n, isInt := x.Y.(*ast.IntLit)
	if ok && isInt && x.Op == ast.Add && n.Value >= uint64(len(s.Value)) && f.unsure == 0 {
		f.diags.Warnf(Constant, x.Span(), "this string is always empty: it has %d characters, and %d are left out", len(s.Value), n.Value)
	}
}

func (f *folder) comptime(x *ast.Comptime) ast.Expr {
	x.X = f.expr(x.X)
	if IsLiteral(x.X) {
		return x.X
	}
	if inner, ok := x.X.(*ast.Comptime); ok {
		return inner
	}
	return x
}

// ternary folds a ?:. It is replaced when all of it is known, or when its
// condition is comptime and known.
func (f *folder) ternary(x *ast.Ternary) ast.Expr {
	_, comptime := x.Cond.(*ast.Comptime)
	value := x.Cond
	truth, decided, open := f.condition(&x.Cond)
	if x.Then == nil {
		value = x.Cond
	}
	if decided {
		switch {
		case truth && x.Then == nil:
			return value
		case truth:
			return f.expr(x.Then)
		}
		return f.expr(x.Else)
	}
	f.branches(open, x, &x.Cond)
	unwrapOperands(x)
	b, ok := x.Cond.(*ast.BoolLit)
	if !ok || comptime || !IsLiteral(x.Else) || x.Then != nil && !IsLiteral(x.Then) {
		return x
	}
	switch {
	case !b.Value:
		return x.Else
	case x.Then != nil:
		return x.Then
	}
	return value
}

// ifExpr folds an if that is used for its value.
func (f *folder) ifExpr(x *ast.IfExpr) ast.Expr {
	truth, decided, open := f.condition(&x.Cond)
	if decided {
		switch {
		case truth:
			return f.expr(&ast.BlockExpr{Place: x.Then.Place, Block: x.Then})
		case x.Else != nil:
			return f.expr(x.Else)
		}
		return &ast.BlockExpr{Place: x.Place, Block: &ast.Block{Place: x.Place}}
	}
	f.branches(open, x, &x.Cond)
	settleValue(x.Then)
	c, ok := x.Cond.(*ast.BoolLit)
	if !ok || x.Else == nil {
		return x
	}
	then := simplify(&ast.BlockExpr{Place: x.Then.Place, Block: x.Then})
	els := simplify(x.Else)
	if !IsLiteral(then) || !IsLiteral(els) {
		return x
	}
	if c.Value {
		return then
	}
	return els
}

func (f *folder) call(x *ast.Call) ast.Expr {
	switch {
	case x.Func.Text == "str" && len(x.Args) > 0:
		return f.str(x)
	case x.Func.Text == "getopt":
		f.r.Children(x)
		return f.named.getopt(x, f.diags)
	}
	f.r.Children(x)
	if isLiteralCall(x) {
		return boolLit(IsLiteral(x.Args[0]), x.Place)
	}
	x.Func.Text = nativeName(x.Func.Text)
	if e, ok := entry(x.Func.Text); ok && e.Word && len(x.Args) == 0 && !f.subprogs[x.Func.Text] {
		return &ast.Ident{Place: x.Place, Name: x.Func.Text} // pid() is pid
	}
	return x
}

// str folds the str() of a literal. A positional parameter directly below it,
// or with a number added, is a string whatever it looks like.
func (f *folder) str(x *ast.Call) ast.Expr {
	switch a := x.Args[0].(type) {
	case *ast.Param:
		x.Args[0] = f.paramString(a)
	case *ast.Binary:
		if p, ok := a.X.(*ast.Param); ok && a.Op == ast.Add {
			a.X = f.paramString(p)
		}
	}
	f.r.Children(x)
	var text string
	switch a := x.Args[0].(type) {
	case *ast.StrLit:
		text = a.Value
	case *ast.IntLit:
		text = intText(number{a.Value, false})
	default:
		n, ok := numberOf(a)
		if !ok {
			return x
		}
		text = intText(n)
	}
	switch len(x.Args) {
	case 1:
	case 2:
		n, ok := x.Args[1].(*ast.IntLit)
		if !ok {
			return x
		}
		text = text[:min(n.Value, uint64(len(text)))]
	default:
		return x
	}
	return &ast.StrLit{Place: x.Place, Value: text}
}

// nativeName is the name by which check knows a builtin that the library wraps
// elsewhere: __builtin_cpu is cpu.
func nativeName(name string) string {
	if short, ok := strings.CutPrefix(name, "__builtin_"); ok && isNative(short) {
		return short
	}
	return name
}
