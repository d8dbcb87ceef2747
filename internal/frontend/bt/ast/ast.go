// Package ast holds the syntax tree of the tracing language: plain structs
// that say what was written, and nothing about what it means. Types, scopes
// and resolved names live in side tables keyed by node (map[ast.Expr]T); every
// node is a pointer, so its identity is unique and stable.
//
// The tree keeps what the user wrote: predicates are not turned into ifs,
// compound assignments are not expanded, `a ?: b` keeps its missing middle.
// Parentheses are not kept; the printer puts back those that are needed.
//
// It imports source and the standard library only.
package ast

import (
	"cmp"
	"slices"

	"github.com/skep-dev/skep/internal/source"
)

// Node is any part of the tree.
type Node interface {
	// Span is the text the node was parsed from; the zero Span for a node
	// that a program made.
	Span() source.Span
}

// Expr is an expression. Its implementations are pointers to: IntLit, StrLit,
// BoolLit, Ident, Var, Param, ParamCount, MapRef, Field, TupleField, Index,
// Call, TypeArg, Unary, Binary, Ternary, IfExpr, BlockExpr, Cast, Tuple,
// Record, Sizeof, Offsetof, Typeinfo, Comptime, BadExpr.
type Expr interface {
	Node
	exprNode()
}

// Stmt is a statement. Its implementations are pointers to: ExprStmt, Assign,
// VarDecl, If, Block, While, Unroll, For, Break, Continue, Return, Discard,
// Import.
type Stmt interface {
	Node
	stmtNode()
}

// Decl is what stands at the top level of a program. Its implementations are
// pointers to: CDef, Config, Import, Macro, Subprog, MapDecl, Probe.
type Decl interface {
	Node
	declNode()
}

// TypeExpr is a type as written. Its implementations are pointers to:
// NamedType, PointerType, ArrayType, TypeofType.
type TypeExpr interface {
	Node
	typeNode()
}

// Place is embedded in every node and carries its span.
type Place struct {
	At source.Span
}

// Span returns the text the node was parsed from.
func (p *Place) Span() source.Span { return p.At }

// Name is an identifier that is no expression: a field, a macro's name, a
// configuration key.
type Name struct {
	Text string
	At   source.Span
}

// Program is one parsed source text. Each kind of declaration has its own
// list, in source order; Decls gives them all in one.
type Program struct {
	Place
	Shebang  string    // the "#!" line without its newline, or ""
	CDefs    []*CDef   // C preprocessor lines and type definitions
	Config   []*Config // at most one in a program without errors
	Imports  []*Import // top-level imports
	Macros   []*Macro
	Subprogs []*Subprog
	MapDecls []*MapDecl
	Probes   []*Probe
	Comments []*Comment // all comments of the text, in source order
}

// Decls returns all declarations in source order. Those without a place keep
// the order of the lists and come first; when others were merged in from
// imported files, those of one file stay together.
func (p *Program) Decls() []Decl {
	var all []Decl
	all = appendDecls(all, p.CDefs)
	all = appendDecls(all, p.Config)
	all = appendDecls(all, p.Imports)
	all = appendDecls(all, p.Macros)
	all = appendDecls(all, p.Subprogs)
	all = appendDecls(all, p.MapDecls)
	all = appendDecls(all, p.Probes)
	rank := map[*source.File]int{nil: 0}
	for _, d := range all {
		if f := d.Span().File; rank[f] == 0 && f != nil {
			rank[f] = len(rank)
		}
	}
	slices.SortStableFunc(all, func(a, b Decl) int {
		s, t := a.Span(), b.Span()
		return cmp.Or(rank[s.File]-rank[t.File], s.Start-t.Start)
	})
	return all
}

func appendDecls[D Decl](all []Decl, list []D) []Decl {
	for _, d := range list {
		all = append(all, d)
	}
	return all
}

// ConfigAssigns returns the assignments of all config blocks in source order.
func (p *Program) ConfigAssigns() []*ConfigAssign {
	var all []*ConfigAssign
	for _, c := range p.Config {
		all = append(all, c.Assigns...)
	}
	return all
}

// Comment is one comment with its delimiters ("// ..." or "/* ... */").
type Comment struct {
	Place
	Text string
}
