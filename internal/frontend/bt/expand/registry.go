package expand

import (
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// macro is a definition.
type macro struct {
	*ast.Macro
	library bool
	// locals are the variables that the body assigns to, declares or loops
	// with, parameters excepted. Each use has its own.
	locals map[string]bool
}

// macros are the definitions by name, in the order in which they are tried.
type macros map[string][]*macro

// add adds definitions after those that are there and reports those that are
// wrong. A definition that takes the same arguments as an earlier one is
// wrong, so macros with the same name stand in the order from the most special
// to the most general.
func (m macros) add(defs []*ast.Macro, library bool, diags *diag.List) {
	for _, def := range defs {
		if old, _ := m.lookup(def.Name.Text, def.Params); old != nil {
			diags.Errorf(Macro, def.Name.At, "the macro %s takes the same arguments as an earlier one", def.Name.Text).
				Note(old.Name.At, "the earlier one").
				WithHint("define the one with more special parameters first: $x and @x before x")
			continue
		}
		if !validParams(def, diags) || !validJumps(def, diags) {
			continue
		}
		m[def.Name.Text] = append(m[def.Name.Text], &macro{Macro: def, library: library, locals: locals(def)})
	}
}

// lookup returns the first macro that takes the arguments, or else the one
// that comes closest to it; both are nil when no macro has the name.
func (m macros) lookup(name string, args []ast.Expr) (exact, closest *macro) {
	best := 0
	for _, c := range m[name] {
		d := distance(c.Params, args)
		if d == 0 {
			return c, nil
		}
		if closest == nil || d < best {
			best, closest = d, c
		}
	}
	return nil, closest
}

// distance is how far arguments are from fitting parameters. A wrong number
// of them weighs more than any of the wrong kind.
func distance(params, args []ast.Expr) int {
	const wrongNumber = 1 << 16
	d := wrongNumber * max(len(params)-len(args), len(args)-len(params))
	for i := range min(len(params), len(args)) {
		if !fits(params[i], args[i]) {
			d++
		}
	}
	return d
}

// fits reports whether an argument can be passed for a parameter: a variable
// for $x, a whole map for @x, anything for x.
func fits(param, arg ast.Expr) bool {
	switch param.(type) {
	case *ast.Var:
		_, ok := arg.(*ast.Var)
		return ok
	case *ast.MapRef:
		return isWholeMap(arg)
	}
	return true
}

func isWholeMap(x ast.Expr) bool {
	m, ok := x.(*ast.MapRef)
	return ok && m.Keys == nil
}

// spell writes a parameter as its definition does.
func spell(param ast.Expr) string {
	switch p := param.(type) {
	case *ast.Var:
		return "$" + p.Name
	case *ast.MapRef:
		return "@" + p.Name
	case *ast.Ident:
		return p.Name
	}
	return ""
}

func validParams(def *ast.Macro, diags *diag.List) bool {
	seen := map[string]ast.Expr{}
	for _, p := range def.Params {
		name := spell(p)
		if first := seen[name]; first != nil {
			diags.Errorf(Macro, p.Span(), "the macro %s has two parameters %s", def.Name.Text, name).
				Note(first.Span(), "the first one")
			return false
		}
		seen[name] = p
	}
	return true
}

// validJumps reports jumps out of a macro's body.
func validJumps(def *ast.Macro, diags *diag.List) bool {
	j := jumps{ok: true}
	j.report = func(n ast.Node, what string) {
		j.ok = false
		diags.Errorf(Macro, n.Span(), "'%s' can't leave the macro %s", what, def.Name.Text)
	}
	ast.Walk(&jumpVisitor{jumps: &j}, def.Body)
	return j.ok
}

type jumps struct {
	ok     bool
	report func(n ast.Node, what string)
}

// jumpVisitor visits what lies in the same loop, or in none.
type jumpVisitor struct {
	*jumps
	loop bool
}

// Visit looks at one node.
func (v *jumpVisitor) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.Return:
		v.report(n, "return")
	case *ast.Break:
		if !v.loop {
			v.report(n, "break")
		}
	case *ast.Continue:
		if !v.loop {
			v.report(n, "continue")
		}
	case *ast.While, *ast.For, *ast.Unroll:
		return &jumpVisitor{v.jumps, true}
	}
	return v
}

func locals(def *ast.Macro) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(def.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Assign:
			if v, ok := n.Target.(*ast.Var); ok {
				names[v.Name] = true
			}
		case *ast.VarDecl:
			names[n.Var.Name] = true
		case *ast.For:
			names[n.Var.Name] = true
		}
		return true
	})
	for _, p := range def.Params {
		if v, ok := p.(*ast.Var); ok {
			delete(names, v.Name)
		}
	}
	return names
}
