package testkit

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what was got into the golden files instead of comparing")

// Update reports whether the test was called with -update, to write what it
// got into its golden files instead of comparing.
func Update() bool { return *update }

// Golden is a txtar file of which some members are input and some are what
// the code under test made of it.
type Golden struct {
	path    string
	archive *txtar.Archive
	changed bool
}

// OpenGolden reads a golden file. At the end of the test it is written back
// when the test was called with -update and something has changed.
func OpenGolden(t testing.TB, path string) *Golden {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := &Golden{path: path, archive: a}
	t.Cleanup(func() {
		if g.changed {
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	return g
}

// Names returns the members in the file's order.
func (g *Golden) Names() []string {
	var names []string
	for _, f := range g.archive.Files {
		names = append(names, f.Name)
	}
	return names
}

// Get returns a member's text, and whether there is one.
func (g *Golden) Get(name string) (string, bool) {
	for _, f := range g.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// Check compares a member with what the code under test made, or updates it.
// Text without a newline at its end gets one, as txtar demands.
func (g *Golden) Check(t testing.TB, name, got string) {
	t.Helper()
	if got != "" && got[len(got)-1] != '\n' {
		got += "\n"
	}
	want, ok := g.Get(name)
	if want == got && ok {
		return
	}
	if !Update() {
		t.Errorf("%s: %s differs (-want +got; -update writes it)\n%s", g.path, name, cmp.Diff(want, got))
		return
	}
	g.changed = true
	for i := range g.archive.Files {
		if g.archive.Files[i].Name == name {
			g.archive.Files[i].Data = []byte(got)
			return
		}
	}
	g.archive.Files = append(g.archive.Files, txtar.File{Name: name, Data: []byte(got)})
}
