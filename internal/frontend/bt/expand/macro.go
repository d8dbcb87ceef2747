package expand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

const (
	// maxNodes bounds the nodes that expansion adds to a script: a chain of
	// macros that use each other twice doubles with each of them.
	maxNodes = 1 << 17
	// maxDepth bounds how deep they nest.
	maxDepth = 20_000
	// maxUses bounds how many macros may be expanded within each other.
	maxUses = 200
	// maxErrors is how many errors end the expansion.
	maxErrors = 100
)

// limits say how much expansion may still add. They are shared by all passes
// that copy.
type limits struct {
	nodes int
	full  bool // reported
}

// take takes the room for a copy of n, which stands depth levels deep, and
// reports when there is not enough.
func (l *limits) take(n ast.Node, depth int, at source.Span, diags *diag.List) bool {
	if l.full {
		return false
	}
	m := measure{}
	ast.Walk(&m, n)
	l.nodes -= m.nodes
	if l.nodes >= 0 && depth+m.deepest <= maxDepth {
		return true
	}
	l.full = true
	diags.Errorf(Macro, at, "macros make the script too large").
		WithHint("bind arguments that are used several times to a variable: let $x = x;")
	return false
}

// measure counts nodes and how deep they nest.
type measure struct{ nodes, depth, deepest int }

// Visit counts one node.
func (m *measure) Visit(n ast.Node) ast.Visitor {
	if n == nil {
		m.depth--
		return nil
	}
	m.nodes++
	m.depth++
	m.deepest = max(m.deepest, m.depth)
	return m
}

// expander replaces uses of macros by their bodies.
type expander struct {
	user    macros
	library macros // nil until a name of it is met
	origins origins
	diags   *diag.List
	limits  *limits
	names   map[string]bool // the names of all variables, of made-up ones as well
	next    map[string]int  // where to go on looking for a name that is free
	stack   []*macro        // being expanded, the innermost last
	depth   int             // nesting of the node at hand
}

// frame is a macro's body while it is being expanded.
type frame struct {
	macro *macro
	exprs map[string]ast.Expr // what stands for the parameters that are names
	vars  map[string]string   // what the variables of the body are called here
	maps  map[string]string
}

func newExpander(p *ast.Program, o origins, diags *diag.List) *expander {
	e := &expander{
		user: macros{}, origins: o, diags: diags, limits: &limits{nodes: maxNodes},
		names: map[string]bool{}, next: map[string]int{},
	}
	usesLibrary := false
	ast.Inspect(p, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Var:
			e.names[n.Name] = true
		case *ast.Ident:
			usesLibrary = usesLibrary || isLibraryMacro(n.Name)
		case *ast.Call:
			usesLibrary = usesLibrary || isLibraryMacro(n.Func.Text)
		}
		return true
	})
	if usesLibrary {
		e.library = library(diags)
	}
	e.user.add(p.Macros, false, diags)
	return e
}

func (e *expander) program(p *ast.Program) {
	r := e.rewriter(nil)
	r.Children(p)
	ast.Inspect(p, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Macro:
			return false
		case *ast.TypeArg:
			if e.reported(n.Span()) {
				return true
			}
			e.diags.Errorf(Macro, n.Span(), "a type can be passed to a macro only, for a parameter that stands for a type")
		}
		return true
	})
}

// reported tells whether something is known to be wrong at a place.
func (e *expander) reported(at source.Span) bool {
	return slices.ContainsFunc(e.diags.Items, func(d *diag.Diagnostic) bool { return d.Span == at })
}

// rewriter makes the functions that expand what stands in a macro's body, or
// with a nil frame in none.
func (e *expander) rewriter(f *frame) *ast.Rewriter {
	r := &ast.Rewriter{}
	descend := func(n ast.Node) {
		e.depth++
		r.Children(n)
		e.depth--
	}
	r.Expr = func(x ast.Expr) ast.Expr { return e.expr(f, x, descend) }
	r.Type = func(t ast.TypeExpr) ast.TypeExpr { return e.typ(f, t, descend) }
	r.Stmt = func(s ast.Stmt) []ast.Stmt {
		if d, ok := s.(*ast.VarDecl); ok && f != nil {
			e.declaration(f, d)
		}
		descend(s)
		if x, ok := s.(*ast.ExprStmt); ok {
			return []ast.Stmt{asStmt(x)}
		}
		return []ast.Stmt{s}
	}
	return r
}

// declaration reports a variable that hides a parameter.
func (e *expander) declaration(f *frame, d *ast.VarDecl) {
	for _, p := range f.macro.Params {
		if v, ok := p.(*ast.Var); ok && v.Name == d.Var.Name {
			e.diags.Errorf(Macro, d.Var.Span(), "the variable $%s hides the macro's parameter $%[1]s", v.Name).
				Note(v.At, "the parameter")
		}
	}
}

// expr expands an expression; descend expands what is below one.
func (e *expander) expr(f *frame, x ast.Expr, descend func(ast.Node)) ast.Expr {
	switch x := x.(type) {
	case *ast.Var:
		e.variable(f, x)
		return x
	case *ast.MapRef:
		e.mapName(f, x)
	case *ast.Ident:
		if f != nil && f.exprs[x.Name] != nil {
			return e.argument(f, x)
		}
		if m := e.resolve(x.Name, nil, x); m != nil {
			return e.expand(m, nil, x)
		}
		return x
	case *ast.Call:
		descend(x)
		if m := e.resolve(x.Func.Text, x.Args, x); m != nil {
			return e.expand(m, x.Args, x)
		}
		return x
	case *ast.Sizeof:
		e.operand(f, &x.Type, &x.X)
		return x
	case *ast.Typeinfo:
		e.operand(f, &x.Type, &x.X)
		return x
	case *ast.Offsetof:
		e.operand(f, &x.Type, &x.X)
		e.fields(f, x)
		return x
	case *ast.BlockExpr:
		descend(x)
		settleValue(x.Block)
		return x
	case *ast.IfExpr:
		descend(x)
		settleValue(x.Then)
		return x
	}
	descend(x)
	return x
}

// variable gives a variable of a macro's body the name that it has here.
func (e *expander) variable(f *frame, x *ast.Var) {
	if f == nil {
		return
	}
	if name, ok := f.vars[x.Name]; ok {
		x.Name = name
		return
	}
	e.diags.Errorf(Macro, x.At, "a macro can't use the variable $%s, which it was not passed", x.Name).
		WithHint("give the macro %s a parameter $%s", f.macro.Name.Text, x.Name)
	f.vars[x.Name] = x.Name // reported once
}

// mapName gives a map of a macro's body the name that it has here.
func (e *expander) mapName(f *frame, x *ast.MapRef) {
	if f == nil {
		return
	}
	if name, ok := f.maps[x.Name]; ok {
		x.Name = name
		return
	}
	e.diags.Errorf(Macro, x.NameSpan, "a macro can't use the map @%s, which it was not passed", x.Name).
		WithHint("give the macro %s a parameter @%s", f.macro.Name.Text, x.Name)
	f.maps[x.Name] = x.Name
}

// argument is a copy of what was passed for a parameter.
func (e *expander) argument(f *frame, x *ast.Ident) ast.Expr {
	arg := f.exprs[x.Name]
	if !e.limits.take(arg, e.depth, x.At, e.diags) {
		return x
	}
	return (&ast.Cloner{}).Expr(arg)
}

// resolve returns the macro that a name with arguments stands for, if any. A
// macro of the script comes before one of the library, but the library's own
// macros don't see those of the script. That no macro fits is reported unless
// the name means something else as well.
func (e *expander) resolve(name string, args []ast.Expr, use ast.Expr) *macro {
	var closest *macro
	if len(e.stack) == 0 || !e.stack[len(e.stack)-1].library {
		exact, near := e.user.lookup(name, args)
		if exact != nil {
			return exact
		}
		closest = near
	}
	exact, near := e.library.lookup(name, args)
	if exact != nil {
		return exact
	}
	if _, isName := use.(*ast.Ident); isName && closest == nil {
		return nil // it may be a constant with the name of a function
	}
	if closest == nil {
		closest = near
	}
	if closest != nil && !isNative(name) {
		e.mismatch(closest, args, use)
	}
	return nil
}

// mismatch reports arguments that fit no macro.
func (e *expander) mismatch(m *macro, args []ast.Expr, use ast.Expr) {
	name := m.Name.Text
	if n := len(m.Params); n != len(args) {
		e.diags.Errorf(Macro, use.Span(), "the macro %s takes %s, not %d", name, count(n, "argument"), len(args)).
			Note(m.Name.At, "the closest definition")
		return
	}
	for i, p := range m.Params {
		if fits(p, args[i]) {
			continue
		}
		want := "a variable"
		if _, ok := p.(*ast.MapRef); ok {
			want = "a map"
		}
		e.diags.Errorf(Macro, args[i].Span(), "the macro %s takes %s here, not %s", name, want, kindOf(args[i])).
			Note(p.Span(), "for the parameter %s of the closest definition", spell(p))
	}
}

func kindOf(arg ast.Expr) string {
	switch arg.(type) {
	case *ast.Var:
		return "a variable"
	case *ast.TypeArg:
		return "a type"
	}
	if isWholeMap(arg) {
		return "a map"
	}
	return "an expression"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// expand returns the body of a macro as it is for one use.
func (e *expander) expand(m *macro, args []ast.Expr, use ast.Expr) ast.Expr {
	if len(e.diags.Items) > maxErrors { // more of them help nobody
		return use
	}
	if e.recursive(m, use) || !e.limits.take(m.Body, e.depth, use.Span(), e.diags) {
		return use
	}
	place := e.origins.enter(&expansion{what: "macro", name: m.Name.Text, use: use.Span(), file: m.At.File})
	body := (&ast.Cloner{Place: place}).Block(m.Body)
	f := e.bind(m, args)

	e.stack = append(e.stack, m)
	e.rewriter(f).Children(body)
	e.stack = e.stack[:len(e.stack)-1]
	settleValue(body)
	return simplify(&ast.BlockExpr{Place: body.Place, Block: body})
}

// recursive reports a macro that uses itself, or too many within each other.
func (e *expander) recursive(m *macro, use ast.Expr) bool {
	for i, outer := range e.stack {
		if outer == m {
			chain := make([]string, 0, len(e.stack)-i+1)
			for _, s := range append(e.stack[i:len(e.stack):len(e.stack)], m) {
				chain = append(chain, s.Name.Text)
			}
			e.diags.Errorf(Macro, use.Span(), "the macro %s uses itself: %s", m.Name.Text, strings.Join(chain, " > "))
			return true
		}
	}
	if len(e.stack) >= maxUses && !e.limits.full {
		e.limits.full = true
		e.diags.Errorf(Macro, use.Span(), "more than %d macros use each other", maxUses)
	}
	return e.limits.full
}

// bind says what the names in a macro's body stand for in one use.
func (e *expander) bind(m *macro, args []ast.Expr) *frame {
	f := &frame{macro: m, exprs: map[string]ast.Expr{}, vars: map[string]string{}, maps: map[string]string{}}
	for i, p := range m.Params {
		switch p := p.(type) {
		case *ast.Var:
			f.vars[p.Name] = args[i].(*ast.Var).Name
		case *ast.MapRef:
			f.maps[p.Name] = args[i].(*ast.MapRef).Name
		case *ast.Ident:
			f.exprs[p.Name] = byValue(args[i])
		}
	}
	for name := range m.locals {
		f.vars[name] = e.fresh(m.Name.Text + "_" + name)
	}
	return f
}

// fresh makes up a name that no variable of the script has.
func (e *expander) fresh(name string) string {
	unique := name
	for e.names[unique] {
		e.next[name]++
		unique = fmt.Sprintf("%s_%d", name, e.next[name]+1)
	}
	e.names[unique] = true
	return unique
}
