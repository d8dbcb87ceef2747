package ir

import (
	"strconv"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// Style chooses what the text form shows.
type Style struct {
	// Types prints the C types as a table at the end, so that Parse gives
	// them back whole. Without it they are only named.
	Types bool
	// Spans ends each instruction that has a place in the source with
	// @line:column. Parse skips these.
	Spans bool
}

// Print returns the text form that Parse reads back: the module as it is,
// but for spans.
func Print(m *Module) string { return m.Text(Style{Types: true}) }

// Text returns the module's text form.
func (m *Module) Text(s Style) string {
	p := &printer{style: s}
	if m.License != "" {
		p.str("license ").quote(m.License).nl()
	}
	for _, x := range m.Maps {
		p.mapDecl(x)
	}
	for _, d := range m.Data {
		p.dataDecl(d)
	}
	for _, f := range m.Funcs {
		if len(p.out) > 0 {
			p.nl()
		}
		p.function(f)
	}
	p.types()
	return string(p.out)
}

// Text returns the function's text form without the maps, data and types that
// it names.
func (f *Func) Text(s Style) string {
	p := &printer{style: s}
	p.function(f)
	return string(p.out)
}

// printer builds text; each step returns the printer, for chains.
type printer struct {
	out     []byte
	style   Style
	typeIDs map[ctypes.Type]int
	typeSeq []ctypes.Type
}

func (p *printer) str(s string) *printer {
	p.out = append(p.out, s...)
	return p
}

func (p *printer) nl() *printer { return p.str("\n") }

func (p *printer) int(n int64) *printer {
	p.out = strconv.AppendInt(p.out, n, 10)
	return p
}

func (p *printer) quote(s string) *printer {
	p.out = strconv.AppendQuoteToASCII(p.out, s)
	return p
}

// name writes a name bare when it looks like one, else quoted.
func (p *printer) name(s string) *printer {
	if isName(s) {
		return p.str(s)
	}
	return p.quote(s)
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLetter(c) && (i == 0 || !isDigit(c) && c != '.' && c != '$') {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *printer) offset(n int64) *printer {
	if n > 0 {
		p.str("+")
	}
	if n != 0 {
		p.int(n)
	}
	return p
}

func (p *printer) mapDecl(x *Map) {
	p.str("map @").name(x.Name).str(" type ").int(int64(x.Type)).str(" key ").int(int64(x.KeySize))
	p.str(" value ").int(int64(x.ValueSize)).str(" max ").int(int64(x.MaxEntries)).str(" flags ").int(int64(x.Flags))
	if x.Key != nil || x.Value != nil {
		p.str(" types ").typeRef(x.Key).str(", ").typeRef(x.Value)
	}
	p.nl()
}

func (p *printer) dataDecl(d *Data) {
	p.str("data @").name(d.Name).str(" ").quote(d.Section).str(" align ").int(int64(d.Align))
	if d.Type != nil {
		p.str(" type ").typeRef(d.Type)
	}
	p.str(" = ")
	if d.Section == ".bss" || allZero(d.Bytes) {
		p.str("zero ").int(int64(len(d.Bytes)))
	} else {
		p.quote(string(d.Bytes))
	}
	p.nl()
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

func (p *printer) function(f *Func) {
	p.str("func @").name(f.Name)
	if f.Section != "" {
		p.str(" section ").quote(f.Section)
	}
	if f.Static {
		p.str(" static")
	}
	p.str(" ").params(f.Params).str(" ").str(f.Result.String())
	if f.Proto != nil {
		p.str(" proto ").typeRef(f.Proto)
	}
	p.str(" {").nl()
	for i, b := range f.Blocks {
		p.str(b.String())
		if i > 0 && len(b.Params) > 0 {
			p.params(b.Params)
		}
		p.str(":").nl()
		for _, v := range b.Instrs {
			if p.str("    ").instr(v); v != nil {
				p.place(v.Span)
			}
			p.nl()
		}
		p.term(&b.Term)
	}
	p.str("}").nl()
}

func (p *printer) params(params []*Value) *printer {
	p.str("(")
	for i, v := range params {
		if i > 0 {
			p.str(", ")
		}
		p.value(v)
		if v != nil {
			p.str(" ").str(v.Type.String())
		}
	}
	return p.str(")")
}

func (p *printer) value(v *Value) *printer {
	if v == nil {
		return p.str("v?")
	}
	return p.str("v").int(int64(v.ID))
}

func (p *printer) values(args []*Value) *printer {
	for i, v := range args {
		if i > 0 {
			p.str(", ")
		}
		p.value(v)
	}
	return p
}

func (p *printer) place(s source.Span) *printer {
	if !p.style.Spans || !s.IsValid() {
		return p
	}
	line, col := s.File.Position(s.Start)
	return p.str(" @").int(int64(line)).str(":").int(int64(col))
}

func (p *printer) term(t *Term) {
	switch t.Kind {
	case Jump:
		p.str("    jump ").edge(&t.Then)
	case Branch:
		p.str("    br ").value(t.Cond).str(", ").edge(&t.Then).str(", ").edge(&t.Else)
	case Return:
		p.str("    ret")
		if t.Cond != nil {
			p.str(" ").value(t.Cond)
		}
	case Unreachable:
		p.str("    unreachable")
	default:
		return
	}
	p.place(t.Span).nl()
}

func (p *printer) edge(e *Edge) *printer {
	if e.Block == nil {
		return p.str("b?")
	}
	p.str(e.Block.String())
	if len(e.Args) > 0 {
		p.str("(").values(e.Args).str(")")
	}
	return p
}

// instr writes one instruction. The shape of each operation stands in
// opShapes, which the parser reads too.
func (p *printer) instr(v *Value) *printer {
	if v == nil {
		return p.value(v)
	}
	if v.Type != Void {
		p.value(v).str(" = ")
	}
	shape := v.Op.shape()
	p.str(v.Op.String())
	p.suffixes(v, shape)
	if v.Type != Void {
		p.str(" ").str(v.Type.String())
	}
	switch shape.operands {
	case operandsPlain, operandsSize:
		if len(v.Args) > 0 {
			p.str(" ").values(v.Args)
		}
	case operandsMem:
		p.str(" ")
		if len(v.Args) > 0 {
			p.value(v.Args[0]).offset(v.Imm)
		}
		for _, a := range v.Args[min(1, len(v.Args)):] {
			p.str(", ").value(a)
		}
	case operandsImm:
		p.str(" ").int(v.Imm)
	case operandsSym:
		p.str(" @").name(v.Sym).offset(v.Imm)
	case operandsCall:
		p.str(" @").name(v.Sym)
		if v.Op == OpHelper {
			p.str("#").int(v.Imm)
		}
		p.str("(").values(v.Args).str(")")
	case operandsCORE:
		if v.CORE != nil {
			p.str(" ").typeRef(v.CORE.Type).str(" ").quote(v.CORE.Access)
		}
		p.str(" = ").int(v.Imm)
	}
	if shape.operands == operandsSize {
		p.str(", ").int(v.Imm)
	}
	if v.Op == OpAlloca {
		p.str(" align ").int(int64(v.Width))
	}
	return p
}

func (p *printer) suffixes(v *Value, s opShape) {
	if s.atomic {
		p.str(".").str(v.Atomic.String())
	}
	if s.operands == operandsCORE && v.CORE != nil {
		p.str(".").str(v.CORE.Kind.String())
	}
	switch {
	case s.signed && v.Signed:
		p.str(".s").int(int64(v.Width) * 8)
	case s.signed:
		p.str(".u").int(int64(v.Width) * 8)
	case s.width:
		p.str(".").int(int64(v.Width) * 8)
	}
	if v.Volatile {
		p.str(".volatile")
	}
}
