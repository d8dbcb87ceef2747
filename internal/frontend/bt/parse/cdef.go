package parse

import (
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

func trimRight(s string) string { return strings.TrimRight(s, " \t\r\n\v\f") }

// lineEnd is the position of the newline that ends the line at pos.
func (p *parser) lineEnd(pos int) int {
	if i := strings.IndexByte(p.src[pos:], '\n'); i >= 0 {
		return pos + i
	}
	return len(p.src)
}

// preproc takes a preprocessor line with its continuations.
func (p *parser) preproc() *ast.CDef {
	start := p.tok.start
	end := p.lineEnd(start)
	for end < len(p.src) && strings.HasSuffix(trimCR(p.src[start:end]), `\`) {
		end = p.lineEnd(end + 1)
	}
	text := trimRight(p.src[start:end])
	directive := strings.TrimLeft(text[1:], " \t")
	n := 0
	for n < len(directive) && isIdentByte(directive[n]) {
		n++
	}
	p.jump(end)
	return &ast.CDef{Place: p.place(start, start+len(text)), Kind: ast.CPreproc, Name: directive[:n], Text: text}
}

func trimCR(s string) string { return strings.TrimSuffix(s, "\r") }

// isTag reports whether the current token is struct, union or enum.
func (p *parser) isTag() bool { return p.is("struct") || p.is("union") || p.is("enum") }

// atCDef reports whether a definition follows the current struct, union or
// enum: names and groups in parentheses or brackets, then a brace. What else
// begins like that is an attach point.
func (p *parser) atCDef() bool {
	for t := p.after(p.tok); ; t = p.after(t) {
		switch t.kind {
		case tLBrace:
			return true
		case tIdent:
		case tLParen, tLBracket:
			end, ok := p.balanced(t)
			if !ok {
				return false
			}
			t.end = end
		default:
			return false
		}
	}
}

// balanced returns the position after the group that the token open begins,
// counting its own kind of delimiter only and skipping comments.
func (p *parser) balanced(open token) (end int, ok bool) {
	left := p.src[open.start]
	right := map[byte]byte{'(': ')', '[': ']', '{': '}'}[left]
	depth := 0
	for pos := open.start; pos < len(p.src); {
		if strings.HasPrefix(p.src[pos:], "//") || strings.HasPrefix(p.src[pos:], "/*") {
			pos, _ = commentEnd(p.src, pos)
			continue
		}
		switch p.src[pos] {
		case left:
			depth++
		case right:
			depth--
		}
		pos++
		if depth == 0 {
			return pos, true
		}
	}
	return len(p.src), false
}

// cdef takes the definition of a struct, union or enum with its attributes.
func (p *parser) cdef() *ast.CDef {
	start := p.tok
	d := &ast.CDef{Kind: ast.CStruct}
	switch p.text(start) {
	case "union":
		d.Kind = ast.CUnion
	case "enum":
		d.Kind = ast.CEnum
	}
	t := p.after(start)
	for ; t.kind != tLBrace; t = p.after(t) {
		switch {
		case t.kind != tIdent:
			t.end, _ = p.balanced(t)
		case p.text(t) != "__attribute__":
			d.Name = p.text(t)
		}
	}
	end, ok := p.balanced(t)
	p.jump(end)
	if !ok {
		last := start.start + len(trimRight(p.src[start.start:end]))
		p.errorf(Syntax, p.span(last, last), "expected '}' to end the definition, found %s", p.found()).
			Note(p.spanOf(t), "this '{' is not closed")
	}
	for p.is("__attribute__") {
		if end, ok = p.attribute(); !ok {
			break
		}
	}
	d.Text = trimRight(p.src[start.start:end])
	d.Place = p.place(start.start, start.start+len(d.Text))
	p.comments = slices.DeleteFunc(p.comments, func(c *ast.Comment) bool {
		return c.At.Start > start.start && c.At.Start < end // they are part of the text
	})
	p.accept(tSemi)
	return d
}

// attribute skips `__attribute__((...))` and returns its end.
func (p *parser) attribute() (end int, ok bool) {
	t := p.after(p.tok)
	if !strings.HasPrefix(p.src[t.start:], "((") {
		p.next()
		p.expected("'((' after '__attribute__'")
		return p.prevEnd, false
	}
	end, ok = p.balanced(t)
	if !ok || p.src[end-2] != ')' {
		p.errorf(Syntax, p.spanOf(t), "this '(' is not closed")
		return p.prevEnd, false
	}
	p.jump(end)
	return end, true
}
