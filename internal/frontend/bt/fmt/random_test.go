package btfmt_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
)

// gen makes random trees such as the parser makes.
type gen struct {
	r    *rand.Rand
	fuel int // how many more inner nodes it may make
}

func (g *gen) pick(options ...string) string { return options[g.r.IntN(len(options))] }

func (g *gen) one(in int) bool { return g.r.IntN(in) == 0 }

// list makes up to n things.
func list[T any](g *gen, n int, make func() T) []T {
	var l []T
	for range g.r.IntN(n + 1) {
		l = append(l, make())
	}
	return l
}

func (g *gen) name() string { return g.pick("pid", "x", "foo", "cpu", "begin", "arg0", "_", "y2") }

func (g *gen) label() ast.Name { return ast.Name{Text: g.pick("a", "if", "foo", "sizeof")} }

func (g *gen) intLit() *ast.IntLit {
	v := uint64(g.r.IntN(1000) + 1)
	return &ast.IntLit{Value: v, Raw: strconv.FormatUint(v, 10)}
}

func (g *gen) strLit() *ast.StrLit {
	b := make([]byte, g.r.IntN(6))
	for i := range b {
		b[i] = byte(g.r.IntN(256))
	}
	return &ast.StrLit{Value: string(b) + g.pick("", "日", "a7", "\n\x01f", "*/", "//")}
}

func (g *gen) variable() *ast.Var { return &ast.Var{Name: g.name()} }

func (g *gen) mapRef(keys bool) *ast.MapRef {
	m := &ast.MapRef{Name: g.pick("", "m", "if")}
	if keys && g.one(2) {
		m.Keys = append(list(g, 2, g.expr), g.expr())
	}
	return m
}

func (g *gen) leaf() ast.Expr {
	switch g.r.IntN(9) {
	case 0:
		return g.strLit()
	case 1:
		return &ast.BoolLit{Value: g.one(2)}
	case 2:
		return g.variable()
	case 3:
		return &ast.Param{N: 1 + g.r.IntN(20)}
	case 4:
		return &ast.ParamCount{}
	case 5:
		return g.mapRef(false)
	case 6, 7:
		return &ast.Ident{Name: g.name()}
	}
	return g.intLit()
}

func (g *gen) expr() ast.Expr {
	if g.fuel--; g.fuel < 0 {
		return g.leaf()
	}
	switch g.r.IntN(22) {
	case 0, 1, 2, 3, 4:
		op := ast.LogOr + ast.BinaryOp(g.r.IntN(int(ast.Mod)))
		return &ast.Binary{Op: op, X: g.expr(), Y: g.expr()}
	case 5, 6, 7:
		return g.unary()
	case 8:
		t := &ast.Ternary{Cond: g.expr(), Else: g.expr()}
		if g.one(2) {
			t.Then = g.expr()
		}
		return t
	case 9:
		return &ast.IfExpr{Cond: g.expr(), Then: g.block(true), Else: g.elseExpr()}
	case 10:
		return &ast.BlockExpr{Block: g.block(true)}
	case 11:
		return &ast.Cast{Type: g.annotation(), X: g.expr()}
	case 12:
		return &ast.Tuple{Elems: list(g, 3, g.expr)}
	case 13:
		return &ast.Record{Fields: []*ast.RecordField{{Name: ast.Name{Text: "a"}, Value: g.expr()}, {Name: ast.Name{Text: "if"}, Value: g.expr()}}}
	case 14:
		return &ast.Comptime{X: g.expr()}
	case 15:
		return g.typeOperator()
	case 16:
		return g.mapRef(true)
	case 17:
		return &ast.Call{Func: ast.Name{Text: g.name()}, Args: list(g, 3, g.arg)}
	case 18, 19:
		return &ast.Field{X: g.expr(), Name: g.label(), Arrow: g.one(2)}
	case 20:
		x := g.expr()
		if _, ok := x.(*ast.IntLit); ok { // 1.5 is refused
			x = g.variable()
		}
		return &ast.TupleField{X: x, Index: g.r.IntN(10)}
	}
	return g.index()
}

func (g *gen) index() ast.Expr { return &ast.Index{X: g.expr(), Index: g.expr()} }

func (g *gen) unary() ast.Expr {
	u := &ast.Unary{Op: ast.UnaryOp(g.r.IntN(int(ast.PostDec) + 1))}
	switch {
	case u.Op == ast.AddrOf && g.one(2):
		u.X = g.mapRef(false)
	case u.Op.IsIncDec() && g.one(2):
		u.X = g.mapRef(true)
	case u.Op == ast.AddrOf || u.Op.IsIncDec():
		u.X = g.variable()
	default:
		u.X = g.expr()
	}
	return u
}

func (g *gen) arg() ast.Expr {
	if g.one(6) {
		return &ast.TypeArg{Type: g.typeofType()}
	}
	return g.expr()
}

func (g *gen) elseExpr() ast.Expr {
	switch g.r.IntN(3) {
	case 0:
		return &ast.BlockExpr{Block: g.block(true)}
	case 1:
		return &ast.IfExpr{Cond: g.expr(), Then: g.block(true), Else: g.elseExpr()}
	}
	return nil
}

func (g *gen) typeOperator() ast.Expr {
	var t ast.TypeExpr
	var x ast.Expr
	if g.one(2) {
		t = g.operandType()
	} else {
		x = g.expr()
	}
	switch g.r.IntN(3) {
	case 0:
		return &ast.Sizeof{Type: t, X: x}
	case 1:
		return &ast.Typeinfo{Type: t, X: x}
	}
	return &ast.Offsetof{Type: t, X: x, Fields: append(list(g, 2, g.label), g.label())}
}

// operandType makes a type that is one without further knowledge.
func (g *gen) operandType() ast.TypeExpr {
	if g.one(3) {
		return g.typeofType()
	}
	return g.suffixed(&ast.NamedType{Name: g.pick("int8", "string")})
}

func (g *gen) typeofType() ast.TypeExpr {
	if g.fuel--; g.fuel < 0 || g.one(2) {
		return &ast.TypeofType{X: g.expr()}
	}
	return &ast.TypeofType{Type: g.operandType()}
}

// annotation makes a type for where only a type can stand.
func (g *gen) annotation() ast.TypeExpr {
	if g.one(4) {
		return g.typeofType()
	}
	tag := g.pick("", "struct", "union", "enum")
	return g.suffixed(&ast.NamedType{Tag: tag, Name: g.pick("foo", "bar_t")})
}

func (g *gen) suffixed(t ast.TypeExpr) ast.TypeExpr {
	for g.one(2) {
		switch g.r.IntN(3) {
		case 0:
			t = &ast.PointerType{Elem: t}
		case 1:
			t = &ast.ArrayType{Elem: t, Len: g.intLit()}
		case 2:
			t = &ast.ArrayType{Elem: t}
		}
	}
	return t
}

func (g *gen) block(value bool) *ast.Block {
	b := &ast.Block{Stmts: list(g, 2, g.stmt)}
	if value && !g.one(4) {
		b.Value = g.expr()
		if !hasValue(b.Value) && g.one(2) {
			b.Value = nil
		}
	}
	return b
}

func hasValue(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BlockExpr:
		return x.Block.Value != nil
	case *ast.IfExpr:
		return x.Then.Value != nil || x.Else != nil && hasValue(x.Else)
	}
	return true
}

func (g *gen) stmt() ast.Stmt {
	if g.fuel--; g.fuel < 0 {
		return &ast.Break{}
	}
	switch g.r.IntN(14) {
	case 0:
		return g.assign(g.variable())
	case 1:
		return g.assign(g.mapRef(true))
	case 2:
		d := &ast.VarDecl{Var: g.variable()}
		if g.one(2) {
			d.Type = g.annotation()
		}
		if g.one(2) {
			d.Value = g.expr()
		}
		return d
	case 3:
		return g.ifStmt()
	case 4:
		return g.block(false)
	case 5:
		return &ast.While{Cond: g.expr(), Body: g.block(false)}
	case 6:
		return &ast.Unroll{Count: g.expr(), Body: g.block(false)}
	case 7:
		return &ast.For{Var: g.variable(), Map: g.mapRef(false), Body: g.block(false)}
	case 8:
		return &ast.For{Var: g.variable(), Range: &ast.Range{Low: g.expr(), High: g.expr()}, Body: g.block(false)}
	case 9:
		return &ast.Continue{}
	case 10:
		if g.one(2) {
			return &ast.Return{}
		}
		return &ast.Return{X: g.expr()}
	case 11:
		return &ast.Discard{X: g.expr()}
	case 12:
		return &ast.Import{Path: g.strLit()}
	}
	x := g.expr()
	switch x.(type) {
	case *ast.IfExpr, *ast.BlockExpr:
		x = &ast.Unary{Op: ast.Not, X: x}
	}
	return &ast.ExprStmt{X: x}
}

func (g *gen) assign(target ast.Expr) ast.Stmt {
	op := ast.BitOr + ast.BinaryOp(g.r.IntN(int(ast.Mod-ast.BitOr)+1))
	if op.IsComparison() {
		op = ast.NoOp
	}
	return &ast.Assign{Target: target, Op: op, Value: g.expr()}
}

func (g *gen) ifStmt() ast.Stmt {
	s := &ast.If{Cond: g.expr(), Then: g.block(false)}
	switch g.r.IntN(3) {
	case 0:
		s.Else = g.block(false)
	case 1:
		s.Else = g.ifStmt()
	}
	return s
}

func (g *gen) program() *ast.Program {
	prog := &ast.Program{}
	prog.Macros = list(g, 1, func() *ast.Macro {
		return &ast.Macro{Name: g.label(), Params: list(g, 2, func() ast.Expr { return g.variable() }), Body: g.block(true)}
	})
	prog.Subprogs = list(g, 1, func() *ast.Subprog {
		return &ast.Subprog{Name: g.label(), Result: g.annotation(), Body: g.block(false),
			Params: list(g, 2, func() *ast.SubprogParam { return &ast.SubprogParam{Var: g.variable(), Type: g.annotation()} })}
	})
	probe := &ast.Probe{AttachPoints: []*ast.AttachPoint{{Raw: "begin", Provider: "begin"}}, Body: g.block(false)}
	if g.one(2) {
		probe.Pred = g.expr()
	}
	prog.Probes = []*ast.Probe{probe}
	return prog
}

// checkRandom prints the random tree that belongs to a seed, parses the text
// and compares.
func checkRandom(t *testing.T, seed uint64) {
	g := &gen{r: rand.New(rand.NewPCG(seed, 1)), fuel: 5 + int(seed%40)}
	prog := g.program()
	roundTrip(t, prog)
}

func TestRandomTrees(t *testing.T) {
	for seed := range uint64(2_000) {
		checkRandom(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzRandomTrees(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkRandom)
}

// TestTokenSoup parses random sequences of tokens; those that happen to be
// programs must survive printing.
func TestTokenSoup(t *testing.T) {
	words := strings.Fields(`( ) ( ) [ ] { } ; ; , . -> = == + - * / % & | ^ ! ~ ? : ++ -- && < << >= +=
		$x @m @ $1 1 0 "s" x foo int8 struct if else comptime sizeof typeof typeinfo offsetof return while for .. let _ (int8) /`)
	r := rand.New(rand.NewPCG(1, 2))
	parsed := 0
	for range 50_000 {
		var b strings.Builder
		b.WriteString("macro m() { ")
		for range 1 + r.IntN(8) {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		b.WriteString("}")
		prog, err := program(b.String())
		if err != nil {
			continue
		}
		parsed++
		roundTrip(t, prog)
	}
	if parsed < 200 {
		t.Errorf("only %d parsed", parsed)
	}
}

// TestRandomComments puts comments between the tokens of random programs:
// printing keeps all of them and does not change the tree.
func TestRandomComments(t *testing.T) {
	parsed := 0
	for seed := range uint64(2_000) {
		g := &gen{r: rand.New(rand.NewPCG(seed, 3)), fuel: 5 + int(seed%30)}
		var b strings.Builder
		for _, word := range strings.SplitAfter(btfmt.Print(g.program()), " ") {
			b.WriteString(word)
			if g.one(6) {
				b.WriteString(g.pick("/* c */ ", "// d\n", "\n/* e\n f */\n", "\n\n// g\n\n"))
			}
		}
		prog, err := program(b.String())
		if err != nil {
			continue // within a string or an attach point
		}
		parsed++
		out := roundTrip(t, prog)
		again, _ := program(out)
		if twice := btfmt.Print(again); twice != out {
			t.Fatalf("seed %d: the second time it prints\n%s\nafter\n%s", seed, twice, out)
		}
	}
	if parsed < 500 {
		t.Errorf("only %d parsed", parsed)
	}
}
