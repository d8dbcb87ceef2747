package isa

import (
	"math"
	"strconv"
	"strings"
)

// operand is a register.
type operand struct {
	reg    Reg
	narrow bool // written w3, the low 32 bits
	tok    token
}

// parseReg reads "r3" or "w3".
func parseReg(text string) (r Reg, narrow, ok bool) {
	if len(text) < 2 || text[0] != 'r' && text[0] != 'w' || text[1] == '0' && len(text) > 2 {
		return 0, false, false
	}
	n, err := strconv.ParseUint(text[1:], 10, 8)
	return Reg(n), text[0] == 'w', err == nil && Reg(n) <= R10
}

func (a *assembler) isReg() bool {
	_, _, ok := parseReg(a.peek().text)
	return ok && a.peek().kind == tokWord
}

func (a *assembler) register() operand {
	t := a.next()
	r, narrow, ok := parseReg(t.text)
	if !ok {
		a.fail(t, "%s where a register should stand", describe(t))
	}
	return operand{r, narrow, t}
}

// like reads a register of the same width as another one.
func (a *assembler) like(o operand) Reg {
	r := a.register()
	if r.narrow != o.narrow {
		a.fail(r.tok, "%s and %s are of different widths", o.tok.text, r.tok.text)
	}
	return r.reg
}

// number is an integer as written.
type number struct {
	neg bool
	mag uint64
	hex bool
	tok token
}

func (a *assembler) isNumber() bool {
	t := a.peek()
	return t.kind == tokNumber || (t.text == "-" || t.text == "+") && a.toks[a.pos+1].kind == tokNumber
}

func (a *assembler) number() number {
	n := number{tok: a.peek()}
	if !a.accept("+") {
		n.neg = a.accept("-")
	}
	t := a.next()
	if t.kind != tokNumber {
		a.fail(t, "%s where a number should stand", describe(t))
	}
	n.hex = strings.HasPrefix(t.text, "0x") || strings.HasPrefix(t.text, "0X")
	var err error
	if n.hex {
		n.mag, err = strconv.ParseUint(t.text[2:], 16, 64)
	} else {
		n.mag, err = strconv.ParseUint(t.text, 10, 64)
	}
	if err != nil || n.neg && n.mag > 1<<63 {
		a.fail(t, "%s is not a number of at most 64 bits", t.text)
	}
	n.tok.end = t.end
	return n
}

// bits returns the number as 64 bits.
func (n number) bits() int64 {
	if n.neg {
		return -int64(n.mag)
	}
	return int64(n.mag)
}

// signed returns the number as a signed one of the given width in bits. When
// wrap is set, an unsigned number of that width stands for the same bits.
func (a *assembler) signed(n number, width uint, wrap bool) int64 {
	limit := uint64(1) << (width - 1)
	switch {
	case n.neg && n.mag <= limit, !n.neg && n.mag < limit:
		return n.bits()
	case wrap && !n.neg && n.mag < limit<<1:
		return int64(n.mag<<(64-width)) >> (64 - width)
	}
	a.errs.Errorf(CodeRange, a.span(n.tok), "%d doesn't fit %d bits with a sign", n.bits(), width)
	panic(failed{})
}

// unsigned32 reads a number of 32 bits without a sign.
func (a *assembler) unsigned32() int64 {
	n := a.number()
	if n.neg || n.mag > math.MaxUint32 {
		a.errs.Errorf(CodeRange, a.span(n.tok), "number doesn't fit 32 bits without a sign")
		panic(failed{})
	}
	return int64(n.mag)
}

// memSize reads "u32" and the like.
func (a *assembler) memSize() (size Op, signed bool, tok token) {
	t := a.next()
	signed = strings.HasPrefix(t.text, "s")
	if signed || strings.HasPrefix(t.text, "u") {
		switch t.text[1:] {
		case "8":
			return SizeB, signed, t
		case "16":
			return SizeH, signed, t
		case "32":
			return SizeW, signed, t
		case "64":
			if !signed {
				return SizeDW, signed, t
			}
		}
	}
	a.fail(t, "%s where a size (u8, u16, u32, u64, s8, s16, s32) should stand", describe(t))
	return 0, false, t
}

// place is a memory operand such as `(u32 *)(r1 +4)`.
type place struct {
	size   Op
	signed bool
	base   Reg
	off    int16
}

// place reads a memory operand from its opening parenthesis on.
func (a *assembler) place() place {
	var p place
	a.expect("(")
	p.size, p.signed, _ = a.memSize()
	a.expect("*", ")")
	p.base, p.off = a.address()
	return p
}

// address reads `(r1 +4)`.
func (a *assembler) address() (Reg, int16) {
	a.expect("(")
	base := a.register()
	if base.narrow {
		a.fail(base.tok, "an address has 64 bits: write r%d", base.reg)
	}
	off := a.displacement(16)
	a.expect(")")
	return base.reg, int16(off)
}

// displacement reads what may follow a base register: `+4`, `- 4` or `+ -4`.
func (a *assembler) displacement(width uint) int64 {
	if a.peek().text == "+" && a.toks[a.pos+1].text == "-" {
		a.next()
	}
	if !a.isNumber() {
		return 0
	}
	return a.signed(a.number(), width, false)
}

// value reads the register of a memory operation; w3 may stand for r3 when at
// most 32 bits are moved.
func (a *assembler) value(size Op) Reg {
	r := a.register()
	if r.narrow && size == SizeDW {
		a.fail(r.tok, "64 bits don't fit %s", r.tok.text)
	}
	return r.reg
}

// bracket reads `[name]`.
func (a *assembler) bracket() string {
	a.expect("[")
	t := a.next()
	if t.kind != tokWord {
		a.fail(t, "%s where a name should stand", describe(t))
	}
	a.expect("]")
	return t.text
}
