package kernel

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skep-dev/skep/internal/plan"
)

// testSpec is an object with these programs, all of which use plan.Ring and
// the map hits:
//
//	emit    raw_tracepoint: sends n records of size bytes, the first 8 of
//	        which count down from n, and counts those that don't fit in plan.Missed
//	hit     tracepoint, tick perf_event, raw raw_tracepoint: count one in hits[0]
func testSpec(ringSize, n, size int) *ebpf.CollectionSpec {
	hit := func() asm.Instructions {
		return asm.Instructions{
			asm.StoreImm(asm.R10, -4, 0, asm.Word),
			asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
			asm.LoadMapPtr(asm.R1, 0).WithReference("hits"),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"),
			asm.Mov.Imm(asm.R1, 1),
			asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
			asm.Return(),
		}
	}
	emit := asm.Instructions{asm.Mov.Imm(asm.R6, int32(n))}
	for at := -size; at < 0; at += 8 {
		emit = append(emit, asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.R10, int16(at), asm.R1, asm.DWord))
	}
	emit = append(emit,
		asm.StoreMem(asm.R10, int16(-size), asm.R6, asm.DWord).WithSymbol("loop"),
		asm.LoadMapPtr(asm.R1, 0).WithReference(plan.Ring),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, int32(-size)),
		asm.Mov.Imm(asm.R3, int32(size)), asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "sent"),
		asm.StoreImm(asm.R10, int16(-size-8), plan.MissedRecord, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, int32(-size-8)),
		asm.LoadMapPtr(asm.R1, 0).WithReference(plan.Missed),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "sent"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord), asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Sub.Imm(asm.R6, 1).WithSymbol("sent"),
		asm.JNE.Imm(asm.R6, 0, "loop"),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	)
	prog := func(name string, typ ebpf.ProgramType, ins asm.Instructions) *ebpf.ProgramSpec {
		ins[0] = ins[0].WithSymbol(name)
		return &ebpf.ProgramSpec{Name: name, Type: typ, Instructions: ins, License: "GPL"}
	}
	return &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			plan.Ring:   {Name: plan.Ring, Type: ebpf.RingBuf, MaxEntries: uint32(ringSize)},
			plan.Missed: {Name: plan.Missed, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: plan.NumMissed},
			"hits":      {Name: "hits", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		},
		Programs: map[string]*ebpf.ProgramSpec{
			"emit": prog("emit", ebpf.RawTracepoint, emit),
			"hit":  prog("hit", ebpf.TracePoint, hit()),
			"tick": prog("tick", ebpf.PerfEvent, hit()),
			"raw":  prog("raw", ebpf.RawTracepoint, hit()),
		},
	}
}

func load(t testing.TB, spec *ebpf.CollectionSpec, p *plan.Plan, o Options) *Session {
	t.Helper()
	s, err := LoadSpec(t.Context(), spec, p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func hits(t testing.TB, s *Session) uint64 {
	t.Helper()
	m, ok := s.Map("hits")
	if !ok {
		t.Fatal("no map hits")
	}
	var n uint64
	if err := m.Lookup(uint32(0), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
