package ir

// operands is how an operation's operands are written after its name, its
// suffixes and its result type.
type operands uint8

const (
	operandsPlain operands = iota // v1, v2
	operandsMem                   // v1+8, v2      (Imm is the offset)
	operandsImm                   // 5             (Imm)
	operandsSize                  // v1, v2, 16    (Imm)
	operandsSym                   // @name+8       (Sym, Imm)
	operandsCall                  // @name(v1, v2), helpers: @name#5(v1, v2)
	operandsCORE                  // t3 "0:1" = 8  (CORE, Imm)
)

// opShape is how an operation is written. Printer and parser both read it.
type opShape struct {
	operands operands
	width    bool // .32: Width in bits
	signed   bool // .s32 or .u32: Width and Signed
	atomic   bool // .fetch_add: Atomic
}

var opShapes = [numOps]opShape{
	OpConst:   {operands: operandsImm},
	OpSExt:    {width: true},
	OpZExt:    {width: true},
	OpBswap:   {width: true},
	OpAlloca:  {operands: operandsImm},
	OpLoad:    {operands: operandsMem, signed: true},
	OpStore:   {operands: operandsMem, width: true},
	OpZero:    {operands: operandsSize},
	OpCopy:    {operands: operandsSize},
	OpAtomic:  {operands: operandsMem, atomic: true, width: true},
	OpAddrMap: {operands: operandsSym},
	OpMapVal:  {operands: operandsSym},
	OpData:    {operands: operandsSym},
	OpFuncPtr: {operands: operandsSym},
	OpKsym:    {operands: operandsSym},
	OpHelper:  {operands: operandsCall},
	OpKfunc:   {operands: operandsCall},
	OpCall:    {operands: operandsCall},
	OpCORE:    {operands: operandsCORE},
}

func (o Op) shape() opShape {
	if o >= numOps {
		return opShape{}
	}
	return opShapes[o]
}
