package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/skep-dev/skep"

// maxLines is the length of a file above which it is to be divided.
const maxLines = 800

// source is one Go file of the module, for every platform alike.
type source struct {
	name      string // relative to the module's root, with slashes
	pkg       string // the import path below the module, "" for the root
	test      bool
	generated bool
	lines     int
	file      *ast.File
	fset      *token.FileSet
}

// sources parses all Go files of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	var all []source
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); file != root && (n == "testdata" || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil && file != root {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s := source{name: filepath.ToSlash(rel), fset: token.NewFileSet(), lines: bytes.Count(text, []byte("\n"))}
		s.pkg = strings.TrimPrefix(path.Dir(s.name), ".")
		s.test = strings.HasSuffix(s.name, "_test.go")
		if s.file, err = parser.ParseFile(s.fset, s.name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		s.generated = ast.IsGenerated(s.file)
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go files found")
	}
	return all
}

// matches reports whether a package has a name or lies below it, when the
// name ends in "/...".
func matches(name, pkg string) bool {
	tree, below := strings.CutSuffix(name, "/...")
	switch {
	case !below:
		return pkg == name
	case tree == "":
		return true
	}
	return pkg == tree || strings.HasPrefix(pkg, tree+"/")
}

func anyMatches(names []string, pkg string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return matches(n, pkg) })
}

func find(rules []rule, pkg string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.Package, pkg) })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// judge returns what is wrong with a package's import of another, or "".
func judge(pkg, imported string) string {
	own, isOwn := strings.CutPrefix(imported, module)
	own = strings.TrimPrefix(own, "/")
	if isOwn {
		r, ok := find(rules, pkg)
		switch {
		case !ok:
			return fmt.Sprintf("package %q has no rule", pkg)
		case !anyMatches(r.Imports, own):
			return fmt.Sprintf("%q may not import %q: %s", pkg, own, r.Why)
		}
		return ""
	}
	r, ok := find(foreign, imported)
	switch {
	case ok && !anyMatches(r.Imports, pkg):
		return fmt.Sprintf("%q may not import %s: %s", pkg, imported, r.Why)
	case !ok && strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
		return fmt.Sprintf("%s is a dependency that no rule names", imported)
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if _, ok := find(rules, s.pkg); !ok {
			t.Errorf("%s: package %q has no rule", s.name, s.pkg)
			continue
		}
		for _, imp := range s.file.Imports {
			imported, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(imported, "/testkit") || strings.Contains(imported, "/archtest") {
				if !s.test && !strings.HasPrefix(s.pkg, "internal/testkit") {
					t.Errorf("%s: %s is for tests", s.name, imported)
				}
				continue
			}
			if s.test {
				continue
			}
			if msg := judge(s.pkg, imported); msg != "" {
				t.Errorf("%s: %s", s.fset.Position(imp.Pos()), msg)
			}
		}
	}
}

// The judge itself: what the law is there to refuse is refused.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"internal/verify/check", module + "/internal/codegen", false},
		{"internal/frontend/bt/lower", module + "/internal/frontend/cc/parse", false},
		{"internal/frontend/bt/lower", module + "/internal/frontend/bt/ast", true},
		{"internal/vm/jit/amd64", module + "/internal/vm/interp", false},
		{"", module + "/kernel", false},
		{"kernel", module, false},
		{"cmd/skep", module + "/internal/sys", false},
		{"internal/ir", module + "/internal/opt", false},
		{"internal/render", "golang.org/x/sys/unix", false},
		{"internal/sys", "golang.org/x/sys/unix", true},
		{"internal/ir", "github.com/cilium/ebpf/asm", false},
		{"internal/cli", "github.com/cilium/ebpf/ringbuf", false},
		{"internal/cli", module + "/kernel", true},
		{"internal/cli", "example.com/unheard/of", false},
		{"internal/ir", "fmt", true},
	} {
		if msg := judge(c.pkg, c.imported); (msg == "") != c.ok {
			t.Errorf("%q importing %s: %q", c.pkg, c.imported, msg)
		}
	}
}

func TestPackageNames(t *testing.T) {
	for _, s := range sources(t) {
		base := path.Base(s.pkg)
		for _, bad := range []string{"util", "utils", "common", "misc", "helper", "helpers", "shared", "base", "lib"} {
			if base == bad && s.pkg != "internal/vm/helpers" {
				t.Errorf("%s: a package called %s says nothing of what is in it", s.name, base)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	files := make(map[string]string)
	described := make(map[string]bool)
	for _, s := range sources(t) {
		if !s.test {
			files[s.pkg] = s.name
			described[s.pkg] = described[s.pkg] || s.file.Doc != nil
		}
	}
	for pkg, file := range files {
		if !described[pkg] {
			t.Errorf("%s: package %q has no comment that says what it is for", file, pkg)
		}
	}
}

func TestFileLength(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxLines && !s.generated {
			t.Errorf("%s has %d lines, more than %d: it has more than one job", s.name, s.lines, maxLines)
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init: say who calls it", s.fset.Position(f.Pos()))
			}
		}
	}
}

// A package-level variable may hold an error value, a table that nothing
// changes, a compiled expression. What can be seen from the syntax is an
// assignment to one, or one that is made to be changed: a lock, a once, an
// atomic, a channel, or a variable that starts empty and is not filled from
// files when the program is built.
func TestNoMutablePackageState(t *testing.T) {
	type key struct{ pkg, name string }
	globals := make(map[key]bool)
	all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for _, name := range v.Names {
					if name.Name == "_" {
						continue
					}
					globals[key{s.pkg, name.Name}] = true
					if len(v.Values) == 0 && !embedded(g.Doc) || madeToChange(v) {
						t.Errorf("%s: variable %s is state of the package", s.fset.Position(name.Pos()), name.Name)
					}
				}
			}
		}
	}
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			local := localNames(f)
			for _, name := range assigned(f.Body) {
				if globals[key{s.pkg, name.Name}] && !local[name.Name] {
					t.Errorf("%s: %s is a variable of the package and may not be assigned to", s.fset.Position(name.Pos()), name.Name)
				}
			}
		}
	}
}

// embedded reports whether a variable holds files (//go:embed).
func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// madeToChange reports whether a variable's type or value is of a kind that
// is of no use unless it changes.
func madeToChange(v *ast.ValueSpec) bool {
	found := false
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			found = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && (x.Name == "sync" || x.Name == "atomic") {
				found = true
			}
		}
		return true
	}
	if v.Type != nil {
		ast.Inspect(v.Type, look)
	}
	for _, e := range v.Values {
		ast.Inspect(e, look)
	}
	return found
}

// localNames returns all names that a function declares itself.
func localNames(f *ast.FuncDecl) map[string]bool {
	local := make(map[string]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				local[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok {
						local[id.Name] = true
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					local[id.Name] = true
				}
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				local[name.Name] = true
			}
		}
		return true
	})
	return local
}

// assigned returns the variables that a body assigns to, counts up or down,
// stores an element or field of, or deletes from.
func assigned(body ast.Node) []*ast.Ident {
	var ids []*ast.Ident
	add := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.Ident:
				ids = append(ids, x)
				return
			default:
				return
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					add(e)
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
				add(n.Args[0])
			}
		}
		return true
	})
	return ids
}
