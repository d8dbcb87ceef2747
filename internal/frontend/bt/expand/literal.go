package expand

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// Literals are IntLit, StrLit, BoolLit, a minus sign before an IntLit that is
// not 0 and fits an int64 then, and tuples and records of literals.

// maxString is the longest string that is put together.
const maxString = 1 << 16

// What is wrong with an expression of literals.
const (
	overflows  = "the value doesn't fit into 64 bits"
	underflows = "the value is below what 64 bits hold"
	byZero     = "division by zero"
	badShift   = "a shift must be by 0 to 63 bits"
	badStrings = "strings can't be combined like this"
	longString = "the string gets too long"
)

// number is an integer literal's value: v, or int64(v) when it is negative.
type number struct {
	v   uint64
	neg bool
}

// signed returns the number as an int64, if it is one.
func (n number) signed() (int64, bool) { return int64(n.v), n.neg || n.v <= math.MaxInt64 }

// ofSigned is the number that an int64 is.
func ofSigned(v int64) number { return number{uint64(v), v < 0} }

// IsLiteral reports whether an expression is a literal.
func IsLiteral(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.StrLit, *ast.BoolLit:
		return true
	case *ast.Tuple:
		for _, e := range x.Elems {
			if !IsLiteral(e) {
				return false
			}
		}
		return true
	case *ast.Record:
		for _, f := range x.Fields {
			if !IsLiteral(f.Value) {
				return false
			}
		}
		return true
	}
	_, ok := numberOf(x)
	return ok
}

// Truth is what a literal means as a condition; ok is false for what is no
// literal or can be no condition.
func Truth(x ast.Expr) (truth, ok bool) {
	switch x := x.(type) {
	case *ast.StrLit:
		return x.Value != "", true
	case *ast.BoolLit:
		return x.Value, true
	}
	n, ok := numberOf(x)
	return n.v != 0, ok
}

// Int is the value of an integer literal as 64 bits, and whether it is
// negative.
func Int(x ast.Expr) (v uint64, negative, ok bool) {
	n, ok := numberOf(x)
	return n.v, n.neg, ok
}

func numberOf(x ast.Expr) (number, bool) {
	switch x := x.(type) {
	case *ast.IntLit:
		return number{x.Value, false}, true
	case *ast.Unary:
		if lit, ok := x.X.(*ast.IntLit); ok && x.Op == ast.Neg && lit.Value != 0 && lit.Value <= 1<<63 {
			return number{-lit.Value, true}, true
		}
	}
	return number{}, false
}

func intLit(v uint64, at ast.Place) ast.Expr {
	return &ast.IntLit{Place: at, Value: v, Raw: strconv.FormatUint(v, 10)}
}

func numLit(n number, at ast.Place) ast.Expr {
	if n.neg {
		return &ast.Unary{Place: at, Op: ast.Neg, OpSpan: at.At, X: intLit(-n.v, at)}
	}
	return intLit(n.v, at)
}

func boolLit(v bool, at ast.Place) ast.Expr { return &ast.BoolLit{Place: at, Value: v} }

// unary evaluates an operator on a literal. The result is nil when the
// operator has no value for it; problem says what is wrong, if anything is.
func unary(op ast.UnaryOp, x ast.Expr, at ast.Place) (result ast.Expr, problem string) {
	if b, ok := x.(*ast.BoolLit); ok && op == ast.Not {
		return boolLit(!b.Value, at), ""
	}
	n, ok := numberOf(x)
	if !ok {
		return nil, ""
	}
	switch op {
	case ast.Not:
		return boolLit(n.v == 0, at), ""
	case ast.BitNot:
		return intLit(^n.v, at), ""
	case ast.Neg:
		if n.neg {
			return intLit(-n.v, at), ""
		}
		if n.v > 1<<63 {
			return nil, underflows
		}
		return numLit(number{-n.v, n.v != 0}, at), ""
	}
	return nil, ""
}

// binary evaluates an operator on two literals, as unary does.
func binary(op ast.BinaryOp, a, b ast.Expr, at ast.Place) (result ast.Expr, problem string) {
	_, aIsStr := a.(*ast.StrLit)
	_, bIsStr := b.(*ast.StrLit)
	if aIsStr || bIsStr {
		return stringOp(op, a, b, at)
	}
	if op.IsLogical() {
		return logical(op, a, b, at), ""
	}
	x, xIsBool := a.(*ast.BoolLit)
	y, yIsBool := b.(*ast.BoolLit)
	if xIsBool && yIsBool {
		return boolOp(op, x.Value, y.Value, at)
	}
	if sameGroup(a, b) {
		return groupOp(op, a, b, at), ""
	}
	m, ok := numberOf(a)
	n, ok2 := numberOf(b)
	if !ok || !ok2 {
		return nil, ""
	}
	return numberOp(op, m, n, at)
}

func logical(op ast.BinaryOp, a, b ast.Expr, at ast.Place) ast.Expr {
	x, ok := Truth(a)
	y, ok2 := Truth(b)
	if !ok || !ok2 {
		return nil
	}
	if op == ast.LogAnd {
		return boolLit(x && y, at)
	}
	return boolLit(x || y, at)
}

// compared is the value of a comparison of two things, of which sign tells
// whether the first is less (-1), equal (0) or more (1).
func compared(op ast.BinaryOp, sign int) bool {
	switch op {
	case ast.Eq:
		return sign == 0
	case ast.Ne:
		return sign != 0
	case ast.Lt:
		return sign < 0
	case ast.Gt:
		return sign > 0
	case ast.Le:
		return sign <= 0
	}
	return sign >= 0
}

// stringOp evaluates an operator of which one operand at least is a string: a
// number added to one drops that many of its first characters.
func stringOp(op ast.BinaryOp, a, b ast.Expr, at ast.Place) (ast.Expr, string) {
	s, ok := a.(*ast.StrLit)
	other := b
	if !ok {
		s, other = b.(*ast.StrLit), a
	}
	switch o := other.(type) {
	case *ast.IntLit:
		if op == ast.Add {
			return &ast.StrLit{Place: at, Value: s.Value[min(o.Value, uint64(len(s.Value))):]}, ""
		}
		return nil, ""
	case *ast.BoolLit:
		if op.IsLogical() {
			return logical(op, a, b, at), ""
		}
		return nil, ""
	case *ast.StrLit:
		switch {
		case op.IsLogical():
			return logical(op, a, b, at), ""
		case op == ast.Add && len(s.Value)+len(o.Value) > maxString:
			return nil, longString
		case op == ast.Add:
			return &ast.StrLit{Place: at, Value: s.Value + o.Value}, ""
		case !op.IsComparison():
			return nil, badStrings
		}
		return boolLit(compared(op, compare(s.Value, o.Value)), at), ""
	}
	return nil, ""
}

func compare[T int64 | uint64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// boolOp evaluates an operator on two booleans, which count as 0 and 1; the
// result is whether it is not 0. Shifts compare them.
func boolOp(op ast.BinaryOp, a, b bool, at ast.Place) (ast.Expr, string) {
	x, y := uint64(0), uint64(0)
	if a {
		x = 1
	}
	if b {
		y = 1
	}
	switch op {
	case ast.Add, ast.BitOr:
		return boolLit(a || b, at), ""
	case ast.Sub, ast.BitXor:
		return boolLit(a != b, at), ""
	case ast.Mul, ast.BitAnd:
		return boolLit(a && b, at), ""
	case ast.Div:
		if !b {
			return nil, byZero
		}
		return boolLit(a, at), ""
	case ast.Mod:
		if !b {
			return nil, byZero
		}
		return boolLit(false, at), ""
	case ast.Shl:
		return boolLit(!a && b, at), ""
	case ast.Shr:
		return boolLit(a && !b, at), ""
	}
	return boolLit(compared(op, compare(x, y)), at), ""
}

// sameGroup reports whether both are tuples or both are records.
func sameGroup(a, b ast.Expr) bool {
	switch a.(type) {
	case *ast.Tuple:
		_, ok := b.(*ast.Tuple)
		return ok
	case *ast.Record:
		_, ok := b.(*ast.Record)
		return ok
	}
	return false
}

// groupOp compares tuples or records. Those of different length differ, even
// if nothing else is known of them.
func groupOp(op ast.BinaryOp, a, b ast.Expr, at ast.Place) ast.Expr {
	if op != ast.Eq && op != ast.Ne {
		return nil
	}
	same, known := equal(a, b)
	if !known {
		return nil
	}
	return boolLit(same == (op == ast.Eq), at)
}

// equal compares two literals; known is false when it can't be said.
func equal(a, b ast.Expr) (same, known bool) {
	switch x := a.(type) {
	case *ast.Tuple:
		y, ok := b.(*ast.Tuple)
		if !ok {
			return false, IsLiteral(b)
		}
		return equalTuples(x, y)
	case *ast.Record:
		y, ok := b.(*ast.Record)
		if !ok {
			return false, IsLiteral(b)
		}
		return equalRecords(x, y)
	case *ast.StrLit:
		y, ok := b.(*ast.StrLit)
		return ok && x.Value == y.Value, IsLiteral(b)
	case *ast.BoolLit:
		y, ok := b.(*ast.BoolLit)
		return ok && x.Value == y.Value, IsLiteral(b)
	}
	m, ok := numberOf(a)
	if !ok {
		return false, false
	}
	n, ok := numberOf(b)
	return ok && m == n, IsLiteral(b)
}

func equalTuples(a, b *ast.Tuple) (same, known bool) {
	if len(a.Elems) != len(b.Elems) {
		return false, true
	}
	for i, e := range a.Elems {
		if same, known = equal(e, b.Elems[i]); !same || !known {
			return same, known
		}
	}
	return true, true
}

func equalRecords(a, b *ast.Record) (same, known bool) {
	if len(a.Fields) != len(b.Fields) {
		return false, true
	}
	for _, f := range a.Fields {
		value := fieldOf(b, f.Name.Text)
		if value == nil {
			return false, false
		}
		if same, known = equal(f.Value, value); !same || !known {
			return same, known
		}
	}
	return true, true
}

func fieldOf(r *ast.Record, name string) ast.Expr {
	for _, f := range r.Fields {
		if f.Name.Text == name {
			return f.Value
		}
	}
	return nil
}

// numberOp evaluates an operator on two integers: as uint64 when neither is
// negative, else as int64, where both have to be in range.
func numberOp(op ast.BinaryOp, a, b number, at ast.Place) (ast.Expr, string) {
	if !a.neg && !b.neg {
		if op.IsComparison() {
			return boolLit(compared(op, compare(a.v, b.v)), at), ""
		}
		n, problem := unsignedOp(op, a.v, b.v)
		if problem != "" {
			return nil, problem
		}
		return numLit(n, at), ""
	}
	x, ok := a.signed()
	y, ok2 := b.signed()
	if !ok || !ok2 {
		return nil, overflows
	}
	if op.IsComparison() {
		return boolLit(compared(op, compare(x, y)), at), ""
	}
	v, problem := signedOp(op, x, y)
	if problem != "" {
		return nil, problem
	}
	return numLit(v, at), ""
}

func unsignedOp(op ast.BinaryOp, a, b uint64) (number, string) {
	n := number{}
	switch op {
	case ast.Add:
		sum, carry := bits.Add64(a, b, 0)
		if carry != 0 {
			return n, overflows
		}
		n.v = sum
	case ast.Sub:
		if a < b && b-a > 1<<63 {
			return n, underflows
		}
		n = number{a - b, a < b}
	case ast.Mul:
		high, low := bits.Mul64(a, b)
		if high != 0 {
			return n, overflows
		}
		n.v = low
	case ast.Div, ast.Mod:
		if b == 0 {
			return n, byZero
		}
		if n.v = a / b; op == ast.Mod {
			n.v = a % b
		}
	case ast.Shl, ast.Shr:
		if b > 63 {
			return n, badShift
		}
		if n.v = a << b; op == ast.Shr {
			n.v = a >> b
		}
	case ast.BitAnd:
		n.v = a & b
	case ast.BitOr:
		n.v = a | b
	case ast.BitXor:
		n.v = a ^ b
	}
	return n, ""
}

func signedOp(op ast.BinaryOp, a, b int64) (number, string) {
	switch op {
	case ast.Add:
		sum := a + b
		if (a < 0) == (b < 0) && (sum < 0) != (a < 0) {
			return number{}, underflows
		}
		return ofSigned(sum), ""
	case ast.Sub:
		diff := a - b
		if (a < 0) != (b < 0) && (diff < 0) != (a < 0) {
			return number{}, overflows
		}
		return ofSigned(diff), ""
	case ast.Mul:
		return signedMul(a, b)
	case ast.Div, ast.Mod:
		switch {
		case b == 0:
			return number{}, byZero
		case b == -1 && op == ast.Mod:
			return number{}, ""
		case b == -1: // -a may not fit
			return number{-uint64(a), a > 0}, ""
		case op == ast.Mod:
			return ofSigned(a % b), ""
		}
		return ofSigned(a / b), ""
	case ast.Shl, ast.Shr:
		if b < 0 || b > 63 {
			return number{}, badShift
		}
		if op == ast.Shl {
			return ofSigned(a << b), ""
		}
		return ofSigned(a >> b), ""
	case ast.BitAnd:
		return ofSigned(a & b), ""
	case ast.BitOr:
		return ofSigned(a | b), ""
	}
	return ofSigned(a ^ b), ""
}

// signedMul multiplies by way of the magnitudes; the product of two negative
// numbers may use all of a uint64.
func signedMul(a, b int64) (number, string) {
	magnitude := func(v int64) uint64 {
		if v < 0 {
			return -uint64(v)
		}
		return uint64(v)
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	neg := (a < 0) != (b < 0)
	switch {
	case high != 0, neg && low > 1<<63:
		return number{}, overflows
	case neg:
		return number{-low, low != 0}, ""
	}
	return number{low, false}, ""
}
