package main

import "fmt"

// conditions are in the order of the high nibble of BPF's opcodes; empty ones
// are goto, call and exit.
var conditions = []aluOp{
	{"Ja", ""},
	{"Jeq", "a == b"},
	{"Jgt", "a > b"},
	{"Jge", "a >= b"},
	{"Jset", "a&b != 0"},
	{"Jne", "a != b"},
	{"Jsgt", "S(a) > S(b)"},
	{"Jsge", "S(a) >= S(b)"},
	{"Jcall", ""},
	{"Jexit", ""},
	{"Jlt", "a < b"},
	{"Jle", "a <= b"},
	{"Jslt", "S(a) < S(b)"},
	{"Jsle", "S(a) <= S(b)"},
}

// taken is a jump over a distance, made at a label behind the switch.
const taken = "d = int(op.Off)\ngoto taken1"

func jumpCases() []oneCase {
	var all []oneCase
	for _, v := range variants {
		for _, o := range conditions {
			body := ""
			if o.expr != "" {
				cond := substitute(o.expr, typed("r[op.Dst]", v.wide), typed(v.second, v.wide), v.wide)
				body = fmt.Sprintf("if %s {\n%s\n}", cond, taken)
			} else if o.name == "Ja" && v.suffix == "I64" {
				body = taken
			}
			all = append(all, oneCase{name: o.name + v.suffix, body: plain(body)})
		}
	}
	return all
}
