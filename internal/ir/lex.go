package ir

import (
	"strconv"

	"github.com/skep-dev/skep/internal/source"
)

type tokenKind uint8

const (
	tokEnd   tokenKind = iota
	tokLine            // newline or ;
	tokWord            // name, keyword, v1, load.u32
	tokInt             // digits, decimal or 0x
	tokStr             // "..."
	tokPunct           // one of ( ) { } , : = + - @ #
	tokBad
)

type token struct {
	kind       tokenKind
	start, end int
	text       string // of a string: its value
	num        uint64
}

// is reports whether the token is the given punctuation.
func (t token) is(c byte) bool { return t.kind == tokPunct && t.text[0] == c }

// lexer cuts the text form into tokens. // starts a comment.
type lexer struct {
	file *source.File
	pos  int
}

func (l *lexer) next() token {
	s := l.file.Content
	l.skipBlanks()
	start := l.pos
	if start >= len(s) {
		return token{kind: tokEnd, start: start, end: start}
	}
	t := token{start: start}
	switch c := s[start]; {
	case c == '\n' || c == ';':
		t.kind, l.pos = tokLine, start+1
	case isLetter(c):
		t.kind = tokWord
		for l.pos < len(s) && (isLetter(s[l.pos]) || isDigit(s[l.pos]) || s[l.pos] == '.' || s[l.pos] == '$') {
			l.pos++
		}
	case isDigit(c):
		for l.pos < len(s) && (isLetter(s[l.pos]) || isDigit(s[l.pos])) {
			l.pos++
		}
		n, err := strconv.ParseUint(s[start:l.pos], 0, 64)
		t.kind, t.num = tokInt, n
		if err != nil {
			t.kind = tokBad
		}
	case c == '"':
		return l.str()
	case c == '(' || c == ')' || c == '{' || c == '}' || c == ',' || c == ':' || c == '=' ||
		c == '+' || c == '-' || c == '@' || c == '#':
		t.kind, l.pos = tokPunct, start+1
	default:
		t.kind, l.pos = tokBad, start+1
	}
	t.end, t.text = l.pos, s[start:l.pos]
	return t
}

func (l *lexer) skipBlanks() {
	s := l.file.Content
	for l.pos < len(s) {
		switch c := s[l.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
		case c == '/' && l.pos+1 < len(s) && s[l.pos+1] == '/':
			for l.pos < len(s) && s[l.pos] != '\n' {
				l.pos++
			}
		default:
			return
		}
	}
}

func (l *lexer) str() token {
	t := token{kind: tokBad, start: l.pos}
	quoted, err := strconv.QuotedPrefix(l.file.Content[l.pos:])
	if err != nil { // no end on this line
		for l.pos < len(l.file.Content) && l.file.Content[l.pos] != '\n' {
			l.pos++
		}
		t.end, t.text = l.pos, l.file.Content[t.start:l.pos]
		return t
	}
	l.pos += len(quoted)
	t.end, t.text = l.pos, quoted
	if s, err := strconv.Unquote(quoted); err == nil {
		t.kind, t.text = tokStr, s
	}
	return t
}
