package inspect

import (
	"encoding/binary"
	"fmt"

	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/isa"
)

// XlatedInsn is an instruction as the kernel runs or compiles it, after the
// verifier has rewritten the program.
type XlatedInsn struct {
	Slot  int    // number of its first 8 bytes
	Bytes []byte // 8 or 16
	Text  string // with the opcode byte in front, as the verifier writes it
	// Proto is set where a function begins, and Line where the code of a
	// source line does.
	Proto string
	Line  *SourceLine

	// Jump is the slot that a jump leads to, -1 for no jump; Falls says
	// whether the next instruction may follow.
	Jump  int
	Falls bool
}

// SourceLine is a line of a program's source.
type SourceLine struct {
	Text, File   string
	Line, Column uint32
}

// Translated reads a program's rewritten instructions and describes them. b is
// the program's BTF or nil, syms the kernel's symbols.
func (c *Code) Translated(b *btfraw.BTF, syms *KernelSymbols) ([]XlatedInsn, error) {
	var out []XlatedInsn
	funcs, lines := c.Funcs, c.Lines
	for at := 0; at < len(c.Xlated); {
		n := 8
		if isa.Op(c.Xlated[at]) == isa.OpLoadImm64 {
			n = 16
		}
		if at+n > len(c.Xlated) {
			return nil, fmt.Errorf("the translated program ends within instruction %d", at/8)
		}
		in := XlatedInsn{Slot: at / 8, Bytes: c.Xlated[at : at+n], Jump: -1, Falls: true}
		for len(funcs) > 0 && int(funcs[0].Insn) <= in.Slot {
			if b != nil && int(funcs[0].Insn) == in.Slot {
				in.Proto = b.Signature(funcs[0].TypeID)
			}
			funcs = funcs[1:]
		}
		for len(lines) > 0 && int(lines[0].Insn) <= in.Slot {
			if b != nil && int(lines[0].Insn) == in.Slot {
				in.Line = sourceLine(b, lines[0])
			}
			lines = lines[1:]
		}
		c.describe(&in, syms)
		out = append(out, in)
		at += n
	}
	return out, nil
}

func sourceLine(b *btfraw.BTF, l LineInfo) *SourceLine {
	return &SourceLine{Text: b.String(l.Text), File: b.String(l.File), Line: l.Line, Column: l.Column}
}

// Opcodes that only rewritten programs have; they are no interface of the
// kernel, but what its own tools show.
const (
	opSpeculationBarrier = 0xc2
	percpuOffset         = -1
)

// describe gives an instruction its text, with what the kernel has put into
// its fields.
func (c *Code) describe(in *XlatedInsn, syms *KernelSymbols) {
	op := isa.Op(in.Bytes[0])
	dst, src := in.Bytes[1]&15, in.Bytes[1]>>4
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		dst, src = src, dst
	}
	off := int16(binary.NativeEndian.Uint16(in.Bytes[2:]))
	imm := int32(binary.NativeEndian.Uint32(in.Bytes[4:]))
	text := ""
	switch {
	case op == isa.OpLoadImm64:
		text = wideText(dst, src, imm, int32(binary.NativeEndian.Uint32(in.Bytes[12:])))
	case op == isa.OpCall:
		text = c.callText(src, off, imm, syms)
	case op == opSpeculationBarrier:
		text = "nospec"
	case op == isa.ClassALU64|isa.Mov|isa.SrcReg && off == percpuOffset:
		text = fmt.Sprintf("r%d = &(void __percpu *)(r%d)", dst, src)
	default:
		text = plainText(in.Bytes, op)
	}
	in.Text = fmt.Sprintf("(%02x) %s", uint8(op), text)
	in.follow(op, off, imm)
}

// plainText is the text of an instruction that is as in any program, but for a
// mark that the verifier leaves in zero extensions.
func plainText(b []byte, op isa.Op) string {
	const zeroExtends = isa.ClassALU32 | isa.Mov | isa.SrcReg
	raw := [8]byte(b)
	if op == zeroExtends {
		clear(raw[4:])
	}
	insns, err := isa.Decode(raw[:], binary.NativeEndian)
	if err != nil || len(insns) != 1 {
		return fmt.Sprintf(".8byte %#016x", binary.NativeEndian.Uint64(b))
	}
	return insns[0].String()
}

func wideText(dst, src byte, low, high int32) string {
	switch src {
	case isa.WideMapFD:
		return fmt.Sprintf("r%d = map[id:%d]", dst, uint32(low))
	case isa.WideMapValue:
		return fmt.Sprintf("r%d = map[id:%d][0]+%d", dst, uint32(low), uint32(high))
	case isa.WideMapIdxValue:
		return fmt.Sprintf("r%d = map[idx:%d]+%d", dst, uint32(low), uint32(high))
	case isa.WideFunc:
		return fmt.Sprintf("r%d = subprog[%+d]", dst, low)
	}
	return fmt.Sprintf("r%d = %#x", dst, uint64(uint32(high))<<32|uint64(uint32(low)))
}

// callText names what is called. A call of the program's own function has its
// number in the immediate and the distance in the offset; any other leads to
// a kernel function so many bytes behind a base.
func (c *Code) callText(src byte, off int16, imm int32, syms *KernelSymbols) string {
	if src == isa.CallFunc {
		if int(imm) < 0 || int(imm) >= len(c.Addresses) || c.Addresses[imm] == 0 {
			return fmt.Sprintf("call pc%+d", off)
		}
		if name, _, ok := syms.At(c.Addresses[imm]); ok {
			return fmt.Sprintf("call pc%+d#%s", off, name)
		}
		return fmt.Sprintf("call pc%+d#%#x", off, c.Addresses[imm])
	}
	if syms != nil && syms.CallBase != 0 && src != isa.CallKfunc {
		if name, _, ok := syms.At(syms.CallBase + uint64(int64(imm))); ok {
			return fmt.Sprintf("call %s#%d", name, imm)
		}
	}
	in := isa.Instruction{Op: isa.OpCall, Src: isa.Reg(src), Imm: int64(imm)}
	return in.String()
}

// follow notes where an instruction leads.
func (in *XlatedInsn) follow(op isa.Op, off int16, imm int32) {
	if !op.IsJump() || op.Operation() == isa.Call {
		return
	}
	switch op {
	case isa.OpExit:
		in.Falls = false
	case isa.OpGoto:
		in.Falls, in.Jump = false, in.Slot+1+int(off)
	case isa.OpGotoLong:
		in.Falls, in.Jump = false, in.Slot+1+int(imm)
	default:
		in.Jump = in.Slot + 1 + int(off)
	}
}

// NativeFunc is a function of a program in machine code.
type NativeFunc struct {
	Name    string // the kernel's symbol, or bpf_prog_TAG
	Address uint64
	Proto   string
	Insns   []NativeInsn
	// Lines says which source line begins at which instruction.
	Lines map[int]*SourceLine
}

// Native takes the machine code of a program apart.
func (c *Code) Native(arch string, tag [8]byte, b *btfraw.BTF, syms *KernelSymbols) ([]NativeFunc, error) {
	lengths, addrs := c.Lengths, c.Addresses
	if len(lengths) == 0 {
		lengths = []uint32{uint32(len(c.Jited))}
	}
	var out []NativeFunc
	code := c.Jited
	for i, n := range lengths {
		if uint64(n) > uint64(len(code)) {
			return nil, fmt.Errorf("function %d of the machine code has %d bytes, %d are left", i, n, len(code))
		}
		f := NativeFunc{Name: fmt.Sprintf("bpf_prog_%x", tag), Lines: map[int]*SourceLine{}}
		if i < len(addrs) {
			f.Address = addrs[i]
		}
		if name, _, ok := syms.At(f.Address); ok {
			f.Name = name
		}
		if b != nil && i < len(c.Funcs) {
			f.Proto = b.Signature(c.Funcs[i].TypeID)
		}
		var err error
		f.Insns, err = Disassemble(arch, code[:n], f.Address, func(a uint64) (string, uint64) {
			if a >= f.Address && a < f.Address+uint64(n) {
				return fmt.Sprintf("%#x", a-f.Address), a // as the instructions are numbered
			}
			name, _, ok := syms.At(a)
			if !ok {
				return "", 0
			}
			return name, a
		})
		if err != nil {
			return nil, err
		}
		c.nativeLines(&f, b)
		out = append(out, f)
		code = code[n:]
	}
	return out, nil
}

func (c *Code) nativeLines(f *NativeFunc, b *btfraw.BTF) {
	if b == nil || f.Address == 0 {
		return
	}
	starts := make(map[uint64]int, len(f.Insns))
	for i, in := range f.Insns {
		starts[f.Address+uint64(in.Offset)] = i
	}
	for i, addr := range c.LineAddrs {
		if at, ok := starts[addr]; ok && i < len(c.Lines) {
			f.Lines[at] = sourceLine(b, c.Lines[i])
		}
	}
}
