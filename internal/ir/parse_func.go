package ir

import (
	"strconv"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// funcParser is the state of one function: names used before they are
// defined get an empty value or block, which the definition fills.
type funcParser struct {
	*parser
	f      *Func
	values map[int]*valueName
	blocks map[int]*blockName
	noName []*Value // without a result; they are numbered last
	cur    *Block
}

type valueName struct {
	v       *Value
	defined bool
	at      source.Span // first mention
}

type blockName struct {
	b       *Block
	defined bool
	at      source.Span
}

func (p *parser) function() {
	fp := &funcParser{parser: p, f: &Func{}, values: map[int]*valueName{}, blocks: map[int]*blockName{}}
	f := fp.f
	at := p.tok
	f.Name = p.symbol()
	f.Span = p.span(at).To(p.span(p.tok))
	if p.acceptWord("section") {
		f.Section = p.str("the section as a string")
	}
	f.Static = p.acceptWord("static")
	f.Params = fp.params()
	f.Result = p.typeWord(true)
	if p.acceptWord("proto") {
		p.typeRefTo(func(t ctypes.Type) bool {
			proto, ok := t.(*ctypes.Func)
			f.Proto = proto
			return ok
		})
	}
	p.expect('{')
	if p.bad {
		return
	}
	errors := len(p.dl.Items)
	fp.body()
	if len(fp.f.Blocks) == 0 && len(p.dl.Items) == errors {
		p.dl.Errorf(codeSyntax, f.Span, "function @%s has no block", f.Name)
	}
	fp.finish()
	p.m.Funcs = append(p.m.Funcs, f)
}

func (p *funcParser) body() {
	for p.skipLines() {
		if p.accept('}') {
			return
		}
		if id, ok := wordID('b', p.tok.text); ok && p.tok.kind == tokWord {
			p.label(id)
			continue
		}
		p.statement()
		p.endStatement()
	}
	if !p.full() {
		p.wanted("'}'")
	}
}

// label starts a block. The entry block may leave its parameters to the
// function's head.
func (p *funcParser) label(id int) {
	at := p.tok
	p.advance()
	n := p.blockRef(id, at)
	if n.defined {
		p.failAt(codeDuplicate, p.span(at), "block b%d is defined twice", id)
		p.skipBad()
		return
	}
	n.defined = true
	b := n.b
	p.cur = b
	p.f.Blocks = append(p.f.Blocks, b)
	isEntry := len(p.f.Blocks) == 1
	switch {
	case isEntry:
		b.Params = p.f.Params
		if p.tok.is('(') {
			p.repeatedParams(b)
		}
	case p.tok.is('('):
		b.Params = p.params()
	}
	for _, v := range b.Params {
		v.Block = b
	}
	p.expect(':')
	p.skipBad()
}

// repeatedParams reads the entry block's parameters, which must be those of
// the function's head.
func (p *funcParser) repeatedParams(b *Block) {
	p.expect('(')
	for i := 0; !p.bad && !p.tok.is(')'); i++ {
		if i > 0 {
			p.expect(',')
		}
		at := p.tok
		id, ok := wordID('v', p.word("a value"))
		t := p.typeWord(false)
		if !p.bad && (!ok || i >= len(b.Params) || b.Params[i].ID != id || b.Params[i].Type != t) {
			p.failAt(codeSyntax, p.span(at), "the entry block's parameters differ from the function's")
		}
		if i == len(b.Params)-1 && !p.bad && !p.tok.is(')') {
			p.wanted("')'")
		}
	}
	p.expect(')')
}

// params reads (v0 ptr, v1 i64).
func (p *funcParser) params() []*Value {
	var list []*Value
	p.expect('(')
	for !p.bad && !p.tok.is(')') {
		if len(list) > 0 {
			p.expect(',')
		}
		v := p.define()
		t := p.typeWord(false)
		if p.bad {
			break
		}
		v.Op, v.Type = OpParam, t
		list = append(list, v)
	}
	p.expect(')')
	return list
}

// typeWord reads a value type.
func (p *parser) typeWord(void bool) Type {
	if t, ok := p.acceptType(); ok {
		return t
	}
	if void && p.acceptWord("void") {
		return Void
	}
	p.wanted("i32, i64 or ptr")
	return Void
}

func (p *parser) acceptType() (Type, bool) {
	for t := I32; t <= Ptr; t++ {
		if p.acceptWord(t.String()) {
			return t, true
		}
	}
	return Void, false
}

// ref returns the value of a number, defined or not yet.
func (p *funcParser) ref(id int, at token) *valueName {
	n := p.values[id]
	if n == nil {
		n = &valueName{v: &Value{ID: id}, at: p.span(at)}
		p.values[id] = n
		p.f.values = max(p.f.values, id+1)
	}
	return n
}

func (p *funcParser) blockRef(id int, at token) *blockName {
	n := p.blocks[id]
	if n == nil {
		n = &blockName{b: &Block{ID: id, Func: p.f}, at: p.span(at)}
		p.blocks[id] = n
		p.f.blocks = max(p.f.blocks, id+1)
	}
	return n
}

func (p *funcParser) valueWord() (*valueName, token) {
	at := p.tok
	id, ok := wordID('v', p.tok.text)
	if p.bad || p.tok.kind != tokWord || !ok {
		p.wanted("a value such as v1")
		return &valueName{v: &Value{}}, at
	}
	p.advance()
	return p.ref(id, at), at
}

func (p *funcParser) value() *Value {
	n, _ := p.valueWord()
	return n.v
}

// define reads the name of a value that is defined here.
func (p *funcParser) define() *Value {
	n, at := p.valueWord()
	if n.defined {
		p.failAt(codeDuplicate, p.span(at), "%s is defined twice", n.v)
	}
	n.defined = true
	return n.v
}

// statement reads an instruction or a terminator.
func (p *funcParser) statement() {
	start := p.tok
	if p.cur == nil {
		p.fail("want a block label such as b0: first")
		return
	}
	if p.cur.Term.Kind != NoTerm {
		p.fail("%s has its terminator already", p.cur)
		return
	}
	if p.tok.kind == tokWord && p.terminator(start) {
		return
	}
	var v *Value
	named := false
	if _, isValue := wordID('v', p.tok.text); isValue && p.tok.kind == tokWord {
		v, named = p.define(), true
		p.expect('=')
	} else {
		v = &Value{}
	}
	opTok := p.tok
	p.operation(v)
	t, typed := p.acceptType()
	if named != typed {
		p.failAt(codeSyntax, p.span(opTok), "an operation has a result type exactly when its result has a name")
	}
	v.Type = t
	p.operands(v)
	if p.bad {
		return
	}
	p.place()
	v.Span = p.span(start).To(p.span(opTok))
	p.cur.Append(v)
	if !named {
		p.noName = append(p.noName, v)
	}
}

// terminator reads a terminator when the next word is one.
func (p *funcParser) terminator(start token) bool {
	t := &p.cur.Term
	term := Term{Span: p.span(start)}
	switch {
	case p.acceptWord("jump"):
		term.Kind, term.Then = Jump, p.edge()
	case p.acceptWord("br"):
		term.Kind, term.Cond = Branch, p.value()
		p.expect(',')
		term.Then = p.edge()
		p.expect(',')
		term.Else = p.edge()
	case p.acceptWord("ret"):
		term.Kind = Return
		if p.tok.kind == tokWord {
			term.Cond = p.value()
		}
	case p.acceptWord("unreachable"):
		term.Kind = Unreachable
	default:
		return false
	}
	p.place()
	if !p.bad {
		*t = term
	}
	return true
}

func (p *funcParser) edge() Edge {
	at := p.tok
	id, ok := wordID('b', p.tok.text)
	if p.bad || p.tok.kind != tokWord || !ok {
		p.wanted("a block such as b1")
		return Edge{}
	}
	p.advance()
	e := Edge{Block: p.blockRef(id, at).b}
	if p.accept('(') {
		e.Args = p.valuesUntil(')')
		p.expect(')')
	}
	return e
}

// valuesUntil reads values separated by commas up to the given punctuation.
func (p *funcParser) valuesUntil(end byte) []*Value {
	var list []*Value
	for !p.bad && !p.tok.is(end) {
		if len(list) > 0 {
			p.expect(',')
		}
		list = append(list, p.value())
	}
	return list
}

// place skips the @line:column of another text.
func (p *funcParser) place() {
	if p.accept('@') {
		p.int("a line")
		p.expect(':')
		p.int("a column")
	}
}

// operation reads the operation's word with its suffixes into v.
func (p *funcParser) operation(v *Value) {
	at := p.tok
	name, suffixes := splitOp(p.word("an operation"))
	if p.bad {
		return
	}
	op, ok := opByName(name)
	if !ok {
		p.failAt(codeSyntax, p.span(at), "there is no operation %q", name)
		return
	}
	v.Op = op
	if !v.setSuffixes(suffixes) {
		p.failAt(codeSyntax, p.span(at), "%s is not written like this", op)
	}
}

func opByName(name string) (Op, bool) {
	for op := OpConst; op < numOps; op++ {
		if opInfo[op].Name == name {
			return op, true
		}
	}
	return OpInvalid, false
}

// setSuffixes reads what stands behind the operation's name into the value's
// fields, in the order in which the printer writes it.
func (v *Value) setSuffixes(list []string) bool {
	shape := v.Op.shape()
	next := func() string {
		if len(list) == 0 {
			return ""
		}
		s := list[0]
		list = list[1:]
		return s
	}
	if shape.atomic {
		i := indexOf(atomicNames[:], next())
		if i < 0 {
			return false
		}
		v.Atomic = AtomicOp(i)
	}
	if shape.operands == operandsCORE {
		i := indexOf(coreNames[:], next())
		if i < 0 {
			return false
		}
		v.CORE = &CORE{Kind: COREKind(i)}
	}
	if shape.width || shape.signed {
		digits := next()
		if shape.signed {
			if digits == "" || digits[0] != 's' && digits[0] != 'u' {
				return false
			}
			v.Signed = digits[0] == 's'
			digits = digits[1:]
		}
		n, err := strconv.ParseUint(digits, 10, 11)
		if err != nil || n%8 != 0 {
			return false
		}
		v.Width = uint8(n / 8)
	}
	if len(list) > 0 && list[0] == "volatile" {
		v.Volatile = true
		next()
	}
	return len(list) == 0
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// operands reads the operands that the operation's shape asks for.
func (p *funcParser) operands(v *Value) {
	switch v.Op.shape().operands {
	case operandsPlain:
		if !p.bad && p.tok.kind == tokWord {
			v.Args = append(v.Args, p.value())
		}
		for p.accept(',') {
			v.Args = append(v.Args, p.value())
		}
	case operandsMem:
		v.Args = append(v.Args, p.value())
		v.Imm = p.offset()
		for p.accept(',') {
			v.Args = append(v.Args, p.value())
		}
	case operandsSize:
		v.Args = append(v.Args, p.value())
		p.expect(',')
		for !p.bad && p.tok.kind == tokWord {
			v.Args = append(v.Args, p.value())
			p.expect(',')
		}
		v.Imm = p.int("a size")
	case operandsImm:
		v.Imm = p.int("a number")
		if v.Op == OpAlloca {
			p.expectWord("align")
			v.Width = uint8(p.uint("an alignment", 255))
		}
	case operandsSym:
		v.Sym = p.symbol()
		v.Imm = p.offset()
	case operandsCall:
		v.Sym = p.symbol()
		if v.Op == OpHelper {
			p.expect('#')
			v.Imm = p.int("the helper's number")
		}
		p.expect('(')
		v.Args = p.valuesUntil(')')
		p.expect(')')
	case operandsCORE:
		if !p.bad && !p.tok.is('=') {
			p.typeRef(&v.CORE.Type)
			v.CORE.Access = p.str("the access path as a string")
		}
		p.expect('=')
		v.Imm = p.int("the local value")
	}
}

// finish reports what was named and not defined, and numbers the values
// without a name.
func (p *funcParser) finish() {
	for _, n := range p.values {
		if !n.defined {
			p.dl.Errorf(codeUndefined, n.at, "%s is not defined", n.v)
		}
	}
	for _, n := range p.blocks {
		if !n.defined {
			p.dl.Errorf(codeUndefined, n.at, "block %s is not defined", n.b)
		}
	}
	for _, v := range p.noName {
		v.ID = p.f.values
		p.f.values++
	}
}
