package ir_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
)

// special are operands at which arithmetic goes wrong if it does.
var special = []uint64{
	0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 255, 256, 1<<15 - 1, 1 << 15, 1<<16 - 1, 1<<31 - 1, 1 << 31, 1<<31 + 1,
	1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<63 - 1, 1 << 63, 1<<63 + 1, ^uint64(0) - 1, ^uint64(0), 0xffffffff80000000,
}

func operands() []uint64 {
	rng := rand.New(rand.NewPCG(1, 2))
	list := append([]uint64(nil), special...)
	for range 30 {
		list = append(list, rng.Uint64()>>rng.IntN(64))
	}
	return list
}

// wanted computes in integers of any size, as RFC 9669 words it.
func wanted(op ir.Op, bits uint, x, y uint64) uint64 {
	mod := new(big.Int).Lsh(big.NewInt(1), bits)
	unsigned := func(v uint64) *big.Int {
		return new(big.Int).Mod(new(big.Int).SetUint64(v), mod)
	}
	signed := func(v uint64) *big.Int {
		b := unsigned(v)
		if b.Bit(int(bits)-1) == 1 {
			b.Sub(b, mod)
		}
		return b
	}
	wrap := func(v *big.Int) uint64 { return new(big.Int).Mod(v, mod).Uint64() }
	a, b, sa, sb := unsigned(x), unsigned(y), signed(x), signed(y)
	count := uint(y & uint64(bits-1))
	r := new(big.Int)
	zero := b.Sign() == 0
	switch op {
	case ir.OpAdd:
		return wrap(r.Add(a, b))
	case ir.OpSub:
		return wrap(r.Sub(a, b))
	case ir.OpMul:
		return wrap(r.Mul(a, b))
	case ir.OpNeg:
		return wrap(r.Neg(a))
	case ir.OpUDiv, ir.OpSDiv:
		if zero {
			return 0
		}
		if op == ir.OpSDiv {
			return wrap(r.Quo(sa, sb))
		}
		return wrap(r.Quo(a, b))
	case ir.OpUMod, ir.OpSMod:
		if zero {
			return wrap(a)
		}
		if op == ir.OpSMod {
			return wrap(r.Rem(sa, sb))
		}
		return wrap(r.Rem(a, b))
	case ir.OpAnd:
		return wrap(r.And(a, b))
	case ir.OpOr:
		return wrap(r.Or(a, b))
	case ir.OpXor:
		return wrap(r.Xor(a, b))
	case ir.OpShl:
		return wrap(r.Lsh(a, count))
	case ir.OpLShr:
		return wrap(r.Rsh(a, count))
	case ir.OpAShr:
		return wrap(r.Rsh(sa, count))
	}
	return wantedComparison(op, a.Cmp(b), sa.Cmp(sb))
}

// wantedComparison is 1 or 0, given how two operands compare as unsigned and
// as signed numbers.
func wantedComparison(op ir.Op, unsigned, signed int) uint64 {
	truth := map[ir.Op]bool{
		ir.OpEq: unsigned == 0, ir.OpNe: unsigned != 0,
		ir.OpULt: unsigned < 0, ir.OpULe: unsigned <= 0, ir.OpUGt: unsigned > 0, ir.OpUGe: unsigned >= 0,
		ir.OpSLt: signed < 0, ir.OpSLe: signed <= 0, ir.OpSGt: signed > 0, ir.OpSGe: signed >= 0,
	}
	if truth[op] {
		return 1
	}
	return 0
}

func TestArith(t *testing.T) {
	values := operands()
	for op := ir.OpAdd; op <= ir.OpSGe; op++ {
		for _, typ := range []ir.Type{ir.I32, ir.I64} {
			for _, x := range values {
				for _, y := range values {
					got, ok := ir.Arith(op, typ, x, y)
					if want := wanted(op, uint(typ.Bits()), x, y); !ok || got != want {
						t.Fatalf("%s %s %#x, %#x: %#x, %v, want %#x", op, typ, x, y, got, ok, want)
					}
				}
			}
		}
	}
	_, ok := ir.Arith(ir.OpLoad, ir.I64, 1, 2)
	qt.Assert(t, qt.IsFalse(ok))
}

func TestExtendAndSwap(t *testing.T) {
	const x = 0x81828384858687f8
	tests := []struct {
		got, want uint64
	}{
		{ir.Extend(ir.I64, x, 1, false), 0xf8},
		{ir.Extend(ir.I64, x, 1, true), 0xfffffffffffffff8},
		{ir.Extend(ir.I32, x, 1, true), 0xfffffff8},
		{ir.Extend(ir.I64, x, 2, false), 0x87f8},
		{ir.Extend(ir.I64, x, 2, true), 0xffffffffffff87f8},
		{ir.Extend(ir.I64, x, 4, false), 0x858687f8},
		{ir.Extend(ir.I64, x, 4, true), 0xffffffff858687f8},
		{ir.Extend(ir.I32, x, 4, true), 0x858687f8},
		{ir.Extend(ir.I64, x, 8, true), x},
		{ir.Swap(x, 2), 0xf887},
		{ir.Swap(x, 4), 0xf8878685},
		{ir.Swap(x, 8), 0xf887868584838281},
	}
	for i, test := range tests {
		if test.got != test.want {
			t.Errorf("case %d: %#x, want %#x", i, test.got, test.want)
		}
	}
}

func TestAtomicApply(t *testing.T) {
	tests := []struct {
		op       ir.AtomicOp
		width    uint8
		old, arg uint64
		new_     uint64
		want     uint64
	}{
		{ir.AtomicAdd, 8, 1, ^uint64(0), 0, 0},
		{ir.AtomicFetchAdd, 4, 1<<32 - 1, 1, 0, 0},
		{ir.AtomicOr, 4, 1, 1 << 33, 0, 1},
		{ir.AtomicFetchOr, 8, 1, 1 << 33, 0, 1<<33 | 1},
		{ir.AtomicAnd, 4, 0xff, 0xffffffff0000000f, 0, 0xf},
		{ir.AtomicFetchXor, 8, 0xff, 0xf, 0, 0xf0},
		{ir.AtomicXchg, 4, 5, 1<<40 | 7, 0, 7},
		{ir.AtomicCmpXchg, 8, 5, 5, 9, 9},
		{ir.AtomicCmpXchg, 8, 5, 6, 9, 5},
		{ir.AtomicCmpXchg, 4, 5, 1<<32 | 5, 1<<32 | 9, 9},
	}
	for _, test := range tests {
		got := test.op.Apply(test.width, test.old, test.arg, test.new_)
		if got != test.want {
			t.Errorf("%s %d %#x %#x: %#x, want %#x", test.op, test.width, test.old, test.arg, got, test.want)
		}
	}
}
