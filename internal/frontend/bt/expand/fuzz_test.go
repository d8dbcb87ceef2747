package expand_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// patience is how long one script may take: what is bounded ends well before.
const patience = 20 * time.Second

// checkExpansion expands a text, if it is a script, and checks what comes out.
func checkExpansion(t *testing.T, text string) (expanded bool) {
	o := expand.Options{Params: []string{"1", "-2", "x"}, Defines: map[string]string{"BPFTRACE_HAVE_BTF": "1"}}
	p, diags := parse.Program(source.NewFile("t.bt", text), parse.Options{Params: o.Params})
	if diags.HasErrors() {
		return false
	}
	start := time.Now()
	r, diags := expand.Program(p, o)
	if d := time.Since(start); d > patience {
		t.Errorf("it took %s to expand\n%s", d, text)
	}
	for _, d := range diags.Items {
		if d.Span.IsValid() && r.Locate(d.Span) != d.Span {
			t.Errorf("%v lies in a macro", d)
		}
	}
	if diags.HasErrors() {
		return false
	}
	seen := map[ast.Node]bool{}
	ast.Inspect(p, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil:
			return false
		case *ast.Macro, *ast.TypeArg, *ast.Param, *ast.ParamCount, *ast.BadExpr:
			t.Errorf("%T is left in\n%s", n, text)
		}
		if seen[n] {
			t.Errorf("%T stands in two places in\n%s", n, text)
		}
		seen[n] = true
		return true
	})
	out := printed(p)
	again, diags := parse.Program(source.NewFile("expanded", out), parse.Options{})
	if diags.HasErrors() {
		t.Errorf("the expanded script has errors: %v\n%s\nof\n%s", diags, out, text)
		return true
	}
	if twice := printed(again); twice != out {
		t.Errorf("the expanded script\n%s\nis read as\n%s\nof\n%s", out, twice, text)
	}
	return true
}

func FuzzProgram(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(f, qt.IsNil(err))
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		qt.Assert(f, qt.IsNil(err))
		for _, a := range ar.Files {
			if strings.HasSuffix(a.Name, ".bt") {
				f.Add(string(a.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) { checkExpansion(t, text) })
}

// gen makes random scripts that are full of macros.
type gen struct {
	r      *rand.Rand
	macros [][]string // name and parameters of each
	params []string   // of the macro at hand
	inside bool       // a macro
}

func (g *gen) one(n int) bool              { return g.r.IntN(n) == 0 }
func (g *gen) pick(words ...string) string { return words[g.r.IntN(len(words))] }
func (g *gen) script() string {
	var b strings.Builder
	if g.one(3) {
		b.WriteString("#define ONE 1\n#define SUM (ONE + TWO)\nenum e { TWO = 2 };\n")
	}
	for i := range 1 + g.r.IntN(5) {
		m := []string{fmt.Sprintf("m%d", i)}
		for j := range g.r.IntN(4) {
			m = append(m, fmt.Sprintf("%s%d", g.pick("$p", "@p", "p"), j))
		}
		g.macros = append(g.macros, m)
	}
	for i, m := range g.macros {
		g.params, g.inside = m[1:], true
		g.macros = g.macros[:i:i] // no recursion
		fmt.Fprintf(&b, "macro %s(%s) %s\n", m[0], strings.Join(g.params, ", "), g.block(3, true))
		g.macros = append(g.macros, m)
	}
	g.params, g.inside = nil, false
	fmt.Fprintf(&b, "begin %s\n", g.block(4, false))
	return b.String()
}

func (g *gen) block(depth int, value bool) string {
	var b strings.Builder
	b.WriteString("{ ")
	for range g.r.IntN(4) {
		b.WriteString(g.stmt(depth-1) + " ")
	}
	if value && !g.one(4) {
		b.WriteString(g.expr(depth-1) + " ")
	}
	return b.String() + "}"
}

// variable is one that may be used here.
func (g *gen) variable() string {
	for _, p := range g.params {
		if p[0] == '$' && g.one(2) {
			return p
		}
	}
	return g.pick("$a", "$b", "$m0_a")
}

func (g *gen) mapName() string {
	for _, p := range g.params {
		if p[0] == '@' && g.one(2) {
			return p
		}
	}
	if g.inside {
		return "$a"
	}
	return g.pick("@x", "@y")
}

func (g *gen) stmt(depth int) string {
	if depth <= 0 {
		return g.variable() + " = " + g.expr(0) + ";"
	}
	switch g.r.IntN(8) {
	case 0:
		return "let $" + g.pick("a", "b", "c") + " = " + g.expr(depth) + ";"
	case 1, 2:
		return g.variable() + g.pick(" = ", " += ") + g.expr(depth) + ";"
	case 3:
		return "if " + g.pick("", "comptime ") + "(" + g.expr(depth) + ") " + g.block(depth, false) + g.pick("", " else "+g.block(depth, false))
	case 4:
		return "for ($i : 0..3) " + g.block(depth, false)
	case 5:
		return g.mapName() + " = " + g.expr(depth) + ";"
	}
	return g.call(depth) + ";"
}

func (g *gen) call(depth int) string {
	if len(g.macros) == 0 || g.one(4) {
		return g.pick("print", "is_err", "str", "m0") + "(" + g.arg(depth-1) + ")"
	}
	m := g.macros[g.r.IntN(len(g.macros))]
	var args []string
	for _, p := range m[1:] {
		switch {
		case g.one(20):
			args = append(args, g.arg(depth-1))
		case p[0] == '$':
			args = append(args, g.variable())
		case p[0] == '@':
			args = append(args, g.mapName())
		default:
			args = append(args, g.expr(depth-1))
		}
	}
	return m[0] + "(" + strings.Join(args, ", ") + ")"
}

func (g *gen) arg(depth int) string {
	switch g.r.IntN(6) {
	case 0:
		return g.variable()
	case 1:
		return g.mapName()
	case 2:
		return "typeof(" + g.pick("uint8", "struct s", "s *", "$a + 1", "p0") + ")"
	}
	return g.expr(depth)
}

func (g *gen) expr(depth int) string {
	if depth <= 0 {
		return g.pick("1", "-3", `"s"`, "true", "pid", "p0", "p1", "ONE", "SUM", "TWO", "$1", "$#", g.variable(), g.mapName())
	}
	switch g.r.IntN(10) {
	case 0, 1:
		return g.expr(depth-1) + g.pick(" + ", " * ", " == ", " && ", " - ", " << ") + g.expr(depth-1)
	case 2, 3:
		return g.call(depth)
	case 4:
		return g.block(depth, true)
	case 5:
		return "(" + g.expr(depth-1) + ", " + g.expr(depth-1) + ")"
	case 6:
		return "sizeof(" + g.pick("p0", "p0 *", "struct p1", g.expr(depth-1)) + ")"
	case 7:
		return "(" + g.expr(depth-1) + " ? " + g.expr(depth-1) + " : " + g.expr(depth-1) + ")"
	case 8:
		return "(" + g.pick("int8", "p0", "p1 *") + ")" + g.expr(0)
	}
	return g.call(depth - 1)
}

// checkRandom expands the random script that belongs to a seed.
func checkRandom(t *testing.T, seed uint64) bool {
	g := &gen{r: rand.New(rand.NewPCG(seed, 1))}
	return checkExpansion(t, g.script())
}

func TestRandomScripts(t *testing.T) {
	expanded := 0
	for seed := range uint64(5_000) {
		if checkRandom(t, seed) {
			expanded++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if expanded < 1000 {
		t.Errorf("only %d scripts were expanded", expanded)
	}
	t.Logf("%d scripts were expanded", expanded)
}

func FuzzRandomScripts(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkRandom(t, seed) })
}
