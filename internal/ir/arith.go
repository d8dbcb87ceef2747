package ir

import "math/bits"

// Arith computes binary arithmetic, Neg and the comparisons as BPF does (RFC
// 9669 section 4.1): wrap-around, shift counts modulo the width, x/0 = 0,
// x%0 = x, and MIN/-1 = MIN with remainder 0. The type is that of the
// arguments; the upper half of an I32 argument is ignored and the upper half
// of an I32 result is zero. y is ignored by Neg. It returns false when op is
// none of these.
func Arith(op Op, t Type, x, y uint64) (uint64, bool) {
	if op.IsCompare() {
		if compare(op, t, x, y) {
			return 1, true
		}
		return 0, true
	}
	if t == I32 {
		r, ok := arith32(op, uint32(x), uint32(y))
		return uint64(r), ok
	}
	return arith64(op, x, y)
}

func arith64(op Op, x, y uint64) (uint64, bool) {
	switch op {
	case OpAdd:
		return x + y, true
	case OpSub:
		return x - y, true
	case OpMul:
		return x * y, true
	case OpUDiv:
		if y == 0 {
			return 0, true
		}
		return x / y, true
	case OpSDiv: // Go's signed division wraps as BPF's does
		if y == 0 {
			return 0, true
		}
		return uint64(int64(x) / int64(y)), true
	case OpUMod:
		if y == 0 {
			return x, true
		}
		return x % y, true
	case OpSMod:
		if y == 0 {
			return x, true
		}
		return uint64(int64(x) % int64(y)), true
	case OpAnd:
		return x & y, true
	case OpOr:
		return x | y, true
	case OpXor:
		return x ^ y, true
	case OpShl:
		return x << (y & 63), true
	case OpLShr:
		return x >> (y & 63), true
	case OpAShr:
		return uint64(int64(x) >> (y & 63)), true
	case OpNeg:
		return -x, true
	}
	return 0, false
}

func arith32(op Op, x, y uint32) (uint32, bool) {
	switch op {
	case OpShl:
		return x << (y & 31), true
	case OpLShr:
		return x >> (y & 31), true
	case OpAShr:
		return uint32(int32(x) >> (y & 31)), true
	case OpSDiv, OpSMod:
		r, ok := arith64(op, uint64(int64(int32(x))), uint64(int64(int32(y))))
		return uint32(r), ok
	}
	// The rest gives the same low half from zero-extended arguments.
	r, ok := arith64(op, uint64(x), uint64(y))
	return uint32(r), ok
}

func compare(op Op, t Type, x, y uint64) bool {
	if t == I32 {
		// Sign extension keeps both orders.
		x, y = uint64(int64(int32(x))), uint64(int64(int32(y)))
	}
	switch op {
	case OpEq:
		return x == y
	case OpNe:
		return x != y
	case OpULt:
		return x < y
	case OpULe:
		return x <= y
	case OpUGt:
		return x > y
	case OpUGe:
		return x >= y
	case OpSLt:
		return int64(x) < int64(y)
	case OpSLe:
		return int64(x) <= int64(y)
	case OpSGt:
		return int64(x) > int64(y)
	}
	return int64(x) >= int64(y)
}

// Extend extends the low width bytes of x to the type t, with the sign or
// zeros; the upper half of an I32 result is zero. It is what SExt, ZExt and
// loads do.
func Extend(t Type, x uint64, width uint8, signed bool) uint64 {
	shift := 64 - 8*uint(width)
	x <<= shift
	if signed {
		x = uint64(int64(x) >> shift)
	} else {
		x >>= shift
	}
	if t == I32 {
		x = uint64(uint32(x))
	}
	return x
}

// Swap reverses the low width bytes of x; the upper bytes become 0.
func Swap(x uint64, width uint8) uint64 {
	return bits.ReverseBytes64(x) >> (64 - 8*uint(width))
}

// Apply is what an atomic operation leaves in memory, given the old value and
// its arguments (b; for cmpxchg the expected and the new value), all of width
// bytes and zero-extended.
func (a AtomicOp) Apply(width uint8, old uint64, args ...uint64) uint64 {
	b := Extend(I64, args[0], width, false)
	switch a {
	case AtomicAdd, AtomicFetchAdd:
		return Extend(I64, old+b, width, false)
	case AtomicOr, AtomicFetchOr:
		return old | b
	case AtomicAnd, AtomicFetchAnd:
		return old & b
	case AtomicXor, AtomicFetchXor:
		return old ^ b
	case AtomicXchg:
		return b
	case AtomicCmpXchg:
		if old == b && len(args) > 1 {
			return Extend(I64, args[1], width, false)
		}
	}
	return old
}
