package parse

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// expr parses an expression. It is never nil.
//
// Precedence, from loose to tight: ?: (to the right), the binary operators as
// ast.BinaryOp.Precedence has them (to the left), prefix operators, casts and
// comptime, postfix operators.
func (p *parser) expr() ast.Expr {
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	start := p.tok.start
	return p.ternary(p.binary(p.unary(), start, 1), start)
}

// ternary continues cond, which starts at start, with `? then : else` or
// `?: else`.
func (p *parser) ternary(cond ast.Expr, start int) ast.Expr {
	if !p.accept(tQuestion) {
		return cond
	}
	t := &ast.Ternary{Cond: cond}
	if !p.accept(tColon) {
		t.Then = p.expr()
		p.expect(tColon, "between the two values of '?'")
	}
	t.Else = p.expr()
	t.Place = p.from(start)
	return t
}

// binaryOp returns the operator that a token is.
func binaryOp(k kind) ast.BinaryOp {
	switch k {
	case tOrOr:
		return ast.LogOr
	case tAndAnd:
		return ast.LogAnd
	case tOr:
		return ast.BitOr
	case tXor:
		return ast.BitXor
	case tAnd:
		return ast.BitAnd
	case tEq:
		return ast.Eq
	case tNe:
		return ast.Ne
	case tLt:
		return ast.Lt
	case tGt:
		return ast.Gt
	case tLe:
		return ast.Le
	case tGe:
		return ast.Ge
	case tShl:
		return ast.Shl
	case tShr:
		return ast.Shr
	case tPlus:
		return ast.Add
	case tMinus:
		return ast.Sub
	case tStar:
		return ast.Mul
	case tSlash:
		return ast.Div
	case tPercent:
		return ast.Mod
	}
	return ast.NoOp
}

// binaryOp returns the binary operator that the current token is. A '/'
// before a '{' is none: it ends a predicate.
func (p *parser) binaryOp() ast.BinaryOp {
	if p.tok.kind == tSlash {
		next := p.after(p.tok).kind
		if next == tLBrace || p.inPred && next == tEOF {
			return ast.NoOp
		}
	}
	return binaryOp(p.tok.kind)
}

// binary continues left, which starts at start, with operators of at least
// the given precedence. The start may be before the node's own, at a '('.
func (p *parser) binary(left ast.Expr, start, minPrec int) ast.Expr {
	for n := 0; ; n++ {
		op := p.binaryOp()
		if op == ast.NoOp || op.Precedence() < minPrec {
			return left
		}
		if n == maxChain {
			p.tooDeep("an expression with too many operators")
			return left
		}
		b := &ast.Binary{Op: op, OpSpan: p.spanOf(p.tok), X: left}
		p.next()
		right := p.tok.start
		b.Y = p.binary(p.unary(), right, op.Precedence()+1)
		b.Place = p.from(start)
		left = b
	}
}

// unary = ("++" | "--" | "&" | "*" | "!" | "~" | "-") unary | postfix
func (p *parser) unary() ast.Expr {
	start := p.tok.start
	op, ok := prefixOp(p.tok.kind)
	if !ok {
		return p.postfix(p.primary(), start)
	}
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	u := &ast.Unary{Op: op, OpSpan: p.spanOf(p.tok)}
	p.next()
	switch {
	case op == ast.AddrOf && p.tok.kind == tVar:
		u.X = p.variable()
	case op == ast.AddrOf && p.tok.kind == tMap:
		u.X = p.mapName()
	case op == ast.AddrOf:
		p.expected("a variable or a map after '&'")
		u.X = p.bad()
	default:
		u.X = p.unary()
	}
	if op.IsIncDec() {
		p.checkIncDec(u.X, u.OpSpan)
	}
	u.Place = p.from(start)
	return u
}

func prefixOp(k kind) (ast.UnaryOp, bool) {
	switch k {
	case tMinus:
		return ast.Neg, true
	case tNot:
		return ast.Not, true
	case tTilde:
		return ast.BitNot, true
	case tStar:
		return ast.Deref, true
	case tAnd:
		return ast.AddrOf, true
	case tInc:
		return ast.PreInc, true
	case tDec:
		return ast.PreDec, true
	}
	return 0, false
}

// checkIncDec reports an operand of ++ or -- that can't be assigned to.
func (p *parser) checkIncDec(x ast.Expr, op source.Span) {
	switch x.(type) {
	case *ast.Var, *ast.MapRef:
		return
	}
	p.report(Syntax, op, "'%s' needs a variable or a map", op.Text())
}

// postfix continues x, which starts at start, with field accesses, indexes,
// ++ and --.
func (p *parser) postfix(x ast.Expr, start int) ast.Expr {
	for n := 0; ; n++ {
		if n == maxChain {
			p.tooDeep("an expression with too many accesses")
			return x
		}
		switch p.tok.kind {
		case tDot, tArrow:
			x = p.field(x, start)
		case tLBracket:
			open := p.tok
			p.next()
			i := &ast.Index{X: x, Index: p.expr()}
			p.closing(tRBracket, open, "after the index")
			i.Place = p.from(start)
			x = i
		case tInc, tDec:
			u := &ast.Unary{Op: ast.PostInc, OpSpan: p.spanOf(p.tok), X: x}
			if p.tok.kind == tDec {
				u.Op = ast.PostDec
			}
			p.checkIncDec(x, u.OpSpan)
			p.next()
			u.Place = p.from(start)
			x = u
		default:
			return x
		}
	}
}

// field = ("." | "->") name | "." int
func (p *parser) field(x ast.Expr, start int) ast.Expr {
	arrow := p.tok.kind == tArrow
	p.next()
	if lit, ok := x.(*ast.IntLit); ok && p.tok.kind == tInt && !arrow {
		p.report(Literal, p.span(lit.At.Start, p.tok.end), "there are no floating point numbers")
	}
	if p.tok.kind == tInt && !arrow {
		f := &ast.TupleField{X: x, IdxAt: p.spanOf(p.tok)}
		i := p.intLit()
		if i.Suffix != "" || i.Value >= 1<<31 {
			p.report(Literal, f.IdxAt, "the index of a tuple's element must be a small number")
		} else {
			f.Index = int(i.Value)
		}
		f.Place = p.from(start)
		return f
	}
	f := &ast.Field{X: x, Arrow: arrow}
	what := "the name of a field after '.'"
	if arrow {
		what = "the name of a field after '->'"
	}
	f.Name, _ = p.name(what)
	f.Place = p.from(start)
	return f
}
