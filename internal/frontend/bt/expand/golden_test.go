package expand_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// memory is a file system in memory.
type memory fstest.MapFS

func (m memory) Stat(name string) (fs.FileInfo, error) { return fstest.MapFS(m).Stat(slash(name)) }
func (m memory) ReadFile(name string) ([]byte, error)  { return fstest.MapFS(m).ReadFile(slash(name)) }
func (m memory) ReadDir(name string) ([]fs.DirEntry, error) {
	return fstest.MapFS(m).ReadDir(slash(name))
}

func slash(name string) string { return filepath.ToSlash(name) }

// script parses and expands a script.
func script(t testing.TB, name, text string, o expand.Options) (*ast.Program, *expand.Result, *diag.List) {
	t.Helper()
	p, diags := parse.Program(source.NewFile(name, text), parse.Options{Params: o.Params})
	if diags.HasErrors() {
		return p, nil, diags
	}
	r, more := expand.Program(p, o)
	return p, r, more
}

// printed is the text of an expanded script without its C definitions.
func printed(p *ast.Program) string {
	bare := expand.Bare(p)
	bare.CDefs = nil
	return btfmt.Print(bare)
}

func render(t testing.TB, l *diag.List) string {
	t.Helper()
	var b strings.Builder
	qt.Assert(t, qt.IsNil(diag.Render(&b, l, diag.RenderOptions{})))
	return b.String()
}

// TestGolden expands every NAME.bt of the archives in testdata. Next to it,
// NAME.out holds the expanded script and NAME.err the diagnostics; a script
// without diagnostics has no NAME.err, one with errors no NAME.out. Files in
// folders are there to be imported. A first line "// args: ..." gives the
// arguments behind the script.
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
	files := memory{".": {Mode: fs.ModeDir | 0o755}}
	for _, f := range ar.Files {
		want[f.Name] = string(f.Data)
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	var out []txtar.File
	for _, f := range ar.Files {
		name, isScript := strings.CutSuffix(f.Name, ".bt")
		if strings.Contains(name, "/") {
			out = append(out, f)
			continue
		}
		if !isScript {
			continue
		}
		o := expand.Options{Files: files, Defines: map[string]string{"BPFTRACE_HAVE_BTF": "1"}}
		first, _, _ := strings.Cut(string(f.Data), "\n")
		if args, ok := strings.CutPrefix(first, "// args: "); ok {
			o.Params, o.Named = expand.SplitArgs(strings.Fields(args))
		}
		p, _, diags := script(t, f.Name, string(f.Data), o)
		got := map[string]string{}
		if len(diags.Items) > 0 {
			got[name+".err"] = render(t, diags)
		}
		if !diags.HasErrors() {
			got[name+".out"] = printed(p)
			parses(t, got[name+".out"])
		}
		out = append(out, f)
		for _, golden := range []string{name + ".err", name + ".out"} {
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

// parses checks that an expanded script is one, and that there is nothing more
// to expand in it.
func parses(t testing.TB, text string) {
	t.Helper()
	p, _, diags := script(t, "expanded", text, expand.Options{})
	if diags.HasErrors() {
		t.Errorf("the expanded script has errors:\n%s\n%s", render(t, diags), text)
		return
	}
	qt.Check(t, qt.Equals(printed(p), text))
}
