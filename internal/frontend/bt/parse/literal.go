package parse

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// intLit consumes an integer literal. A literal without a value is reported
// and counts as 0.
func (p *parser) intLit() *ast.IntLit {
	raw := p.text(p.tok)
	lit := &ast.IntLit{Place: ast.Place{At: p.spanOf(p.tok)}, Raw: raw}
	v, suffix, problem := decodeInt(raw)
	if problem != "" {
		p.report(Literal, lit.At, "%s", problem)
	}
	lit.Value, lit.Suffix = v, ast.IntSuffix(suffix)
	p.next()
	return lit
}

// Int returns the value of a number as the language writes it, and its
// suffix: the numbers in attach points ("profile:hz:99", "interval:1s",
// "kprobe:f+0x10") follow the rules of integer literals.
func Int(text string) (uint64, ast.IntSuffix, error) {
	if text == "" || !isDigit(text[0]) {
		return 0, "", fmt.Errorf("%q is not a number", text)
	}
	v, suffix, problem := decodeInt(text)
	if problem != "" {
		return 0, "", errors.New(problem)
	}
	return v, ast.IntSuffix(suffix), nil
}

// suffixFact says what the suffix of an integer literal does: the value is
// multiplied by scale; before that it may be at most max/scale.
type suffixFact struct {
	name  string
	max   uint64
	scale uint64
}

// suffixFacts are the suffixes as bpftrace 0.26 takes them; it accepts C's in
// lower case only, its manual shows them in upper case.
func suffixFacts() []suffixFact {
	return []suffixFact{
		{"", math.MaxUint64, 1},
		{"u", math.MaxUint32, 1},
		{"ul", math.MaxUint64, 1},
		{"ull", math.MaxUint64, 1},
		{"l", math.MaxInt64, 1},
		{"ll", math.MaxInt64, 1},
		{"ns", math.MaxUint64, 1},
		{"us", math.MaxUint64, 1e3},
		{"ms", math.MaxUint64, 1e6},
		{"s", math.MaxUint64, 1e9},
		{"m", math.MaxUint64, 60e9},
		{"h", math.MaxUint64, 3600e9},
		{"d", math.MaxUint64, 86400e9},
	}
}

// decodeInt returns the value of an integer literal and its suffix, or what
// is wrong with it. The literal starts with a digit.
func decodeInt(raw string) (value uint64, suffix, problem string) {
	for i := range raw {
		if raw[i] == '_' && (i+1 == len(raw) || !isHexDigit(raw[i+1]) && raw[i+1] != '_') {
			return 0, "", "an '_' in a number must stand between digits"
		}
	}
	s := strings.ReplaceAll(raw, "_", "")
	base, digits := 10, s
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		base, digits = 16, s[2:]
	case len(s) > 1 && s[0] == '0' && isDigit(s[1]):
		base, digits = 8, s[1:]
	}
	n := 0
	for n < len(digits) && (isDigit(digits[n]) || base == 16 && isHexDigit(digits[n])) {
		n++
	}
	digits, rest := digits[:n], digits[n:]
	if digits == "" {
		return 0, "", "the number '" + raw + "' has no digits"
	}
	value, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		if base == 8 && strings.ContainsAny(digits, "89") {
			return 0, "", "'" + raw + "' is not an octal number; one that starts with 0 is octal"
		}
		return 0, "", "the number '" + raw + "' does not fit into 64 bits"
	}
	if base == 10 && rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		if value, rest, problem = scientific(raw, value, rest[1:]); problem != "" {
			return 0, "", problem
		}
	}
	return applySuffix(raw, value, rest, base)
}

// scientific applies the exponent with which rest begins.
func scientific(raw string, coeff uint64, rest string) (value uint64, tail, problem string) {
	n := 0
	for n < len(rest) && isDigit(rest[n]) {
		n++
	}
	if n == 0 {
		return 0, "", "the exponent of '" + raw + "' has no digits"
	}
	if coeff < 1 || coeff > 9 {
		return 0, "", "the part of '" + raw + "' before the exponent must be one digit from 1 to 9"
	}
	exp, err := strconv.ParseUint(rest[:n], 10, 64)
	for ; err == nil && exp > 0; exp-- {
		if coeff > math.MaxUint64/10 {
			err = strconv.ErrRange
		}
		coeff *= 10
	}
	if err != nil {
		return 0, "", "the number '" + raw + "' does not fit into 64 bits"
	}
	return coeff, rest[n:], ""
}

func applySuffix(raw string, value uint64, suffix string, base int) (uint64, string, string) {
	if strings.Trim(suffix, "uUlL") == "" {
		suffix = strings.ToLower(suffix)
	}
	for _, f := range suffixFacts() {
		if f.name != suffix || base == 16 && ast.IntSuffix(suffix).IsDuration() {
			continue
		}
		if value > f.max/f.scale {
			return 0, "", "the number '" + raw + "' is too large for its suffix '" + suffix + "'"
		}
		return value * f.scale, suffix, ""
	}
	return 0, "", "'" + suffix + "' is no suffix of a number"
}

// strLit consumes a string literal, or reports what is wrong with it.
func (p *parser) strLit() *ast.StrLit {
	lit := &ast.StrLit{Place: ast.Place{At: p.spanOf(p.tok)}}
	if p.tok.kind == tOpenString {
		at := p.span(p.tok.start, p.tok.start+1)
		p.errorf(Syntax, at, "this string is not closed on its line").WithHint(`write \n for a newline in a string`)
		return lit
	}
	lit.Value = p.unquote(p.tok.start+1, p.tok.end-1)
	p.next()
	return lit
}

// unquote replaces the escapes in [pos, end) of the source.
func (p *parser) unquote(pos, end int) string {
	text := p.src[pos:end]
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	for pos < end {
		if p.src[pos] != '\\' {
			b.WriteByte(p.src[pos])
			pos++
			continue
		}
		c, n, problem := decodeEscape(p.src[pos:end])
		if problem != "" {
			p.report(Literal, p.span(pos, pos+n), "%s", problem).
				WithHint(`the escapes are \n \t \r \" \\ \NNN (octal) and \xNN (hexadecimal)`)
		} else {
			b.WriteByte(c)
		}
		pos += n
	}
	return b.String()
}

// decodeEscape decodes the escape with which s begins and returns its byte
// and its length, or what is wrong with it.
func decodeEscape(s string) (c byte, n int, problem string) {
	if len(s) < 2 {
		return 0, len(s), "a '\\' at the end of a string"
	}
	switch s[1] {
	case 'n':
		return '\n', 2, ""
	case 't':
		return '\t', 2, ""
	case 'r':
		return '\r', 2, ""
	case '"', '\\':
		return s[1], 2, ""
	case 'x', 'X':
		for n = 2; n < len(s) && n < 4 && isHexDigit(s[n]); n++ {
		}
		if n == 2 {
			return 0, n, "'\\" + s[1:2] + "' needs one or two hexadecimal digits"
		}
		return byteOf(s[2:n], 16, n)
	}
	if s[1] < '0' || s[1] > '7' {
		_, size := utf8.DecodeRuneInString(s[1:])
		return 0, 1 + size, "'" + s[:1+size] + "' is no escape"
	}
	for n = 2; n < len(s) && n < 4 && s[n] >= '0' && s[n] <= '7'; n++ {
	}
	return byteOf(s[1:n], 8, n)
}

func byteOf(digits string, base, n int) (byte, int, string) {
	v, err := strconv.ParseUint(digits, base, 8)
	if err != nil {
		return 0, n, "'\\" + digits + "' is more than one byte holds"
	}
	return byte(v), n, ""
}
