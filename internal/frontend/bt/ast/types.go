package ast

// NamedType is a type by its name: `int32`, `string`, `struct foo`.
type NamedType struct {
	Place
	Tag  string // "struct", "union", "enum" or ""
	Name string
}

// PointerType is `elem *`.
type PointerType struct {
	Place
	Elem TypeExpr
}

// ArrayType is `elem[len]`. `string[64]`, a string of at most 64 bytes, is
// written the same way. Suffixes apply from left to right: in `int8[2][3]` the
// outermost array has three elements.
type ArrayType struct {
	Place
	Elem TypeExpr
	Len  *IntLit // nil for `elem[]`
}

// TypeofType is `typeof(type)` or `typeof(x)`: exactly one of Type and X is
// set.
type TypeofType struct {
	Place
	Type TypeExpr
	X    Expr
}

func (*NamedType) typeNode()   {}
func (*PointerType) typeNode() {}
func (*ArrayType) typeNode()   {}
func (*TypeofType) typeNode()  {}
