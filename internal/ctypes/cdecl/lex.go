package cdecl

import (
	"strings"

	"github.com/skep-dev/skep/internal/source"
)

// kind is the kind of a token.
type kind uint8

const (
	eof kind = iota
	ident
	number
	char
	str
	punct
	hash    // '#' as the first thing on a line
	newline // the end of a directive's line; only seen by the preprocessor
	other   // a byte that C has no use for
)

// token is one token. Tokens that a macro's expansion made carry the span of
// the macro's use.
type token struct {
	kind kind
	text string
	span source.Span
}

// is reports whether the token is the given punctuation or word.
func (t token) is(text string) bool {
	return (t.kind == punct || t.kind == ident) && t.text == text
}

// describe names the token in a message.
func (t token) describe() string {
	if t.kind == eof {
		return "the end of the declarations"
	}
	return "'" + t.text + "'"
}

// lexer splits a part of a file into tokens.
type lexer struct {
	file     *source.File
	src      string
	pos, end int
	fresh    bool // nothing but space seen on this line
}

func newLexer(f *source.File, start, end int) *lexer {
	return &lexer{file: f, src: f.Content, pos: start, end: end, fresh: true}
}

// puncts are the punctuators of more than one byte that expressions use.
var puncts = []string{"...", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "##", "->"}

// next returns the next token. With lines set, a line's end is a token.
func (l *lexer) next(lines bool) token {
	if l.skipSpace(lines) {
		return l.take(newline, 1)
	}
	if l.pos >= l.end {
		return token{kind: eof, span: source.Span{File: l.file, Start: l.end, End: l.end}}
	}
	first := l.fresh
	l.fresh = false
	c := l.src[l.pos]
	switch {
	case c == '#' && first:
		return l.take(hash, 1)
	case isLetter(c):
		return l.run(ident, func(c byte) bool { return isLetter(c) || isDigit(c) })
	case isDigit(c):
		return l.run(number, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' })
	case c == '\'':
		return l.quoted(char, c)
	case c == '"':
		return l.quoted(str, c)
	}
	for _, p := range puncts {
		if strings.HasPrefix(l.src[l.pos:l.end], p) {
			return l.take(punct, len(p))
		}
	}
	if strings.IndexByte("{}[]();:,*=+-/%<>&|^~!?.#", c) >= 0 {
		return l.take(punct, 1)
	}
	return l.take(other, 1)
}

func (l *lexer) take(k kind, n int) token {
	start := l.pos
	l.pos += n
	if k == newline {
		l.fresh = true
	}
	return token{kind: k, text: l.src[start:l.pos], span: source.Span{File: l.file, Start: start, End: l.pos}}
}

func (l *lexer) run(k kind, in func(byte) bool) token {
	n := 1
	for l.pos+n < l.end && in(l.src[l.pos+n]) {
		n++
	}
	return l.take(k, n)
}

// quoted reads a character or string literal; one that is not closed on its
// line ends there, and the parser finds it wanting.
func (l *lexer) quoted(k kind, quote byte) token {
	n := 1
	for l.pos+n < l.end {
		c := l.src[l.pos+n]
		if c == '\n' {
			break
		}
		n++
		if c == quote {
			break
		}
		if c == '\\' && l.pos+n < l.end && l.src[l.pos+n] != '\n' {
			n++
		}
	}
	return l.take(k, n)
}

// skipSpace skips space, comments and joined lines. It reports whether it
// stopped at a line's end that the caller wants to see.
func (l *lexer) skipSpace(lines bool) bool {
	for l.pos < l.end {
		rest := l.src[l.pos:l.end]
		switch {
		case rest[0] == '\n':
			if lines {
				return true
			}
			l.fresh = true
			l.pos++
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\f' || rest[0] == '\v':
			l.pos++
		case strings.HasPrefix(rest, "\\\n"):
			l.pos += 2
		case strings.HasPrefix(rest, "\\\r\n"):
			l.pos += 3
		case strings.HasPrefix(rest, "//"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				l.pos += n
			} else {
				l.pos = l.end
			}
		case strings.HasPrefix(rest, "/*"):
			if n := strings.Index(rest[2:], "*/"); n >= 0 {
				l.pos += n + 4
			} else {
				l.pos = l.end
			}
		default:
			return false
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' }
