package ast

// BinaryOp is a binary operator, also of a compound assignment.
type BinaryOp uint8

// The binary operators. NoOp is none.
const (
	NoOp   BinaryOp = iota
	LogOr           // ||
	LogAnd          // &&
	BitOr           // |
	BitXor          // ^
	BitAnd          // &
	Eq              // ==
	Ne              // !=
	Lt              // <
	Gt              // >
	Le              // <=
	Ge              // >=
	Shl             // <<
	Shr             // >>
	Add             // +
	Sub             // -
	Mul             // *
	Div             // /
	Mod             // %
	numBinaryOps
)

// UnaryOp is an operator with one operand.
type UnaryOp uint8

// The unary operators.
const (
	Neg     UnaryOp = iota // -x
	Not                    // !x
	BitNot                 // ~x
	Deref                  // *x
	AddrOf                 // &x
	PreInc                 // ++x
	PreDec                 // --x
	PostInc                // x++
	PostDec                // x--
	numUnaryOps
)

type binaryFact struct {
	text string
	prec int
}

// binaryFacts gives each operator's spelling and how tightly it binds.
var binaryFacts = [numBinaryOps]binaryFact{
	NoOp:   {"", 0},
	LogOr:  {"||", 1},
	LogAnd: {"&&", 2},
	BitOr:  {"|", 3},
	BitXor: {"^", 4},
	BitAnd: {"&", 5},
	Eq:     {"==", 6},
	Ne:     {"!=", 6},
	Lt:     {"<", 7},
	Gt:     {">", 7},
	Le:     {"<=", 7},
	Ge:     {">=", 7},
	Shl:    {"<<", 8},
	Shr:    {">>", 8},
	Add:    {"+", 9},
	Sub:    {"-", 9},
	Mul:    {"*", 10},
	Div:    {"/", 10},
	Mod:    {"%", 10},
}

// String is the operator as written.
func (op BinaryOp) String() string { return binaryFacts[op].text }

// Precedence is how tightly the operator binds: 1 (||) to 10 (* / %). All
// binary operators group from left to right.
func (op BinaryOp) Precedence() int { return binaryFacts[op].prec }

// IsComparison reports whether op is one of == != < > <= >=.
func (op BinaryOp) IsComparison() bool { return op >= Eq && op <= Ge }

// IsLogical reports whether op is && or ||.
func (op BinaryOp) IsLogical() bool { return op == LogOr || op == LogAnd }

// String is the operator as written.
func (op UnaryOp) String() string {
	return [numUnaryOps]string{
		Neg: "-", Not: "!", BitNot: "~", Deref: "*", AddrOf: "&",
		PreInc: "++", PreDec: "--", PostInc: "++", PostDec: "--",
	}[op]
}

// IsPostfix reports whether the operator stands after its operand.
func (op UnaryOp) IsPostfix() bool { return op == PostInc || op == PostDec }

// IsIncDec reports whether op is ++ or -- on either side.
func (op UnaryOp) IsIncDec() bool { return op >= PreInc && op <= PostDec }
