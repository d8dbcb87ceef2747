package parse

import (
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isIdentByte(c byte) bool { return isIdentStart(c) || isDigit(c) }

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// at is the source byte at pos, 0 past the end.
func (p *parser) at(pos int) byte {
	if pos < len(p.src) {
		return p.src[pos]
	}
	return 0
}

// skipLayout returns the first position from pos on that is neither white
// space nor inside a comment. With record, comments join the program's list.
func (p *parser) skipLayout(pos int, record bool) int {
	for pos < len(p.src) {
		switch {
		case isSpace(p.src[pos]):
			pos++
		case strings.HasPrefix(p.src[pos:], "//"), strings.HasPrefix(p.src[pos:], "/*"):
			end, closed := commentEnd(p.src, pos)
			if record && pos >= p.commentsTo {
				p.comment(pos, end, closed)
			}
			pos = end
		default:
			return pos
		}
	}
	return pos
}

// commentEnd returns where the comment that starts at pos ends. A line
// comment's newline is not part of it.
func commentEnd(src string, pos int) (end int, closed bool) {
	if src[pos+1] == '/' {
		if i := strings.IndexByte(src[pos:], '\n'); i >= 0 {
			return pos + i, true
		}
		return len(src), true
	}
	if i := strings.Index(src[pos+2:], "*/"); i >= 0 {
		return pos + 2 + i + 2, true
	}
	return len(src), false
}

func (p *parser) comment(start, end int, closed bool) {
	p.commentsTo = end
	c := &ast.Comment{Place: p.place(start, end), Text: strings.TrimRight(p.src[start:end], " \t\r")}
	if !closed {
		c.Text = strings.TrimRight(c.Text, "\n") + " */"
		p.warn(p.span(start, start+2), "end it with '*/'", "this comment is not closed")
	}
	p.comments = append(p.comments, c)
}

// scan returns the token that starts at pos, which is past layout.
func (p *parser) scan(pos int) token {
	if pos >= len(p.src) {
		return token{tEOF, len(p.src), len(p.src)}
	}
	c := p.src[pos]
	switch {
	case isIdentStart(c):
		return token{tIdent, pos, p.identEnd(pos)}
	case isDigit(c):
		return token{tInt, pos, p.identEnd(pos)}
	case c == '"':
		return p.scanString(pos)
	case c == '@':
		if isIdentStart(p.at(pos + 1)) {
			return token{tMap, pos, p.identEnd(pos + 1)}
		}
		return token{tMap, pos, pos + 1}
	case c == '$':
		return p.scanDollar(pos)
	}
	if k := p.operator(pos); k != tIllegal {
		return token{k, pos, pos + len(spelling[k])}
	}
	end := pos + 1
	for end < len(p.src) && p.src[end]&0xc0 == 0x80 { // the rest of a UTF-8 sequence
		end++
	}
	return token{tIllegal, pos, end}
}

func (p *parser) identEnd(pos int) int {
	for pos < len(p.src) && isIdentByte(p.src[pos]) {
		pos++
	}
	return pos
}

func (p *parser) scanDollar(pos int) token {
	switch c := p.at(pos + 1); {
	case isIdentStart(c):
		return token{tVar, pos, p.identEnd(pos + 1)}
	case c == '#':
		return token{tParamCount, pos, pos + 2}
	case isDigit(c):
		end := pos + 1
		for isDigit(p.at(end)) {
			end++
		}
		return token{tParam, pos, end}
	}
	return token{tIllegal, pos, pos + 1}
}

// scanString finds the end of a string literal. It must close on its line.
func (p *parser) scanString(pos int) token {
	for i := pos + 1; i < len(p.src); i++ {
		switch p.src[i] {
		case '"':
			return token{tString, pos, i + 1}
		case '\n':
			return token{tOpenString, pos, i}
		case '\\':
			if p.at(i+1) != '\n' {
				i++
			}
		}
	}
	return token{tOpenString, pos, len(p.src)}
}

// operator returns the longest operator or delimiter at pos, or tIllegal.
func (p *parser) operator(pos int) kind {
	switch p.src[pos] { // the most frequent ones, and the only ones with this character
	case '(':
		return tLParen
	case ')':
		return tRParen
	case '[':
		return tLBracket
	case ']':
		return tRBracket
	case '{':
		return tLBrace
	case '}':
		return tRBrace
	case ',':
		return tComma
	case ';':
		return tSemi
	}
	found := tIllegal
	for k := tColon; k < numKinds; k++ {
		s := spelling[k]
		if s[0] == p.src[pos] && len(s) > len(spelling[found]) && strings.HasPrefix(p.src[pos:], s) {
			found = k
		}
	}
	return found
}

// next moves to the following token. After an error it stays put, so that
// every rule ends quickly and the statement or probe can be given up.
func (p *parser) next() {
	if p.failed {
		return
	}
	p.prevEnd = p.tok.end
	p.tok = p.scan(p.skipLayout(p.tok.end, true))
}

// jump makes the token at or after pos the current one, for the parts of the
// language that are not made of tokens.
func (p *parser) jump(pos int) {
	p.prevEnd = pos
	p.tok = p.scan(p.skipLayout(pos, true))
}

// after returns the token that follows t.
func (p *parser) after(t token) token {
	if t.kind == tEOF || t.kind == tFailed {
		return t
	}
	return p.scan(p.skipLayout(t.end, false))
}

// text is the source text of a token.
func (p *parser) text(t token) string { return p.src[t.start:t.end] }

// is reports whether the current token is the word w.
func (p *parser) is(w string) bool { return p.tok.kind == tIdent && p.text(p.tok) == w }

// accept consumes the current token if it is of kind k.
func (p *parser) accept(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.next()
	return true
}

// onNewLine reports whether a newline stands between the last consumed token
// and the current one.
func (p *parser) onNewLine() bool {
	return p.prevEnd < p.tok.start && strings.IndexByte(p.src[p.prevEnd:p.tok.start], '\n') >= 0
}

// span is the place [start, end).
func (p *parser) span(start, end int) source.Span {
	return source.Span{File: p.file, Start: start, End: max(start, end)}
}

func (p *parser) place(start, end int) ast.Place { return ast.Place{At: p.span(start, end)} }

// from is the place from start to the last consumed token.
func (p *parser) from(start int) ast.Place { return p.place(start, p.prevEnd) }

// spanOf is the place of a token; the end of the file is behind the last token.
func (p *parser) spanOf(t token) source.Span {
	if t.kind == tEOF {
		return p.span(p.prevEnd, p.prevEnd)
	}
	return p.span(t.start, t.end)
}
