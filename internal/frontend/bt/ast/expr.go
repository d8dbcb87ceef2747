package ast

import "github.com/skep-dev/skep/internal/source"

// IntLit is an unsigned integer literal. A negative number is a Unary.
type IntLit struct {
	Place
	Value  uint64    // with exponent and duration applied; a duration is in nanoseconds
	Raw    string    // the text as written: 1_000, 0x1f, 1e6, 10ms, 5ul
	Suffix IntSuffix // the C suffix or duration unit
}

// IntSuffix is what follows the digits of an integer literal.
type IntSuffix string

// IsDuration reports whether the literal was written as a length of time, so
// that its Value is in nanoseconds.
func (s IntSuffix) IsDuration() bool {
	switch s {
	case "ns", "us", "ms", "s", "m", "h", "d":
		return true
	}
	return false
}

// StrLit is a string literal.
type StrLit struct {
	Place
	Value string // with escapes replaced; may hold any bytes
}

// BoolLit is `true` or `false`.
type BoolLit struct {
	Place
	Value bool
}

// Ident is a bare name: a builtin (pid, comm, arg0, args), a macro without
// arguments, a macro's parameter, an enumerator or constant, or a word that a
// function takes (kstack(perf)). As the operand of Sizeof, Offsetof, Typeinfo
// and TypeofType it may also name a type.
type Ident struct {
	Place
	Name string
}

// Var is a scratch variable. Name is without the "$".
type Var struct {
	Place
	Name string
}

// Param is a positional parameter: $1 has N 1.
type Param struct {
	Place
	N int
}

// ParamCount is `$#`, how many positional parameters were given.
type ParamCount struct{ Place }

// MapRef is a map, whole or one element. Name is without the "@" and empty for
// the anonymous map. Keys is nil for `@x`. `@x[1, 2]` has two keys and means
// the same as `@x[(1, 2)]`, which has one that is a tuple.
type MapRef struct {
	Place
	Name     string
	NameSpan source.Span // "@" and the name
	Keys     []Expr
}

// Field is `x.name` or `x->name`.
type Field struct {
	Place
	X     Expr
	Name  Name
	Arrow bool // written "->"; it means the same as "."
}

// TupleField is `x.0`, the element of a tuple.
type TupleField struct {
	Place
	X     Expr
	Index int
	IdxAt source.Span
}

// Index is `x[i]` on anything but a map.
type Index struct {
	Place
	X     Expr
	Index Expr
}

// Call is `name(args)`. The name is a function, a macro or a subprogram. A
// type as argument is a *TypeArg.
type Call struct {
	Place
	Func Name
	Args []Expr
}

// TypeArg is a type in the argument list of a call: `f(typeof(x))`.
type TypeArg struct {
	Place
	Type TypeExpr
}

// Unary is a prefix operator, or ++ or -- on either side. The operand of
// AddrOf is a *Var or a *MapRef without keys; the operand of the increments
// and decrements is a *Var or a *MapRef.
type Unary struct {
	Place
	Op     UnaryOp
	OpSpan source.Span
	X      Expr
}

// Binary is `x op y`.
type Binary struct {
	Place
	Op     BinaryOp
	OpSpan source.Span
	X, Y   Expr
}

// Ternary is `cond ? then : else`, or `cond ?: else` with a nil Then, whose
// value is cond's own when that is true.
type Ternary struct {
	Place
	Cond Expr
	Then Expr
	Else Expr
}

// IfExpr is an if where an expression is expected; blocks of it that have no
// value make none.
type IfExpr struct {
	Place
	Cond Expr
	Then *Block
	Else Expr // nil, *BlockExpr or *IfExpr
}

// BlockExpr is a block where an expression is expected.
type BlockExpr struct {
	Place
	Block *Block
}

// Cast is `(type)x`.
type Cast struct {
	Place
	Type TypeExpr
	X    Expr
}

// Tuple is `(a, b)`, `(a,)` or `()`.
type Tuple struct {
	Place
	Elems []Expr
}

// Record is `(name = a, other = b)`.
type Record struct {
	Place
	Fields []*RecordField
}

// RecordField is one named element of a Record.
type RecordField struct {
	Place
	Name  Name
	Value Expr
}

// Sizeof is `sizeof(type)` or `sizeof(x)`: exactly one of Type and X is set.
type Sizeof struct {
	Place
	Type TypeExpr
	X    Expr
}

// Offsetof is `offsetof(type, a.b)` or `offsetof(x, a.b)`: exactly one of Type
// and X is set.
type Offsetof struct {
	Place
	Type   TypeExpr
	X      Expr
	Fields []Name
}

// Typeinfo is `typeinfo(type)` or `typeinfo(x)`: exactly one of Type and X is
// set.
type Typeinfo struct {
	Place
	Type TypeExpr
	X    Expr
}

// Comptime is `comptime x`, which must be known when the program is compiled.
type Comptime struct {
	Place
	X Expr
}

// BadExpr stands where an expression could not be parsed; a diagnostic says
// why. A program without errors holds none.
type BadExpr struct{ Place }

func (*IntLit) exprNode()     {}
func (*StrLit) exprNode()     {}
func (*BoolLit) exprNode()    {}
func (*Ident) exprNode()      {}
func (*Var) exprNode()        {}
func (*Param) exprNode()      {}
func (*ParamCount) exprNode() {}
func (*MapRef) exprNode()     {}
func (*Field) exprNode()      {}
func (*TupleField) exprNode() {}
func (*Index) exprNode()      {}
func (*Call) exprNode()       {}
func (*TypeArg) exprNode()    {}
func (*Unary) exprNode()      {}
func (*Binary) exprNode()     {}
func (*Ternary) exprNode()    {}
func (*IfExpr) exprNode()     {}
func (*BlockExpr) exprNode()  {}
func (*Cast) exprNode()       {}
func (*Tuple) exprNode()      {}
func (*Record) exprNode()     {}
func (*Sizeof) exprNode()     {}
func (*Offsetof) exprNode()   {}
func (*Typeinfo) exprNode()   {}
func (*Comptime) exprNode()   {}
func (*BadExpr) exprNode()    {}
