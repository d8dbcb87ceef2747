package parse

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// typeAnnotation = typeof | type
//
// It stands where only a type can: after the ':' of a variable, a parameter
// or a function. It is never nil.
func (p *parser) typeAnnotation() ast.TypeExpr {
	if p.is("typeof") {
		return p.typeofType()
	}
	return p.typeExpr()
}

// typeExpr = [("struct" | "union" | "enum")] name {"*" | "[" [int] "]"}
func (p *parser) typeExpr() ast.TypeExpr {
	start := p.tok.start
	named := &ast.NamedType{}
	if p.isTag() {
		named.Tag = p.text(p.tok)
		p.next()
	}
	name, ok := p.name("a type")
	if ok {
		named.Name = name.Text
	}
	named.Place = p.from(start)
	return p.typeSuffixes(named, start)
}

func (p *parser) typeSuffixes(elem ast.TypeExpr, start int) ast.TypeExpr {
	for n := 0; ; n++ {
		if n > maxNesting {
			p.tooDeep("a type with too many levels")
			return elem
		}
		if p.tok.kind == tMulAssign { // `int8 *= 1` is a pointer and an assignment
			p.tok.kind, p.tok.end = tStar, p.tok.start+1
		}
		open := p.tok
		switch {
		case p.accept(tStar):
			elem = &ast.PointerType{Place: p.from(start), Elem: elem}
		case p.accept(tLBracket):
			a := &ast.ArrayType{Elem: elem}
			if p.tok.kind == tInt {
				a.Len = p.intLit()
			}
			p.closing(tRBracket, open, "after the length of an array type")
			a.Place = p.from(start)
			elem = a
		default:
			return elem
		}
	}
}

// typeofType = "typeof" "(" (type | expr) ")"
func (p *parser) typeofType() ast.TypeExpr {
	start := p.tok.start
	t := &ast.TypeofType{}
	if !p.enter() {
		p.leave()
		return t
	}
	defer p.leave()
	p.next()
	open := p.tok
	if p.expect(tLParen, "after 'typeof'") {
		t.Type, t.X = p.typeOrExpr()
		p.closing(tRParen, open, "after the operand of typeof")
	}
	t.Place = p.from(start)
	return t
}

// typeOrExpr parses the operand of sizeof, offsetof, typeinfo and typeof, and
// returns one of both. A bare name that is not known to be a type is an
// expression; with a type's suffix (`foo *`, `foo[2]`) it is a type.
func (p *parser) typeOrExpr() (ast.TypeExpr, ast.Expr) {
	if p.is("typeof") {
		return p.typeofType(), nil
	}
	if p.tok.kind == tIdent {
		if end, isType := p.scanType(); isType && (end.kind == tRParen || end.kind == tComma) {
			return p.typeExpr(), nil
		}
	}
	return nil, p.expr()
}

// scanType looks ahead over what may be a type, and returns the token after
// it and whether it can only be one: by its name or by its suffixes.
func (p *parser) scanType() (end token, isType bool) {
	name := p.text(p.tok)
	if isBuiltin(name) || isKeyword(name) && !p.isTag() {
		return p.tok, false
	}
	isType = isTypeName(name)
	t := p.after(p.tok)
	if p.isTag() {
		if t.kind != tIdent {
			return p.tok, false
		}
		isType = true
		t = p.after(t)
	}
	for {
		switch t.kind {
		case tStar:
			t = p.after(t)
		case tLBracket:
			if t = p.after(t); t.kind == tInt {
				t = p.after(t)
			}
			if t.kind != tRBracket {
				return t, false
			}
			t = p.after(t)
		default:
			return t, isType
		}
		isType = true
	}
}

// isCast reports whether the current token, the one after a '(', begins the
// type of a cast: a type and ')' and then something to cast.
func (p *parser) isCast() bool {
	if p.is("typeof") {
		return true // nothing else begins with it
	}
	if p.tok.kind != tIdent || isValueName(p.text(p.tok)) || !p.isTag() && isKeyword(p.text(p.tok)) {
		return false
	}
	end, isType := p.scanType()
	if end.kind != tRParen || !isType && p.after(p.tok).kind != tRParen {
		return false
	}
	t := p.after(end)
	switch t.kind {
	case tInt, tVar, tMap, tParam, tParamCount, tString, tOpenString, tLParen, tMinus, tNot, tTilde, tStar, tAnd, tIdent, tDec:
		return true
	}
	return false
}
