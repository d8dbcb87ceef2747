package expand_test

import (
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// known stands for a checker that has types: every variable is an unsigned
// integer, and the probe is a kprobe.
func known(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.Typeinfo:
		word := func(name, value string) *ast.RecordField {
			return &ast.RecordField{Name: ast.Name{Text: name}, Value: &ast.StrLit{Value: value}}
		}
		return &ast.Record{Fields: []*ast.RecordField{word("base_type", "int"), word("full_type", "uint64")}}
	case *ast.Ident:
		if x.Name == "probetype" {
			return &ast.StrLit{Value: "kprobe"}
		}
	}
	return nil
}

func TestEval(t *testing.T) {
	for _, c := range []struct{ text, want, problem string }{
		{"1 + 2", "3", ""},
		{`typeinfo($x).base_type == "int"`, "true", ""},
		{`typeinfo($x).base_type != "int" || false`, "false", ""},
		{`typeinfo($x).full_type[0] == "u"[0]`, "true", ""},
		{`typeinfo($x) == typeinfo($y)`, "true", ""},
		{`typeinfo($x).nothing`, "", ""},
		{`probetype == "kprobe" ? "yes" : "no"`, `"yes"`, ""},
		{`if (probetype == "uprobe") { $x } else { 7 }`, "7", ""},
		{`if (probetype == "uprobe") { 1 }`, "", ""},
		{`comptime (probetype != "kprobe")`, "false", ""},
		{`!(probetype == "kprobe")`, "false", ""},
		{`0 ?: probetype`, `"kprobe"`, ""},
		{`1 ?: $x`, "1", ""},
		{`(1, probetype).1`, `"kprobe"`, ""},
		{`(a = 1, b = probetype)`, `(a = 1, b = "kprobe")`, ""},
		{`(1, $x)`, "", ""},
		{`(1, $x) == (1, 2, 3)`, "", ""},
		{`{ 5 }`, "5", ""},
		{`{ $x = 1; 5 }`, "", ""},
		{`__builtin_is_literal(probetype)`, "true", ""},
		{`__builtin_is_literal($x)`, "false", ""},
		{`"abc"[1 + 1]`, "99", ""},
		{`"abc"[9]`, "", ""},
		{`-5`, "-5", ""},
		{`1 / 0`, "", "division by zero"},
		{`1 / 0 + 1`, "", "division by zero"},
		{`() ? 1 : 2`, "", ""},
		{`$x`, "", ""},
		{`pid + 1`, "", ""},
		{`$x++`, "", ""},
		{`f(1)`, "", ""},
	} {
		x, diags := parse.Expr(source.NewFile("x", c.text), parse.Options{})
		qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%s", c.text))
		before := btfmt.Expr(x)
		got, problem := expand.Eval(x, known)
		text := ""
		if got != nil {
			qt.Check(t, qt.IsTrue(expand.IsLiteral(got)))
			text = btfmt.Expr(got)
		}
		qt.Check(t, qt.Equals(text, c.want), qt.Commentf("%s", c.text))
		qt.Check(t, qt.Equals(problem, c.problem), qt.Commentf("%s", c.text))
		qt.Check(t, qt.Equals(btfmt.Expr(x), before))
	}
	x, _ := parse.Expr(source.NewFile("x", "2 * 3"), parse.Options{})
	six, _ := expand.Eval(x, nil)
	qt.Check(t, qt.Equals(btfmt.Expr(six), "6"))
}
