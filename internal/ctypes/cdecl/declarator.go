package cdecl

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// maxSize bounds the size of a type in bytes.
const maxSize = 1 << 30

// declarator reads a declarator that must have a name. tag is the space that
// its first pointer points into.
func (p *parser) declarator(base ctypes.Type, tag string) (string, ctypes.Type) {
	name, wrap := p.declr(tag)
	if t := p.peek(); name == "" {
		p.fail(t.span, "expected a name, found %s", t.describe())
	}
	return name, wrap(base)
}

// typeName reads a type without a name.
func (p *parser) typeName() ctypes.Type {
	base, a := p.specifiers()
	at := p.peek()
	name, wrap := p.declr(a.tag)
	if name != "" {
		p.fail(at.span, "unexpected name '%s' in a type", name)
	}
	return wrap(base)
}

// declr reads a declarator, whose name may be missing, and returns the name
// and what the declarator makes of a base type. tag is the space that the
// first pointer points into.
func (p *parser) declr(tag string) (string, func(ctypes.Type) ctypes.Type) {
	defer p.enter()()
	var ops []func(ctypes.Type) ctypes.Type // from the base outwards
	for p.accept("*") {
		space := tag
		tag = ""
		ops = append(ops, func(t ctypes.Type) ctypes.Type { return &ctypes.Pointer{Elem: t, Tag: space} })
		a := &attributes{}
		for !p.bad {
			if q, ok := quals[p.peek().text]; ok && p.peek().kind == ident {
				p.next()
				ops = append(ops, func(t ctypes.Type) ctypes.Type { return &ctypes.Qual{Kind: q, Type: t} })
			} else if !a.one(p) {
				break
			}
		}
		tag = a.tag
	}
	name := ""
	inner := func(t ctypes.Type) ctypes.Type { return t }
	switch t := p.peek(); {
	case t.kind == ident:
		name = p.next().text
	case t.is("(") && (p.after().is("*") || p.after().is("(") || p.after().is("[") ||
		p.after().kind == ident && !p.isType(p.after())):
		p.next()
		name, inner = p.declr("")
		p.want(")", "after the declarator")
	}
	suffixes := p.suffixes()
	return name, func(t ctypes.Type) ctypes.Type {
		for _, op := range ops {
			t = op(t)
		}
		for i := len(suffixes) - 1; i >= 0; i-- {
			t = suffixes[i](t)
		}
		return inner(t)
	}
}

// suffixes reads array lengths and parameter lists.
func (p *parser) suffixes() (list []func(ctypes.Type) ctypes.Type) {
	for !p.bad {
		at := p.peek()
		switch {
		case p.accept("["):
			n := p.arrayLen()
			list = append(list, func(t ctypes.Type) ctypes.Type {
				p.checkElem(at.span, t, n)
				return &ctypes.Array{Elem: t, Len: n}
			})
		case p.accept("("):
			f := p.params()
			list = append(list, func(t ctypes.Type) ctypes.Type {
				f.Result = t
				return f
			})
		default:
			return list
		}
	}
	return list
}

// checkElem refuses an array that can't be.
func (p *parser) checkElem(at source.Span, elem ctypes.Type, n int) {
	if p.lenient || p.bad {
		return
	}
	if _, fn := ctypes.Strip(elem).(*ctypes.Func); fn || !p.sized(elem) {
		p.fail(at, "array of a type without a size")
		return
	}
	if size := ctypes.Sizeof(elem); size > 0 && n > maxSize/size {
		p.fail(at, "array is larger than %d bytes", maxSize)
	}
}

// arrayLen reads what stands between brackets; an empty pair is length 0.
func (p *parser) arrayLen() int {
	if p.accept("]") {
		return 0
	}
	if p.lenient {
		if p.peek().kind != number || !p.after().is("]") {
			p.skipGroup("]")
			return 0
		}
	}
	at := p.peek()
	n := p.constant()
	p.want("]", "after the array's length")
	if !p.bad && (n < 0 || n > maxSize) {
		p.fail(at.span, "array length %d is out of range", n)
	}
	if p.bad {
		return 0
	}
	return int(n)
}

// earlyArray reads array lengths that stand before the name, as tracefs
// writes them: "char[] name".
func (p *parser) earlyArray() (lens []int) {
	for p.accept("[") {
		lens = append(lens, p.arrayLen())
	}
	return lens
}

// params reads a parameter list past its opening parenthesis.
func (p *parser) params() *ctypes.Func {
	f := &ctypes.Func{}
	if p.accept(")") {
		return f
	}
	if p.peek().is("void") && p.after().is(")") {
		p.next()
		p.next()
		return f
	}
	for !p.bad {
		if p.accept("...") {
			f.Variadic = true
			break
		}
		base, a := p.specifiers()
		name, wrap := p.declr(a.tag)
		a.attrs(p)
		f.Params = append(f.Params, ctypes.Param{Name: name, Type: decay(wrap(base))})
		if !p.accept(",") {
			break
		}
	}
	p.want(")", "after the parameters")
	return f
}

// decay is what C makes of a parameter's type.
func decay(t ctypes.Type) ctypes.Type {
	switch x := t.(type) {
	case *ctypes.Array:
		return &ctypes.Pointer{Elem: x.Elem}
	case *ctypes.Func:
		return &ctypes.Pointer{Elem: x}
	}
	return t
}

// declare enters a typedef or a prototype.
func (p *parser) declare(name string, t ctypes.Type, a *attributes, span source.Span, at token) {
	if a.typedef {
		td := &ctypes.Typedef{Name: name, Type: t}
		p.d.types[name] = td
		p.d.Named = append(p.d.Named, Named{Name: name, Type: td, Span: span})
		return
	}
	if f, ok := t.(*ctypes.Func); ok {
		f.Name = name
		p.d.funcs[name] = f
		return
	}
	if !a.extern {
		p.fail(at.span, "the variable '%s' can't be declared here", name).
			WithHint("only types, constants and function prototypes can")
	}
}
