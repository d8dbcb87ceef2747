package interp

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// FuzzRun runs any bytes as a program. Whatever they are, the engine refuses
// them, or stops them with a fault, or they end; with joined operations as
// with plain ones.
func FuzzRun(f *testing.F) {
	seeds := [][]isa.Instruction{
		{isa.ALUImm(isa.Mov, isa.R0, 7), isa.Return()},
		{isa.Load(8, isa.R0, isa.R1, 0), isa.StoreReg(4, isa.R10, -4, isa.R0), isa.Return()},
		{isa.ALUImm(isa.Mov, isa.R0, 0), isa.ALUImm(isa.Add, isa.R0, 1), {Op: isa.ClassJMP | isa.JNe, Dst: isa.R0, Imm: 100, Off: -2}, isa.Return()},
		{{Op: isa.OpCall, Src: isa.CallFunc, Imm: 1}, isa.Return(), {Op: isa.OpCall, Src: isa.CallFunc, Imm: -1}, isa.Return()},
		{{Op: isa.OpMayGoto, Off: 1}, isa.Goto(-2), isa.Return()},
		{{Op: isa.ClassSTX | isa.ModeAtomic | isa.SizeDW, Dst: isa.R1, Src: isa.R2, Imm: isa.AtomicCmpXchg}, isa.Return()},
		{{Op: isa.ClassLD | isa.ModeABS | isa.SizeW, Imm: 3}, isa.Return()},
	}
	for _, s := range seeds {
		code, err := isa.Encode(nil, s, binary.LittleEndian)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code, []byte("some memory, 24 bytes..."))
	}
	// All inputs share the machine's memory.
	plain, fused := newCPU(f), newCPU(f)
	for _, c := range []*cpu.CPU{plain, fused} {
		c.Packet = func(_ *cpu.CPU, off uint32, p []byte) bool { return off < 100 }
	}
	plain.Observer = silent{}
	f.Fuzz(func(t *testing.T, code, data []byte) {
		insns, err := isa.Decode(code, binary.LittleEndian)
		if err != nil {
			return
		}
		p, err := ops.Decode("fuzz", insns, anyHelper{})
		if err != nil {
			return
		}
		r1, d1, e1 := runFuzz(t, plain, p, data)
		r2, d2, e2 := runFuzz(t, fused, p, data)
		if errors.Is(e1, cpu.ErrBudget) || errors.Is(e2, cpu.ErrBudget) {
			return // they stop at different places
		}
		if (e1 == nil) != (e2 == nil) || e1 == nil && r1 != r2 || string(d1) != string(d2) {
			t.Errorf("plain: %#x %v\njoined: %#x %v\n%x\n%x", r1, e1, r2, e2, d1, d2)
		}
		if e1 != nil && e2 != nil && e1.Error() != e2.Error() {
			t.Errorf("plain: %v\njoined: %v", e1, e2)
		}
	})
}

func runFuzz(t *testing.T, c *cpu.CPU, p *ops.Program, data []byte) (uint64, []byte, error) {
	r, err := c.Mem.Alloc("mem", uint64(len(data)), mem.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Free()
	copy(r.Bytes(), data)
	r0, err := Run(c, p, 10_000, r.Addr, uint64(len(data)))
	var fault *cpu.Fault
	if err != nil && !errors.As(err, &fault) {
		t.Errorf("%v is no fault", err)
	}
	return r0, append([]byte(nil), r.Bytes()...), err
}
