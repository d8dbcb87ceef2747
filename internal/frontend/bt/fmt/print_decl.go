package btfmt

import (
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

func (p *printer) program(prog *ast.Program) doc {
	l := &lines{}
	if prog.Shebang != "" {
		l.add(text(prog.Shebang), false)
		if i := strings.Index(prog.At.Text(), prog.Shebang); i >= 0 {
			p.moved(prog.At, prog.At.Start+i+len(prog.Shebang))
		}
	}
	var prev ast.Decl
	for _, d := range prog.Decls() {
		p.item(l, d, apart(prev, d), func() doc { return p.decl(d) })
		prev = d
	}
	if prog.At.IsValid() {
		p.flush(l, prog.At.End+1, false)
	}
	return l.docs
}

// apart reports whether an empty line must stand between two declarations.
func apart(a, b ast.Decl) bool {
	ka, kb := oneLiner(a), oneLiner(b)
	return a != nil && (ka == "" || ka != kb)
}

// oneLiner names the kind of a declaration that may stand on the line after
// another one of its kind, and is empty for all others.
func oneLiner(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.CDef:
		if d.Kind == ast.CPreproc {
			return "preproc"
		}
	case *ast.Import:
		return "import"
	case *ast.MapDecl:
		return "map"
	}
	return ""
}

func (p *printer) decl(d ast.Decl) doc {
	switch d := d.(type) {
	case *ast.CDef:
		if d.Kind == ast.CPreproc {
			return verbatim(d.Text)
		}
		return verbatim(d.Text + ";")
	case *ast.Config:
		return p.config(d)
	case *ast.Import:
		return p.importPath(d)
	case *ast.Macro:
		head := cat{text("macro " + d.Name.Text + "("), p.exprs(d.Params), text(")"), hardLine{}}
		return cat{head, p.block(d.Body)}
	case *ast.Subprog:
		return p.subprog(d)
	case *ast.MapDecl:
		return cat{text("let "), p.expr(d.Map, precNone), text(" = " + d.Kind.Text + "("),
			p.expr(d.MaxEntries, precNone), text(");")}
	case *ast.Probe:
		return p.probe(d)
	}
	return text("")
}

func (p *printer) importPath(d *ast.Import) doc {
	return cat{text("import "), p.expr(d.Path, precNone), text(";")}
}

func (p *printer) config(c *ast.Config) doc {
	l := &lines{}
	p.moved(c.At, c.At.Start)
	for _, a := range c.Assigns {
		p.item(l, a, false, func() doc {
			return cat{text(a.Key.Text + " = "), p.expr(a.Value, precNone), text(";")}
		})
	}
	if c.At.IsValid() {
		p.flush(l, c.At.End, false)
	}
	if l.empty() {
		return text("config = {}")
	}
	return cat{text("config = {"), nest{cat{hardLine{}, l.docs}}, hardLine{}, text("}")}
}

func (p *printer) subprog(s *ast.Subprog) doc {
	var params []doc
	for _, param := range s.Params {
		params = append(params, cat{text("$" + param.Var.Name + ": "), p.typ(param.Type)})
	}
	return cat{text("fn " + s.Name.Text + "("), commaList(params), text("): "), p.typ(s.Result), hardLine{}, p.block(s.Body)}
}

func (p *printer) probe(pr *ast.Probe) doc {
	l := &lines{}
	for i, ap := range pr.AttachPoints {
		d := attachPoint(ap)
		if i+1 < len(pr.AttachPoints) {
			d += ","
		}
		p.item(l, ap, false, func() doc { return text(d) })
	}
	if pr.Pred != nil {
		p.item(l, pr.Pred, false, func() doc { return p.predicate(pr.Pred) })
	}
	if pr.Body != nil && pr.Body.At.IsValid() {
		p.flush(l, pr.Body.At.Start, false)
	}
	l.add(p.block(pr.Body), false)
	return l.docs
}

func (p *printer) predicate(x ast.Expr) doc {
	// "/*" would begin a comment.
	if u, ok := leftmost(x).(*ast.Unary); ok && u.Op == ast.Deref {
		return cat{text("/ "), p.expr(x, precNone), text("/")}
	}
	return cat{text("/"), align{p.expr(x, precNone)}, text("/")}
}

// leftmost is the operand with whose text the text of x begins, if that is
// not in parentheses.
func leftmost(x ast.Expr) ast.Expr {
	for {
		switch y := x.(type) {
		case *ast.Binary:
			x = y.X
		case *ast.Ternary:
			x = y.Cond
		default:
			return x
		}
	}
}

// attachPoint is the text of an attach point as written, or made of its parts
// when it was not parsed.
func attachPoint(ap *ast.AttachPoint) string {
	if ap.Raw != "" {
		return ap.Raw
	}
	var b strings.Builder
	if ap.Label != "" {
		b.WriteString(ap.Label + "=")
	}
	b.WriteString(ap.Provider)
	at := false // within target@file
	for _, arg := range ap.Args {
		if arg == "@" {
			b.WriteByte('@')
			at = true
			continue
		}
		if !at {
			b.WriteByte(':')
		}
		at = false
		b.WriteString(quotePart(arg))
	}
	return b.String()
}

// quotePart quotes a part of an attach point if it holds characters that would
// end it.
func quotePart(s string) string {
	if !strings.ContainsAny(s, " \t\r\n\v\f:@{},\"$\\") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
