package cdecl

import (
	"math"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// value is an integer constant of 64 bits.
type value struct {
	n        int64
	unsigned bool
}

// constant reads an integer constant expression and returns its value.
func (p *parser) constant() int64 { return p.conditional().n }

// conditional reads c ? a : b, the loosest expression without a comma.
func (p *parser) conditional() value {
	defer p.enter()()
	c := p.binary(0)
	if !p.accept("?") {
		return c
	}
	a := p.conditional()
	p.want(":", "in the conditional expression")
	b := p.conditional()
	r := b
	if c.n != 0 {
		r = a
	}
	r.unsigned = a.unsigned || b.unsigned
	return r
}

// precedence of the binary operators, from the loosest.
var precedence = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<", ">", "<=", ">="}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
}

func (p *parser) binary(level int) value {
	if level == len(precedence) {
		return p.unary()
	}
	a := p.binary(level + 1)
	for !p.bad {
		op := p.peek()
		if op.kind != punct || !contains(precedence[level], op.text) {
			break
		}
		p.next()
		b := p.binary(level + 1)
		if (op.text == "/" || op.text == "%") && b.n == 0 {
			p.fail(op.span, "division by zero")
			return a
		}
		a = apply(op.text, a, b)
	}
	return a
}

// apply computes a op b as C does for 64-bit operands.
func apply(op string, a, b value) value {
	u := a.unsigned || b.unsigned
	truth := func(v bool) value {
		if v {
			return value{n: 1}
		}
		return value{}
	}
	less := func(x, y int64) bool {
		if u {
			return uint64(x) < uint64(y)
		}
		return x < y
	}
	switch op {
	case "||":
		return truth(a.n != 0 || b.n != 0)
	case "&&":
		return truth(a.n != 0 && b.n != 0)
	case "==":
		return truth(a.n == b.n)
	case "!=":
		return truth(a.n != b.n)
	case "<":
		return truth(less(a.n, b.n))
	case ">":
		return truth(less(b.n, a.n))
	case "<=":
		return truth(!less(b.n, a.n))
	case ">=":
		return truth(!less(a.n, b.n))
	case "<<":
		return value{a.n << (uint64(b.n) & 63), a.unsigned}
	case ">>":
		if a.unsigned {
			return value{int64(uint64(a.n) >> (uint64(b.n) & 63)), true}
		}
		return value{a.n >> (uint64(b.n) & 63), false}
	case "|":
		return value{a.n | b.n, u}
	case "^":
		return value{a.n ^ b.n, u}
	case "&":
		return value{a.n & b.n, u}
	case "+":
		return value{a.n + b.n, u}
	case "-":
		return value{a.n - b.n, u}
	case "*":
		return value{a.n * b.n, u}
	case "/":
		if u {
			return value{int64(uint64(a.n) / uint64(b.n)), true}
		}
		if a.n == math.MinInt64 && b.n == -1 {
			return a
		}
		return value{a.n / b.n, false}
	default: // "%"
		if u {
			return value{int64(uint64(a.n) % uint64(b.n)), true}
		}
		if b.n == -1 {
			return value{}
		}
		return value{a.n % b.n, false}
	}
}

// unary reads a prefix operator, a cast, sizeof or a primary expression.
func (p *parser) unary() value {
	defer p.enter()()
	t := p.next()
	switch {
	case t.is("-"):
		v := p.unary()
		v.n = -v.n
		return v
	case t.is("+"):
		return p.unary()
	case t.is("~"):
		v := p.unary()
		v.n = ^v.n
		return v
	case t.is("!"):
		return apply("==", p.unary(), value{})
	case t.is("sizeof"), t.is("_Alignof"), t.is("alignof"):
		p.want("(", "after "+t.text)
		typ := concrete(p.typeName())
		p.want(")", "after the type")
		if !p.bad && !p.sized(typ) {
			p.fail(t.span, "%s of a type without a size", t.text)
		}
		if t.text == "sizeof" {
			return value{int64(ctypes.Sizeof(typ)), true}
		}
		return value{int64(ctypes.Alignof(typ)), true}
	case t.is("(") && p.isType(p.peek()):
		typ := p.typeName()
		p.want(")", "after the type")
		return cast(typ, p.unary())
	case t.is("("):
		v := p.conditional()
		p.want(")", "in the expression")
		return v
	case t.kind == number:
		return p.number(t)
	case t.kind == char:
		return p.char(t)
	case t.kind == ident:
		if n, ok := p.d.consts[t.text]; ok {
			return value{n: n}
		}
		p.fail(t.span, "'%s' is no integer constant", t.text)
	default:
		p.fail(t.span, "expected an integer constant, found %s", t.describe())
	}
	return value{}
}

// cast cuts a value to a type.
func cast(t ctypes.Type, v value) value {
	size, signed := 8, false
	switch x := ctypes.Strip(t).(type) {
	case *ctypes.Int:
		if x.Bool {
			return apply("!=", v, value{})
		}
		size, signed = x.Size, x.Signed
	case *ctypes.Enum:
		size, signed = x.Size, x.Signed
	}
	shift := uint(max(64-8*size, 0))
	if signed {
		return value{v.n << shift >> shift, false}
	}
	// Types narrower than int become int in an expression.
	return value{int64(uint64(v.n) << shift >> shift), size >= 4}
}

// number reads an integer literal with its suffix.
func (p *parser) number(t token) value {
	text := strings.ToLower(t.text)
	digits := strings.TrimRight(text, "ul")
	suffix := text[len(digits):]
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil || strings.ContainsAny(digits, "_o") || len(suffix) > 3 || strings.Count(suffix, "u") > 1 {
		p.fail(t.span, "'%s' is no integer constant", t.text)
		return value{}
	}
	return value{int64(n), strings.Contains(suffix, "u") || n > math.MaxInt64}
}

// escapes are C's one-letter escapes.
var escapes = map[byte]int64{
	'n': '\n', 't': '\t', 'r': '\r', '0': 0, 'a': 7, 'b': 8, 'f': 12, 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?', 'e': 27,
}

// char reads a character literal of one byte.
func (p *parser) char(t token) value {
	s := t.text
	if len(s) >= 3 && s[len(s)-1] == '\'' {
		s = s[1 : len(s)-1]
		if len(s) == 1 && s[0] != '\\' {
			return value{n: int64(int8(s[0]))}
		}
		if len(s) >= 2 && s[0] == '\\' {
			if c, ok := escapes[s[1]]; ok && len(s) == 2 {
				return value{n: c}
			}
			base, digits := 8, s[1:]
			if s[1] == 'x' {
				base, digits = 16, s[2:]
			}
			if n, err := strconv.ParseUint(digits, base, 8); err == nil {
				return value{n: int64(int8(n))}
			}
		}
	}
	p.fail(t.span, "%s is no character constant", t.text)
	return value{}
}
