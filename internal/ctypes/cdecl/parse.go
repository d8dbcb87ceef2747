package cdecl

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// maxDepth bounds the nesting of what the parser reads.
const maxDepth = 100

// parser reads declarations from expanded tokens. After an error it sees the
// end of the text until the declaration is given up.
type parser struct {
	toks  []token
	pos   int
	dl    *diag.List
	d     *Decls
	outer ctypes.Resolver
	at    source.Span // where the text ends, when no token says so
	depth int
	bad   bool
	open  []*ctypes.Struct // structs whose members are being read
	// lenient takes unknown type names and array lengths as they come, for
	// tracefs.
	lenient bool
}

func (p *parser) peek() token {
	if p.bad || p.pos >= len(p.toks) {
		return p.end()
	}
	return p.toks[p.pos]
}

// after returns the token after the next one.
func (p *parser) after() token {
	if p.bad || p.pos+1 >= len(p.toks) {
		return p.end()
	}
	return p.toks[p.pos+1]
}

func (p *parser) end() token {
	at := p.at
	if n := len(p.toks); n > 0 {
		at = p.toks[n-1].span
		at.Start = at.End
	}
	return token{kind: eof, span: at}
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != eof {
		p.pos++
	}
	return t
}

func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) want(text, where string) {
	if t := p.peek(); !p.accept(text) {
		p.fail(t.span, "expected '%s' %s, found %s", text, where, t.describe())
	}
}

func (p *parser) wantEnd() {
	if t := p.peek(); t.kind != eof {
		p.fail(t.span, "unexpected %s", t.describe())
	}
}

// fail reports the first error of a declaration and gives the rest up.
func (p *parser) fail(at source.Span, format string, args ...any) *diag.Diagnostic {
	d := diag.Errorf("c-syntax", at, format, args...)
	if !p.bad {
		p.dl.Add(d)
		p.bad = true
	}
	return d
}

// enter counts one level of nesting; leave with the returned function.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek().span, "declaration nested too deeply")
	}
	return func() { p.depth-- }
}

// file reads declarations up to the end.
func (p *parser) file() {
	for p.pos < len(p.toks) {
		start := p.pos
		p.declaration()
		if p.bad {
			p.bad = false
			p.open, p.depth = nil, 0
			p.pos = start
			p.skipDeclaration()
		}
		if len(p.dl.Items) > diag.Limit {
			return
		}
	}
}

// skipDeclaration goes to the end of the declaration at hand: past a ';'
// that is in no braces, or past the brace that closes a function's body.
func (p *parser) skipDeclaration() {
	depth := 0
	for p.pos < len(p.toks) {
		switch t := p.next(); {
		case t.is("{"):
			depth++
		case t.is("}"):
			depth = max(depth-1, 0)
		case t.is(";") && depth == 0:
			return
		}
	}
}

// declaration reads one declaration with its ';'.
func (p *parser) declaration() {
	if p.accept(";") {
		return
	}
	if t := p.peek(); t.is("_Static_assert") || t.is("static_assert") {
		p.skipDeclaration()
		return
	}
	start := p.peek()
	base, spec := p.specifiers()
	if p.accept(";") || p.bad {
		return
	}
	for {
		at := p.peek()
		name, t := p.declarator(base, spec.tag)
		spec.attrs(p)
		if p.bad {
			return
		}
		p.declare(name, t, spec, start.span.To(at.span), at)
		if !p.accept(",") {
			break
		}
	}
	if t := p.peek(); t.is("{") {
		p.fail(t.span, "functions can't be defined here").WithHint("only declarations of types, constants and prototypes are read")
		return
	}
	p.want(";", "after the declaration")
}
