package isa

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/facts"
)

// String is the instruction as the kernel's verifier writes it, with two
// additions: symbolic references stand under their names (`r1 = map[counts]`),
// and what Check refuses is `.8byte` with the slots as little-endian numbers.
func (i Instruction) String() string { return string(i.appendText(nil, "")) }

// appendText appends the text; target is the name of the label that a jump
// or call leads to, or "" for a distance.
func (i Instruction) appendText(b []byte, target string) []byte {
	if i.Check() != nil || i.Op == OpCall && i.Src == CallKfunc && i.Off != 0 {
		return i.appendRaw(b)
	}
	switch i.Op.Form() {
	case facts.FormALUImm, facts.FormALUReg, facts.FormNeg, facts.FormSwap:
		return i.appendALU(b)
	case facts.FormWide:
		return i.appendWide(b, target)
	case facts.FormAbs:
		return fmt.Appendf(b, "r0 = *(%s *)skb[%d]", i.memType(), i.Imm)
	case facts.FormInd:
		return fmt.Appendf(b, "r0 = *(%s *)skb[%s + %d]", i.memType(), i.Src, i.Imm)
	case facts.FormLoad:
		return fmt.Appendf(b, "%s = *(%s *)(%s %+d)", i.Dst, i.memType(), i.Src, i.Off)
	case facts.FormStoreReg:
		return fmt.Appendf(b, "*(%s *)(%s %+d) = %s", i.memType(), i.Dst, i.Off, i.Src)
	case facts.FormStoreImm:
		return fmt.Appendf(b, "*(%s *)(%s %+d) = %d", i.memType(), i.Dst, i.Off, i.Imm)
	case facts.FormAtomic:
		return i.appendAtomic(b)
	case facts.FormCall:
		return i.appendCall(b, target)
	case facts.FormCallReg:
		return fmt.Appendf(b, "callx %s", i.Dst)
	case facts.FormExit:
		return append(b, "exit"...)
	}
	return i.appendJump(b, target)
}

func (i Instruction) appendRaw(b []byte) []byte {
	enc, err := Encode(nil, []Instruction{i}, binary.LittleEndian)
	if err != nil {
		return fmt.Appendf(b, "; %s", err)
	}
	sep := ".8byte "
	for at := 0; at < len(enc); at += 8 {
		b = fmt.Appendf(b, "%s%#016x", sep, binary.LittleEndian.Uint64(enc[at:]))
		sep = ", "
	}
	return b
}

// aluSign is the operator of each arithmetic operation.
var aluSign = map[Op]string{
	Add: "+=", Sub: "-=", Mul: "*=", Div: "/=", Or: "|=", And: "&=", Lsh: "<<=", Rsh: ">>=",
	Mod: "%=", Xor: "^=", Mov: "=", Arsh: "s>>=",
}

func (i Instruction) reg(r Reg) string {
	if i.Op.Class() == ClassALU32 || i.Op.Class() == ClassJMP32 {
		return "w" + strconv.Itoa(int(r))
	}
	return r.String()
}

func (i Instruction) appendALU(b []byte) []byte {
	dst := i.reg(i.Dst)
	switch op := i.Op.Operation(); {
	case op == Neg:
		return fmt.Appendf(b, "%s = -%s", dst, dst)
	case op == End:
		name := "bswap"
		if i.Op == OpToLE {
			name = "le"
		} else if i.Op == OpToBE {
			name = "be"
		}
		return fmt.Appendf(b, "%s = %s%d %s", i.Dst, name, i.Imm, i.Dst)
	case op == Mov && i.Off == AddrSpaceCast:
		return fmt.Appendf(b, "%s = addr_space_cast(%s, %d, %d)", dst, i.reg(i.Src), uint32(i.Imm)>>16, uint16(i.Imm))
	case op == Mov && i.Off != 0:
		return fmt.Appendf(b, "%s = (s%d)%s", dst, i.Off, i.reg(i.Src))
	default:
		sign := aluSign[op]
		if i.Off != 0 {
			sign = "s" + sign
		}
		if i.Op.FromReg() {
			return fmt.Appendf(b, "%s %s %s", dst, sign, i.reg(i.Src))
		}
		return fmt.Appendf(b, "%s %s %d", dst, sign, i.Imm)
	}
}

func (i Instruction) memType() string {
	sign := byte('u')
	if i.Op.Mode() == ModeMEMSX {
		sign = 's'
	}
	return fmt.Sprintf("%c%d", sign, i.Op.Width()*8)
}

func (i Instruction) appendWide(b []byte, target string) []byte {
	b = append(b, i.Dst.String()+" = "...)
	low, high := uint32(i.Imm), uint32(i.Imm>>32)
	switch {
	case i.Ref.Kind != RefNone:
		b = append(b, refWords[i.Ref.Kind]...)
		b = append(b, '[')
		b = append(b, i.Ref.Name...)
		b = append(b, ']')
		if i.Ref.Kind == RefMapValue {
			b = append(b, "[0]"...)
		}
		if i.Ref.Kind == RefMapValue || high != 0 {
			b = fmt.Appendf(b, "+%d", high)
		}
		return b
	case i.Src == WideMapFD:
		b = fmt.Appendf(b, "map[fd:%d]", low)
	case i.Src == WideMapValue:
		return fmt.Appendf(b, "map[fd:%d][0]+%d", low, high)
	case i.Src == WideBTFID:
		b = fmt.Appendf(b, "btf[id:%d]", low)
	case i.Src == WideFunc:
		if target != "" && high == 0 {
			return fmt.Appendf(b, "func[%s]", target)
		}
		b = fmt.Appendf(b, "subprog[%+d]", int32(low))
	case i.Src == WideMapIdx:
		b = fmt.Appendf(b, "map[idx:%d]", low)
	case i.Src == WideMapIdxValue:
		return fmt.Appendf(b, "map[idx:%d][0]+%d", low, high)
	default:
		return fmt.Appendf(b, "%#x", uint64(i.Imm))
	}
	if high != 0 {
		b = fmt.Appendf(b, "+%d", high)
	}
	return b
}

// refWords is what stands before the brackets of a reference.
var refWords = [...]string{
	RefMap: "map", RefMapValue: "map", RefData: "data", RefFunc: "func", RefKfunc: "kfunc", RefKsym: "ksym",
}

// atomicVerbs are the operations that return the old value.
var atomicVerbs = map[int64]string{
	AtomicAdd | AtomicFetch: "fetch_add", AtomicOr | AtomicFetch: "fetch_or",
	AtomicAnd | AtomicFetch: "fetch_and", AtomicXor | AtomicFetch: "fetch_xor", AtomicXchg: "xchg",
}

func (i Instruction) appendAtomic(b []byte) []byte {
	mem := fmt.Sprintf("(%s *)(%s %+d)", i.memType(), i.Dst, i.Off)
	prefix := "atomic"
	if i.Op.Width() == 8 {
		prefix = "atomic64"
	}
	switch i.Imm {
	case LoadAcquire:
		return fmt.Appendf(b, "%s = load_acquire((%s *)(%s %+d))", i.Dst, i.memType(), i.Src, i.Off)
	case StoreRelease:
		return fmt.Appendf(b, "store_release(%s, %s)", mem, i.Src)
	case AtomicCmpXchg:
		return fmt.Appendf(b, "r0 = %s_cmpxchg(%s, r0, %s)", prefix, mem, i.Src)
	}
	if verb, ok := atomicVerbs[i.Imm]; ok {
		return fmt.Appendf(b, "%s = %s_%s(%s, %s)", i.Src, prefix, verb, mem, i.Src)
	}
	return fmt.Appendf(b, "lock *%s %s %s", mem, aluSign[Op(i.Imm)], i.Src)
}

func (i Instruction) appendCall(b []byte, target string) []byte {
	b = append(b, "call "...)
	switch {
	case i.Ref.Kind != RefNone:
		return fmt.Appendf(b, "%s[%s]", refWords[i.Ref.Kind], i.Ref.Name)
	case i.Src == CallFunc && target != "":
		return append(b, target...)
	case i.Src == CallFunc:
		return fmt.Appendf(b, "pc%+d", i.Imm)
	case i.Src == CallKfunc:
		return fmt.Appendf(b, "kernel-function#%d", i.Imm)
	}
	if h, ok := facts.HelperByNumber(uint32(i.Imm)); ok {
		return fmt.Appendf(b, "bpf_%s#%d", h.Name, i.Imm)
	}
	return fmt.Appendf(b, "unknown#%d", i.Imm)
}

// jumpSign is the operator of each comparison.
var jumpSign = map[Op]string{
	JEq: "==", JGt: ">", JGe: ">=", JSet: "&", JNe: "!=", JSGt: "s>", JSGe: "s>=",
	JLt: "<", JLe: "<=", JSLt: "s<", JSLe: "s<=",
}

func (i Instruction) appendJump(b []byte, target string) []byte {
	off, _ := i.Target()
	if target == "" {
		target = fmt.Sprintf("pc%+d", off)
	}
	switch i.Op {
	case OpGoto:
		return fmt.Appendf(b, "goto %s", target)
	case OpGotoLong:
		return fmt.Appendf(b, "gotol %s", target)
	case OpMayGoto:
		return fmt.Appendf(b, "may_goto %s", target)
	}
	if i.Op.FromReg() {
		return fmt.Appendf(b, "if %s %s %s goto %s", i.reg(i.Dst), jumpSign[i.Op.Operation()], i.reg(i.Src), target)
	}
	return fmt.Appendf(b, "if %s %s %#x goto %s", i.reg(i.Dst), jumpSign[i.Op.Operation()], uint32(i.Imm), target)
}

// Style says what Fprint writes around the instructions.
type Style struct {
	// Bare leaves out the slot numbers and opcode bytes that the verifier
	// and bpftool put in front.
	Bare bool
	// Labels names jump targets (`L7:`) instead of writing distances.
	Labels bool
	// Source writes each source line before the first instruction made
	// from it, as a comment.
	Source bool
}

// Fprint writes one instruction a line. Assemble reads every style back.
func Fprint(w io.Writer, insns []Instruction, s Style) error {
	var labels map[int]string
	if s.Labels {
		labels = labelTargets(insns)
	}
	slot, line := 0, ""
	var b []byte
	for i := range insns {
		in := &insns[i]
		b = b[:0]
		if name := labels[slot]; name != "" {
			b = append(b, name+":\n"...)
		}
		if s.Source {
			b, line = appendSource(b, in, line)
		}
		target := ""
		if off, ok := in.Target(); ok {
			// The distance counts from the next slot, for lddw as well.
			target = labels[slot+1+off]
		}
		if s.Bare {
			b = append(b, '\t')
		} else {
			b = fmt.Appendf(b, "%4d: (%02x) ", slot, uint8(in.Op))
		}
		b = append(in.appendText(b, target), '\n')
		if _, err := w.Write(b); err != nil {
			return err
		}
		slot += in.Slots()
	}
	if name := labels[slot]; name != "" {
		_, err := fmt.Fprintf(w, "%s:\n", name)
		return err
	}
	return nil
}

func appendSource(b []byte, in *Instruction, last string) ([]byte, string) {
	if !in.Span.IsValid() {
		return b, last
	}
	n, _ := in.Span.File.Position(in.Span.Start)
	at := fmt.Sprintf("%s:%d", in.Span.File.Name, n)
	if at == last {
		return b, last
	}
	return fmt.Appendf(b, "; %s @ %s\n", strings.TrimSpace(in.Span.File.Line(n)), at), at
}

// labelTargets names every slot that starts an instruction and that a jump
// or call leads to. A distance to anywhere else stays a distance.
func labelTargets(insns []Instruction) map[int]string {
	starts := map[int]bool{}
	slot := 0
	for i := range insns {
		starts[slot] = true
		slot += insns[i].Slots()
	}
	starts[slot] = true
	labels := map[int]string{}
	slot = 0
	for i := range insns {
		if off, ok := insns[i].Target(); ok && insns[i].Check() == nil && starts[slot+1+off] {
			labels[slot+1+off] = fmt.Sprintf("L%d", slot+1+off)
		}
		slot += insns[i].Slots()
	}
	return labels
}
