package ir

import (
	"math"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// Limits of the text form, so that a short text can't ask for a lot of memory.
const (
	maxID   = 1 << 20 // the greatest number of a value, block or type
	maxZero = 1 << 24 // the most bytes of "zero N"
)

// Codes of the parser's diagnostics.
const (
	codeSyntax    diag.Code = "ir-syntax"
	codeUndefined diag.Code = "ir-undefined"
	codeDuplicate diag.Code = "ir-duplicate"
)

// Parse reads the text form of a module. The list has an error for each place
// that is not understood, and the module is nil then. Parse looks at names
// and grammar only; what a module must obey beyond that is Check's business.
// A value's span is its place in this text.
func Parse(name, text string) (*Module, *diag.List) {
	p := &parser{lex: lexer{file: source.NewFile(name, text)}, dl: &diag.List{}, m: &Module{}, types: newTypeTable()}
	p.advance()
	p.module()
	p.resolveTypes()
	if p.dl.HasErrors() {
		p.dl.Sort()
		return nil, p.dl
	}
	return p.m, p.dl
}

// parser reads with one token of lookahead. The first error in a statement
// sets bad, which makes every step until the end of the statement do nothing.
type parser struct {
	lex   lexer
	tok   token
	dl    *diag.List
	bad   bool
	m     *Module
	types *typeTable
}

func (p *parser) advance() { p.tok = p.lex.next() }

func (p *parser) span(t token) source.Span {
	return source.Span{File: p.lex.file, Start: t.start, End: t.end}
}

// fail reports an error at the current token.
func (p *parser) fail(format string, args ...any) {
	p.failAt(codeSyntax, p.span(p.tok), format, args...)
}

func (p *parser) failAt(code diag.Code, at source.Span, format string, args ...any) {
	if !p.bad {
		p.dl.Errorf(code, at, format, args...)
	}
	p.bad = true
}

func (p *parser) wanted(what string) {
	got := strconv.Quote(p.tok.text)
	switch p.tok.kind {
	case tokEnd:
		got = "the end"
	case tokLine:
		got = "the end of the line"
	}
	p.fail("want %s, found %s", what, got)
}

// accept takes the given punctuation when it is next.
func (p *parser) accept(c byte) bool {
	if p.bad || !p.tok.is(c) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(c byte) {
	if !p.bad && !p.accept(c) {
		p.wanted(strconv.QuoteRune(rune(c)))
	}
}

// acceptWord takes the given word when it is next.
func (p *parser) acceptWord(w string) bool {
	if p.bad || p.tok.kind != tokWord || p.tok.text != w {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expectWord(w string) {
	if !p.bad && !p.acceptWord(w) {
		p.wanted(strconv.Quote(w))
	}
}

func (p *parser) word(what string) string {
	if p.bad || p.tok.kind != tokWord {
		p.wanted(what)
		return ""
	}
	s := p.tok.text
	p.advance()
	return s
}

// name reads a name, bare or quoted.
func (p *parser) name(what string) string {
	if p.tok.kind == tokStr {
		return p.str(what)
	}
	return p.word(what)
}

func (p *parser) str(what string) string {
	if p.bad || p.tok.kind != tokStr {
		p.wanted(what)
		return ""
	}
	s := p.tok.text
	p.advance()
	return s
}

// int reads a number with an optional sign. Numbers over the greatest int64
// stand for their bits.
func (p *parser) int(what string) int64 {
	minus := p.accept('-')
	if p.bad || p.tok.kind != tokInt {
		p.wanted(what)
		return 0
	}
	n := int64(p.tok.num)
	if minus {
		if p.tok.num > 1<<63 {
			p.fail("%s is out of range", what)
		}
		n = -n
	}
	p.advance()
	return n
}

// uint reads a number that is at most limit.
func (p *parser) uint(what string, limit uint64) uint64 {
	if p.bad || p.tok.kind != tokInt {
		p.wanted(what)
		return 0
	}
	if p.tok.num > limit {
		p.fail("%s is at most %d", what, limit)
		return 0
	}
	n := p.tok.num
	p.advance()
	return n
}

// offset reads the +8 or -8 behind a base, if any.
func (p *parser) offset() int64 {
	if p.accept('+') || !p.bad && p.tok.is('-') {
		return p.int("an offset")
	}
	return 0
}

// id reads the number of a word such as v12, or returns false.
func wordID(prefix byte, s string) (int, bool) {
	if len(s) < 2 || s[0] != prefix || len(s) > 9 || s[1] == '0' && len(s) > 2 {
		return 0, false
	}
	n := 0
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n <= maxID
}

// endStatement expects the end of a line, and goes on at the next line after
// an error.
func (p *parser) endStatement() {
	if !p.bad && p.tok.kind != tokLine && p.tok.kind != tokEnd && !p.tok.is('}') {
		p.wanted("the end of the line")
	}
	p.skipBad()
}

func (p *parser) skipBad() {
	for p.bad && p.tok.kind != tokEnd && p.tok.kind != tokLine {
		p.advance()
	}
	p.bad = false
}

// skipLines goes on at the next statement and reports whether there is one.
func (p *parser) skipLines() bool {
	for p.tok.kind == tokLine {
		p.advance()
	}
	return p.tok.kind != tokEnd && !p.full()
}

// full reports whether there are enough errors to give up.
func (p *parser) full() bool { return len(p.dl.Items) >= diag.Limit }

func (p *parser) module() {
	for p.skipLines() {
		at := p.tok
		switch word := p.word("license, map, data, func or type"); word {
		case "license":
			p.m.License = p.str("the licence as a string")
		case "map":
			p.mapDecl()
		case "data":
			p.dataDecl()
		case "func":
			p.function()
		case "type":
			p.typeDecl()
		default:
			p.failAt(codeSyntax, p.span(at), "want license, map, data, func or type, found %q", word)
		}
		if !p.bad && p.tok.kind != tokLine && p.tok.kind != tokEnd {
			p.wanted("the end of the line")
		}
		p.skipBad()
	}
}

// symbol reads @name.
func (p *parser) symbol() string {
	p.expect('@')
	return p.name("a name")
}

func (p *parser) mapDecl() {
	x := &Map{Name: p.symbol()}
	for _, field := range []struct {
		word string
		at   *uint32
	}{{"type", &x.Type}, {"key", &x.KeySize}, {"value", &x.ValueSize}, {"max", &x.MaxEntries}, {"flags", &x.Flags}} {
		p.expectWord(field.word)
		*field.at = uint32(p.uint(field.word, math.MaxUint32))
	}
	if p.acceptWord("types") {
		p.typeRef(&x.Key)
		p.expect(',')
		p.typeRef(&x.Value)
	}
	if !p.bad {
		p.m.Maps = append(p.m.Maps, x)
	}
}

func (p *parser) dataDecl() {
	d := &Data{Name: p.symbol()}
	d.Section = p.str("the section as a string")
	p.expectWord("align")
	d.Align = int(p.uint("an alignment", 1<<16))
	if p.acceptWord("type") {
		p.typeRef(&d.Type)
	}
	p.expect('=')
	if p.acceptWord("zero") {
		d.Bytes = make([]byte, p.uint("a size", maxZero))
	} else {
		d.Bytes = []byte(p.str("contents as a string or zero"))
	}
	if !p.bad {
		p.m.Data = append(p.m.Data, d)
	}
}

// splitOp cuts "load.u32.volatile" into the operation's name and its suffixes.
func splitOp(s string) (name string, suffixes []string) {
	name, rest, more := strings.Cut(s, ".")
	if more {
		suffixes = strings.Split(rest, ".")
	}
	return name, suffixes
}
