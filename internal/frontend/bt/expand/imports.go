package expand

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// Files is where imported scripts come from. Names are paths as the operating
// system writes them.
type Files interface {
	Stat(name string) (fs.FileInfo, error) // of what a symbolic link leads to
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]fs.DirEntry, error) // in the order of the names
}

// Disk is the file system of the machine.
type Disk struct{}

// Stat implements Files.
func (Disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadFile implements Files.
func (Disk) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

// ReadDir implements Files.
func (Disk) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

const (
	// maxImport is the largest file that is imported, in bytes.
	maxImport = 1 << 20
	// maxImports is how many files a script may import in all.
	maxImports = 1000
)

// importer merges imported scripts into the one that imports them.
type importer struct {
	opts    Options
	diags   *diag.List
	seen    map[string]bool // paths of files and directories
	scripts []*ast.Program  // in the order of their dependencies
	headers []*source.File
	files   int
}

func newImporter(o Options, diags *diag.List) *importer {
	return &importer{opts: o, diags: diags, seen: map[string]bool{}}
}

// program imports what p asks for, and merges it into p. The probes of a
// script come after those of the scripts that it imports.
func (im *importer) program(p *ast.Program) {
	im.seen[filepath.Clean(nameOf(p))] = true
	im.imports(p)
	var probes []*ast.Probe
	for _, s := range im.scripts {
		p.CDefs = append(p.CDefs, s.CDefs...)
		p.Macros = append(p.Macros, s.Macros...)
		p.Subprogs = append(p.Subprogs, s.Subprogs...)
		p.MapDecls = append(p.MapDecls, s.MapDecls...)
		probes = append(probes, s.Probes...)
	}
	p.Probes = append(probes, p.Probes...)
}

// nameOf is the name of a script's file; that of one that was not parsed lies
// in the current directory.
func nameOf(p *ast.Program) string {
	if p.At.File == nil {
		return "-"
	}
	return p.At.File.Name
}

func (im *importer) imports(p *ast.Program) {
	dir := filepath.Dir(nameOf(p))
	for _, imp := range p.Imports {
		path := filepath.FromSlash(imp.Path.Value)
		if path == "stdlib" {
			continue // it is always there
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		im.path(imp, filepath.Clean(path))
	}
}

// path imports a file, or the files of a directory.
func (im *importer) path(imp *ast.Import, path string) {
	if im.seen[path] {
		return
	}
	im.seen[path] = true
	if im.opts.Files == nil {
		im.diags.Errorf(Import, imp.At, "nothing can be imported here")
		return
	}
	info, err := im.opts.Files.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		im.diags.Errorf(Import, imp.Path.At, "there is no file %s to import", path).
			WithHint("the path is looked up from the directory of the script that imports it")
		return
	case err != nil:
		im.diags.Errorf(Import, imp.Path.At, "can't import %s: %v", path, reason(err))
		return
	case !im.trusted(imp, path, info):
		return
	case !info.IsDir():
		im.file(imp, path, info, true)
		return
	}
	entries, err := im.opts.Files.ReadDir(path)
	if err != nil {
		im.diags.Errorf(Import, imp.Path.At, "can't import %s: %v", path, reason(err))
		return
	}
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if im.seen[name] {
			continue
		}
		info, err := im.opts.Files.Stat(name)
		switch {
		case err != nil:
			im.diags.Errorf(Import, imp.Path.At, "can't import %s: %v", name, reason(err))
		case info.IsDir() || !im.trusted(imp, name, info):
		default:
			im.seen[name] = true
			im.file(imp, name, info, false)
		}
	}
}

// reason is an error without the path, which the message has already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// trusted reports a file or directory that everybody may change: what is
// imported runs with the rights of whoever runs the script.
func (im *importer) trusted(imp *ast.Import, path string, info fs.FileInfo) bool {
	open := func(i fs.FileInfo) bool { return runtime.GOOS != "windows" && i.Mode().Perm()&0o002 != 0 }
	bad := ""
	if open(info) {
		bad = path
	} else if parent, err := im.opts.Files.Stat(filepath.Dir(path)); err != nil {
		im.diags.Errorf(Import, imp.Path.At, "can't import %s: %v", path, err)
		return false
	} else if open(parent) {
		bad = filepath.Dir(path)
	}
	if bad == "" {
		return true
	}
	im.diags.Errorf(Import, imp.Path.At, "won't import %s: everybody may write to %s", path, bad).
		WithHint("chmod o-w %s", bad)
	return false
}

// file imports one file. Explicit tells that the import names it, and not a
// directory in which it lies.
func (im *importer) file(imp *ast.Import, path string, info fs.FileInfo, explicit bool) {
	ext := filepath.Ext(path)
	if ext != ".bt" && ext != ".h" {
		if explicit {
			im.unsupported(imp, path)
		}
		return
	}
	if im.files++; im.files > maxImports {
		if im.files == maxImports+1 {
			im.diags.Errorf(Import, imp.At, "more than %d files are imported", maxImports)
		}
		return
	}
	if info.Size() > maxImport {
		im.diags.Errorf(Import, imp.Path.At, "%s is larger than %d bytes", path, maxImport)
		return
	}
	text, err := im.opts.Files.ReadFile(path)
	if err != nil {
		im.diags.Errorf(Import, imp.Path.At, "can't import %s: %v", path, reason(err))
		return
	}
	f := source.NewFile(path, string(text))
	if ext == ".h" {
		im.headers = append(im.headers, f)
		return
	}
	im.script(imp, f)
}

func (im *importer) unsupported(imp *ast.Import, path string) {
	d := im.diags.Errorf(Import, imp.Path.At, "files like %s can't be imported", filepath.Base(path))
	if slices.Contains([]string{".c", ".o"}, filepath.Ext(path)) {
		d.WithHint("C code and objects are not supported by this version of skep; scripts (.bt) and C declarations (.h) are")
	} else {
		d.WithHint("scripts (.bt) and C declarations (.h) can be imported")
	}
}

func (im *importer) script(imp *ast.Import, f *source.File) {
	p, diags := parse.Program(f, parse.Options{Params: im.opts.Params})
	for _, c := range p.Config {
		diags.Errorf(Import, c.At, "an imported script can't have a config block").
			WithHint("move it to the script that is run")
	}
	for _, d := range diags.Items {
		im.diags.Add(d.Note(imp.At, "%s is imported here", f.Name))
	}
	im.imports(p)
	im.scripts = append(im.scripts, p)
}
