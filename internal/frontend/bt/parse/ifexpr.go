package parse

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// ifExpr = "if" cond block ["else" (block | ifExpr)]
func (p *parser) ifExpr() ast.Expr {
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	start := p.tok.start
	p.next()
	x := &ast.IfExpr{Cond: p.cond("if"), Then: p.block(true)}
	if p.is("else") {
		p.next()
		switch {
		case p.tok.kind == tLBrace:
			b := p.block(true)
			x.Else = &ast.BlockExpr{Place: b.Place, Block: b}
		case p.is("if"):
			x.Else = p.ifExpr()
		default:
			p.expected("'{' or 'if' after 'else'")
		}
	}
	x.Place = p.from(start)
	return x
}

// hasValue reports whether a block or any arm of an if ends in an expression;
// other expressions always have a value.
func hasValue(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BlockExpr:
		return x.Block.Value != nil
	case *ast.IfExpr:
		return x.Then.Value != nil || x.Else != nil && hasValue(x.Else)
	}
	return true
}

// toStmt makes an expression a statement. Blocks and ifs lose their value:
// what was their last expression becomes a statement, too.
func toStmt(x ast.Expr) ast.Stmt {
	switch x := x.(type) {
	case *ast.BlockExpr:
		return dropValue(x.Block)
	case *ast.IfExpr:
		s := &ast.If{Place: x.Place, Cond: x.Cond, Then: dropValue(x.Then)}
		if x.Else != nil {
			s.Else = toStmt(x.Else)
		}
		return s
	}
	return &ast.ExprStmt{Place: ast.Place{At: x.Span()}, X: x}
}

func dropValue(b *ast.Block) *ast.Block {
	if b.Value != nil {
		b.Stmts = append(b.Stmts, toStmt(b.Value))
		b.Value = nil
	}
	return b
}
