package ir_test

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/testkit"
	"github.com/skep-dev/skep/internal/testkit/kprog"
)

// kernelOp is how BPF spells an operation: the high half of the opcode, for
// arithmetic or for jumps, and 1 in the offset for signed division.
type kernelOp struct {
	code uint8
	off  int16
}

var kernelOps = map[ir.Op]kernelOp{
	ir.OpAdd: {0x00, 0}, ir.OpSub: {0x10, 0}, ir.OpMul: {0x20, 0}, ir.OpUDiv: {0x30, 0}, ir.OpSDiv: {0x30, 1},
	ir.OpUMod: {0x90, 0}, ir.OpSMod: {0x90, 1}, ir.OpAnd: {0x50, 0}, ir.OpOr: {0x40, 0}, ir.OpXor: {0xa0, 0},
	ir.OpShl: {0x60, 0}, ir.OpLShr: {0x70, 0}, ir.OpAShr: {0xc0, 0}, ir.OpNeg: {0x80, 0},
	ir.OpEq: {0x10, 0}, ir.OpNe: {0x50, 0}, ir.OpULt: {0xa0, 0}, ir.OpULe: {0xb0, 0}, ir.OpUGt: {0x20, 0}, ir.OpUGe: {0x30, 0},
	ir.OpSLt: {0xc0, 0}, ir.OpSLe: {0xd0, 0}, ir.OpSGt: {0x60, 0}, ir.OpSGe: {0x70, 0},
}

func insn(code []byte, op uint8, dst, src uint8, off int16, imm int32) []byte {
	code = append(code, op, dst|src<<4)
	code = binary.LittleEndian.AppendUint16(code, uint16(off))
	return binary.LittleEndian.AppendUint32(code, uint32(imm))
}

// kernelProgram computes op for n pairs of words of the packet and writes each
// result behind its pair.
func kernelProgram(op ir.Op, typ ir.Type, n int) []byte {
	size := int32(24 * n)
	code := insn(nil, 0x61, 2, 1, 76, 0) // r2 = skb->data
	code = insn(code, 0x61, 3, 1, 80, 0) // r3 = skb->data_end
	code = insn(code, 0xbf, 4, 2, 0, 0)
	code = insn(code, 0x07, 4, 0, 0, size)
	code = insn(code, 0x2d, 4, 3, int16(n*perPair(op)), 0) // if r4 > r3 goto exit
	k := kernelOps[op]
	class := uint8(0x07)
	if typ == ir.I32 {
		class = 0x04
	}
	for i := range n {
		at := int16(24 * i)
		code = insn(code, 0x79, 4, 2, at, 0)
		code = insn(code, 0x79, 5, 2, at+8, 0)
		switch {
		case op.IsCompare():
			code = insn(code, 0xb7, 0, 0, 0, 1)
			code = insn(code, k.code|0x08|(5+(0x07-class)/3), 4, 5, 1, 0) // class 5 is 64 bits, 6 is 32
			code = insn(code, 0xb7, 0, 0, 0, 0)
			code = insn(code, 0x7b, 2, 0, at+16, 0)
			continue
		case op == ir.OpNeg:
			code = insn(code, k.code|class, 4, 0, 0, 0)
		default:
			code = insn(code, k.code|0x08|class, 4, 5, k.off, 0)
		}
		code = insn(code, 0x7b, 2, 4, at+16, 0)
	}
	code = insn(code, 0xb7, 0, 0, 0, 0)
	return insn(code, 0x95, 0, 0, 0, 0)
}

func perPair(op ir.Op) int {
	if op.IsCompare() {
		return 6
	}
	return 4
}

// wrapsDivision reports whether the kernel divides the smallest number by -1
// without a fault, which Linux does since 6.12.
func wrapsDivision(t *testing.T) bool {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	qt.Assert(t, qt.IsNil(err))
	major, rest, _ := strings.Cut(string(release), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, _ := strconv.Atoi(major)
	y, _ := strconv.Atoi(minor)
	return x > 6 || x == 6 && y >= 12
}

// TestArithKernel holds Arith against the running kernel.
func TestArithKernel(t *testing.T) {
	testkit.NeedsRoot(t)
	kprog.Require(t)
	wraps := wrapsDivision(t)
	const perRun = 50
	for op := ir.OpAdd; op <= ir.OpSGe; op++ {
		for _, typ := range []ir.Type{ir.I32, ir.I64} {
			t.Run(op.String()+" "+typ.String(), func(t *testing.T) {
				if !wraps && (op == ir.OpSDiv || op == ir.OpSMod) {
					t.Skip("this kernel may not have signed division")
				}
				p, err := kprog.Load(kprog.Spec{Type: kprog.SchedCls, Code: kernelProgram(op, typ, perRun)})
				qt.Assert(t, qt.IsNil(err))
				defer p.Close()
				var pairs [][2]uint64
				for _, x := range operands() {
					for _, y := range operands() {
						pairs = append(pairs, [2]uint64{x, y})
					}
				}
				for ; len(pairs) >= perRun; pairs = pairs[perRun:] {
					compareRun(t, p, op, typ, pairs[:perRun])
				}
			})
		}
	}
}

func compareRun(t *testing.T, p *kprog.Prog, op ir.Op, typ ir.Type, pairs [][2]uint64) {
	t.Helper()
	packet := make([]byte, 24*len(pairs))
	for i, pair := range pairs {
		binary.LittleEndian.PutUint64(packet[24*i:], pair[0])
		binary.LittleEndian.PutUint64(packet[24*i+8:], pair[1])
	}
	_, out, err := p.Run(packet, nil)
	qt.Assert(t, qt.IsNil(err))
	for i, pair := range pairs {
		want := binary.LittleEndian.Uint64(out[24*i+16:])
		if got, _ := ir.Arith(op, typ, pair[0], pair[1]); got != want {
			t.Fatalf("%s %s %#x, %#x: %#x, the kernel says %#x", op, typ, pair[0], pair[1], got, want)
		}
	}
}
