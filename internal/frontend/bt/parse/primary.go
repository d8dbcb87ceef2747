package parse

import (
	"strconv"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// primary parses an expression without operators around it. It is never nil.
func (p *parser) primary() ast.Expr {
	switch p.tok.kind {
	case tInt:
		return p.intLit()
	case tString, tOpenString:
		return p.strLit()
	case tVar:
		return p.variable()
	case tMap:
		return p.mapRef()
	case tParam:
		return p.param()
	case tParamCount:
		x := &ast.ParamCount{Place: ast.Place{At: p.spanOf(p.tok)}}
		p.next()
		return x
	case tLParen:
		return p.paren()
	case tLBrace:
		b := p.block(true)
		return &ast.BlockExpr{Place: b.Place, Block: b}
	case tIdent:
		return p.word()
	}
	p.expected("an expression")
	return p.bad()
}

// word parses what begins with a name: a keyword's expression, a call, or the
// name alone.
func (p *parser) word() ast.Expr {
	name := p.text(p.tok)
	switch name {
	case "if":
		return p.ifExpr()
	case "sizeof", "typeinfo", "offsetof":
		return p.typeOperator(name)
	case "comptime":
		return p.comptime()
	case "true", "false":
		return p.boolLit()
	}
	if isKeyword(name) {
		d := p.errorf(Syntax, p.spanOf(p.tok), "expected an expression, found the keyword '%s'", name)
		if name == "typeof" || name == "struct" || name == "union" || name == "enum" {
			d.WithHint("a type stands in a cast or as the operand of sizeof, offsetof, typeinfo or typeof")
		}
		return p.bad()
	}
	start := p.tok
	p.next()
	if p.tok.kind == tLParen {
		return p.call(start)
	}
	if p.tok.kind == tNot && p.after(p.tok).kind == tLParen && p.tok.start == start.end {
		p.expected("'('").WithHint("macros are called without '!'")
	}
	return &ast.Ident{Place: p.place(start.start, start.end), Name: name}
}

func (p *parser) ident() *ast.Ident {
	x := &ast.Ident{Place: ast.Place{At: p.spanOf(p.tok)}, Name: p.text(p.tok)}
	p.next()
	return x
}

func (p *parser) boolLit() *ast.BoolLit {
	x := &ast.BoolLit{Place: ast.Place{At: p.spanOf(p.tok)}, Value: p.is("true")}
	p.next()
	return x
}

func (p *parser) variable() *ast.Var {
	x := &ast.Var{Place: ast.Place{At: p.spanOf(p.tok)}, Name: p.text(p.tok)[1:]}
	p.next()
	return x
}

// mapName parses a map without keys.
func (p *parser) mapName() *ast.MapRef {
	at := p.spanOf(p.tok)
	x := &ast.MapRef{Place: ast.Place{At: at}, NameSpan: at, Name: p.text(p.tok)[1:]}
	p.next()
	return x
}

// mapRef = @name ["[" expr {"," expr} "]"]
func (p *parser) mapRef() ast.Expr {
	x := p.mapName()
	open := p.tok
	if !p.accept(tLBracket) {
		return x
	}
	if p.tok.kind == tRBracket {
		p.expected("a key").WithHint("a map without keys is written without brackets")
	}
	for {
		x.Keys = append(x.Keys, p.expr())
		if !p.accept(tComma) {
			break
		}
	}
	p.closing(tRBracket, open, "after the keys of the map")
	x.Place = p.from(x.At.Start)
	return x
}

func (p *parser) param() ast.Expr {
	x := &ast.Param{Place: ast.Place{At: p.spanOf(p.tok)}}
	n, err := strconv.Atoi(p.text(p.tok)[1:])
	if err != nil || n < 1 {
		p.report(Literal, x.At, "the number of a positional parameter must be from 1 on and fit into 64 bits")
		n = 1
	}
	x.N = n
	p.next()
	return x
}

// call = name "(" [arg {"," arg}] ")", where an argument is an expression or
// typeof(...)
func (p *parser) call(name token) ast.Expr {
	c := &ast.Call{Func: ast.Name{Text: p.text(name), At: p.spanOf(name)}}
	open := p.tok
	p.next()
	if p.tok.kind != tRParen {
		for {
			c.Args = append(c.Args, p.arg())
			if !p.accept(tComma) {
				break
			}
		}
	}
	p.closing(tRParen, open, "or ',' after an argument")
	c.Place = p.from(name.start)
	return c
}

func (p *parser) arg() ast.Expr {
	if !p.is("typeof") {
		return p.expr()
	}
	t := p.typeofType()
	return &ast.TypeArg{Place: ast.Place{At: t.Span()}, Type: t}
}

// typeOperator = ("sizeof" | "typeinfo") "(" operand ")"
//
//	| "offsetof" "(" operand "," name {"." name} ")"
func (p *parser) typeOperator(name string) ast.Expr {
	start := p.tok.start
	p.next()
	open := p.tok
	if !p.expect(tLParen, "after '"+name+"'") {
		return p.bad()
	}
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	typ, x := p.typeOrExpr()
	var fields []ast.Name
	if name == "offsetof" && p.expect(tComma, "and a field after the type") {
		for {
			f, _ := p.name("the name of a field")
			fields = append(fields, f)
			if !p.accept(tDot) {
				break
			}
		}
	}
	p.closing(tRParen, open, "after the operand of "+name)
	at := p.from(start)
	switch name {
	case "sizeof":
		return &ast.Sizeof{Place: at, Type: typ, X: x}
	case "typeinfo":
		return &ast.Typeinfo{Place: at, Type: typ, X: x}
	}
	return &ast.Offsetof{Place: at, Type: typ, X: x, Fields: fields}
}

// comptime = "comptime" unary
func (p *parser) comptime() ast.Expr {
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	start := p.tok.start
	p.next()
	x := p.unary()
	return &ast.Comptime{Place: p.from(start), X: x}
}

// paren parses what begins with '(': the empty tuple, a record, a cast, a
// tuple or a grouping, in this order.
func (p *parser) paren() ast.Expr {
	open := p.tok
	p.next()
	switch {
	case p.accept(tRParen):
		return &ast.Tuple{Place: p.from(open.start)}
	case p.tok.kind == tIdent && p.after(p.tok).kind == tAssign && !isBuiltin(p.text(p.tok)):
		return p.record(open)
	case p.isCast():
		return p.cast(open)
	}
	return p.tuple(open)
}

// record = "(" name "=" expr {"," name "=" expr} ")"
func (p *parser) record(open token) ast.Expr {
	r := &ast.Record{}
	seen := map[string]bool{}
	for {
		start := p.tok.start
		name, ok := p.name("the name of a field")
		if !ok || !p.expect(tAssign, "after the name of a field") {
			break
		}
		if seen[name.Text] {
			p.report(Syntax, name.At, "the record already has a field '%s'", name.Text)
		}
		seen[name.Text] = true
		f := &ast.RecordField{Name: name, Value: p.expr()}
		f.Place = p.from(start)
		r.Fields = append(r.Fields, f)
		if !p.accept(tComma) {
			break
		}
	}
	p.closing(tRParen, open, "or ',' in a record")
	r.Place = p.from(open.start)
	return r
}

// cast = "(" type ")" unary
func (p *parser) cast(open token) ast.Expr {
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	c := &ast.Cast{Type: p.typeAnnotation()}
	p.closing(tRParen, open, "after the type of a cast")
	c.X = p.unary()
	c.Place = p.from(open.start)
	return c
}

// tuple = "(" expr ")" | "(" expr "," [expr {"," expr} [","]] ")"
func (p *parser) tuple(open token) ast.Expr {
	pred := p.inPred
	p.inPred = false
	first := p.expr()
	p.inPred = pred
	if p.tok.kind != tComma {
		p.closing(tRParen, open, "or ',' in parentheses")
		return first
	}
	t := &ast.Tuple{Elems: []ast.Expr{first}}
	for p.accept(tComma) && p.tok.kind != tRParen {
		t.Elems = append(t.Elems, p.expr())
	}
	p.closing(tRParen, open, "or ',' in a tuple")
	t.Place = p.from(open.start)
	return t
}
