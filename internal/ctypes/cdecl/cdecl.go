package cdecl

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// Decls are the declarations that Parse found. It implements ctypes.Resolver
// for the types and function prototypes among them.
type Decls struct {
	ctypes.Unknown

	// Named are the struct, union, enum and typedef definitions in the order
	// of the text, by the names under which Type finds them.
	Named []Named
	// Includes are the #include lines that were met. Nothing is read for
	// them: kernel types come from BTF.
	Includes []Include

	types  map[string]ctypes.Type
	funcs  map[string]*ctypes.Func
	consts map[string]int64
	macros map[string]*macro
	order  []string
}

// Named is a definition.
type Named struct {
	Name string // "struct foo", "enum bar", "my_typedef"
	Type ctypes.Type
	Span source.Span
}

// Type implements ctypes.Resolver for the types defined here.
func (d *Decls) Type(name string) (ctypes.Type, error) {
	if t := d.types[name]; t != nil {
		return t, nil
	}
	return nil, ctypes.NotFound("type", name)
}

// Func implements ctypes.Resolver for the function prototypes declared here.
func (d *Decls) Func(name string) (*ctypes.Func, error) {
	if f := d.funcs[name]; f != nil {
		return f, nil
	}
	return nil, ctypes.NotFound("kernel function", name)
}

// Const returns the value of an enumerator, or of a macro whose body is an
// integer constant expression.
func (d *Decls) Const(name string) (int64, bool) {
	if v, ok := d.consts[name]; ok {
		return v, true
	}
	m := d.macros[name]
	if m == nil || m.function || len(m.body) == 0 {
		return 0, false
	}
	pp := &preproc{dl: &diag.List{}, macros: d.macros}
	pp.expand(token{kind: ident, text: name, span: m.span}, nil)
	p := &parser{toks: pp.out, dl: pp.dl, d: d, outer: ctypes.Unknown{}}
	v := p.constant()
	p.wantEnd()
	if pp.dl.HasErrors() {
		return 0, false
	}
	d.consts[name] = v
	return v, true
}

// Macro returns the text of an object-like macro as written.
func (d *Decls) Macro(name string) (string, bool) {
	if m := d.macros[name]; m != nil && !m.function {
		return m.text, true
	}
	return "", false
}

// MacroBody returns where the text of an object-like macro stands; the zero
// Span when there is no such macro or its text is empty.
func (d *Decls) MacroBody(name string) source.Span {
	if m := d.macros[name]; m != nil && !m.function && len(m.body) > 0 {
		return m.body[0].span.To(m.body[len(m.body)-1].span)
	}
	return source.Span{}
}

// IsFunctionMacro reports whether a macro with parameters is defined, which
// can't be used.
func (d *Decls) IsFunctionMacro(name string) bool {
	m := d.macros[name]
	return m != nil && m.function
}

// Macros returns the names of the macros in the order of their definition.
func (d *Decls) Macros() []string {
	var names []string
	for _, n := range d.order {
		if d.macros[n] != nil {
			names = append(names, n)
		}
	}
	return names
}

// Parse reads the C declarations in the given parts of a file, or in all of
// it when no part is given. outer answers for types that are not declared
// there; it may be nil. The list holds what was wrong; the declarations that
// could be read are returned in any case.
func Parse(f *source.File, outer ctypes.Resolver, parts ...source.Span) (*Decls, *diag.List) {
	d := New()
	return d, d.Add(f, outer, parts...)
}

// New makes an empty set of declarations.
func New() *Decls {
	return &Decls{
		types:  map[string]ctypes.Type{},
		funcs:  map[string]*ctypes.Func{},
		consts: map[string]int64{},
		macros: map[string]*macro{},
	}
}

// Add reads one more file, or parts of it, as if it came after those that were
// read before: their macros and types are known there. It is otherwise as
// Parse.
func (d *Decls) Add(f *source.File, outer ctypes.Resolver, parts ...source.Span) *diag.List {
	if outer == nil {
		outer = ctypes.Unknown{}
	}
	if len(parts) == 0 {
		parts = []source.Span{{File: f, Start: 0, End: len(f.Content)}}
	}
	dl := &diag.List{}
	pp := &preproc{dl: dl, macros: d.macros, order: d.order, includes: d.Includes}
	pp.eval = func(pp *preproc, toks []token, at source.Span) int64 {
		p := &parser{toks: toks, dl: dl, d: d, outer: outer, at: at}
		v := p.constant()
		p.wantEnd()
		return v
	}
	for _, s := range parts {
		n := len(f.Content)
		start := min(max(s.Start, 0), n)
		pp.part(f, start, min(max(s.End, start), n))
	}
	pp.finish()
	d.Includes, d.order = pp.includes, pp.order

	p := &parser{toks: pp.out, dl: dl, d: d, outer: outer}
	p.file()
	if len(dl.Items) > diag.Limit {
		dl.Items = append(dl.Items[:diag.Limit], diag.Errorf("c-syntax", source.Span{}, "too many errors"))
	}
	return dl
}

// ParseType reads a type name as a cast has it: "struct foo *", "unsigned
// long", "char[16]", "void (*)(int)". Types that are not base types come from
// r.
func ParseType(text string, r ctypes.Resolver) (ctypes.Type, error) {
	p := fragment(text, r)
	t := p.typeName()
	p.wantEnd()
	if err := p.dl.Err(); err != nil {
		return nil, fmt.Errorf("type %q: %s", text, p.dl.Items[0].Message)
	}
	return t, nil
}

// ParseField reads the declaration of one field as a tracefs format writes
// it: "unsigned long args[6]", "const char * filename", "__data_loc char[]
// name". The offset is left 0. A type name that is no builtin becomes a
// Typedef of Void, and a struct or enum is a Fwd or an Enum without values;
// ctypes.Complete finds their meaning, and the format's size attribute tells
// their size. An array without a number between its brackets has Len 0.
func ParseField(decl string) (ctypes.Field, error) {
	p := fragment(decl, ctypes.Unknown{})
	p.lenient = true
	var f ctypes.Field
	switch {
	case p.accept("__data_loc"):
		f.DataLoc = true
	case p.accept("__rel_loc"):
		f.RelLoc = true
	}
	base, spec := p.specifiers()
	early := p.earlyArray()
	f.Name, f.Type = p.declarator(base, spec.tag)
	for i := len(early) - 1; i >= 0; i-- {
		f.Type = &ctypes.Array{Elem: f.Type, Len: early[i]}
	}
	p.wantEnd()
	if err := p.dl.Err(); err != nil {
		return ctypes.Field{}, fmt.Errorf("field %q: %s", strings.TrimSpace(decl), p.dl.Items[0].Message)
	}
	return f, nil
}

// fragment is a parser for a bit of C text.
func fragment(text string, r ctypes.Resolver) *parser {
	if r == nil {
		r = ctypes.Unknown{}
	}
	f := source.NewFile("type", text)
	l := newLexer(f, 0, len(text))
	l.fresh = false
	p := &parser{
		dl:    &diag.List{},
		outer: r,
		d:     &Decls{types: map[string]ctypes.Type{}, consts: map[string]int64{}},
		at:    source.Span{File: f, Start: len(text), End: len(text)},
	}
	for t := l.next(false); t.kind != eof; t = l.next(false) {
		p.toks = append(p.toks, t)
	}
	return p
}
