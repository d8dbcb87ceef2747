package isa

import "strings"

type tokenKind uint8

const (
	tokEnd tokenKind = iota // end of the line
	tokWord
	tokNumber
	tokSign // an operator or punctuation
	tokBad
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // byte offsets in the file
}

// signs are the operators and punctuation, each before its own prefixes.
var signs = []string{
	"s>>=", "<<=", ">>=", "s>=", "s<=", "s/=", "s%=", "s>", "s<",
	"==", "!=", ">=", "<=", "+=", "-=", "*=", "/=", "|=", "&=", "%=", "^=",
	"=", ">", "<", "&", "+", "-", "*", "(", ")", "[", "]", ":", ",", "#",
}

// scanLine splits one line, which starts at offset base, into tokens. A `;`
// and `//` start a comment, and so does `#` at the start of a line.
func scanLine(line string, base int) []token {
	var toks []token
	for at := 0; at < len(line); {
		c := line[at]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			at++
			continue
		case c == ';', strings.HasPrefix(line[at:], "//"), c == '#' && len(toks) == 0:
			return append(toks, token{kind: tokEnd, start: base + at, end: base + at})
		}
		kind, n := scanToken(line[at:])
		toks = append(toks, token{kind, line[at : at+n], base + at, base + at + n})
		at += n
	}
	return append(toks, token{kind: tokEnd, start: base + len(line), end: base + len(line)})
}

func scanToken(s string) (tokenKind, int) {
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return tokSign, len(sign)
		}
	}
	n := 0
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	switch {
	case n == 0:
		return tokBad, 1
	case s[0] >= '0' && s[0] <= '9':
		return tokNumber, n
	}
	return tokWord, n
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '$' || c >= 0x80
}
