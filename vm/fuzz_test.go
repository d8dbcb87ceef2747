package vm

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// FuzzHelpers runs any bytes as an XDP program that finds maps in r6 to r9 and
// the helpers of the engine: nothing that it passes to them does more than stop
// it.
func FuzzHelpers(f *testing.F) {
	zero := uint64(0)
	m, err := NewMachine(MachineOptions{CPUs: 1, Limit: 100_000, Env: Env{Monotonic: func() uint64 { zero++; return zero }}})
	if err != nil {
		f.Fatal(err)
	}
	var prologue []isa.Instruction
	for i, spec := range []*ebpf.MapSpec{
		{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}, {Type: ebpf.Queue, ValueSize: 8, MaxEntries: 4},
		{Type: ebpf.RingBuf, MaxEntries: 4096}, {Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2},
	} {
		x, err := m.NewMap(spec)
		if err != nil {
			f.Fatal(err)
		}
		prologue = append(prologue, isa.LoadImm64(isa.R6+isa.Reg(i), int64(x.handle)))
	}
	for n := range int64(len(facts.Helpers()) + 1) {
		body := []isa.Instruction{
			isa.ALUReg(isa.Mov, isa.R2, isa.R10), isa.ALUImm(isa.Add, isa.R2, -8), isa.ALUReg(isa.Mov, isa.R1, isa.R6+isa.Reg(n%4)),
			isa.ALUReg(isa.Mov, isa.R3, isa.R2), isa.ALUImm(isa.Mov, isa.R4, n%9), isa.ALUImm(isa.Mov, isa.R5, 8), isa.CallNumber(n), isa.Return(),
		}
		code, err := isa.Encode(nil, body, binary.LittleEndian)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code)
	}
	packet := make([]byte, 100)
	f.Fuzz(func(t *testing.T, code []byte) {
		insns, err := isa.Decode(code, binary.LittleEndian)
		if err != nil {
			return
		}
		p, err := ops.Decode("fuzz", append(append([]isa.Instruction(nil), prologue...), insns...), binder{m, facts.ProgTypeXDP, true})
		if err != nil {
			return
		}
		x := &Program{m: m, name: "fuzz", kind: ebpf.XDP, code: p}
		var fault *Fault
		begin := time.Now()
		defer func() {
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("ran for %s in spite of its budget", d)
			}
		}()
		if _, _, err := x.Test(packet); err != nil && !errors.As(err, &fault) {
			t.Errorf("%v is no fault", err)
		}
	})
}
