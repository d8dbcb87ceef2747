package main

import "strings"

// aluOp is an arithmetic operation: the result as an expression over a and
// b, which have type uint64, or uint32 and S for its signed form.
type aluOp struct{ name, expr string }

// aluOps are in the order of the high nibble of BPF's opcodes; SDiv and SMod
// come behind.
var aluOps = []aluOp{
	{"Add", "a + b"},
	{"Sub", "a - b"},
	{"Mul", "a * b"},
	{"Div", ""},
	{"Or", "a | b"},
	{"And", "a & b"},
	{"Lsh", "a << (b & M)"},
	{"Rsh", "a >> (b & M)"},
	{"Neg", "-a"},
	{"Mod", ""},
	{"Xor", "a ^ b"},
	{"Mov", "b"},
	{"Arsh", "U(S(a) >> (b & M))"},
	{"SDiv", ""},
	{"SMod", ""},
}

// divisions are statements, since a zero divisor and the overflow of the
// smallest number by -1 have defined results.
var divisions = map[string]string{
	"Div": `if b == 0 {
	r[op.Dst] = 0
} else {
	r[op.Dst] = uint64(a / b)
}`,
	"Mod": `if b == 0 {
	r[op.Dst] = uint64(a)
} else {
	r[op.Dst] = uint64(a % b)
}`,
	"SDiv": `if b == 0 {
	r[op.Dst] = 0
} else if b+1 == 0 {
	r[op.Dst] = uint64(-a)
} else {
	r[op.Dst] = uint64(U(S(a) / S(b)))
}`,
	"SMod": `if b == 0 {
	r[op.Dst] = uint64(a)
} else if b+1 == 0 {
	r[op.Dst] = 0
} else {
	r[op.Dst] = uint64(U(S(a) % S(b)))
}`,
}

// width fills in the types of an expression.
func width(expr string, wide bool) string {
	u, s, m := "uint32", "int32", "31"
	if wide {
		u, s, m = "uint64", "int64", "63"
	}
	expr = strings.ReplaceAll(expr, "S(", s+"(")
	expr = strings.ReplaceAll(expr, "U(", u+"(")
	return strings.ReplaceAll(expr, " & M", " & "+m)
}

// typed is an operand of 64 or 32 bits.
func typed(operand string, wide bool) string {
	if wide {
		return operand
	}
	return "uint32(" + operand + ")"
}

// variant is one of the four encodings that arithmetic and jumps have.
type variant struct {
	suffix string
	wide   bool
	second string // where operand b comes from
}

var variants = []variant{
	{"I64", true, "op.Imm"},
	{"R64", true, "r[op.Src]"},
	{"I32", false, "op.Imm"},
	{"R32", false, "r[op.Src]"},
}

func aluCases() []oneCase {
	var all []oneCase
	for _, v := range variants {
		for _, o := range aluOps {
			all = append(all, oneCase{name: o.name + v.suffix, body: plain(aluBody(o, v))})
		}
	}
	return all
}

func plain(text string) func(bool) string { return func(bool) string { return text } }

func aluBody(o aluOp, v variant) string {
	a, b := typed("r[op.Dst]", v.wide), typed(v.second, v.wide)
	switch {
	case o.name == "Neg" && v.second != "op.Imm":
		return "" // one operand only: the first form serves
	case divisions[o.name] != "":
		return "a, b := " + a + ", " + b + "\n" + width(divisions[o.name], v.wide)
	case o.name == "Mov":
		return "r[op.Dst] = " + widen(b, v.wide)
	}
	return "r[op.Dst] = " + widen(substitute(o.expr, a, b, v.wide), v.wide)
}

// substitute puts operands into an expression.
func substitute(expr, a, b string, wide bool) string {
	expr = width(expr, wide)
	var out strings.Builder
	for i := 0; i < len(expr); i++ {
		word := i > 0 && isLetter(expr[i-1]) || i+1 < len(expr) && isLetter(expr[i+1])
		switch {
		case expr[i] == 'a' && !word:
			out.WriteString(a)
		case expr[i] == 'b' && !word:
			out.WriteString(b)
		default:
			out.WriteByte(expr[i])
		}
	}
	return out.String()
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func widen(expr string, wide bool) string {
	if wide {
		return expr
	}
	return "uint64(" + expr + ")"
}
