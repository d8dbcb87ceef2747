package verifierlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/testkit"
)

// readLines reads the member "lines" of a golden file: one SourceLine per
// line, as "insn file line column text".
func readLines(t testing.TB, text string) []SourceLine {
	t.Helper()
	var out []SourceLine
	for s := range strings.Lines(text) {
		var l SourceLine
		f := strings.SplitN(strings.TrimRight(s, "\n"), " ", 5)
		if len(f) != 5 {
			t.Fatalf("bad line %q", s)
		}
		if _, err := fmt.Sscan(strings.Join(f[:4], " "), &l.Insn, &l.File, &l.Line, &l.Column); err != nil {
			t.Fatal(err)
		}
		l.Text = f[4]
		out = append(out, l)
	}
	return out
}

// The golden files hold logs of real kernels, 6.18 unless the name says
// another, and the diagnostics drawn from them.
func TestExplain(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(files) > 0))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			g := testkit.OpenGolden(t, file)
			log, _ := g.Get("log")
			lines, _ := g.Get("lines")
			d := Explain("prog", "invalid argument", strings.Split(strings.TrimSuffix(log, "\n"), "\n"), readLines(t, lines))
			var out strings.Builder
			qt.Assert(t, qt.IsNil(diag.RenderOne(&out, d, diag.RenderOptions{})))
			g.Check(t, "want", out.String())
		})
	}
}

func TestExplainWithoutLog(t *testing.T) {
	d := Explain("prog", "argument list too long", nil, nil)
	qt.Check(t, qt.Equals(d.Error(), "the kernel refuses program prog: argument list too long"))
	qt.Check(t, qt.HasLen(d.Notes, 0))
}

// Whatever the log says, there is an answer, and the excerpt is short.
func FuzzExplain(f *testing.F) {
	f.Add("0: (bf) r6 = r1\n; x @ a.c:1\n1: (79) r0 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\nprocessed 2 insns", 1, 3, "x = *y;")
	f.Add("Unreleased reference id=2 alloc_insn=99999999999999999999", -1, 0, "")
	f.Add("back-edge from insn 5 to 2", 5, 1<<30, "a\nb")
	f.Fuzz(func(t *testing.T, log string, insn, line int, text string) {
		lines := []SourceLine{{Insn: insn, File: "a.c", Line: line % 100000, Column: line % 7, Text: text}, {Insn: 0, File: "a.c", Line: 1, Text: text}}
		d := Explain("p", "EINVAL", strings.Split(log, "\n"), lines)
		var out strings.Builder
		if err := diag.RenderOne(&out, d, diag.RenderOptions{}); err != nil {
			t.Fatal(err)
		}
		l := Parse(strings.Split(log, "\n"))
		if n := len(l.Excerpt(excerptSteps)); n > 4*excerptSteps+1 {
			t.Errorf("an excerpt of %d lines", n)
		}
	})
}
