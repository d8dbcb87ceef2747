package cdecl

import (
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// attributes are what storage words and __attribute__ say.
type attributes struct {
	typedef, extern bool
	packed          bool
	align           int    // 0 when not given
	tag             string // the space that a pointer to this type points into
}

var (
	baseWords = words("void char short int long float double signed unsigned _Bool __int128 __signed__ __signed")
	storage   = words("typedef extern static inline __inline __inline__ register auto _Noreturn _Thread_local __extension__")
	// quals maps the spellings of a qualifier to its kind.
	quals = map[string]string{
		"const": "const", "__const": "const", "__const__": "const",
		"volatile": "volatile", "__volatile__": "volatile", "__volatile": "volatile",
		"restrict": "restrict", "__restrict": "restrict", "__restrict__": "restrict",
	}
	// spaces are the kernel's address space markers; those without a tag
	// say nothing about the layout.
	spaces = map[string]string{
		"__user": "user", "__rcu": "rcu", "__percpu": "percpu", "__seg_gs": "percpu", "__seg_fs": "percpu",
		"__iomem": "iomem", "__kernel": "", "__force": "", "__bitwise": "", "__nocast": "",
	}
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// specifiers reads what stands before the declarators: storage, qualifiers,
// attributes and one type.
func (p *parser) specifiers() (ctypes.Type, *attributes) {
	defer p.enter()()
	var base ctypes.Type
	var ints, qs []string
	a := &attributes{}
	start := p.peek()
	for !p.bad {
		t := p.peek()
		if t.kind != ident {
			break
		}
		if storage[t.text] {
			a.typedef = a.typedef || t.text == "typedef"
			a.extern = a.extern || t.text == "extern"
			p.next()
		} else if q, ok := quals[t.text]; ok {
			qs = append(qs, q)
			p.next()
		} else if a.one(p) {
			continue
		} else if baseWords[t.text] && base == nil {
			ints = append(ints, t.text)
			p.next()
		} else if base != nil || ints != nil {
			break
		} else if base = p.namedType(); base == nil {
			break
		}
	}
	if ints != nil && !p.bad {
		if base = ctypes.BaseType(ints); base == nil {
			p.fail(start.span, "'%s' is no C type", strings.Join(ints, " "))
		}
	}
	if base == nil {
		t := p.peek()
		p.fail(t.span, "expected a type, found %s", t.describe())
		base = &ctypes.Void{}
	}
	slices.Sort(qs)
	qs = slices.Compact(qs)
	for _, q := range slices.Backward(qs) {
		base = &ctypes.Qual{Kind: q, Type: base}
	}
	return base, a
}

// namedType reads a struct, union, enum or typedef name; nil means that the
// word is no type, which is then left where it is.
func (p *parser) namedType() ctypes.Type {
	switch t := p.peek(); t.text {
	case "struct", "union":
		p.next()
		return p.structType(t.text == "union")
	case "enum":
		p.next()
		return p.enumType()
	case "typeof", "__typeof__", "__typeof", "__auto_type", "_Atomic":
		p.fail(t.span, "%s is not supported", t.text)
		return nil
	default:
		found := p.lookup(t.text)
		if found == nil {
			if !p.lenient {
				p.fail(t.span, "unknown type '%s'", t.text)
				return nil
			}
			found = &ctypes.Typedef{Name: t.text, Type: &ctypes.Void{}}
		}
		p.next()
		return found
	}
}

// lookup finds a type by one word or by tag and name.
func (p *parser) lookup(name string) ctypes.Type {
	if t := p.d.types[name]; t != nil {
		return t
	}
	if t := ctypes.Builtin(name); t != nil {
		return t
	}
	if t, err := p.outer.Type(name); err == nil {
		return t
	}
	return nil
}

// isType reports whether a token can begin a type.
func (p *parser) isType(t token) bool {
	if t.kind != ident {
		return false
	}
	if _, ok := quals[t.text]; ok || baseWords[t.text] || t.text == "struct" || t.text == "union" || t.text == "enum" {
		return true
	}
	return p.lookup(t.text) != nil
}

// attrs reads any attributes that stand here.
func (a *attributes) attrs(p *parser) {
	for !p.bad && a.one(p) {
		continue
	}
}

// one reads one attribute word or __attribute__ group, if there is one.
func (a *attributes) one(p *parser) bool {
	t := p.peek()
	if space, ok := spaces[t.text]; ok && t.kind == ident {
		p.next()
		if space != "" {
			a.tag = space
		}
		return true
	}
	switch {
	case p.accept("__packed"):
		a.packed = true
	case t.is("__aligned"), t.is("_Alignas"), t.is("alignas"):
		p.next()
		p.want("(", "after "+t.text)
		a.setAlign(p, t.span, p.constant())
		p.want(")", "after the alignment")
	case t.is("__attribute__"), t.is("__attribute"):
		p.next()
		p.want("(", "after "+t.text)
		p.want("(", "after "+t.text)
		for !p.bad && !p.accept(")") {
			a.attribute(p)
			if !p.peek().is(")") {
				p.want(",", "between attributes")
			}
		}
		p.want(")", "after the attributes")
	default:
		return false
	}
	return true
}

// attribute reads one entry of an __attribute__ list.
func (a *attributes) attribute(p *parser) {
	t := p.next()
	if t.kind != ident {
		p.fail(t.span, "expected an attribute, found %s", t.describe())
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(t.text, "__"), "__")
	switch name {
	case "packed":
		a.packed = true
		return
	case "aligned":
		n := int64(16) // the largest alignment that a base type has
		if p.accept("(") {
			n = p.constant()
			p.want(")", "after the alignment")
		}
		a.setAlign(p, t.span, n)
		return
	case "mode", "vector_size", "ext_vector_type", "scalar_storage_order", "ms_struct":
		p.fail(t.span, "the attribute %s is not supported: it changes the layout", name)
		return
	case "btf_type_tag":
		if p.accept("(") {
			a.tag = strings.Trim(p.next().text, `"`)
			p.want(")", "after the tag")
		}
		return
	}
	if p.accept("(") {
		p.skipGroup(")")
	}
}

// skipGroup goes past the closing bracket of a group that has been entered.
func (p *parser) skipGroup(closing string) {
	for depth := 1; depth > 0; {
		t := p.next()
		switch {
		case t.kind == eof:
			p.fail(t.span, "expected '%s', found %s", closing, t.describe())
			return
		case t.is("("), t.is("["), t.is("{"):
			depth++
		case t.is(")"), t.is("]"), t.is("}"):
			depth--
		}
	}
}

func (a *attributes) setAlign(p *parser, at source.Span, n int64) {
	if p.bad {
		return
	}
	if n <= 0 || n > 1<<20 || n&(n-1) != 0 {
		p.fail(at, "alignment %d is no power of two up to %d", n, 1<<20)
		return
	}
	a.align = max(a.align, int(n))
}
