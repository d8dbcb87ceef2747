package ir

import "math"

// maxArgs is how many arguments BPF calls have: registers r1 to r5.
const maxArgs = 5

// mapTypeArray is BPF_MAP_TYPE_ARRAY (uapi/linux/bpf.h).
const mapTypeArray = 2

func isInt(t Type) bool { return t == I32 || t == I64 }

func isWidth(w uint8) bool { return w == 1 || w == 2 || w == 4 || w == 8 }

// operation checks one instruction against the rules of its operation.
func (c *checker) operation(v *Value) {
	info := v.Op.Info()
	if v.Op == OpInvalid || v.Op >= numOps {
		c.errorf("invalid operation")
		return
	}
	if v.Type > Ptr {
		c.errorf("invalid type")
		return
	}
	if info.Args >= 0 && len(v.Args) != info.Args {
		c.errorf("%d arguments, %s has %d", len(v.Args), v.Op, info.Args)
		return
	}
	if v.Volatile && v.Op != OpLoad && v.Op != OpStore {
		c.errorf("only loads and stores are volatile")
	}
	switch {
	case v.Op == OpAdd || v.Op == OpSub:
		c.sum(v)
	case v.Op.IsBinary():
		c.want(isInt(v.Type) && v.Args[0].Type == v.Type && v.Args[1].Type == v.Type,
			"the arguments and the result are of one integer type")
	case v.Op.IsCompare():
		c.want(v.Args[0].Type == v.Args[1].Type, "two values of one type are compared")
		c.want(v.Type == I64, "the result is i64")
	case v.Op == OpHelper || v.Op == OpKfunc || v.Op == OpCall:
		c.call(v)
	case v.Op.shape().operands == operandsSym:
		c.want(v.Type == Ptr, "the result is ptr")
		c.symbol(v)
	default:
		c.other(v)
	}
}

func (c *checker) want(ok bool, rule string) {
	if !ok {
		c.errorf("not so: %s", rule)
	}
}

func (c *checker) sum(v *Value) {
	x, y := v.Args[0].Type, v.Args[1].Type
	ok := isInt(v.Type) && x == v.Type && y == v.Type ||
		v.Type == Ptr && x == Ptr && y == I64 ||
		v.Op == OpSub && v.Type == I64 && x == Ptr && y == Ptr
	c.want(ok, "integers of one type, a ptr and an i64 giving a ptr, or two ptr to subtract giving i64")
}

func (c *checker) other(v *Value) {
	switch v.Op {
	case OpConst:
		c.want(v.Type != Void, "a constant has a type")
		c.want(v.Type != Ptr || v.Imm == 0, "the only ptr constant is 0")
		c.want(v.Type != I32 || v.Imm == int64(int32(v.Imm)), "an i32 constant is kept sign-extended")
	case OpNeg:
		c.want(isInt(v.Type) && v.Args[0].Type == v.Type, "the argument and the result are of one integer type")
	case OpSExt, OpZExt:
		from := v.Args[0].Type
		c.want(isInt(v.Type) && (isInt(from) || from == Ptr && v.Type == I64), "an integer is extended, or a ptr to i64")
		c.want(isWidth(v.Width) && int(v.Width)*8 <= min(from.Bits(), v.Bits()), "the width is 1, 2, 4 or 8 bytes and neither type is narrower")
	case OpTrunc:
		c.want(v.Type == I32 && v.Args[0].Type == I64, "an i64 becomes an i32")
	case OpBswap:
		c.want(isInt(v.Type) && v.Args[0].Type == v.Type, "the argument and the result are of one integer type")
		c.want(isWidth(v.Width) && v.Width > 1 && int(v.Width)*8 <= v.Bits(), "the width is 2, 4 or 8 bytes and fits the type")
	case OpAlloca:
		c.want(v.Type == Ptr, "the result is ptr")
		c.want(c.b == c.f.Entry(), "stack is reserved in the entry block")
		c.want(v.Imm > 0 && v.Imm <= math.MaxInt32, "the size is positive")
		c.want(isWidth(v.Width), "the alignment is 1, 2, 4 or 8")
	case OpCORE:
		c.want(isInt(v.Type), "the result is an integer")
		c.want(v.CORE != nil && v.CORE.Kind <= CORETypeMatches && !isNilType(v.CORE.Type),
			"the relocation has a kind and a type")
	default:
		c.memory(v)
	}
}

func (c *checker) memory(v *Value) {
	c.want(len(v.Args) > 0 && v.Args[0].Type == Ptr, "the address is a ptr")
	switch v.Op {
	case OpLoad:
		c.offset(v)
		c.want(v.Type != Void && isWidth(v.Width) && int(v.Width)*8 <= v.Bits(), "the width is 1, 2, 4 or 8 bytes and fits the result type")
		c.want(v.Type != Ptr || v.Width == 8 && !v.Signed, "a ptr is loaded with 8 bytes, unsigned")
	case OpStore:
		c.offset(v)
		from := v.Args[1].Type
		c.want(v.Type == Void, "there is no result")
		c.want(isWidth(v.Width) && int(v.Width)*8 <= from.Bits(), "the width is 1, 2, 4 or 8 bytes and fits the value's type")
		c.want(from != Ptr || v.Width == 8, "a ptr is stored with 8 bytes")
	case OpZero:
		c.want(v.Type == Void, "there is no result")
		c.want(v.Imm >= 0 && v.Imm <= math.MaxInt32, "the size is not negative")
	case OpCopy:
		c.want(v.Type == Void, "there is no result")
		c.want(v.Args[1].Type == Ptr, "the source is a ptr")
		c.want(v.Imm >= 0 && v.Imm <= math.MaxInt32, "the size is not negative")
	case OpAtomic:
		c.atomic(v)
	}
}

func (c *checker) offset(v *Value) {
	c.want(v.Imm >= math.MinInt32 && v.Imm <= math.MaxInt32, "the offset fits 32 bits")
}

func (c *checker) atomic(v *Value) {
	c.offset(v)
	n := 2
	if v.Atomic == AtomicCmpXchg {
		n = 3
	}
	if v.Atomic > AtomicCmpXchg || len(v.Args) != n {
		c.errorf("not so: the operation is known and has an address and %d more arguments", n-1)
		return
	}
	t := v.Args[1].Type
	c.want(isInt(t) && v.Args[n-1].Type == t, "the arguments are of one integer type")
	c.want((v.Width == 4 || v.Width == 8) && int(v.Width)*8 <= t.Bits(), "the width is 4 or 8 bytes and fits the type")
	if v.Atomic.Fetches() {
		c.want(v.Type == t, "the old value has the type of the arguments")
	} else {
		c.want(v.Type == Void, "there is no result")
	}
}

func (c *checker) symbol(v *Value) {
	switch v.Op {
	case OpAddrMap:
		c.want(c.mapNamed(v.Sym) != nil, "the map is in the module")
		c.want(v.Imm == 0, "a map's address has no offset")
	case OpMapVal:
		x := c.mapNamed(v.Sym)
		c.want(x != nil && x.Type == mapTypeArray && x.MaxEntries == 1, "the map is in the module and is an array of one entry")
		c.want(x == nil || v.Imm >= 0 && v.Imm < int64(x.ValueSize), "the offset is inside the value")
	case OpData:
		d := c.dataNamed(v.Sym)
		c.want(d != nil, "the data is in the module")
		c.want(d == nil || v.Imm >= 0 && v.Imm <= int64(len(d.Bytes)), "the offset is inside the data")
	case OpFuncPtr:
		c.want(c.funcNamed(v.Sym) != nil, "the function is in the module")
		c.want(v.Imm == 0, "a function's address has no offset")
	case OpKsym:
		c.want(v.Sym != "", "the kernel variable has a name")
	}
}

func (c *checker) call(v *Value) {
	c.want(len(v.Args) <= maxArgs, "there are at most 5 arguments")
	switch v.Op {
	case OpHelper:
		c.want(v.Imm > 0 && v.Imm <= math.MaxInt32, "the helper's number is positive")
		c.want(v.Type != I32, "a helper's result is i64, ptr or none")
	case OpKfunc:
		c.want(v.Sym != "", "the kernel function has a name")
	case OpCall:
		callee := c.funcNamed(v.Sym)
		if callee == nil {
			c.errorf("not so: the function is in the module")
			return
		}
		c.want(v.Type == callee.Result, "the result has the type that the function has")
		same := len(v.Args) == len(callee.Params)
		for i := 0; same && i < len(v.Args); i++ {
			same = callee.Params[i] != nil && v.Args[i].Type == callee.Params[i].Type
		}
		c.want(same, "the arguments have number and types of the function's parameters")
	}
}
