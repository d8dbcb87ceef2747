package parse

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// block = "{" {stmt} [expr] "}"
//
// With value, a last expression without a semicolon is the block's value;
// without, it is a statement. The block is never nil.
func (p *parser) block(value bool) *ast.Block {
	b := &ast.Block{}
	open := p.tok
	if !p.enter() || !p.expect(tLBrace, "to begin a block") {
		p.leave()
		b.Place = p.place(open.start, open.start)
		return b
	}
	defer p.leave()
	pred := p.inPred
	p.inPred = false
	for p.tok.kind != tRBrace && p.tok.kind != tEOF && !p.stopped && !p.atTopLevel() {
		start := p.tok.start
		p.stmt(b, value)
		if p.failed {
			p.syncStmt()
		}
		if p.tok.start == start && p.tok.kind != tRBrace && p.tok.kind != tEOF && !p.atTopLevel() {
			p.next()
		}
	}
	p.inPred = pred
	if !p.accept(tRBrace) {
		p.errorf(Syntax, p.spanOf(p.tok), "expected '}' to end the block, found %s", p.found()).
			Note(p.spanOf(open), "this '{' is not closed")
	}
	b.Place = p.from(open.start)
	return b
}

// stmt parses one statement into b.
func (p *parser) stmt(b *ast.Block, value bool) {
	if p.tok.kind == tIdent {
		if s, ok := p.keywordStmt(); ok {
			if s != nil {
				b.Stmts = append(b.Stmts, s)
			}
			return
		}
	}
	if p.tok.kind == tSemi {
		p.warn(p.spanOf(p.tok), "remove the ';'", "a statement that is empty")
		p.next()
		return
	}
	p.exprStmt(b, value)
}

// keywordStmt parses a statement that begins with a keyword. The statement is
// nil when it could not be parsed; ok tells whether there was a keyword.
func (p *parser) keywordStmt() (s ast.Stmt, ok bool) {
	start := p.tok
	switch p.text(start) {
	case "import":
		if imp := p.importPath(); imp != nil {
			return imp, true
		}
		return nil, true
	case "while":
		p.next()
		w := &ast.While{Cond: p.cond("while"), Body: p.block(false)}
		w.Place = p.from(start.start)
		return w, true
	case "unroll":
		p.next()
		u := &ast.Unroll{Count: p.cond("unroll"), Body: p.block(false)}
		u.Place = p.from(start.start)
		return u, true
	case "for":
		return p.forStmt(), true
	case "let":
		return p.varDecl(), true
	case "break", "continue", "return":
		return p.jumpStmt(), true
	case "_":
		if p.after(start).kind != tAssign {
			return nil, false
		}
		p.next()
		p.next()
		d := &ast.Discard{X: p.expr()}
		d.Place = p.from(start.start)
		p.stmtEnd("after the statement")
		return d, true
	}
	return nil, false
}

// jumpStmt = ("break" | "continue" | "return" [expr]) end
func (p *parser) jumpStmt() ast.Stmt {
	start := p.tok
	p.next()
	var s ast.Stmt
	switch p.text(start) {
	case "break":
		s = &ast.Break{Place: p.from(start.start)}
	case "continue":
		s = &ast.Continue{Place: p.from(start.start)}
	default:
		r := &ast.Return{}
		if p.tok.kind != tSemi && p.tok.kind != tRBrace {
			r.X = p.expr()
		}
		r.Place = p.from(start.start)
		s = r
	}
	p.stmtEnd("after the statement")
	return s
}

// stmtEnd consumes the ';' of a statement, which the last one of a block may
// leave out. When it is missing at the end of a line, parsing goes on as if
// it were there.
func (p *parser) stmtEnd(what string) {
	if p.accept(tSemi) || p.tok.kind == tRBrace || p.failed {
		return
	}
	if p.onNewLine() && p.tok.kind != tEOF && !p.atTopLevel() && p.beginsStmt() {
		p.report(Syntax, p.span(p.prevEnd, p.prevEnd), "expected ';' %s", what)
		return
	}
	if p.tok.kind == tEOF || p.atTopLevel() {
		return // the block says that it is not closed
	}
	p.expect(tSemi, what)
}

// beginsStmt reports whether the current token is one with which statements
// usually begin.
func (p *parser) beginsStmt() bool {
	switch p.tok.kind {
	case tIdent, tVar, tMap:
		return true
	}
	return false
}

// cond parses the condition of an if, while or unroll: an expression in
// parentheses, or without them one that has no binary operators outside of
// parentheses.
func (p *parser) cond(keyword string) ast.Expr {
	open := p.tok
	var x ast.Expr
	if p.accept(tLParen) {
		x = p.expr()
		p.closing(tRParen, open, "after the condition of "+keyword)
	} else {
		x = p.unary()
	}
	if p.tok.kind != tLBrace && !p.failed {
		d := p.errorf(Syntax, p.spanOf(p.tok), "expected '{' after the condition of %s, found %s", keyword, p.found())
		if k := p.failTok.kind; binaryOp(k) != ast.NoOp || k == tQuestion {
			d.WithHint("put the whole condition in parentheses")
		} else if k == tAssign {
			d.WithHint("put the condition in parentheses and use '==' to compare")
		} else if p.failTok.kind != tEOF {
			d.WithHint("the body needs braces: %s (...) { ... }", keyword)
		}
	}
	return x
}

// forStmt = "for" ["("] $var ":" (@map | unary ".." unary) [")"] block
func (p *parser) forStmt() ast.Stmt {
	start := p.tok.start
	p.next()
	open := p.tok
	paren := p.accept(tLParen)
	if p.tok.kind != tVar {
		p.expected("a variable").WithHint("loops are written 'for ($kv : @map) {...}' or 'for ($i : 0..10) {...}'")
		return nil
	}
	f := &ast.For{Var: p.variable()}
	if !p.expect(tColon, "after the variable of the loop") {
		return nil
	}
	lowStart := p.tok.start
	low := p.unary()
	m, isMap := low.(*ast.MapRef)
	switch {
	case p.tok.kind == tDotDot:
		p.next()
		f.Range = &ast.Range{Low: low, High: p.unary()}
		f.Range.Place = p.from(lowStart)
	case isMap && m.Keys == nil:
		f.Map = m
	case isMap:
		p.errorf(Syntax, m.At, "a loop goes over a whole map, not over one of its elements")
	default:
		p.expected("'..' and the end of the range")
	}
	if paren {
		p.closing(tRParen, open, "after the range of the loop")
	}
	f.Body = p.block(false)
	f.Place = p.from(start)
	return f
}

// varDecl = "let" $var [":" type] ["=" expr] end
func (p *parser) varDecl() ast.Stmt {
	start := p.tok.start
	p.next()
	if p.tok.kind != tVar {
		d := p.expected("a variable after 'let'")
		if p.failTok.kind == tMap {
			d.WithHint("maps are declared outside of probes")
		} else if p.failTok.kind == tIdent {
			d.WithHint("variables begin with '$'")
		}
		return nil
	}
	v := &ast.VarDecl{Var: p.variable()}
	if p.accept(tColon) {
		v.Type = p.typeAnnotation()
	}
	if p.accept(tAssign) {
		v.Value = p.expr()
	}
	v.Place = p.from(start)
	p.stmtEnd("after the declaration")
	return v
}

// assignOp returns the operator of an assignment token; op is NoOp for "=".
func assignOp(k kind) (op ast.BinaryOp, ok bool) {
	switch k {
	case tAssign:
		return ast.NoOp, true
	case tShlAssign:
		return ast.Shl, true
	case tShrAssign:
		return ast.Shr, true
	case tAddAssign:
		return ast.Add, true
	case tSubAssign:
		return ast.Sub, true
	case tMulAssign:
		return ast.Mul, true
	case tDivAssign:
		return ast.Div, true
	case tModAssign:
		return ast.Mod, true
	case tAndAssign:
		return ast.BitAnd, true
	case tOrAssign:
		return ast.BitOr, true
	case tXorAssign:
		return ast.BitXor, true
	}
	return ast.NoOp, false
}

// exprStmt parses a statement that begins with an expression, or the value of
// the block.
func (p *parser) exprStmt(b *ast.Block, value bool) {
	start := p.tok.start
	var x ast.Expr
	if p.is("if") || p.tok.kind == tLBrace {
		x = p.primary()
		if p.failed {
			return
		}
		if !hasValue(x) || !p.continues() && !(value && p.tok.kind == tRBrace) {
			b.Stmts = append(b.Stmts, toStmt(x))
			p.accept(tSemi)
			return
		}
		x = p.ternary(p.binary(p.postfix(x, start), start, 1), start)
	} else {
		x = p.expr()
	}
	if op, ok := assignOp(p.tok.kind); ok {
		if s := p.assign(x, op, start); s != nil {
			b.Stmts = append(b.Stmts, s)
		}
		return
	}
	if value && p.tok.kind == tRBrace {
		b.Value = x
		return
	}
	if p.failed {
		return
	}
	b.Stmts = append(b.Stmts, toStmt(x))
	p.stmtEnd("after the statement")
}

// continues reports whether the current token continues an expression whose
// first part is a block or an if with a value.
func (p *parser) continues() bool {
	switch p.tok.kind {
	case tQuestion, tDot, tArrow, tLBracket:
		return true
	}
	return p.binaryOp() != ast.NoOp
}

// assign parses the rest of an assignment to x, which starts at start.
func (p *parser) assign(x ast.Expr, op ast.BinaryOp, start int) ast.Stmt {
	a := &ast.Assign{Target: x, Op: op, OpSpan: p.spanOf(p.tok)}
	valid := p.checkTarget(x)
	p.next()
	a.Value = p.expr()
	a.Place = p.from(start)
	p.stmtEnd("after the assignment")
	if !valid {
		return nil
	}
	return a
}

// checkTarget reports what can't be assigned to.
func (p *parser) checkTarget(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Var, *ast.MapRef:
		return true
	case *ast.Field, *ast.TupleField:
		p.report(Syntax, x.Span(), "the fields of tuples and records can't be changed").
			WithHint("make a new value and assign that")
	case *ast.Ident:
		p.report(Syntax, x.At, "can't assign to '%s'", x.Name).
			WithHint("variables begin with '$' and maps with '@': write $%s or @%s", x.Name, x.Name)
	default:
		p.report(Syntax, x.Span(), "can't assign to this; only variables and maps can be assigned to")
	}
	return false
}
