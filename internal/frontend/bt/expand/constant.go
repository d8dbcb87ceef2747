package expand

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ctypes/cdecl"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// cDecls reads the C definitions of a script and its imports.
func cDecls(p *ast.Program, headers []*source.File, o Options, diags *diag.List) *cdecl.Decls {
	decls := cdecl.New()
	add := func(f *source.File, parts ...source.Span) {
		for _, d := range decls.Add(f, o.Outer, parts...).Items {
			diags.Add(d)
		}
	}
	if len(o.Defines) > 0 {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(o.Defines)) {
			fmt.Fprintf(&b, "#define %s %s\n", name, o.Defines[name])
		}
		add(source.NewFile("<predefined>", b.String()))
	}
	var files []*source.File
	parts := map[*source.File][]source.Span{}
	for _, d := range p.CDefs {
		f := d.At.File
		if f == nil { // made by a program
			f = source.NewFile("<definition>", d.Text)
		}
		if parts[f] == nil {
			files = append(files, f)
		}
		parts[f] = append(parts[f], source.Span{File: f, Start: d.At.Start, End: d.At.End})
		if d.At.File == nil {
			parts[f][0].End = len(d.Text)
		}
	}
	for _, h := range headers {
		add(h)
	}
	for _, f := range files {
		add(f, parts[f]...)
	}
	return decls
}

// constants replaces names that C text defines: macros without parameters by
// their text, which has to be an expression, and enumerators by their value.
type constants struct {
	decls   *cdecl.Decls
	origins origins
	diags   *diag.List
	limits  *limits
	enums   map[string]enumerator
	parsed  map[string]ast.Expr // macros' texts; nil for one that is no expression
	active  []string            // macros being replaced
	depth   int
}

// enumerator is a name that an enum defines.
type enumerator struct {
	tag   string // the enum's
	value number
}

func newConstants(decls *cdecl.Decls, o origins, l *limits, diags *diag.List) *constants {
	c := &constants{
		decls: decls, origins: o, limits: l, diags: diags, enums: map[string]enumerator{}, parsed: map[string]ast.Expr{},
	}
	for _, n := range decls.Named {
		e, ok := n.Type.(*ctypes.Enum)
		if !ok {
			continue
		}
		for _, v := range e.Values {
			value := number{uint64(v.Value), e.Signed && v.Value < 0}
			c.enums[v.Name] = enumerator{e.Name, value}
		}
	}
	return c
}

func (c *constants) program(p *ast.Program) {
	r := &ast.Rewriter{}
	descend := func(n ast.Node) {
		c.depth++
		r.Children(n)
		c.depth--
	}
	r.Expr = func(x ast.Expr) ast.Expr {
		switch x := x.(type) {
		case *ast.Ident:
			return c.ident(x, r)
		case *ast.Call:
			c.call(x)
		}
		descend(x)
		return x
	}
	r.Stmt = func(s ast.Stmt) []ast.Stmt { descend(s); return []ast.Stmt{s} }
	r.Type = func(t ast.TypeExpr) ast.TypeExpr { descend(t); return t }
	r.Children(p)
}

// call reports the use of a C macro with parameters.
func (c *constants) call(x *ast.Call) {
	if c.decls.IsFunctionMacro(x.Func.Text) {
		c.diags.Errorf(CMacro, x.Func.At, "the C macro %s has parameters, which is not supported", x.Func.Text).
			WithHint("write it as a macro of the tracing language: macro %s(x) { ... }", x.Func.Text)
	}
}

func (c *constants) ident(x *ast.Ident, r *ast.Rewriter) ast.Expr {
	if isWord(x.Name) {
		return x
	}
	if _, isMacro := c.decls.Macro(x.Name); isMacro {
		return c.macro(x, r)
	}
	if e, ok := c.enums[x.Name]; ok {
		typ := &ast.NamedType{Place: x.Place, Tag: "enum", Name: e.tag}
		return &ast.Cast{Place: x.Place, Type: typ, X: numLit(e.value, x.Place)}
	}
	if v, ok := c.decls.Const(x.Name); ok {
		return numLit(ofSigned(v), x.Place)
	}
	return x
}

// macro is what stands in place of the name of a C macro.
func (c *constants) macro(x *ast.Ident, r *ast.Rewriter) ast.Expr {
	if slices.Contains(c.active, x.Name) {
		c.diags.Errorf(CMacro, x.At, "the C macro %s uses itself: %s", x.Name, strings.Join(append(c.active, x.Name), " > "))
		return x
	}
	body := c.parse(x)
	if body == nil {
		return x
	}
	if !c.limits.take(body, c.depth, x.At, c.diags) {
		return x
	}
	at := c.decls.MacroBody(x.Name)
	place := c.origins.enter(&expansion{what: "C macro", name: x.Name, use: x.At, file: at.File})
	value := (&ast.Cloner{Place: place}).Expr(body)
	c.active = append(c.active, x.Name)
	value = r.Expr(value)
	c.active = c.active[:len(c.active)-1]
	return value
}

// parse returns the expression that a macro's text is, or reports that it is
// none. Places are those of the text.
func (c *constants) parse(x *ast.Ident) ast.Expr {
	if body, ok := c.parsed[x.Name]; ok {
		return body
	}
	at := c.decls.MacroBody(x.Name)
	if !at.IsValid() {
		c.diags.Errorf(CMacro, x.At, "the C macro %s has no value", x.Name)
		c.parsed[x.Name] = nil
		return nil
	}
	text := strings.ReplaceAll(at.Text(), "\\\n", "  ")
	body, diags := parse.Expr(source.NewFile(at.File.Name, text), parse.Options{})
	if diags.HasErrors() {
		v, ok := c.decls.Const(x.Name) // it may be one in C
		if !ok {
			c.diags.Errorf(CMacro, x.At, "the C macro %s is no expression", x.Name).
				Note(at, "%s", diags.Items[0].Message)
			c.parsed[x.Name] = nil
			return nil
		}
		body = numLit(ofSigned(v), ast.Place{At: source.Span{End: len(text)}})
	}
	inFile := ast.Cloner{Place: func(s source.Span) source.Span {
		return source.Span{File: at.File, Start: at.Start + s.Start, End: at.Start + s.End}
	}}
	c.parsed[x.Name] = inFile.Expr(body)
	return c.parsed[x.Name]
}
