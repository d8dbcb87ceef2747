package btfmt

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// inner returns the lines of a block.
func (p *printer) inner(b *ast.Block) *lines {
	l := &lines{}
	p.moved(b.At, b.At.Start+1)
	for _, s := range b.Stmts {
		p.item(l, s, false, func() doc { return p.stmt(s) })
	}
	if b.Value != nil {
		prec := precNone
		if !valued(b.Value) {
			prec = precUnary // in parentheses, or it would be a statement
		}
		p.item(l, b.Value, false, func() doc { return p.expr(b.Value, prec) })
	}
	if b.At.IsValid() {
		p.flush(l, b.At.End, false)
		p.moved(b.At, b.At.End)
	}
	return l
}

// block prints a block on several lines.
func (p *printer) block(b *ast.Block) doc {
	if b == nil {
		return text("{}")
	}
	l := p.inner(b)
	if l.empty() {
		return text("{}")
	}
	return cat{text("{"), nest{cat{hardLine{}, l.docs}}, hardLine{}, text("}")}
}

// valueBlock prints a block on one line if it is no more than a value.
func (p *printer) valueBlock(b *ast.Block) doc {
	if len(b.Stmts) > 0 || b.Value == nil {
		return p.block(b)
	}
	l := p.inner(b)
	return cat{text("{"), nest{cat{line{}, l.docs}}, line{}, text("}")}
}

// valued reports whether an expression is more than a block or an if without
// a value.
func valued(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BlockExpr:
		return x.Block.Value != nil
	case *ast.IfExpr:
		return x.Then.Value != nil || x.Else != nil && valued(x.Else)
	}
	return true
}

func (p *printer) stmt(s ast.Stmt) doc {
	switch s := s.(type) {
	case *ast.ExprStmt:
		return cat{p.expr(s.X, precNone), text(";")}
	case *ast.Assign:
		return cat{p.expr(s.Target, precNone), text(" " + s.Op.String() + "= "), p.value(s.Value), text(";")}
	case *ast.VarDecl:
		return p.varDecl(s)
	case *ast.If:
		return p.ifStmt(s)
	case *ast.Block:
		return p.block(s)
	case *ast.While:
		return cat{text("while ("), p.expr(s.Cond, precNone), text(") "), p.block(s.Body)}
	case *ast.Unroll:
		return cat{text("unroll ("), p.expr(s.Count, precNone), text(") "), p.block(s.Body)}
	case *ast.For:
		return p.forStmt(s)
	case *ast.Break:
		return text("break;")
	case *ast.Continue:
		return text("continue;")
	case *ast.Return:
		if s.X == nil {
			return text("return;")
		}
		return cat{text("return "), p.value(s.X), text(";")}
	case *ast.Discard:
		return cat{text("_ = "), p.value(s.X), text(";")}
	case *ast.Import:
		return p.importPath(s)
	}
	return text("")
}

// value prints the expression on the right of an assignment; its further
// lines are aligned with its first, unless it is made of blocks.
func (p *printer) value(x ast.Expr) doc {
	d := p.expr(x, precNone)
	switch x.(type) {
	case *ast.BlockExpr, *ast.IfExpr:
		return d
	}
	return align{d}
}

func (p *printer) varDecl(s *ast.VarDecl) doc {
	d := cat{text("let $" + s.Var.Name)}
	if s.Type != nil {
		d = append(d, text(": "), p.typ(s.Type))
	}
	if s.Value != nil {
		d = append(d, text(" = "), p.value(s.Value))
	}
	return append(d, text(";"))
}

// ifStmt prints a chain of ifs without recursing along it.
func (p *printer) ifStmt(s *ast.If) doc {
	d := cat{p.cond("if ", s.Cond), p.block(s.Then)}
	for s.Else != nil {
		switch e := s.Else.(type) {
		case *ast.If:
			d = append(d, p.cond(" else if ", e.Cond), p.block(e.Then))
			s = e
			continue
		case *ast.Block:
			d = append(d, text(" else "), p.block(e))
		}
		break
	}
	return d
}

func (p *printer) cond(keyword string, x ast.Expr) doc {
	if c, ok := x.(*ast.Comptime); ok {
		return cat{text(keyword + "comptime "), p.parens(c.X), text(" ")}
	}
	return cat{text(keyword), p.parens(x), text(" ")}
}

func (p *printer) parens(x ast.Expr) doc {
	return cat{text("("), align{p.expr(x, precNone)}, text(")")}
}

func (p *printer) forStmt(s *ast.For) doc {
	d := cat{text("for ($" + s.Var.Name + " : ")}
	switch {
	case s.Map != nil:
		d = append(d, p.expr(s.Map, precNone))
	case s.Range != nil:
		d = append(d, p.bound(s.Range.Low), text(".."), p.bound(s.Range.High))
	}
	return append(d, text(") "), p.block(s.Body))
}

// bound prints a bound of a range; other tracers take primary expressions
// only.
func (p *printer) bound(x ast.Expr) doc {
	switch x.(type) {
	case *ast.IntLit, *ast.Ident, *ast.Var, *ast.MapRef, *ast.Call, *ast.Param:
		return p.expr(x, precNone)
	}
	return p.parens(x)
}
