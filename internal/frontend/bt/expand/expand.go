package expand

import (
	"slices"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ctypes/cdecl"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// The codes of the diagnostics.
const (
	Macro    diag.Code = "bt-macro"    // a macro's definition or use is wrong
	Import   diag.Code = "bt-import"   // a script can't be imported
	Constant diag.Code = "bt-constant" // an expression of literals has no value
	Param    diag.Code = "bt-param"    // a parameter of the command line
	CMacro   diag.Code = "c-macro"     // a C macro is no expression
)

// Options are what a script is expanded with.
type Options struct {
	Params []string // the positional parameters $1, $2, ...
	// Named are the named parameters as they were given, without the leading
	// dashes: "name=value" or "name".
	Named []string
	// Files is where imports come from; nil for nowhere.
	Files Files
	// Outer answers for the types that the script's C declarations name but
	// don't define; nil for none.
	Outer ctypes.Resolver
	// Defines are C macros that are defined beforehand, such as
	// BPFTRACE_HAVE_BTF.
	Defines map[string]string
}

// Result is what there is to know about an expanded script beside its tree.
type Result struct {
	// Types resolves the types that the script and its imports declare in C.
	// It asks nobody else: put it before the kernel's types in a Chain.
	Types ctypes.Resolver
	// NamedParams are the named parameters that the script asks for with
	// getopt, in the order of their names.
	NamedParams []NamedParam

	origins origins
}

// Program expands a script in place. The tree has no macros and no top-level
// imports afterwards; its C definitions stay, for printing. The result is
// never nil. Check may look at the tree only when the list holds no errors.
func Program(p *ast.Program, o Options) (*Result, *diag.List) {
	diags := &diag.List{}
	r := &Result{origins: origins{}}
	im := newImporter(o, diags)
	im.program(p)
	decls := cDecls(p, im.headers, o, diags)
	r.Types = decls

	e := newExpander(p, r.origins, diags)
	e.program(p)
	p.Comments = slices.DeleteFunc(p.Comments, func(c *ast.Comment) bool { return within(c, p.Macros) })
	p.Macros, p.Imports = nil, nil

	newConstants(decls, r.origins, e.limits, diags).program(p)
	f := newFolder(o, diags)
	f.program(p)
	r.NamedParams = f.finish()
	for i := range r.NamedParams {
		r.NamedParams[i].At = r.origins.written(r.NamedParams[i].At)
	}
	r.Explain(diags)
	diags.Sort()
	shorten(diags)
	return r, diags
}

// shorten ends a list after as many errors as a front end reports.
func shorten(l *diag.List) {
	n := 0
	for i, d := range l.Items {
		if d.Severity != diag.Error {
			continue
		}
		if n++; n > diag.Limit {
			l.Items = append(l.Items[:i:i], diag.Errorf(d.Code, d.Span, "too many errors"))
			return
		}
	}
}

// within reports whether a comment belongs to the text of a macro.
func within(c *ast.Comment, macros []*ast.Macro) bool {
	return slices.ContainsFunc(macros, func(m *ast.Macro) bool {
		return m.At.File == c.At.File && m.At.Start <= c.At.Start && c.At.End <= m.At.End
	})
}

// CTypes reads the C definitions of a program that was not expanded, or has no
// imports: the types and constants that they declare, and what is wrong with
// them. outer answers for types that they name but don't define.
func CTypes(p *ast.Program, outer ctypes.Resolver) (*cdecl.Decls, *diag.List) {
	diags := &diag.List{}
	return cDecls(p, nil, Options{Outer: outer}, diags), diags
}
