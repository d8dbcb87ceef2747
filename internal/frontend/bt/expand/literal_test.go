package expand

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// interesting are numbers near the edges of the types.
func interesting() []number {
	var list []number
	for _, v := range []uint64{0, 1, 2, 3, 5, 63, 64, 65, 127, 1 << 31, 1<<32 - 1, 1 << 32, math.MaxInt64 - 1, math.MaxInt64, 1 << 63, 1<<63 + 1, math.MaxUint64 - 1, math.MaxUint64} {
		list = append(list, number{v, false})
		if v != 0 && v <= 1<<63 {
			list = append(list, number{-v, true})
		}
	}
	return list
}

func (n number) big() *big.Int {
	if n.neg {
		return big.NewInt(int64(n.v))
	}
	return new(big.Int).SetUint64(n.v)
}

// exact computes with unlimited numbers; ok is false when there is no result.
func exact(op ast.BinaryOp, a, b *big.Int) (r *big.Int, ok bool) {
	r = new(big.Int)
	switch op {
	case ast.Add:
		return r.Add(a, b), true
	case ast.Sub:
		return r.Sub(a, b), true
	case ast.Mul:
		return r.Mul(a, b), true
	case ast.Div:
		if b.Sign() == 0 {
			return nil, false
		}
		return r.Quo(a, b), true
	case ast.Mod:
		if b.Sign() == 0 {
			return nil, false
		}
		return r.Rem(a, b), true
	case ast.BitAnd:
		return r.And(a, b), true
	case ast.BitOr:
		return r.Or(a, b), true
	case ast.BitXor:
		return r.Xor(a, b), true
	case ast.Shr:
		if b.Sign() < 0 || b.Cmp(big.NewInt(63)) > 0 {
			return nil, false
		}
		return r.Rsh(a, uint(b.Uint64())), true
	case ast.Shl: // bits that don't fit are lost
		if b.Sign() < 0 || b.Cmp(big.NewInt(63)) > 0 {
			return nil, false
		}
		r.Lsh(a, uint(b.Uint64()))
		r.And(r, new(big.Int).SetUint64(math.MaxUint64))
		if a.Sign() < 0 && r.Bit(63) == 1 {
			r.Sub(r, new(big.Int).Lsh(big.NewInt(1), 64))
		}
		return r, true
	}
	return nil, false
}

var (
	minInt64  = big.NewInt(math.MinInt64)
	maxInt64  = big.NewInt(math.MaxInt64)
	maxUint64 = new(big.Int).SetUint64(math.MaxUint64)
)

// checkOp compares one operation with the exact one. The language refuses
// mixed signs when the positive one is no int64, and then keeps sums and
// products within int64, too.
func checkOp(t *testing.T, op ast.BinaryOp, a, b number) {
	t.Helper()
	x, problem := numberOp(op, a, b, ast.Place{})
	mixed := a.neg || b.neg
	if mixed && (a.big().Cmp(maxInt64) > 0 || b.big().Cmp(maxInt64) > 0) {
		if problem == "" {
			t.Errorf("%s %s %s = %v, which mixes signs", a.big(), op, b.big(), x)
		}
		return
	}
	if op.IsComparison() {
		want := compared(op, a.big().Cmp(b.big()))
		if got := x.(*ast.BoolLit).Value; got != want {
			t.Errorf("%s %s %s = %t", a.big(), op, b.big(), got)
		}
		return
	}
	want, ok := exact(op, a.big(), b.big())
	if ok {
		top := maxUint64
		if mixed && (op == ast.Add || op == ast.Sub) || a.neg != b.neg && op == ast.Mul {
			top = maxInt64
		}
		ok = want.Cmp(minInt64) >= 0 && want.Cmp(top) <= 0
	}
	if !ok {
		if problem == "" {
			t.Errorf("%s %s %s has a result", a.big(), op, b.big())
		}
		return
	}
	if problem != "" {
		t.Errorf("%s %s %s: %s, want %s", a.big(), op, b.big(), problem, want)
		return
	}
	got, isNum := numberOf(x)
	if !isNum || got.big().Cmp(want) != 0 {
		t.Errorf("%s %s %s = %s, want %s", a.big(), op, b.big(), got.big(), want)
	}
}

func TestNumbers(t *testing.T) {
	ops := []ast.BinaryOp{
		ast.Add, ast.Sub, ast.Mul, ast.Div, ast.Mod, ast.BitAnd, ast.BitOr, ast.BitXor, ast.Shl, ast.Shr,
		ast.Eq, ast.Ne, ast.Lt, ast.Gt, ast.Le, ast.Ge,
	}
	for _, op := range ops {
		for _, a := range interesting() {
			for _, b := range interesting() {
				checkOp(t, op, a, b)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b := ofSigned(int64(r.Uint64()>>r.IntN(64))), ofSigned(-int64(r.Uint64()>>(1+r.IntN(63))))
		checkOp(t, ops[r.IntN(len(ops))], a, b)
		checkOp(t, ops[r.IntN(len(ops))], b, a)
		checkOp(t, ops[r.IntN(len(ops))], b, b)
	}
}

func TestUnary(t *testing.T) {
	for _, n := range interesting() {
		neg, problem := unary(ast.Neg, numLit(n, ast.Place{}), ast.Place{})
		want := new(big.Int).Neg(n.big())
		if want.Cmp(minInt64) < 0 {
			qt.Check(t, qt.Equals(problem, underflows))
		} else {
			got, _ := numberOf(neg)
			qt.Check(t, qt.Equals(got.big().String(), want.String()))
		}
		not, _ := unary(ast.BitNot, numLit(n, ast.Place{}), ast.Place{})
		got, _ := numberOf(not)
		qt.Check(t, qt.Equals(got, number{^n.v, false}))
		zero, _ := unary(ast.Not, numLit(n, ast.Place{}), ast.Place{})
		qt.Check(t, qt.Equals(zero.(*ast.BoolLit).Value, n.v == 0))
	}
	x, problem := unary(ast.Deref, intLit(1, ast.Place{}), ast.Place{})
	qt.Check(t, qt.IsNil(x))
	qt.Check(t, qt.Equals(problem, ""))
}

// TestNumbersRoundTrip checks that a literal has one form only, which IsLiteral
// knows.
func TestNumbersRoundTrip(t *testing.T) {
	for _, n := range interesting() {
		lit := numLit(n, ast.Place{})
		got, ok := numberOf(lit)
		qt.Check(t, qt.IsTrue(ok))
		qt.Check(t, qt.Equals(got, n))
		qt.Check(t, qt.IsTrue(IsLiteral(lit)))
		v, neg, ok := Int(lit)
		qt.Check(t, qt.IsTrue(ok && neg == n.neg && v == n.v))
	}
	minusZero := &ast.Unary{Op: ast.Neg, X: &ast.IntLit{}}
	qt.Check(t, qt.IsFalse(IsLiteral(minusZero)))
	tooLow := &ast.Unary{Op: ast.Neg, X: &ast.IntLit{Value: 1<<63 + 1}}
	qt.Check(t, qt.IsFalse(IsLiteral(tooLow)))
}

func TestLongStrings(t *testing.T) {
	long := &ast.StrLit{Value: string(make([]byte, maxString))}
	_, problem := binary(ast.Add, long, &ast.StrLit{Value: "x"}, ast.Place{})
	qt.Check(t, qt.Equals(problem, longString))
}

func TestTruth(t *testing.T) {
	for _, c := range []struct {
		x         ast.Expr
		truth, ok bool
	}{
		{&ast.StrLit{}, false, true}, {&ast.StrLit{Value: "a"}, true, true}, {&ast.BoolLit{}, false, true},
		{intLit(0, ast.Place{}), false, true}, {numLit(ofSigned(-1), ast.Place{}), true, true},
		{&ast.Tuple{}, false, false}, {&ast.Var{}, false, false},
	} {
		truth, ok := Truth(c.x)
		qt.Check(t, qt.Equals(truth, c.truth))
		qt.Check(t, qt.Equals(ok, c.ok))
	}
}
