package ast

import "github.com/skep-dev/skep/internal/source"

// Block is `{ ... }`: a scope with statements and, where the block is used
// for its value, a last expression without a semicolon.
//
// Bodies of probes, loops and functions, and blocks and ifs that stand as
// statements, have no value: a last expression without a semicolon is an
// ordinary ExprStmt there.
type Block struct {
	Place
	Stmts []Stmt
	Value Expr // nil when the block has no value
}

// ExprStmt is an expression evaluated for its effect.
type ExprStmt struct {
	Place
	X Expr
}

// Assign is `target = value` or `target op= value`. The target is a *Var or a
// *MapRef (with or without keys).
type Assign struct {
	Place
	Target Expr
	Op     BinaryOp // the operator of a compound assignment, or NoOp for "="
	OpSpan source.Span
	Value  Expr
}

// VarDecl is `let $x`, `let $x: type`, `let $x = value` or both. Several
// declarations in one statement do not exist.
type VarDecl struct {
	Place
	Var   *Var
	Type  TypeExpr // nil when not given
	Value Expr     // nil when not given
}

// If is an if statement, one whose value nobody takes. None of its blocks has
// a value.
type If struct {
	Place
	Cond Expr
	Then *Block
	Else Stmt // nil, *Block or *If
}

// While is `while (cond) { ... }`.
type While struct {
	Place
	Cond Expr
	Body *Block
}

// Unroll is `unroll (count) { ... }`.
type Unroll struct {
	Place
	Count Expr
	Body  *Block
}

// For is `for ($v : @map) { ... }` or `for ($v : low..high) { ... }`: exactly
// one of Map and Range is set.
type For struct {
	Place
	Var   *Var
	Map   *MapRef // without keys
	Range *Range
	Body  *Block
}

// Range is `low..high`, the integers from low up to and without high.
type Range struct {
	Place
	Low, High Expr
}

// Break leaves the innermost loop.
type Break struct{ Place }

// Continue starts the next round of the innermost loop.
type Continue struct{ Place }

// Return leaves the probe or function, with a value when X is not nil.
type Return struct {
	Place
	X Expr
}

// Discard is `_ = x;`, an expression whose value is dropped on purpose.
type Discard struct {
	Place
	X Expr
}

func (*ExprStmt) stmtNode() {}
func (*Assign) stmtNode()   {}
func (*VarDecl) stmtNode()  {}
func (*If) stmtNode()       {}
func (*Block) stmtNode()    {}
func (*While) stmtNode()    {}
func (*Unroll) stmtNode()   {}
func (*For) stmtNode()      {}
func (*Break) stmtNode()    {}
func (*Continue) stmtNode() {}
func (*Return) stmtNode()   {}
func (*Discard) stmtNode()  {}
func (*Import) stmtNode()   {}
