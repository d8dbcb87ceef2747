package ir

// Op is an operation.
type Op uint8

// The operations. a and b are the arguments; what each auxiliary field means
// stands in the comment.
const (
	OpInvalid Op = iota
	OpParam      // a block parameter
	OpConst      // Imm; I32 or I64, or Ptr for null (Imm 0)

	// Binary arithmetic on two values of one type, with a result of that
	// type. Add and Sub also take (Ptr, I64) and give Ptr; Sub of two Ptr
	// gives I64.
	OpAdd
	OpSub
	OpMul
	OpUDiv
	OpSDiv
	OpUMod
	OpSMod
	OpAnd
	OpOr
	OpXor
	OpShl
	OpLShr
	OpAShr
	OpNeg // -a

	// Comparisons of two values of one type; the result is 0 or 1 as I64.
	OpEq
	OpNe
	OpULt
	OpULe
	OpUGt
	OpUGe
	OpSLt
	OpSLe
	OpSGt
	OpSGe

	OpSExt  // sign-extend the low Width bytes of a to the result type
	OpZExt  // zero-extend the low Width bytes of a to the result type
	OpTrunc // the low 32 bits of an I64 as I32
	OpBswap // reverse the low Width bytes of a, upper bytes become 0

	OpAlloca  // address of Imm bytes on the stack, aligned to Width; entry block only
	OpLoad    // Width bytes at a+Imm, extended as Signed says; Ptr loads have Width 8
	OpStore   // store the low Width bytes of b at a+Imm
	OpZero    // set Imm bytes at a to zero
	OpCopy    // copy Imm bytes from b to a; the areas do not overlap
	OpAtomic  // Atomic on Width (4 or 8) bytes at a+Imm with b; cmpxchg: a, expected, new
	OpAddrMap // address of the map Sym, as helpers take it
	OpMapVal  // address of the value of the one-entry array map Sym, plus Imm
	OpData    // address of the data Sym, plus Imm
	OpFuncPtr // address of the function Sym, for callbacks
	OpHelper  // call of the helper with number Imm and name Sym; at most 5 arguments
	OpKfunc   // call of the kernel function Sym
	OpKsym    // address of the kernel variable Sym
	OpCall    // call of the module's function Sym
	OpCORE    // the constant that CORE resolves to on the target kernel; Imm is its local value

	numOps
)

// OpInfo says how an operation is written and what it may do.
type OpInfo struct {
	Name    string
	Args    int  // number of arguments; -1 for any
	Effect  bool // may not be removed or repeated
	Reads   bool // reads memory that a store may change
	Writes  bool // may change memory
	Commute bool
}

var opInfo = [numOps]OpInfo{
	OpInvalid: {Name: "invalid"},
	OpParam:   {Name: "param"},
	OpConst:   {Name: "const"},
	OpAdd:     {Name: "add", Args: 2, Commute: true},
	OpSub:     {Name: "sub", Args: 2},
	OpMul:     {Name: "mul", Args: 2, Commute: true},
	OpUDiv:    {Name: "udiv", Args: 2},
	OpSDiv:    {Name: "sdiv", Args: 2},
	OpUMod:    {Name: "umod", Args: 2},
	OpSMod:    {Name: "smod", Args: 2},
	OpAnd:     {Name: "and", Args: 2, Commute: true},
	OpOr:      {Name: "or", Args: 2, Commute: true},
	OpXor:     {Name: "xor", Args: 2, Commute: true},
	OpShl:     {Name: "shl", Args: 2},
	OpLShr:    {Name: "lshr", Args: 2},
	OpAShr:    {Name: "ashr", Args: 2},
	OpNeg:     {Name: "neg", Args: 1},
	OpEq:      {Name: "eq", Args: 2, Commute: true},
	OpNe:      {Name: "ne", Args: 2, Commute: true},
	OpULt:     {Name: "ult", Args: 2},
	OpULe:     {Name: "ule", Args: 2},
	OpUGt:     {Name: "ugt", Args: 2},
	OpUGe:     {Name: "uge", Args: 2},
	OpSLt:     {Name: "slt", Args: 2},
	OpSLe:     {Name: "sle", Args: 2},
	OpSGt:     {Name: "sgt", Args: 2},
	OpSGe:     {Name: "sge", Args: 2},
	OpSExt:    {Name: "sext", Args: 1},
	OpZExt:    {Name: "zext", Args: 1},
	OpTrunc:   {Name: "trunc", Args: 1},
	OpBswap:   {Name: "bswap", Args: 1},
	OpAlloca:  {Name: "alloca", Effect: true},
	OpLoad:    {Name: "load", Args: 1, Reads: true},
	OpStore:   {Name: "store", Args: 2, Effect: true, Writes: true},
	OpZero:    {Name: "zero", Args: 1, Effect: true, Writes: true},
	OpCopy:    {Name: "copy", Args: 2, Effect: true, Reads: true, Writes: true},
	OpAtomic:  {Name: "atomic", Args: -1, Effect: true, Reads: true, Writes: true},
	OpAddrMap: {Name: "map"},
	OpMapVal:  {Name: "mapval"},
	OpData:    {Name: "data"},
	OpFuncPtr: {Name: "func"},
	OpHelper:  {Name: "helper", Args: -1, Effect: true, Reads: true, Writes: true},
	OpKfunc:   {Name: "kfunc", Args: -1, Effect: true, Reads: true, Writes: true},
	OpKsym:    {Name: "ksym"},
	OpCall:    {Name: "call", Args: -1, Effect: true, Reads: true, Writes: true},
	OpCORE:    {Name: "core", Effect: false},
}

// Info returns the operation's description.
func (o Op) Info() OpInfo {
	if o >= numOps {
		return opInfo[OpInvalid]
	}
	return opInfo[o]
}

func (o Op) String() string { return o.Info().Name }

// IsCompare reports whether o is one of the comparisons.
func (o Op) IsCompare() bool { return o >= OpEq && o <= OpSGe }

// IsBinary reports whether o is binary arithmetic (not a comparison).
func (o Op) IsBinary() bool { return o >= OpAdd && o <= OpAShr }
