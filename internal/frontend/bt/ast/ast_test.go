package ast

import (
	goast "go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/source"
)

func TestCanonicalProvider(t *testing.T) {
	for name, want := range map[string]string{
		"k": "kprobe", "kr": "kretprobe", "u": "uprobe", "ur": "uretprobe", "U": "usdt", "t": "tracepoint",
		"p": "profile", "i": "interval", "s": "software", "h": "hardware", "w": "watchpoint", "f": "fentry",
		"kfunc": "fentry", "fr": "fexit", "kretfunc": "fexit", "it": "iter", "rt": "rawtracepoint",
		"BEGIN": "begin", "Begin": "begin", "END": "end", "KPROBE": "kprobe", "USDT": "usdt", "K": "kprobe",
	} {
		got, ok := CanonicalProvider(name)
		qt.Check(t, qt.IsTrue(ok), qt.Commentf("%s", name))
		qt.Check(t, qt.Equals(got, want))
	}
	for _, name := range []string{"", "x", "kprob", "k*"} {
		got, ok := CanonicalProvider(name)
		qt.Check(t, qt.IsFalse(ok), qt.Commentf("%s", name))
		qt.Check(t, qt.Equals(got, name))
	}
	for _, name := range Providers() {
		got, ok := CanonicalProvider(name)
		qt.Check(t, qt.IsTrue(ok))
		qt.Check(t, qt.Equals(got, name))
	}
	qt.Check(t, qt.IsTrue(slices.IsSorted(Providers())))
}

func TestOperators(t *testing.T) {
	seen := map[string]bool{}
	for op := LogOr; op < numBinaryOps; op++ {
		qt.Check(t, qt.Not(qt.Equals(op.String(), "")))
		qt.Check(t, qt.IsFalse(seen[op.String()]), qt.Commentf("%s", op))
		seen[op.String()] = true
		qt.Check(t, qt.IsTrue(op.Precedence() >= 1 && op.Precedence() <= 10))
	}
	for op := Neg; op < numUnaryOps; op++ {
		qt.Check(t, qt.Not(qt.Equals(op.String(), "")))
	}
	qt.Check(t, qt.Equals(NoOp.String(), ""))
	qt.Check(t, qt.IsTrue(PostDec.IsPostfix() && PostDec.IsIncDec() && PreInc.IsIncDec()))
	qt.Check(t, qt.IsFalse(PreInc.IsPostfix() || AddrOf.IsIncDec()))
	qt.Check(t, qt.IsTrue(Ge.IsComparison() && LogOr.IsLogical()))
	qt.Check(t, qt.IsFalse(Shl.IsComparison() || BitOr.IsLogical()))
}

func TestDeclsInSourceOrder(t *testing.T) {
	f := source.NewFile("x", "0123456789")
	at := func(n int) Place { return Place{At: source.Span{File: f, Start: n, End: n + 1}} }
	prog := &Program{
		Config:   []*Config{{Place: at(1)}},
		Imports:  []*Import{{Place: at(2)}},
		Macros:   []*Macro{{Place: at(3)}, {Place: at(6)}},
		MapDecls: []*MapDecl{{Place: at(5)}},
		Probes:   []*Probe{{Place: at(4)}, {Place: at(7)}},
	}
	var starts []int
	for _, d := range prog.Decls() {
		starts = append(starts, d.Span().Start)
	}
	qt.Check(t, qt.DeepEquals(starts, []int{1, 2, 3, 4, 5, 6, 7}))
}

func TestDeclsOfSeveralFiles(t *testing.T) {
	place := func(f *source.File, n int) Place { return Place{At: source.Span{File: f, Start: n, End: n + 1}} }
	own, imported := source.NewFile("own", "0123456789"), source.NewFile("imported", "0123456789")
	prog := &Program{
		CDefs:    []*CDef{{Place: place(own, 1)}, {Place: place(imported, 0)}},
		MapDecls: []*MapDecl{{}, {Place: place(imported, 2)}},
		Probes:   []*Probe{{Place: place(imported, 1)}, {Place: place(own, 5)}},
	}
	var got []string
	for _, d := range prog.Decls() {
		got = append(got, d.Span().String())
	}
	qt.Check(t, qt.DeepEquals(got, []string{"-", "own:1:2", "own:1:6", "imported:1:1", "imported:1:2", "imported:1:3"}))
}

// one of every node, each with all of its children set.
func everyNode() *Program {
	x := func() Expr { return &Var{} }
	typ := func() TypeExpr { return &NamedType{} }
	block := func() *Block { return &Block{Stmts: []Stmt{&Break{}}, Value: x()} }
	exprs := []Expr{
		&IntLit{}, &StrLit{}, &BoolLit{}, &Ident{}, &Var{}, &Param{}, &ParamCount{}, &BadExpr{},
		&MapRef{Keys: []Expr{x(), x()}}, &Field{X: x()}, &TupleField{X: x()}, &Index{X: x(), Index: x()},
		&Call{Args: []Expr{x(), &TypeArg{Type: typ()}}}, &Unary{X: x()}, &Binary{X: x(), Y: x()},
		&Ternary{Cond: x(), Then: x(), Else: x()}, &IfExpr{Cond: x(), Then: block(), Else: x()},
		&BlockExpr{Block: block()}, &Cast{Type: typ(), X: x()}, &Tuple{Elems: []Expr{x()}},
		&Record{Fields: []*RecordField{{Value: x()}}}, &Sizeof{Type: typ(), X: x()},
		&Offsetof{Type: typ(), X: x()}, &Typeinfo{Type: typ(), X: x()}, &Comptime{X: x()},
	}
	stmts := []Stmt{
		&Assign{Target: x(), Value: x()}, &If{Cond: x(), Then: block(), Else: block()},
		&VarDecl{Var: &Var{}, Type: &PointerType{Elem: &ArrayType{Elem: typ(), Len: &IntLit{}}}, Value: x()},
		&While{Cond: x(), Body: block()}, &Unroll{Count: x(), Body: block()}, &Continue{}, &Return{X: x()},
		&For{Var: &Var{}, Map: &MapRef{}, Range: &Range{Low: x(), High: x()}, Body: block()},
		&Discard{X: x()}, &Import{Path: &StrLit{}}, &VarDecl{Var: &Var{}, Type: &TypeofType{Type: typ(), X: x()}},
	}
	for _, e := range exprs {
		stmts = append(stmts, &ExprStmt{X: e})
	}
	return &Program{
		CDefs:    []*CDef{{}},
		Config:   []*Config{{Assigns: []*ConfigAssign{{Value: x()}}}},
		Imports:  []*Import{{Path: &StrLit{}}},
		Macros:   []*Macro{{Params: []Expr{x()}, Body: block()}},
		Subprogs: []*Subprog{{Params: []*SubprogParam{{Var: &Var{}, Type: typ()}}, Result: typ(), Body: block()}},
		MapDecls: []*MapDecl{{Map: &MapRef{}, MaxEntries: &IntLit{}}},
		Probes:   []*Probe{{AttachPoints: []*AttachPoint{{}}, Pred: x(), Body: &Block{Stmts: stmts}}},
	}
}

// collect adds all nodes that reflection finds below v.
func collect(v reflect.Value, nodes map[Node]bool) {
	switch v.Kind() {
	case reflect.Interface:
		collect(v.Elem(), nodes)
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if n, ok := v.Interface().(Node); ok {
			nodes[n] = true
		}
		collect(v.Elem(), nodes)
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), nodes)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[source.Span]() {
			return
		}
		for i := range v.NumField() {
			collect(v.Field(i), nodes)
		}
	}
}

// TestWalk checks that Walk visits every node that a tree holds, once, and
// ends every visit.
func TestWalk(t *testing.T) {
	prog := everyNode()
	want := map[Node]bool{}
	collect(reflect.ValueOf(prog), want)
	got := map[Node]int{}
	kinds := map[string]bool{}
	depth, ends := 0, 0
	Inspect(prog, func(n Node) bool {
		if n == nil {
			depth--
			ends++
			return false
		}
		depth++
		got[n]++
		kinds[reflect.TypeOf(n).Elem().Name()] = true
		return true
	})
	qt.Check(t, qt.Equals(depth, 0))
	qt.Check(t, qt.Equals(ends, len(want)))
	qt.Check(t, qt.Equals(len(got), len(want)))
	for n := range want {
		qt.Check(t, qt.Equals(got[n], 1), qt.Commentf("%T", n))
	}
	for _, kind := range nodeKinds(t) {
		qt.Check(t, qt.IsTrue(kinds[kind]), qt.Commentf("%s has to join everyNode", kind))
	}
}

// nodeKinds reads the names of all node types from the sources: the structs
// that embed Place. Comments are not part of the tree.
func nodeKinds(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	qt.Assert(t, qt.IsNil(err))
	var kinds []string
	for _, file := range files {
		src, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		qt.Assert(t, qt.IsNil(err))
		goast.Inspect(src, func(n goast.Node) bool {
			spec, ok := n.(*goast.TypeSpec)
			if !ok || spec.Name.Name == "Comment" {
				return true
			}
			if st, ok := spec.Type.(*goast.StructType); ok && len(st.Fields.List) > 0 {
				first := st.Fields.List[0]
				if id, ok := first.Type.(*goast.Ident); ok && len(first.Names) == 0 && id.Name == "Place" {
					kinds = append(kinds, spec.Name.Name)
				}
			}
			return true
		})
	}
	qt.Assert(t, qt.IsTrue(len(kinds) > 50))
	return kinds
}

func TestInspectSkips(t *testing.T) {
	n := 0
	Inspect(everyNode(), func(m Node) bool {
		n++
		return false
	})
	qt.Check(t, qt.Equals(n, 1))
}
