package vm

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/testkit/kprog"
	"github.com/skep-dev/skep/internal/vm/ops"
)

var diffCount = flag.Int("diff", 2000, "how many random programs to compare with the kernel")

// generator writes random programs that the kernel's verifier accepts more
// often than not: they read and write their packet and stack, compute in all
// registers, and jump forward.
type generator struct {
	r    *rand.Rand
	code []isa.Instruction
}

const packetBytes = 64

// aluOps are the operations with a second operand.
var aluOps = []isa.Op{isa.Add, isa.Sub, isa.Mul, isa.Div, isa.Or, isa.And, isa.Lsh, isa.Rsh, isa.Mod, isa.Xor, isa.Mov, isa.Arsh}

var jumpOps = []isa.Op{isa.JEq, isa.JGt, isa.JGe, isa.JSet, isa.JNe, isa.JSGt, isa.JSGe, isa.JLt, isa.JLe, isa.JSLt, isa.JSLe}

var atomics = []int64{
	isa.AtomicAdd, isa.AtomicOr, isa.AtomicAnd, isa.AtomicXor, isa.AtomicAdd | isa.AtomicFetch, isa.AtomicOr | isa.AtomicFetch,
	isa.AtomicAnd | isa.AtomicFetch, isa.AtomicXor | isa.AtomicFetch, isa.AtomicXchg, isa.AtomicCmpXchg,
}

func (g *generator) emit(in isa.Instruction) { g.code = append(g.code, in) }

// number is mostly a special one.
func (g *generator) number() int64 {
	special := []int64{0, 1, -1, 2, 7, 31, 32, 63, 64, 255, 256, 0x7fffffff, -0x80000000, 0xffff, -2}
	if g.r.IntN(3) > 0 {
		return special[g.r.IntN(len(special))]
	}
	return int64(int32(g.r.Uint32()))
}

// scalar is a register that holds a number: r0 to r5, r7 or r8. r6 is the
// packet.
func (g *generator) scalar() isa.Reg {
	return [...]isa.Reg{isa.R0, isa.R1, isa.R2, isa.R3, isa.R4, isa.R5, isa.R7, isa.R8}[g.r.IntN(8)]
}

func (g *generator) pick(all []isa.Op) isa.Op { return all[g.r.IntN(len(all))] }

// program is a whole one: prologue, random middle, all registers folded into
// 32 bits of r0.
func (g *generator) program() []isa.Instruction {
	g.code = nil
	g.emit(isa.Load(4, isa.R6, isa.R1, 0))
	g.emit(isa.Load(4, isa.R2, isa.R1, 4))
	g.emit(isa.ALUReg(isa.Mov, isa.R3, isa.R6))
	g.emit(isa.ALUImm(isa.Add, isa.R3, packetBytes))
	g.emit(isa.ALUImm(isa.Mov, isa.R0, 1))
	g.emit(isa.Instruction{Op: isa.ClassJMP | isa.JLe | isa.SrcReg, Dst: isa.R3, Src: isa.R2, Off: 1})
	g.emit(isa.Return())
	for _, r := range []isa.Reg{isa.R0, isa.R1, isa.R2, isa.R3, isa.R4, isa.R5, isa.R7, isa.R8} {
		g.emit(isa.LoadImm64(r, int64(g.r.Uint64())))
	}
	for off := int16(-64); off < 0; off += 8 {
		g.emit(isa.StoreReg(8, isa.R10, off, g.scalar()))
	}
	for range 5 + g.r.IntN(40) {
		g.step()
	}
	for _, r := range []isa.Reg{isa.R1, isa.R2, isa.R3, isa.R4, isa.R5, isa.R7, isa.R8} {
		g.emit(isa.ALUImm(isa.Mul, isa.R0, 31))
		g.emit(isa.ALUReg(isa.Xor, isa.R0, r))
	}
	for off := int16(-64); off < 0; off += 8 {
		g.emit(isa.Load(8, isa.R1, isa.R10, off))
		g.emit(isa.ALUImm(isa.Mul, isa.R0, 31))
		g.emit(isa.ALUReg(isa.Xor, isa.R0, isa.R1))
	}
	g.emit(isa.ALUReg(isa.Mov, isa.R1, isa.R0))
	g.emit(isa.ALUImm(isa.Rsh, isa.R1, 32))
	g.emit(isa.ALUReg(isa.Xor, isa.R0, isa.R1))
	g.emit(isa.Return())
	return g.code
}

func (g *generator) step() {
	width := []int{1, 2, 4, 8}[g.r.IntN(4)]
	stack := int16(-64 + g.r.IntN(64/width)*width)
	inPacket := int16(g.r.IntN(packetBytes/width) * width)
	switch g.r.IntN(12) {
	case 0, 1, 2, 3:
		g.alu()
	case 4:
		g.emit(isa.Load(width, g.scalar(), isa.R10, stack))
	case 5:
		g.emit(isa.Load(width, g.scalar(), isa.R6, inPacket))
	case 6:
		g.emit(isa.StoreReg(width, isa.R10, stack, g.scalar()))
	case 7:
		g.emit(isa.StoreReg(width, isa.R6, inPacket, g.scalar()))
	case 8:
		g.emit(isa.StoreImm(width, isa.R6, inPacket, g.number()))
	case 9:
		g.atomic()
	case 10:
		g.jump()
	case 11:
		g.special(width, inPacket)
	}
}

func (g *generator) alu() {
	op := g.pick(aluOps)
	class := []isa.Op{isa.ClassALU64, isa.ClassALU32}[g.r.IntN(2)]
	in := isa.Instruction{Op: class | op, Dst: g.scalar()}
	if g.r.IntN(2) == 0 {
		in.Op |= isa.SrcReg
		in.Src = g.scalar()
	} else {
		in.Imm = g.number()
		if bits := map[isa.Op]int64{isa.ClassALU64: 63, isa.ClassALU32: 31}[class]; op == isa.Lsh || op == isa.Rsh || op == isa.Arsh {
			in.Imm &= bits
		}
		if (op == isa.Div || op == isa.Mod) && in.Imm == 0 {
			in.Imm = 3
		}
	}
	switch {
	case op == isa.Div || op == isa.Mod:
		in.Off = int16(g.r.IntN(2))
	case op == isa.Mov && in.Op.FromReg() && class == isa.ClassALU64:
		in.Off = []int16{0, 8, 16, 32}[g.r.IntN(4)]
	case op == isa.Mov && in.Op.FromReg():
		in.Off = []int16{0, 8, 16}[g.r.IntN(3)]
	}
	g.emit(in)
}

func (g *generator) atomic() {
	width := []int{4, 8}[g.r.IntN(2)]
	g.emit(isa.Instruction{
		Op: isa.ClassSTX | isa.ModeAtomic | isa.SizeOf(width), Dst: isa.R10, Src: g.scalar(),
		Off: int16(-64 + g.r.IntN(64/width)*width), Imm: atomics[g.r.IntN(len(atomics))],
	})
}

// jump skips some instructions if a condition holds.
func (g *generator) jump() {
	class := []isa.Op{isa.ClassJMP, isa.ClassJMP32}[g.r.IntN(2)]
	in := isa.Instruction{Op: class | g.pick(jumpOps), Dst: g.scalar(), Imm: g.number()}
	if g.r.IntN(2) == 0 {
		in.Op, in.Src, in.Imm = in.Op|isa.SrcReg, g.scalar(), 0
	}
	at := len(g.code)
	g.emit(in)
	for range 1 + g.r.IntN(4) {
		g.alu()
	}
	g.code[at].Off = int16(isa.Slots(g.code[at+1:]))
}

// special is an instruction of another kind.
func (g *generator) special(width int, inPacket int16) {
	r := g.scalar()
	switch g.r.IntN(5) {
	case 0:
		g.emit(isa.Instruction{Op: isa.ClassALU64 | isa.Neg, Dst: r})
	case 1:
		g.emit(isa.Instruction{Op: isa.ClassALU32 | isa.Neg, Dst: r})
	case 2:
		op := []isa.Op{isa.OpToLE, isa.OpToBE, isa.OpSwap}[g.r.IntN(3)]
		g.emit(isa.Instruction{Op: op, Dst: r, Imm: []int64{16, 32, 64}[g.r.IntN(3)]})
	case 3:
		if width == 8 {
			width = 4
		}
		g.emit(isa.Instruction{Op: isa.ClassLDX | isa.ModeMEMSX | isa.SizeOf(width), Dst: r, Src: isa.R6, Off: inPacket})
	case 4:
		g.emit(isa.LoadImm64(r, int64(g.r.Uint64())))
	}
}

// bareXDP makes one of our programs of instructions.
func bareXDP(t *testing.T, m *Machine, insns []isa.Instruction) *Program {
	t.Helper()
	code, err := ops.Decode("random", insns, binder{m, facts.ProgTypeXDP, true})
	if err != nil {
		t.Fatal(err)
	}
	return &Program{m: m, name: "random", kind: ebpf.XDP, code: code}
}

// Random programs end in the kernel and here with the same result and packet.
func TestRandomLikeKernel(t *testing.T) {
	kprog.Require(t)
	seed := uint64(1)
	if s := os.Getenv("TEST_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("TEST_SEED=%d", seed)
	g := &generator{r: rand.New(rand.NewPCG(seed, 0))}
	m, err := NewMachine(MachineOptions{CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	compared, refused := 0, 0
	for n := range *diffCount {
		insns := g.program()
		code, err := isa.Encode(nil, insns, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := kprog.Load(kprog.Spec{Type: kprog.XDP, Code: code})
		if err != nil {
			refused++
			if refused == 1 {
				t.Logf("refused by the verifier: %v", err)
			}
			continue
		}
		data := make([]byte, packetBytes+g.r.IntN(64))
		for i := range data {
			data[i] = byte(g.r.Uint32())
		}
		want, wantData, err := theirs.Run(data, nil)
		theirs.Close()
		if err != nil {
			t.Fatal(err)
		}
		got, gotData, err := bareXDP(t, m, insns).Test(data)
		compared++
		if err != nil || got != want || !bytes.Equal(gotData, wantData) {
			var text bytes.Buffer
			if err := isa.Fprint(&text, insns, isa.Style{}); err != nil {
				t.Fatal(err)
			}
			t.Fatalf("program %d: %#x, %v; the kernel says %#x\n%x\n%x\n%s", n, got, err, want, gotData, wantData, text.String())
		}
	}
	t.Log(fmt.Sprintf("%d programs compared, %d refused by the verifier", compared, refused))
	if compared < *diffCount/3 {
		t.Errorf("only %d of %d programs could be compared", compared, *diffCount)
	}
}
