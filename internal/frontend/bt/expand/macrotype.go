package expand

import (
	"slices"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// operand expands what sizeof, offsetof, typeinfo or typeof is applied to: a
// type or an expression. A bare name there is a parameter of the macro or the
// name of a type, but never a macro.
func (e *expander) operand(f *frame, t *ast.TypeExpr, x *ast.Expr) {
	if *t != nil {
		_, was := (*t).(*ast.TypeofType)
		*t = e.typ(f, *t, e.rewriter(f).Children)
		if is, ok := (*t).(*ast.TypeofType); ok && !was {
			*t, *x = is.Type, is.X // what was passed stands for itself here
		}
		return
	}
	id, ok := (*x).(*ast.Ident)
	if !ok {
		*x = e.rewriter(f).Expr(*x)
		return
	}
	if f == nil || f.exprs[id.Name] == nil {
		return
	}
	switch arg := e.argument(f, id).(type) {
	case *ast.TypeArg:
		if is, ok := arg.Type.(*ast.TypeofType); ok {
			*t, *x = is.Type, is.X
		}
	case *ast.BlockExpr:
		*x = arg
		if v, ok := arg.Block.Value.(*ast.Var); ok && len(arg.Block.Stmts) == 0 {
			*x = v // nothing can change it here
		}
	default:
		*x = arg
	}
}

// typ expands a type: the name at its core may be a parameter of the macro.
func (e *expander) typ(f *frame, t ast.TypeExpr, descend func(ast.Node)) ast.TypeExpr {
	if is, ok := t.(*ast.TypeofType); ok {
		e.operand(f, &is.Type, &is.X)
		return is
	}
	if f == nil {
		return t
	}
	switch outer := t.(type) {
	case *ast.PointerType:
		outer.Elem = e.elem(f, outer.Elem, t)
	case *ast.ArrayType:
		outer.Elem = e.elem(f, outer.Elem, t)
	case *ast.NamedType:
		if arg := f.exprs[outer.Name]; arg != nil {
			return e.typeFor(f, outer, arg, nil)
		}
	}
	return t
}

// elem expands a type to which suffixes are added; whole is the type with
// them.
func (e *expander) elem(f *frame, t, whole ast.TypeExpr) ast.TypeExpr {
	switch t := t.(type) {
	case *ast.PointerType:
		t.Elem = e.elem(f, t.Elem, whole)
	case *ast.ArrayType:
		t.Elem = e.elem(f, t.Elem, whole)
	case *ast.NamedType:
		if arg := f.exprs[t.Name]; arg != nil {
			return e.typeFor(f, t, arg, whole)
		}
	}
	return t
}

// typeFor is the type that stands in place of a parameter's name. Whole is the
// type of which it is a part, nil when it is all of it.
func (e *expander) typeFor(f *frame, t *ast.NamedType, arg ast.Expr, whole ast.TypeExpr) ast.TypeExpr {
	var passed ast.TypeExpr
	switch arg := arg.(type) {
	case *ast.Ident:
		passed = &ast.NamedType{Place: arg.Place, Name: arg.Name}
	case *ast.TypeArg:
		passed = typeOf(arg)
	}
	if passed != nil && !e.limits.take(passed, e.depth, t.At, e.diags) {
		return t
	}
	passed = (&ast.Cloner{}).Type(passed)
	switch p := passed.(type) {
	case *ast.NamedType:
		switch {
		case t.Tag == "":
			return p
		case p.Tag == "":
			t.Name = p.Name
			return t
		}
	case *ast.PointerType, *ast.ArrayType:
		if t.Tag == "" {
			return p
		}
	case *ast.TypeofType:
		if t.Tag == "" && whole == nil {
			return p
		}
	}
	e.badType(f, t, arg, whole)
	return t
}

// typeOf is the type that an argument typeof(...) passes: what is written
// there, when it is a type.
func typeOf(arg *ast.TypeArg) ast.TypeExpr {
	is, ok := arg.Type.(*ast.TypeofType)
	switch {
	case !ok:
		return arg.Type
	case is.Type != nil:
		return is.Type
	}
	if id, ok := is.X.(*ast.Ident); ok {
		return &ast.NamedType{Place: id.Place, Name: id.Name}
	}
	return is
}

// badType reports an argument that can't stand where the macro uses its
// parameter as a type.
func (e *expander) badType(f *frame, t *ast.NamedType, arg ast.Expr, whole ast.TypeExpr) {
	at := t.Span()
	if whole != nil {
		at = whole.Span()
	}
	d := e.diags.Errorf(Macro, arg.Span(), "the macro %s makes a type of its parameter %s, for which this can't stand", f.macro.Name.Text, t.Name).
		Note(at, "the type")
	if _, isType := arg.(*ast.TypeArg); !isType {
		d.WithHint("pass a type: typeof(...)")
	}
}

// fields puts the fields that were passed into an offsetof.
func (e *expander) fields(f *frame, x *ast.Offsetof) {
	if f == nil || len(x.Fields) != 1 || f.exprs[x.Fields[0].Text] == nil {
		return
	}
	arg := f.exprs[x.Fields[0].Text]
	var names []ast.Name
	for rest := arg; ; {
		switch y := rest.(type) {
		case *ast.Field:
			names = append(names, y.Name)
			rest = y.X
			continue
		case *ast.Ident:
			names = append(names, ast.Name{Text: y.Name, At: y.At})
			slices.Reverse(names)
			x.Fields = names
			return
		}
		break
	}
	e.diags.Errorf(Macro, arg.Span(), "only the names of fields can stand here, such as a.b.c").
		Note(x.Fields[0].At, "the macro %s uses it as a field", f.macro.Name.Text)
}
