package cdecl

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// sized reports whether a value of the type can be stored.
func (p *parser) sized(t ctypes.Type) bool {
	switch x := ctypes.Strip(t).(type) {
	case *ctypes.Void, *ctypes.Fwd, *ctypes.Func:
		return false
	case *ctypes.Array:
		return p.sized(x.Elem)
	case *ctypes.Struct:
		return !p.isOpen(x)
	}
	return true
}

// isOpen reports whether the struct's definition is being read.
func (p *parser) isOpen(s *ctypes.Struct) bool {
	for _, o := range p.open {
		if o == s {
			return true
		}
	}
	return false
}

// concrete replaces a type that is looked up later by its definition.
func concrete(t ctypes.Type) ctypes.Type {
	switch x := t.(type) {
	case *ctypes.Lazy:
		return x.Load()
	case *ctypes.Qual:
		return &ctypes.Qual{Kind: x.Kind, Type: concrete(x.Type)}
	case *ctypes.Array:
		return &ctypes.Array{Elem: concrete(x.Elem), Len: x.Len}
	}
	return t
}

// reference is a struct, union or enum that is named without its definition.
func (p *parser) reference(keyword, name string) ctypes.Type {
	full := keyword + " " + name
	for _, o := range p.open {
		if o.Name == name && o.Union == (keyword == "union") {
			return o
		}
	}
	if t := p.d.types[full]; t != nil {
		return t
	}
	if p.lenient {
		if keyword == "enum" {
			return &ctypes.Enum{Name: name, Size: 4}
		}
		return &ctypes.Fwd{Name: name, Union: keyword == "union"}
	}
	types, outer := p.d.types, p.outer
	return ctypes.NewLazy(keyword, name, func() ctypes.Type {
		if t := types[full]; t != nil {
			return t
		}
		t, err := outer.Type(full)
		if err != nil {
			return nil
		}
		return t
	})
}

// define enters a definition under its tag.
func (p *parser) define(keyword, name string, t ctypes.Type, at source.Span) {
	if name == "" || p.bad {
		return
	}
	full := keyword + " " + name
	if p.d.types[full] != nil {
		p.fail(at, "%s is defined twice", full)
		return
	}
	p.d.types[full] = t
	p.d.Named = append(p.d.Named, Named{Name: full, Type: t, Span: at})
}

// structType reads a struct or union past its keyword.
func (p *parser) structType(union bool) ctypes.Type {
	keyword := "struct"
	if union {
		keyword = "union"
	}
	a := &attributes{}
	a.attrs(p)
	at, name := p.peek(), ""
	if at.kind == ident {
		name = p.next().text
	}
	a.attrs(p)
	if !p.accept("{") {
		if name == "" {
			p.fail(at.span, "expected a name or '{' after %s, found %s", keyword, at.describe())
			return &ctypes.Void{}
		}
		return p.reference(keyword, name)
	}
	s := &ctypes.Struct{Name: name, Union: union}
	l := &layout{s: s}
	p.open = append(p.open, s)
	// Whether the struct is packed is only known after its members.
	var members []member
	for !p.bad && !p.accept("}") {
		if p.peek().kind == eof {
			p.fail(p.peek().span, "expected '}' to end %s %s", keyword, name)
			break
		}
		members = p.members(members)
	}
	a.attrs(p)
	l.packed = a.packed
	for i := range members {
		l.add(p, &members[i])
	}
	l.finish(p, a.align, at.span)
	p.open = p.open[:len(p.open)-1]
	p.define(keyword, name, s, at.span)
	return s
}

// member is a declared member before it has its place.
type member struct {
	ctypes.Field
	bits   int64 // width of a bit-field, else -1
	packed bool
	align  int
	span   source.Span
}

// members reads one member declaration.
func (p *parser) members(list []member) []member {
	if p.accept(";") {
		return list
	}
	start := p.peek()
	base, spec := p.specifiers()
	if p.peek().is(";") {
		// An anonymous struct or union; anything else declares nothing.
		if s, ok := base.(*ctypes.Struct); ok && s.Name == "" {
			list = append(list, member{Field: ctypes.Field{Type: base}, bits: -1, packed: spec.packed, align: spec.align, span: start.span})
		}
		p.next()
		return list
	}
	for !p.bad {
		m := member{bits: -1, span: p.peek().span}
		m.Type = base
		if !p.peek().is(":") {
			var wrap func(ctypes.Type) ctypes.Type
			m.Name, wrap = p.declr(spec.tag)
			m.Type = wrap(base)
			if m.Name == "" {
				p.fail(m.span, "expected a member's name, found %s", p.peek().describe())
			}
		}
		if p.accept(":") {
			m.bits = p.constant()
		}
		own := *spec
		own.attrs(p)
		m.packed, m.align = own.packed, own.align
		m.Type = concrete(m.Type)
		if !p.bad && !p.sized(m.Type) {
			p.fail(m.span, "the member '%s' has a type without a size", m.Name)
		}
		list = append(list, m)
		if !p.accept(",") {
			break
		}
	}
	// As compilers do, take a last member without its semicolon.
	if p.peek().text != "}" {
		p.want(";", "after the member")
	}
	return list
}

// layout places the members of a struct as gcc and clang do for x86-64, BPF
// and arm64.
type layout struct {
	s      *ctypes.Struct
	packed bool
	bits   int64 // where the next member may begin
	size   int64 // in bits, of a union the largest member so far
	align  int
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// add places one member.
func (l *layout) add(p *parser, m *member) {
	if p.bad {
		return
	}
	size, natural := int64(ctypes.Sizeof(m.Type))*8, ctypes.Alignof(m.Type)
	align := natural
	if l.packed || m.packed {
		align = 1
	}
	align = max(align, m.align)
	at := l.bits
	if l.s.Union {
		at = 0
	}
	if m.bits >= 0 {
		if !p.checkBits(m, size) {
			return
		}
		unit := int64(align) * 8
		if (l.packed || m.packed) && m.align == 0 {
			unit = 1
		}
		if m.bits == 0 {
			at = roundUp(at, int64(natural)*8)
		} else if m.align > 0 || unit > 1 && at%unit+m.bits > size {
			at = roundUp(at, unit)
		}
		m.BitSize = int(m.bits)
		l.place(m, at, m.bits, align, m.Name != "")
		return
	}
	l.place(m, roundUp(at, int64(align)*8), size, align, true)
	if l.size > maxSize*8 {
		p.fail(m.span, "the type is larger than %d bytes", maxSize)
	}
}

// checkBits checks a bit-field's type and width.
func (p *parser) checkBits(m *member, size int64) bool {
	switch ctypes.Strip(m.Type).(type) {
	case *ctypes.Int, *ctypes.Enum:
	default:
		p.fail(m.span, "the bit-field '%s' has no integer type", m.Name)
		return false
	}
	if b, ok := ctypes.Strip(m.Type).(*ctypes.Int); ok && b.Bool {
		size = 1
	}
	if m.bits > size || m.bits == 0 && m.Name != "" {
		p.fail(m.span, "the bit-field '%s' can't be %d bits wide", m.Name, m.bits)
		return false
	}
	return true
}

// place records a member at a bit offset. Unnamed bit-fields only take room,
// and don't align the struct.
func (l *layout) place(m *member, at, size int64, align int, real bool) {
	l.bits = at + size
	l.size = max(l.size, l.bits)
	if !real {
		return
	}
	l.align = max(l.align, align)
	m.Offset = int(at)
	l.s.Fields = append(l.s.Fields, m.Field)
}

// finish sets the size and alignment of the struct.
func (l *layout) finish(p *parser, align int, at source.Span) {
	l.s.Align = max(l.align, align, 1)
	size := roundUp(roundUp(l.size, 8)/8, int64(l.s.Align))
	if size > maxSize {
		p.fail(at, "the type is larger than %d bytes", maxSize)
		return
	}
	l.s.Size = int(size)
}

// enumType reads an enum past its keyword.
func (p *parser) enumType() ctypes.Type {
	a := &attributes{}
	a.attrs(p)
	at, name := p.peek(), ""
	if at.kind == ident {
		name = p.next().text
	}
	e := &ctypes.Enum{Name: name}
	if p.accept(":") {
		base, _ := p.specifiers()
		i, ok := ctypes.Strip(base).(*ctypes.Int)
		if !ok {
			p.fail(at.span, "an enum's type must be an integer type")
			return e
		}
		e.Size, e.Signed = i.Size, i.Signed
	}
	if !p.accept("{") {
		if name == "" {
			p.fail(at.span, "expected a name or '{' after enum, found %s", at.describe())
			return e
		}
		return p.reference("enum", name)
	}
	huge := p.enumerators(e)
	a.attrs(p)
	if e.Size == 0 {
		fitEnum(e, a.packed, huge)
	}
	p.define("enum", name, e, at.span)
	return e
}

// enumerators reads the values of an enum past its '{', and reports whether
// one is above the range of int64.
func (p *parser) enumerators(e *ctypes.Enum) (huge bool) {
	next := value{}
	for !p.bad && !p.accept("}") {
		t := p.next()
		if t.kind != ident {
			p.fail(t.span, "expected an enumerator, found %s", t.describe())
			return huge
		}
		(&attributes{}).attrs(p)
		if p.accept("=") {
			next = p.conditional()
		}
		if p.bad {
			return huge
		}
		huge = huge || next.unsigned && next.n < 0
		e.Values = append(e.Values, ctypes.EnumValue{Name: t.text, Value: next.n})
		p.d.consts[t.text] = next.n
		next.n++
		if !p.accept(",") {
			p.want("}", "after the enumerators")
			return huge
		}
	}
	return huge
}

// fitEnum chooses an enum's type as gcc does: unsigned unless a value is
// negative, int-sized unless a value needs more; packed ones the smallest.
func fitEnum(e *ctypes.Enum, packed, huge bool) {
	lo, hi := int64(0), int64(0)
	for _, v := range e.Values {
		if v.Value < 0 && huge {
			continue // the bits of an unsigned value
		}
		lo, hi = min(lo, v.Value), max(hi, v.Value)
	}
	e.Signed = lo < 0
	e.Size = 8
	if huge {
		return
	}
	first := 4
	if packed {
		first = 1
	}
	for size := first; size < 8; size *= 2 {
		bits := uint(size * 8)
		if e.Signed && lo >= -1<<(bits-1) && hi < 1<<(bits-1) || !e.Signed && hi < 1<<bits {
			e.Size = size
			return
		}
	}
}
