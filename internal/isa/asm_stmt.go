package isa

import (
	"strings"

	"github.com/skep-dev/skep/internal/facts"
)

// statement reads one instruction.
func (a *assembler) statement() Instruction {
	t := a.peek()
	if a.isReg() {
		return a.assignment()
	}
	switch t.text {
	case "*":
		return a.store()
	}
	a.next()
	switch t.text {
	case "exit":
		return Return()
	case "goto", "may_goto":
		in := Instruction{Op: OpGoto}
		if t.text == "may_goto" {
			in.Op = OpMayGoto
		}
		in.Off = int16(a.target(16))
		return in
	case "gotol":
		return Instruction{Op: OpGotoLong, Imm: a.target(32)}
	case "if":
		return a.branch()
	case "call":
		return a.call()
	case "callx":
		r := a.register()
		if r.narrow {
			a.fail(r.tok, "an address has 64 bits: write r%d", r.reg)
		}
		return Instruction{Op: OpCallReg, Dst: r.reg}
	case "lock":
		return a.lock()
	case "store_release":
		a.expect("(")
		p := a.place()
		a.expect(",")
		r := a.value(p.size)
		a.expect(")")
		return Instruction{Op: ClassSTX | ModeAtomic | p.size, Dst: p.base, Src: r, Off: p.off, Imm: StoreRelease}
	}
	a.fail(t, "%s where an instruction should stand", describe(t))
	return Instruction{}
}

// raw reads `.8byte` with any slots, so that what is no instruction can be
// written too.
func (a *assembler) raw() {
	a.next()
	var code []uint64
	for {
		n := a.number()
		code = append(code, uint64(n.bits()))
		if !a.accept(",") {
			break
		}
	}
	if t := a.peek(); t.kind != tokEnd {
		a.fail(t, "unexpected %q after the slots", t.text)
	}
	insns, err := fromSlots(code)
	if err != nil {
		a.fail(a.toks[0], "%s", err)
	}
	for _, in := range insns {
		in.Span = a.span(a.toks[0])
		a.emit(in)
	}
}

// target reads where a jump leads: a distance or a label.
func (a *assembler) target(width uint) int64 {
	t := a.peek()
	if t.text == "pc" && a.toks[a.pos+1].kind == tokSign {
		a.next()
	}
	if a.isNumber() {
		return a.signed(a.number(), width, false)
	}
	if t.kind != tokWord {
		a.fail(t, "%s where a label or a distance should stand", describe(t))
	}
	a.refer(a.next())
	return 0
}

func (a *assembler) branch() Instruction {
	dst := a.register()
	t := a.next()
	for op, sign := range jumpSign {
		if sign != t.text {
			continue
		}
		in := Instruction{Op: ClassJMP | op, Dst: dst.reg}
		if dst.narrow {
			in.Op = ClassJMP32 | op
		}
		if a.isReg() {
			in.Op |= SrcReg
			in.Src = a.like(dst)
		} else {
			n := a.number()
			in.Imm = a.signed(n, 32, dst.narrow || n.hex)
		}
		a.expect("goto")
		in.Off = int16(a.target(16))
		return in
	}
	a.fail(t, "%s where a comparison should stand", describe(t))
	return Instruction{}
}

func (a *assembler) call() Instruction {
	t := a.peek()
	in := Instruction{Op: OpCall}
	switch {
	case t.kind == tokNumber:
		in.Imm = a.signed(a.number(), 32, true)
		return in
	case t.kind == tokSign, t.text == "pc" && a.toks[a.pos+1].kind == tokSign:
		in.Src, in.Imm = CallFunc, a.target(32)
		return in
	case t.kind != tokWord:
		a.fail(t, "%s where a function should stand", describe(t))
	}
	a.next()
	switch {
	case t.text == "func" && a.peek().text == "[":
		in.Src, in.Ref = CallFunc, Ref{RefFunc, a.bracket()}
		return in
	case t.text == "kfunc" && a.peek().text == "[":
		in.Src, in.Ref = CallKfunc, Ref{RefKfunc, a.bracket()}
		return in
	case t.text == "kernel" && a.accept("-"):
		a.expect("function", "#")
		in.Src, in.Imm = CallKfunc, a.signed(a.number(), 32, true)
		return in
	case a.accept("#"):
		in.Imm = a.signed(a.number(), 32, true)
		return in
	}
	if h, ok := facts.HelperByName(t.text); ok {
		in.Imm = int64(h.Number)
		return in
	}
	a.refer(t)
	in.Src = CallFunc
	return in
}

// lock reads `lock *(u64 *)(r1 +0) += r2` after its first word.
func (a *assembler) lock() Instruction {
	a.expect("*")
	p := a.place()
	t := a.next()
	in := Instruction{Op: ClassSTX | ModeAtomic | p.size, Dst: p.base, Off: p.off}
	switch t.text {
	case "+=":
		in.Imm = AtomicAdd
	case "|=":
		in.Imm = AtomicOr
	case "&=":
		in.Imm = AtomicAnd
	case "^=":
		in.Imm = AtomicXor
	default:
		a.fail(t, "%s where +=, |=, &= or ^= should stand", describe(t))
	}
	in.Src = a.value(p.size)
	return in
}

// store reads `*(u32 *)(r10 -4) = r1` or `... = 5`.
func (a *assembler) store() Instruction {
	a.expect("*")
	p := a.place()
	a.expect("=")
	if p.signed {
		a.fail(a.toks[a.pos-1], "a store has no sign: write u")
	}
	in := Instruction{Op: ClassSTX | ModeMEM | p.size, Dst: p.base, Off: p.off}
	if a.isReg() {
		in.Src = a.value(p.size)
		return in
	}
	in.Op = ClassST | ModeMEM | p.size
	in.Imm = a.signed(a.number(), 32, p.size != SizeDW)
	return in
}

// assignment reads what starts with a register.
func (a *assembler) assignment() Instruction {
	dst := a.register()
	class := ClassALU64
	if dst.narrow {
		class = ClassALU32
	}
	t := a.next()
	if t.text == "=" {
		return a.move(dst, class)
	}
	off := int16(0)
	sign := t.text
	if sign == "s/=" || sign == "s%=" {
		off, sign = 1, sign[1:]
	}
	for op, s := range aluSign {
		if s != sign {
			continue
		}
		in := Instruction{Op: class | op, Dst: dst.reg, Off: off}
		if a.isReg() {
			in.Op |= SrcReg
			in.Src = a.like(dst)
		} else {
			in.Imm = a.signed(a.number(), 32, dst.narrow)
		}
		return in
	}
	a.fail(t, "%s where an assignment should stand", describe(t))
	return Instruction{}
}

// move reads what follows `r1 =`.
func (a *assembler) move(dst operand, class Op) Instruction {
	t := a.peek()
	switch {
	case a.isReg():
		return Instruction{Op: class | Mov | SrcReg, Dst: dst.reg, Src: a.like(dst)}
	case a.isNumber():
		return a.moveNumber(dst, class)
	case t.text == "-":
		a.next()
		if r := a.peek(); a.like(dst) != dst.reg {
			a.fail(r, "negation is in place: write %s = -%s", dst.tok.text, dst.tok.text)
		}
		return Instruction{Op: class | Neg, Dst: dst.reg}
	case t.text == "*":
		return a.load(dst)
	case t.text == "(":
		a.next()
		size, signed, tok := a.memSize()
		if !signed {
			a.fail(tok, "only signed extensions are instructions")
		}
		a.expect(")")
		return Instruction{Op: class | Mov | SrcReg, Dst: dst.reg, Src: a.like(dst), Off: int16(size.Width() * 8)}
	case t.kind != tokWord:
		a.fail(t, "%s where a value should stand", describe(t))
	}
	return a.moveWord(dst)
}

func (a *assembler) moveNumber(dst operand, class Op) Instruction {
	n := a.number()
	if long := a.accept("ll"); (long || n.hex) && !dst.narrow {
		return LoadImm64(dst.reg, n.bits())
	}
	return Instruction{Op: class | Mov, Dst: dst.reg, Imm: a.signed(n, 32, dst.narrow)}
}

// load reads `*(u32 *)(r1 +4)` or `*(u32 *)skb[...]`.
func (a *assembler) load(dst operand) Instruction {
	a.expect("*", "(")
	size, signed, tok := a.memSize()
	if dst.narrow && (signed || size == SizeDW) {
		a.fail(tok, "the load fills 64 bits: write r%d", dst.reg)
	}
	a.expect("*", ")")
	if a.accept("skb") {
		return a.packetLoad(dst, size)
	}
	base, off := a.address()
	in := Load(size.Width(), dst.reg, base, off)
	if signed {
		in.Op = in.Op&^(ModeMEM) | ModeMEMSX
	}
	return in
}

func (a *assembler) packetLoad(dst operand, size Op) Instruction {
	if dst.reg != R0 {
		a.fail(dst.tok, "loads from a packet go to r0")
	}
	in := Instruction{Op: ClassLD | ModeABS | size}
	a.expect("[")
	if a.isReg() {
		r := a.register()
		in.Op, in.Src = ClassLD|ModeIND|size, r.reg
		in.Imm = a.displacement(32)
	} else {
		in.Imm = a.signed(a.number(), 32, false)
	}
	a.expect("]")
	return in
}

// moveWord reads a value that starts with a word: byte swaps, atomics,
// references.
func (a *assembler) moveWord(dst operand) Instruction {
	t := a.next()
	if swap, ok := swaps[t.text]; ok {
		r := a.register()
		if r.reg != dst.reg {
			a.fail(r.tok, "byte swaps are in place: write %s", dst.tok.text)
		}
		return Instruction{Op: swap.op, Dst: dst.reg, Imm: swap.bits}
	}
	switch {
	case t.text == "addr_space_cast":
		return a.addrSpaceCast(dst)
	case t.text == "load_acquire":
		a.expect("(")
		p := a.place()
		a.expect(")")
		return Instruction{Op: ClassSTX | ModeAtomic | p.size, Dst: dst.reg, Src: p.base, Off: p.off, Imm: LoadAcquire}
	case strings.HasPrefix(t.text, "atomic"):
		return a.atomic(dst, t)
	case dst.narrow:
		a.fail(dst.tok, "an address has 64 bits: write r%d", dst.reg)
	}
	return a.reference(dst.reg, t)
}

var swaps = map[string]struct {
	op   Op
	bits int64
}{
	"le16": {OpToLE, 16}, "le32": {OpToLE, 32}, "le64": {OpToLE, 64},
	"be16": {OpToBE, 16}, "be32": {OpToBE, 32}, "be64": {OpToBE, 64},
	"bswap16": {OpSwap, 16}, "bswap32": {OpSwap, 32}, "bswap64": {OpSwap, 64},
}

func (a *assembler) addrSpaceCast(dst operand) Instruction {
	a.expect("(")
	src := a.like(dst)
	a.expect(",")
	to := a.number()
	a.expect(",")
	from := a.number()
	a.expect(")")
	if to.neg || to.mag > 0xffff || from.neg || from.mag > 0xffff {
		a.fail(to.tok, "address spaces have 16 bits")
	}
	imm := int64(int32(uint32(to.mag)<<16 | uint32(from.mag)))
	return Instruction{Op: ClassALU64 | Mov | SrcReg, Dst: dst.reg, Src: src, Off: AddrSpaceCast, Imm: imm}
}

// atomic reads `atomic64_fetch_add((u64 *)(r1 +0), r2)` and its kin.
func (a *assembler) atomic(dst operand, t token) Instruction {
	verb, wide := strings.CutPrefix(t.text, "atomic64_")
	if !wide {
		verb = strings.TrimPrefix(t.text, "atomic_")
	}
	a.expect("(")
	p := a.place()
	in := Instruction{Op: ClassSTX | ModeAtomic | p.size, Dst: p.base, Off: p.off}
	if wide != (p.size == SizeDW) {
		a.fail(t, "%s doesn't fit the width of its memory", t.text)
	}
	a.expect(",")
	if verb == "cmpxchg" {
		if r := a.register(); r.reg != R0 || dst.reg != R0 {
			a.fail(r.tok, "cmpxchg expects and returns values in r0")
		}
		a.expect(",")
		in.Src, in.Imm = a.value(p.size), AtomicCmpXchg
		a.expect(")")
		return in
	}
	for imm, v := range atomicVerbs {
		if v == verb {
			in.Imm = imm
		}
	}
	if in.Imm == 0 {
		a.fail(t, "unknown atomic operation %s", t.text)
	}
	in.Src = a.value(p.size)
	if in.Src != dst.reg {
		a.fail(dst.tok, "the old value goes to r%d, where the operand is", in.Src)
	}
	a.expect(")")
	return in
}

// reference reads `map[name]`, `data[name]+8` and the like after the word.
func (a *assembler) reference(dst Reg, t token) Instruction {
	in := Instruction{Op: OpLoadImm64, Dst: dst}
	a.expect("[")
	switch word, arg := t.text, a.peek().text; {
	case word == "subprog":
		in.Src, in.Imm = WideFunc, int64(uint32(a.signed(a.number(), 32, false)))
		a.expect("]")
	case word == "map" && (arg == "fd" || arg == "id" || arg == "idx") && a.toks[a.pos+1].text == ":",
		word == "btf" && arg == "id" && a.toks[a.pos+1].text == ":":
		a.pos += 2
		in.Src = WideMapFD
		if word == "btf" {
			in.Src = WideBTFID
		} else if arg == "idx" {
			in.Src = WideMapIdx
		}
		in.Imm = a.unsigned32()
		a.expect("]")
	default:
		a.pos--
		a.named(&in, t)
	}
	if t.text == "map" && a.accept("[") {
		zero := a.number()
		a.expect("]")
		if zero.mag != 0 {
			a.fail(zero.tok, "only element 0 has a direct address")
		}
		switch {
		case in.Ref.Kind == RefMap:
			in.Ref.Kind, in.Src = RefMapValue, WideMapValue
		case in.Src == WideMapFD:
			in.Src = WideMapValue
		case in.Src == WideMapIdx:
			in.Src = WideMapIdxValue
		}
	}
	if a.accept("+") {
		in.Imm |= a.unsigned32() << 32
	}
	return in
}

func (a *assembler) named(in *Instruction, t token) {
	in.Ref.Name = a.bracket()
	switch t.text {
	case "map":
		in.Ref.Kind, in.Src = RefMap, WideMapFD
	case "data":
		in.Ref.Kind, in.Src = RefData, WideMapValue
	case "ksym":
		in.Ref.Kind, in.Src = RefKsym, WideBTFID
	case "kfunc": // its address, to see whether there is one
		in.Ref.Kind, in.Src = RefKfunc, WideBTFID
	case "func":
		in.Ref.Kind, in.Src = RefFunc, WideFunc
	default:
		a.fail(t, "unknown value %s", t.text)
	}
}
