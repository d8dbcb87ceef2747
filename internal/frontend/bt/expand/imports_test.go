package expand_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/frontend/bt/expand"
)

// tree makes a file system in which "dir/" is a folder; modes are those of
// names that end in "!", which everybody may write to.
func tree(files map[string]string) memory {
	m := memory{".": {Mode: fs.ModeDir | 0o755}}
	for name, text := range files {
		mode := fs.FileMode(0o644)
		name, open := strings.CutSuffix(name, "!")
		if open {
			mode |= 0o002
		}
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			name, mode = dir, mode|fs.ModeDir|0o111
		}
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: mode}
	}
	return m
}

func TestImportsThatEverybodyMayChange(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such permissions")
	}
	for _, c := range []struct {
		files map[string]string
		path  string
		want  string // the culprit, or "" for none
	}{
		{map[string]string{"lib/": "", "lib/a.bt": ""}, "lib/a.bt", ""},
		{map[string]string{"lib/": "", "lib/a.bt!": ""}, "lib/a.bt", "lib/a.bt"},
		{map[string]string{"lib/!": "", "lib/a.bt": ""}, "lib/a.bt", "lib"},
		{map[string]string{"lib/!": "", "lib/a.bt": ""}, "lib", "lib"},
		{map[string]string{"lib/": "", "lib/a.bt": "", "lib/b.bt!": ""}, "lib", "lib/b.bt"},
		{map[string]string{"a/!": "", "a/lib/": "", "a/lib/a.bt": ""}, "a/lib", "a"},
		{map[string]string{"a/!": "", "a/lib/": "", "a/lib/a.bt": ""}, "a/lib/a.bt", ""},
	} {
		_, _, diags := script(t, "main.bt", `import "`+c.path+`"; begin { }`, expand.Options{Files: tree(c.files)})
		if c.want == "" {
			qt.Check(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%v: %v", c, diags))
			continue
		}
		qt.Assert(t, qt.HasLen(diags.Items, 1), qt.Commentf("%v: %v", c, diags))
		d := diags.Items[0]
		qt.Check(t, qt.Equals(d.Code, expand.Import))
		qt.Check(t, qt.StringContains(d.Message, "everybody may write to "+filepath.FromSlash(c.want)))
		qt.Check(t, qt.Equals(d.Span.String(), "main.bt:1:8"))
	}
}

// failing is a file system some of whose files can't be read.
type failing struct{ memory }

var errDisk = errors.New("the disk is on fire")

func (f failing) ReadFile(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "read", Path: name, Err: errDisk}
}
func (f failing) ReadDir(name string) ([]fs.DirEntry, error) {
	return nil, &fs.PathError{Op: "read", Path: name, Err: errDisk}
}

func TestImportErrors(t *testing.T) {
	files := tree(map[string]string{"lib/": "", "lib/a.bt": "", "lib/big.bt": strings.Repeat(" ", 1<<20+1)})
	for _, c := range []struct {
		files expand.Files
		path  string
		want  string
	}{
		{nil, "a.bt", "nothing can be imported here"},
		{files, "none.bt", "there is no file none.bt"},
		{files, "lib/big.bt", "larger than"},
		{failing{files}, "lib/a.bt", "the disk is on fire"},
		{failing{files}, "lib", "the disk is on fire"},
	} {
		_, _, diags := script(t, "main.bt", `import "`+c.path+`"; begin { }`, expand.Options{Files: c.files})
		qt.Assert(t, qt.HasLen(diags.Items, 1))
		qt.Check(t, qt.StringContains(diags.Items[0].Message, c.want))
		qt.Check(t, qt.StringContains(diags.Items[0].Span.String(), "main.bt:1:"))
	}
}

func TestImportIsBounded(t *testing.T) {
	files := map[string]string{"lib/": ""}
	for _, a := range "abcdefghijk" {
		for _, b := range "0123456789" {
			for _, c := range "0123456789" {
				files["lib/"+string(a)+string(b)+string(c)+".bt"] = "begin { }"
			}
		}
	}
	_, _, diags := script(t, "main.bt", `import "lib"; begin { }`, expand.Options{Files: tree(files)})
	qt.Assert(t, qt.HasLen(diags.Items, 1))
	qt.Check(t, qt.StringContains(diags.Items[0].Message, "more than 1000 files"))
}

// TestImportFromDisk looks paths up from the importing file, wherever that
// is.
func TestImportFromDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		qt.Assert(t, qt.IsNil(os.MkdirAll(filepath.Dir(name), 0o755)))
		qt.Assert(t, qt.IsNil(os.WriteFile(name, []byte(text), 0o644)))
	}
	write("lib/a.bt", `import "deep/b.bt"; macro a() { b + 1 }`)
	write("lib/deep/b.bt", `import "../a.bt"; import "`+filepath.ToSlash(filepath.Join(dir, "c.bt"))+`"; macro b() { c + 1 }`)
	write("c.bt", `macro c() { 1 }`)
	p, _, diags := script(t, filepath.Join(dir, "main.bt"), `import "lib/../lib/a.bt"; begin { print(a); }`, expand.Options{Files: expand.Disk{}})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%v", diags))
	qt.Check(t, qt.Equals(printed(p), "begin\n{\n  print(3);\n}\n"))
}

// TestImportedParams gives positional parameters to the attach points of
// imported scripts, too.
func TestImportedParams(t *testing.T) {
	files := tree(map[string]string{"a.bt": `interval:s:$1 { print($1); }`})
	p, _, diags := script(t, "main.bt", `import "a.bt"; begin { }`, expand.Options{Files: files, Params: []string{"7"}})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%v", diags))
	qt.Check(t, qt.DeepEquals(p.Probes[0].AttachPoints[0].Args, []string{"s", "7"}))
}
