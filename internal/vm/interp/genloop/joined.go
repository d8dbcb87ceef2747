package main

import (
	"fmt"
	"strings"
)

// Joined operations save dispatches, which cost more than most instructions.
// Which ones there are follows from what compilers write again and again:
// three-operand arithmetic (a move and an operation), address computation
// before a load, a value made or loaded right before it is compared, chains
// of comparisons, runs of arithmetic.

// joiner holds the bodies of plain operations by name.
type joiner map[string]string

// sequence joins operations by putting their bodies one behind the other.
func (plain joiner) sequence(parts ...string) oneCase {
	return oneCase{name: strings.Join(parts, ""), parts: parts, body: func(bool) string {
		var b strings.Builder
		for i, p := range parts {
			fmt.Fprintf(&b, "{\n%s\n}\n", part(plain[p], i))
		}
		return b.String()
	}}
}

// part is the body of an operation that comes i places behind the one that was
// dispatched.
func part(body string, i int) string {
	if i == 0 {
		return body
	}
	body = strings.ReplaceAll(body, "op.", "p.")
	body = strings.ReplaceAll(body, "goto taken1", fmt.Sprintf("goto taken%d", i+1))
	body = strings.ReplaceAll(body, "= pc, limit-pc", fmt.Sprintf("= pc+%d, limit-pc-%d", i, i))
	return fmt.Sprintf("p := &code[pc+%d]\n%s", i, body)
}

// plainBodies are what the operations do that stand for one instruction.
func plainBodies() map[string]string {
	all := map[string]string{}
	for _, group := range [][]oneCase{aluCases(), jumpCases(), memoryCases(), otherCases()} {
		for _, c := range group {
			all[c.name] = c.body(false)
		}
	}
	return all
}

// threeOperands are a move and an operation on its result, which takes its
// second operand from elsewhere: dst = src OP operand.
func threeOperands() []oneCase {
	var all []oneCase
	for _, v := range variants {
		for _, o := range aluOps {
			if o.expr == "" || o.name == "Mov" || o.name == "Neg" {
				continue
			}
			mov := "MovR64"
			if !v.wide {
				mov = "MovR32"
			}
			where := "sameDst"
			if strings.HasPrefix(v.suffix, "R") {
				where = "sameDstOther"
			}
			expr := substitute(o.expr, typed("r[op.Src]", v.wide), typed(strings.Replace(v.second, "op", "p", 1), v.wide), v.wide)
			body := "p := &code[pc+1]\nr[op.Dst] = " + widen(expr, v.wide)
			all = append(all, oneCase{name: mov + o.name + v.suffix, parts: []string{mov, o.name + v.suffix}, where: where, body: plain(body)})
		}
	}
	return all
}

// mixers are shift-and-combine steps, as hash functions have them:
// dst = src SHIFT number OP register.
func mixers() []oneCase {
	var all []oneCase
	for _, wide := range []bool{true, false} {
		bits := map[bool]string{true: "64", false: "32"}[wide]
		for _, shift := range []aluOp{aluOps[6], aluOps[7]} {
			for _, o := range []aluOp{aluOps[0], aluOps[4], aluOps[10]} {
				first := substitute(shift.expr, typed("r[op.Src]", wide), typed("p.Imm", wide), wide)
				expr := substitute(o.expr, "("+first+")", typed("q.Src]", wide), wide)
				expr = strings.Replace(expr, "q.Src]", "r[q.Src]", 1)
				parts := []string{"MovR" + bits, shift.name + "I" + bits, o.name + "R" + bits}
				all = append(all, oneCase{
					name: strings.Join(parts, ""), parts: parts, where: "sameDstOther3",
					body: plain("p, q := &code[pc+1], &code[pc+2]\nr[op.Dst] = " + widen(expr, wide)),
				})
			}
		}
	}
	return all
}

var compared = []string{"Jeq", "Jne", "Jgt", "Jge", "Jlt", "Jle", "Jsgt", "Jslt", "Jset"}

func joinedCases() []oneCase {
	j := joiner(plainBodies())
	all := append(threeOperands(), mixers()...)
	for _, first := range []string{"AddI64", "AddR64", "MovI64", "MovI32", "MovR64", "AndI64", "AndI32", "RshI64", "LdB", "LdW", "LdD", "LdH"} {
		for _, cond := range compared {
			for _, v := range variants {
				all = append(all, j.sequence(first, cond+v.suffix))
			}
		}
	}
	for _, cond := range compared {
		for _, v := range variants {
			for _, next := range []string{"MovI64", "MovI32", "MovR64", "MovR32", "AddI64", "LdB", "LdW", "LdD", "JeqI32", "JneI32", "JeqI64", "LshI32", "AddR32"} {
				all = append(all, j.sequence(cond+v.suffix, next))
			}
		}
	}
	// The end of a counting loop.
	for _, last := range []string{"AddR64", "AddR32", "AddI64", "AddI32", "XorR64", "StB", "StW", "StD"} {
		for _, cond := range []string{"JneI64", "JltI64", "JneR64", "JltR64", "JeqI64"} {
			all = append(all, j.sequence(last, "AddI64", cond))
		}
	}
	// A value made ready in front of something that has nothing to do with
	// it: compilers put results and arguments early.
	for _, first := range []string{"MovI64", "MovI32", "AddR32", "XorR32"} {
		for _, next := range []string{"AndI32", "AndI64", "LdB", "LdH", "LdW", "LdD", "MovR64", "MovR32", "AddR64"} {
			if first[:3] == "Mov" || next[:2] == "Ld" {
				all = append(all, j.sequence(first, next))
			}
		}
	}
	// Bits that are tested.
	for _, bits := range []string{"32", "64"} {
		for _, first := range []string{"MovR" + bits, "LdB", "LdH", "LdW", "MovI64"} {
			for _, cond := range []string{"JeqI", "JneI"} {
				all = append(all, j.sequence(first, "AndI"+bits, cond+bits))
			}
		}
	}
	// Loads of neighbours, and what is summed up of them.
	for _, x := range []string{"LdB", "LdH", "LdW", "LdD"} {
		for _, y := range []string{"AddR32", "AddR64", "XorR32", "XorR64", "OrR64"} {
			all = append(all, j.sequence(x, x, y))
			if y != "AddR32" {
				all = append(all, j.sequence(x, y))
			}
		}
	}
	runs := []string{"Add", "Or", "Xor", "And", "Lsh", "Rsh", "Mul", "Mov"}
	for _, bits := range []string{"64", "32"} {
		for _, a := range runs {
			for _, b := range runs {
				for _, pair := range [][2]string{{"I", "I"}, {"I", "R"}, {"R", "I"}, {"R", "R"}} {
					x, y := a+pair[0]+bits, b+pair[1]+bits
					if x == "MovR"+bits && b != "Mov" {
						continue // dst = src OP operand has its own
					}
					all = append(all, j.sequence(x, y))
				}
			}
		}
	}
	for _, s := range sizes {
		all = append(all, j.sequence("AddR64", "Ld"+s.letter), j.sequence("MovR64", "AddR64", "Ld"+s.letter),
			j.sequence("Ld"+s.letter, "Ld"+s.letter), j.sequence("Ld"+s.letter, "AddR32"), j.sequence("AddI64", "Ld"+s.letter))
	}
	return all
}
