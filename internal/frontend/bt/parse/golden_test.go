package parse_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/diag"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden parses every NAME.bt of the archives in testdata. Next to it,
// NAME.ast holds the dump of its tree and NAME.err its diagnostics; a script
// without diagnostics has no NAME.err, one with errors no NAME.ast. The first
// line of an archive's comment may be "places", which puts places into dumps.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(files) > 0))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			qt.Assert(t, qt.IsNil(err))
			golden(t, ar)
			if *update {
				qt.Assert(t, qt.IsNil(os.WriteFile(file, txtar.Format(ar), 0o666)))
			}
		})
	}
}

func golden(t *testing.T, ar *txtar.Archive) {
	want := map[string]string{}
	for _, f := range ar.Files {
		want[f.Name] = string(f.Data)
	}
	places := strings.HasPrefix(string(ar.Comment), "places\n")
	var out []txtar.File
	for _, f := range ar.Files {
		name, ok := strings.CutSuffix(f.Name, ".bt")
		if !ok {
			continue
		}
		prog, list := parse.Program(source.NewFile(f.Name, string(f.Data)), parse.Options{Params: []string{"one", "a:b"}})
		out = append(out, f)
		got := map[string]string{}
		if len(list.Items) > 0 {
			var b strings.Builder
			qt.Assert(t, qt.IsNil(diag.Render(&b, list, diag.RenderOptions{})))
			got[name+".err"] = b.String()
		}
		if !list.HasErrors() {
			got[name+".ast"] = btfmt.Dump(prog, btfmt.DumpOptions{Places: places})
		}
		for _, golden := range []string{name + ".err", name + ".ast"} {
			if got[golden] != "" {
				out = append(out, txtar.File{Name: golden, Data: []byte(got[golden])})
			}
			if !*update {
				qt.Check(t, qt.Equals(got[golden], want[golden]), qt.Commentf("%s", golden))
			}
		}
	}
	ar.Files = out
}
