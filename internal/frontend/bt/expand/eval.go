package expand

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// Eval evaluates an expression that is to be known when the program is
// compiled, without changing it. Known is asked first for every part of it
// and returns the literal that stands for one it knows, or nil: it is where
// types come in (typeinfo, probetype, ...). It may be nil itself.
//
// The result is nil when the value is not known; then problem says what is
// wrong with the expression, if anything is.
func Eval(x ast.Expr, known func(ast.Expr) ast.Expr) (result ast.Expr, problem string) {
	v := &evaluator{known: known}
	return v.eval(x), v.problem
}

type evaluator struct {
	known   func(ast.Expr) ast.Expr
	problem string
}

func (v *evaluator) eval(x ast.Expr) ast.Expr {
	if v.known != nil {
		if lit := v.known(x); lit != nil {
			return lit
		}
	}
	if IsLiteral(x) {
		return x
	}
	at := ast.Place{At: x.Span()}
	switch x := x.(type) {
	case *ast.Unary:
		if a := v.eval(x.X); a != nil && !x.Op.IsIncDec() {
			return v.result(unary(x.Op, a, at))
		}
	case *ast.Binary:
		if a, b := v.eval(x.X), v.eval(x.Y); a != nil && b != nil {
			return v.result(binary(x.Op, a, b, at))
		}
	case *ast.Ternary:
		return v.choice(x.Cond, x.Then, x.Else)
	case *ast.IfExpr:
		return v.choice(x.Cond, &ast.BlockExpr{Place: x.Then.Place, Block: x.Then}, x.Else)
	case *ast.BlockExpr:
		if len(x.Block.Stmts) == 0 && x.Block.Value != nil {
			return v.eval(x.Block.Value)
		}
	case *ast.Comptime:
		return v.eval(x.X)
	case *ast.Tuple, *ast.Record:
		return v.group(x)
	case *ast.Field, *ast.TupleField, *ast.Index:
		return v.access(x)
	case *ast.Call:
		if isLiteralCall(x) {
			return boolLit(v.eval(x.Args[0]) != nil, at)
		}
	}
	return nil
}

func (v *evaluator) result(x ast.Expr, problem string) ast.Expr {
	if v.problem == "" {
		v.problem = problem
	}
	return x
}

// choice evaluates the one of two expressions that the condition chooses.
// Then is nil where the condition's own value takes its place.
func (v *evaluator) choice(cond, then, els ast.Expr) ast.Expr {
	c := v.eval(cond)
	if c == nil {
		return nil
	}
	truth, ok := Truth(c)
	switch {
	case !ok:
		return nil
	case truth && then == nil:
		return c
	case truth:
		return v.eval(then)
	case els == nil:
		return nil
	}
	return v.eval(els)
}

func (v *evaluator) group(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.Tuple:
		t := &ast.Tuple{Place: x.Place}
		for _, e := range x.Elems {
			lit := v.eval(e)
			if lit == nil {
				return nil
			}
			t.Elems = append(t.Elems, lit)
		}
		return t
	case *ast.Record:
		r := &ast.Record{Place: x.Place}
		for _, f := range x.Fields {
			lit := v.eval(f.Value)
			if lit == nil {
				return nil
			}
			r.Fields = append(r.Fields, &ast.RecordField{Place: f.Place, Name: f.Name, Value: lit})
		}
		return r
	}
	return nil
}

func (v *evaluator) access(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.Field:
		return part(&ast.Field{Place: x.Place, X: v.eval(x.X), Name: x.Name})
	case *ast.TupleField:
		return part(&ast.TupleField{Place: x.Place, X: v.eval(x.X), Index: x.Index})
	case *ast.Index:
		if a, i := v.eval(x.X), v.eval(x.Index); a != nil && i != nil {
			return part(&ast.Index{Place: x.Place, X: a, Index: i})
		}
	}
	return nil
}

// part is the part of a literal that an access names: the field of a record,
// the element of a tuple, the character of a string; nil when there is none.
func part(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.Field:
		if r, ok := x.X.(*ast.Record); ok && IsLiteral(r) {
			return fieldOf(r, x.Name.Text)
		}
	case *ast.TupleField:
		if t, ok := x.X.(*ast.Tuple); ok && IsLiteral(t) && x.Index < len(t.Elems) {
			return t.Elems[x.Index]
		}
	case *ast.Index:
		s, ok := x.X.(*ast.StrLit)
		i, isInt := numberOf(x.Index)
		if !ok || !isInt || i.v > uint64(len(s.Value)) {
			return nil
		}
		c := byte(0) // behind the last character
		if i.v < uint64(len(s.Value)) {
			c = s.Value[i.v]
		}
		if c < 0x80 { // characters are signed when the program runs
			return intLit(uint64(c), x.Place)
		}
	}
	return nil
}

// isLiteralCall reports whether a call asks if its argument is a literal.
func isLiteralCall(x *ast.Call) bool {
	return x.Func.Text == "__builtin_is_literal" && len(x.Args) == 1
}
