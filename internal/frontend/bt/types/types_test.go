package types_test

import (
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
)

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{{0, "int8"}, {127, "int8"}, {128, "int16"}, {32768, "int32"}, {1 << 31, "int64"}, {1<<63 - 1, "int64"}, {1 << 63, "uint64"}} {
		qt.Check(t, qt.Equals(types.Literal(c.n).String(), c.want), qt.Commentf("%d", c.n))
	}
	for _, c := range []struct {
		n    int64
		want string
	}{{-1, "int8"}, {-128, "int8"}, {-129, "int16"}, {-40000, "int32"}, {-1 << 40, "int64"}} {
		qt.Check(t, qt.Equals(types.SignedLiteral(c.n).String(), c.want), qt.Commentf("%d", c.n))
	}
}

func TestPromote(t *testing.T) {
	i := types.IntOf
	for _, c := range []struct {
		a, b *types.Type
		want string // "" is none
	}{
		{nil, i(4, false), "uint32"},
		{i(1, true), i(2, true), "int16"},
		{i(4, false), i(8, false), "uint64"},
		{i(4, false), i(4, true), "int64"},
		{i(1, false), i(4, true), "int32"},
		{i(8, false), i(8, true), "int64"},
		{types.Literal(5), i(8, false), "uint64"},
		{types.Literal(5), types.Literal(500), "int16"},
		{types.StringOf(4), types.StringOf(9), "string[9]"},
		{types.StringOf(9), types.StringOf(4), "string[9]"},
		{types.StringOf(9), i(4, true), ""},
		{types.TupleOf(i(1, true), types.StringOf(2)), types.TupleOf(i(4, true), types.StringOf(8)), "(int32, string[8])"},
		{types.TupleOf(i(1, true)), types.TupleOf(i(1, true), i(1, true)), ""},
		{&types.Type{Kind: types.Count, Size: 8}, i(8, true), ""},
		{i(8, true), &types.Type{Kind: types.Count, Size: 8}, "int64"},
	} {
		got, ok := types.Promote(c.a, c.b)
		if !ok {
			qt.Check(t, qt.Equals("", c.want), qt.Commentf("%s, %s", c.a, c.b))
			continue
		}
		qt.Check(t, qt.Equals(got.String(), c.want), qt.Commentf("%s, %s", c.a, c.b))
	}
}

// What promotion gives holds both types, so promoting again changes nothing:
// without this the search for types might not end.
func TestPromoteIsStable(t *testing.T) {
	var ints []*types.Type
	for _, size := range []int{1, 2, 4, 8} {
		ints = append(ints, types.IntOf(size, true), types.IntOf(size, false), &types.Type{Kind: types.Int, Size: size, Signed: true, Flexible: true})
	}
	for _, a := range ints {
		for _, b := range ints {
			p, ok := types.Promote(a, b)
			qt.Assert(t, qt.IsTrue(ok))
			again, ok := types.Promote(p, b)
			qt.Assert(t, qt.IsTrue(ok))
			third, _ := types.Promote(again, a)
			fourth, _ := types.Promote(third, b)
			if !third.Equal(fourth) {
				t.Errorf("%s with %s: %s, then %s, then %s", a, b, p, third, fourth)
			}
		}
	}
}

func TestLayout(t *testing.T) {
	tup := types.TupleOf(types.IntOf(1, true), types.IntOf(4, true), types.StringOf(16), types.IntOf(2, true))
	var at []int
	for _, f := range tup.Fields {
		at = append(at, f.Offset)
	}
	qt.Assert(t, qt.DeepEquals(at, []int{0, 4, 8, 24}))
	qt.Assert(t, qt.Equals(tup.Size, 32))
	qt.Assert(t, qt.Equals(types.TupleOf().Size, 0))
}

func TestFromC(t *testing.T) {
	char := &ctypes.Int{Name: "char", Size: 1, Signed: true, Char: true}
	cint := &ctypes.Int{Name: "int", Size: 4, Signed: true}
	node := &ctypes.Struct{Name: "node", Size: 16}
	node.Fields = []ctypes.Field{{Name: "next", Type: &ctypes.Pointer{Elem: node}}, {Name: "v", Type: cint, Offset: 64}}
	for _, c := range []struct {
		c    ctypes.Type
		want string
	}{
		{cint, "int32"},
		{&ctypes.Typedef{Name: "pid_t", Type: &ctypes.Qual{Kind: "const", Type: cint}}, "int32"},
		{&ctypes.Array{Elem: char, Len: 16}, "string[16]"},
		{&ctypes.Array{Elem: cint, Len: 3}, "int32[3]"},
		{&ctypes.Pointer{Elem: char}, "int8 *"},
		{&ctypes.Pointer{Elem: &ctypes.Pointer{Elem: char}}, "int8 * *"},
		{&ctypes.Pointer{Elem: node}, "struct node *"},
		{&ctypes.Int{Name: "_Bool", Size: 1, Bool: true}, "bool"},
	} {
		qt.Check(t, qt.Equals(types.FromC(c.c, types.Kernel).String(), c.want))
	}
	p := types.FromC(node, types.Kernel).Plan()
	qt.Assert(t, qt.Equals(p.Kind, plan.Record))
	qt.Assert(t, qt.Equals(p.Fields[0].Type.Kind, plan.Pointer))
}
