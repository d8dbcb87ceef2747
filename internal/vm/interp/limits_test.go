package interp

import (
	"errors"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

func TestRefused(t *testing.T) {
	for _, k := range []struct {
		name  string
		insns []isa.Instruction
		want  string
	}{
		{"empty", nil, "empty"},
		{"jump before the beginning", []isa.Instruction{isa.Goto(-2), isa.Return()}, "no instruction begins"},
		{"jump behind the end", []isa.Instruction{isa.Goto(5), isa.Return()}, "no instruction begins"},
		{"jump into lddw", []isa.Instruction{isa.Goto(1), isa.LoadImm64(isa.R0, 1), isa.Return()}, "no instruction begins"},
		{"call of nothing", []isa.Instruction{{Op: isa.OpCall, Src: isa.CallFunc, Imm: 9}, isa.Return()}, "no instruction 10 to call"},
		{"r10 written", []isa.Instruction{isa.ALUImm(isa.Mov, isa.R10, 1), isa.Return()}, "read-only"},
		{"r10 fetched into", []isa.Instruction{{Op: isa.ClassSTX | isa.ModeAtomic | isa.SizeDW, Dst: isa.R1, Src: isa.R10, Imm: isa.AtomicXchg}, isa.Return()}, "read-only"},
		{"r11", []isa.Instruction{isa.ALUImm(isa.Mov, 11, 1), isa.Return()}, "no register r11"},
		{"unknown opcode", []isa.Instruction{{Op: 0xff}}, "unknown opcode"},
		{"unresolved map", []isa.Instruction{{Op: isa.OpLoadImm64, Src: isa.WideMapFD, Ref: isa.Ref{Kind: isa.RefMap, Name: "m"}}}, "reference to m"},
		{"map by number", []isa.Instruction{{Op: isa.OpLoadImm64, Src: isa.WideMapFD, Imm: 3}}, "by number"},
		{"unknown helper", []isa.Instruction{isa.CallNumber(1000), isa.Return()}, "no such helper"},
	} {
		t.Run(k.name, func(t *testing.T) {
			if _, err := ops.Decode("p", k.insns, anyHelper{}); err == nil || !strings.Contains(err.Error(), k.want) {
				t.Errorf("%v, want %q", err, k.want)
			}
		})
	}
}

func mustDecode(t *testing.T, insns ...isa.Instruction) *ops.Program {
	t.Helper()
	p, err := ops.Decode("p", insns, anyHelper{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStops(t *testing.T) {
	r0 := isa.ALUImm(isa.Mov, isa.R0, 1)
	call := func(off int64) isa.Instruction { return isa.Instruction{Op: isa.OpCall, Src: isa.CallFunc, Imm: off} }
	for _, k := range []struct {
		name  string
		insns []isa.Instruction
		want  error // nil: a *mem.Fault
		slot  int
	}{
		{"endless loop", []isa.Instruction{r0, isa.Goto(-1)}, cpu.ErrBudget, -1},
		{"endless recursion", []isa.Instruction{call(0), call(-1), isa.Return()}, cpu.ErrFrames, 1},
		{"past the end", []isa.Instruction{r0}, cpu.ErrPastEnd, 1},
		{"callx of a number", []isa.Instruction{isa.ALUImm(isa.Mov, isa.R3, 70000), {Op: isa.OpCallReg, Dst: isa.R3}, isa.Return()}, cpu.ErrBadCall, 1},
		{"no packet", []isa.Instruction{{Op: isa.ClassLD | isa.ModeABS | isa.SizeW}, isa.Return()}, cpu.ErrNoPacket, 0},
		{"null", []isa.Instruction{r0, isa.ALUImm(isa.Mov, isa.R1, 0), isa.Load(8, isa.R0, isa.R1, 0), isa.Return()}, nil, 2},
		{"above the stack", []isa.Instruction{isa.Load(8, isa.R0, isa.R10, 0), isa.Return()}, nil, 0},
		{"below the stack", []isa.Instruction{isa.ALUReg(isa.Mov, isa.R1, isa.R10), isa.StoreImm(8, isa.R1, -4104, 1), isa.Return()}, nil, 1},
		{"behind the memory", []isa.Instruction{r0, isa.Load(1, isa.R0, isa.R1, 7), isa.Load(2, isa.R0, isa.R1, 7), isa.Return()}, nil, 2},
		{"atomic, not aligned", []isa.Instruction{{Op: isa.ClassSTX | isa.ModeAtomic | isa.SizeW, Dst: isa.R1, Src: isa.R2, Off: 1}, isa.Return()}, nil, 0},
	} {
		t.Run(k.name, func(t *testing.T) {
			for _, observed := range []bool{false, true} {
				c := newCPU(t)
				if observed {
					c.Observer = silent{}
				}
				r, err := c.Mem.Alloc("the memory", 8, mem.ReadWrite)
				if err != nil {
					t.Fatal(err)
				}
				_, err = Run(c, mustDecode(t, k.insns...), 1000, r.Addr, 8)
				var fault *cpu.Fault
				var access *mem.Fault
				switch {
				case !errors.As(err, &fault):
					t.Errorf("%v", err)
				case k.want != nil && !errors.Is(err, k.want), k.want == nil && !errors.As(err, &access):
					t.Errorf("observed %v: %v", observed, err)
				case k.slot >= 0 && fault.Slot != k.slot:
					t.Errorf("observed %v: slot %d, want %d: %v", observed, fault.Slot, k.slot, err)
				}
			}
		})
	}
}

func TestTailCalls(t *testing.T) {
	c := newCPU(t)
	// Each one adds 1 to what lies at r1 and calls itself again.
	p := mustDecode(t,
		isa.Load(8, isa.R0, isa.R1, 0), isa.ALUImm(isa.Add, isa.R0, 1), isa.StoreReg(8, isa.R1, 0, isa.R0),
		isa.CallNumber(12), isa.Load(8, isa.R0, isa.R1, 0), isa.Return())
	c.TailCall = func(*cpu.CPU, uint64, uint64) *ops.Program { return p }
	r, err := c.Mem.Alloc("memory", 8, mem.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if r0, err := Run(c, p, 10_000, r.Addr, 8); err != nil || r0 != cpu.MaxTailCalls+1 {
		t.Errorf("%d runs, %v", r0, err)
	}
}

func TestMayGoto(t *testing.T) {
	c := newCPU(t)
	p := mustDecode(t, isa.ALUImm(isa.Mov, isa.R0, 0), isa.ALUImm(isa.Add, isa.R0, 1), isa.Instruction{Op: isa.OpMayGoto, Off: 1}, isa.Goto(-3), isa.Return())
	if r0, err := Run(c, p, cpu.DefaultLimit, 0, 0); err != nil || r0 != cpu.MaxLoops+1 {
		t.Errorf("%d iterations, %v", r0, err)
	}
}

func TestCallback(t *testing.T) {
	c := newCPU(t)
	// The helper calls the function with 5 and 6; r6 survives.
	c.Helpers[99] = func(c *cpu.CPU) uint64 { return 100 * c.Callback(c.R[1], 5, 6) }
	p := mustDecode(t,
		isa.ALUImm(isa.Mov, isa.R6, 1), isa.Instruction{Op: isa.OpLoadImm64, Dst: isa.R1, Src: isa.WideFunc, Imm: 4},
		isa.CallNumber(99), isa.ALUReg(isa.Add, isa.R0, isa.R6), isa.Return(),
		isa.ALUImm(isa.Mov, isa.R6, 77), isa.ALUReg(isa.Mov, isa.R0, isa.R1), isa.ALUReg(isa.Add, isa.R0, isa.R2), isa.Return())
	if r0, err := Run(c, p, 1000, 0, 0); err != nil || r0 != 1101 {
		t.Errorf("%d, %v", r0, err)
	}
}

func TestLoadPacket(t *testing.T) {
	c := newCPU(t)
	c.Packet = func(_ *cpu.CPU, off uint32, b []byte) bool {
		for i := range b {
			b[i] = byte(off) + byte(i)
		}
		return off < 50
	}
	p := mustDecode(t, isa.ALUImm(isa.Mov, isa.R1, 2), isa.Instruction{Op: isa.ClassLD | isa.ModeIND | isa.SizeW, Src: isa.R1, Imm: 3}, isa.Return())
	if r0, err := Run(c, p, 10, 0, 0); err != nil || r0 != 0x05060708 {
		t.Errorf("%#x, %v", r0, err)
	}
	p = mustDecode(t, isa.ALUImm(isa.Mov, isa.R0, 9), isa.Instruction{Op: isa.ClassLD | isa.ModeABS | isa.SizeB, Imm: 60}, isa.ALUImm(isa.Mov, isa.R0, 8), isa.Return())
	if r0, err := Run(c, p, 10, 0, 0); err != nil || r0 != 0 {
		t.Errorf("outside of the packet: %d, %v", r0, err)
	}
}
