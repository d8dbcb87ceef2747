package ast

import (
	"reflect"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/source"
)

// place gives every span below v a place of its own.
func place(v reflect.Value, f *source.File, n *int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			place(v.Elem(), f, n)
		}
	case reflect.Slice:
		for i := range v.Len() {
			place(v.Index(i), f, n)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[source.Span]() {
			*n++
			v.Set(reflect.ValueOf(source.Span{File: f, Start: *n, End: *n + 1}))
			return
		}
		for i := range v.NumField() {
			place(v.Field(i), f, n)
		}
	}
}

// body is the body of the probe that everyNode makes, with a place for every
// node.
func body(t *testing.T) *Block {
	b := everyNode().Probes[0].Body
	Inspect(b, func(n Node) bool {
		if x, ok := n.(*IfExpr); ok {
			x.Else = &BlockExpr{Block: &Block{Value: x.Else}}
		}
		return true
	})
	n := 0
	place(reflect.ValueOf(b), source.NewFile("x", ""), &n)
	qt.Assert(t, qt.IsTrue(n > 100))
	return b
}

// TestClone checks that a copy is equal and shares no node with its original.
func TestClone(t *testing.T) {
	b := body(t)
	c := (&Cloner{}).Block(b)
	qt.Assert(t, qt.IsTrue(reflect.DeepEqual(b, c)))

	nodes := map[Node]bool{}
	collect(reflect.ValueOf(b), nodes)
	copies := map[Node]bool{}
	collect(reflect.ValueOf(c), copies)
	qt.Check(t, qt.Equals(len(copies), len(nodes)))
	for n := range copies {
		qt.Check(t, qt.IsFalse(nodes[n]), qt.Commentf("%T is shared", n))
	}
}

func TestClonePlaces(t *testing.T) {
	b := body(t)
	other := source.NewFile("y", "")
	c := (&Cloner{Place: func(s source.Span) source.Span { s.File = other; return s }}).Block(b)
	seen := 0
	var look func(v reflect.Value)
	look = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				look(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i))
			}
		case reflect.Struct:
			if s, ok := v.Interface().(source.Span); ok {
				seen++
				qt.Check(t, qt.Equals(s.File, other))
				return
			}
			for i := range v.NumField() {
				look(v.Field(i))
			}
		}
	}
	look(reflect.ValueOf(c))
	qt.Check(t, qt.IsTrue(seen > 100))
}

func TestCloneOfNothing(t *testing.T) {
	c := &Cloner{}
	qt.Check(t, qt.IsNil(c.Expr(nil)))
	qt.Check(t, qt.IsNil(c.Type(nil)))
	qt.Check(t, qt.IsNil(c.Stmt(nil)))
	qt.Check(t, qt.IsNil(c.Block(nil)))
}

// TestRewriteEverything replaces all nodes that can be replaced by copies.
func TestRewriteEverything(t *testing.T) {
	b := body(t)
	want := (&Cloner{}).Block(b)
	before := map[Node]bool{}
	collect(reflect.ValueOf(b), before)

	c := &Cloner{}
	r := &Rewriter{}
	r.Expr = func(x Expr) Expr { r.Children(x); return c.Expr(x) }
	r.Type = func(x TypeExpr) TypeExpr { r.Children(x); return c.Type(x) }
	r.Stmt = func(s Stmt) []Stmt { r.Children(s); return []Stmt{c.Stmt(s)} }
	r.Children(b)
	qt.Assert(t, qt.IsTrue(reflect.DeepEqual(b, want)))

	after := map[Node]bool{}
	collect(reflect.ValueOf(b), after)
	for n := range after {
		qt.Check(t, qt.IsTrue(!before[n] || n == Node(b)), qt.Commentf("%T was not replaced", n))
	}
}

// TestRewriteVisits checks that Children goes to every expression, type and
// statement that Walk goes to.
func TestRewriteVisits(t *testing.T) {
	b := body(t)
	want := map[Node]bool{}
	Inspect(b, func(n Node) bool {
		if n != nil {
			want[n] = true
		}
		return true
	})
	r := &Rewriter{}
	see := func(n Node) {
		delete(want, n)
		r.Children(n)
	}
	r.Expr = func(x Expr) Expr { see(x); return x }
	r.Type = func(x TypeExpr) TypeExpr { see(x); return x }
	r.Stmt = func(s Stmt) []Stmt { see(s); return []Stmt{s} }
	see(b)
	for n := range want {
		switch n.(type) {
		case *Range, *RecordField, *Block, *IntLit, *StrLit: // parts of their parents
		default:
			t.Errorf("%T is not reached", n)
		}
	}
}

func TestRewriteStatements(t *testing.T) {
	drop := &Rewriter{Stmt: func(s Stmt) []Stmt { return nil }}
	b := &Block{Stmts: []Stmt{&Break{}, &Break{}}, Value: &Var{}}
	drop.Children(b)
	qt.Check(t, qt.HasLen(b.Stmts, 0))
	qt.Check(t, qt.IsNotNil(b.Value))

	i := &If{Cond: &Var{}, Then: &Block{}, Else: &Block{}}
	drop.Children(i)
	qt.Check(t, qt.IsNil(i.Else))

	i.Else = &Block{}
	double := &Rewriter{Stmt: func(s Stmt) []Stmt { return []Stmt{s, s} }}
	double.Children(i)
	qt.Check(t, qt.HasLen(i.Else.(*Block).Stmts, 2))

	x := &IfExpr{Cond: &Var{}, Then: &Block{}, Else: &BlockExpr{Block: &Block{}}}
	lit := &Rewriter{Expr: func(Expr) Expr { return &IntLit{} }}
	lit.Children(x)
	_, isLit := x.Else.(*BlockExpr).Block.Value.(*IntLit)
	qt.Check(t, qt.IsTrue(isLit))
}
