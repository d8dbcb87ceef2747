package expand_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
)

// find returns the place of the first name of that kind in the expanded
// script.
func find(p *ast.Program, name string) ast.Node {
	var found ast.Node
	ast.Inspect(p, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name && found == nil {
			found = n
		}
		return true
	})
	return found
}

// TestExplain reports something about code from a macro within a macro, as a
// later stage would.
func TestExplain(t *testing.T) {
	const text = "macro inner(x) { x + nonsense }\nmacro outer(x) { inner(x) * 2 }\nbegin {\n  print(outer(own));\n}\n"
	p, r, diags := script(t, "t.bt", text, expand.Options{})
	qt.Assert(t, qt.HasLen(diags.Items, 0))

	n := find(p, "nonsense")
	list := &diag.List{}
	list.Errorf("code", n.Span(), "what is this").Note(n.Span(), "a note of its own").WithHint("a hint")
	for range 2 { // the second time changes nothing
		r.Explain(list)
		d := list.Items[0]
		qt.Check(t, qt.Equals(d.Span.String(), "t.bt:4:9"))
		qt.Check(t, qt.Equals(d.Span.Text(), "outer(own)"))
		qt.Check(t, qt.Equals(d.Hint, "a hint"))
		var notes []string
		for _, n := range d.Notes {
			notes = append(notes, fmt.Sprintf("%s: %s: %s", n.Span, n.Message, n.Span.Text()))
		}
		qt.Check(t, qt.DeepEquals(notes, []string{
			"t.bt:1:22: in the macro inner: nonsense",
			"t.bt:2:18: in the macro outer: inner(x)",
			"t.bt:1:22: a note of its own: nonsense",
		}))
	}
	qt.Check(t, qt.Equals(r.Locate(n.Span()).String(), "t.bt:4:9"))

	// What was passed to a macro belongs to the script.
	own := find(p, "own")
	qt.Check(t, qt.Equals(own.Span().String(), "t.bt:4:15"))
	qt.Check(t, qt.Equals(r.Locate(own.Span()), own.Span()))
}

// TestExplainTwoUses tells two uses of one macro apart.
func TestExplainTwoUses(t *testing.T) {
	p, r, _ := script(t, "t.bt", "macro m() { nonsense + 1 }\nbegin { print(m);\nprint(m); }", expand.Options{})
	var places []string
	ast.Inspect(p, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			places = append(places, r.Locate(id.At).String())
		}
		return true
	})
	qt.Check(t, qt.DeepEquals(places, []string{"t.bt:2:15", "t.bt:3:7"}))
}

func TestExplainShortensLongChains(t *testing.T) {
	var b strings.Builder
	b.WriteString("macro m0() { @x }\n")
	for i := 1; i < 50; i++ {
		fmt.Fprintf(&b, "macro m%d() { m%d }\n", i, i-1)
	}
	b.WriteString("begin { print(m49); }\n")
	_, _, diags := script(t, "t.bt", b.String(), expand.Options{})
	qt.Assert(t, qt.HasLen(diags.Items, 1))
	qt.Check(t, qt.HasLen(diags.Items[0].Notes, 9))
	qt.Check(t, qt.Equals(diags.Items[0].Notes[4].Message, "in 42 more macros"))
}

// TestLimits expands what would grow, or nest, without end.
func TestLimits(t *testing.T) {
	chain := func(n int, body string) string {
		var b strings.Builder
		b.WriteString("macro m0(x) { x }\n")
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&b, "macro m%d(x) { %s }\n", i, strings.ReplaceAll(body, "M", fmt.Sprintf("m%d", i-1)))
		}
		fmt.Fprintf(&b, "begin { print(m%d(pid)); }\n", n)
		return b.String()
	}
	for _, c := range []struct{ name, text, want string }{
		{"doubling", chain(40, "M(x) + M(x)"), "macros make the script too large"},
		{"doubling arguments", chain(40, "M(x + x)"), "macros make the script too large"},
		{"nested uses", chain(300, "M(x)"), "more than 200 macros use each other"},
		{"nesting", chain(190, strings.Repeat("-(", 160)+"M(x)"+strings.Repeat(")", 160)), "macros make the script too large"},
		{"nested arguments", chain(190, "M("+strings.Repeat("-(", 160)+"x"+strings.Repeat(")", 160)+")"), "macros make the script too large"},
		{"wide", "macro w(x) { " + strings.Repeat("x; ", 1000) + "}\nbegin { w({ w({ w(1) }) }) }", "macros make the script too large"},
		{"strings", "macro s(x) { x + x }\nbegin { print(" + strings.Repeat("s(", 13) + `"` + strings.Repeat("x", 1000) + `"` + strings.Repeat(")", 13) + "); }", "the string gets too long"},
	} {
		_, _, diags := script(t, c.name, c.text, expand.Options{})
		n := 0
		for _, d := range diags.Items {
			if strings.Contains(d.Message, c.want) {
				n++
			}
		}
		qt.Check(t, qt.IsTrue(n >= 1), qt.Commentf("%s: %v", c.name, diags))
		if strings.Contains(c.want, "macros") {
			qt.Check(t, qt.Equals(n, 1), qt.Commentf("%s", c.name))
		}
	}
	_, _, diags := script(t, "enough", chain(100, "M(x) + 1"), expand.Options{})
	qt.Check(t, qt.IsFalse(diags.HasErrors()))
}
