package vm

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// countSpec is a collection whose program counts packets in a hash by their
// first byte and tells a ring buffer.
func countSpec() *ebpf.CollectionSpec {
	return &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			"counts": {Name: "counts", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16, Contents: []ebpf.MapKV{{Key: uint32(1), Value: uint64(40)}}},
			"ring":   {Name: "ring", Type: ebpf.RingBuf, MaxEntries: 4096},
			"per":    {Name: "per", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		},
		Programs: map[string]*ebpf.ProgramSpec{
			"count": {Name: "count", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
				asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
				asm.LoadMem(asm.R3, asm.R2, 0, asm.Byte),
				asm.StoreMem(asm.RFP, -4, asm.R3, asm.Word),
				asm.LoadMapPtr(asm.R1, 0).WithReference("ring"),
				asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4),
				asm.Mov.Imm(asm.R3, 4), asm.Mov.Imm(asm.R4, 0),
				asm.FnRingbufOutput.Call(),
				asm.LoadMapPtr(asm.R1, 0).WithReference("counts"),
				asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4),
				asm.FnMapLookupElem.Call(),
				asm.JNE.Imm(asm.R0, 0, "found"),
				asm.Mov.Imm(asm.R0, int32(1)), asm.Return(),
				asm.Mov.Imm(asm.R1, 1).WithSymbol("found"),
				asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
				asm.Mov.Imm(asm.R0, 2), asm.Return(),
			}},
			"wild": {Name: "wild", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
				asm.LoadMem(asm.R2, asm.R1, 4, asm.Word),
				asm.LoadMem(asm.R0, asm.R2, 0, asm.Word), asm.Return(),
			}},
			"endless": {Name: "endless", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
				asm.Mov.Imm(asm.R0, 0).WithSymbol("top"), asm.Ja.Label("top"),
			}},
		},
	}
}

func load(t *testing.T, o CollectionOptions) *Collection {
	t.Helper()
	c, err := NewCollectionWithOptions(countSpec(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func packetOf(first byte) []byte { return append([]byte{first}, make([]byte, 40)...) }

func TestCollection(t *testing.T) {
	c := load(t, CollectionOptions{})
	for _, first := range []byte{1, 2, 1} {
		want := uint32(2)
		if first == 2 {
			want = 1
		}
		if ret, out, err := c.Programs["count"].Test(packetOf(first)); err != nil || ret != want || len(out) != 41 {
			t.Fatalf("packet %d: %d, %d bytes, %v", first, ret, len(out), err)
		}
	}
	var n uint64
	if err := c.Maps["counts"].Lookup(uint32(1), &n); err != nil || n != 42 {
		t.Errorf("counter: %d, %v", n, err)
	}
	if err := c.Maps["counts"].Lookup(uint32(9), &n); !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("missing key: %v", err)
	}
	if err := c.Maps["counts"].Update(uint32(1), uint64(1), ebpf.UpdateNoExist); !errors.Is(err, ebpf.ErrKeyExist) {
		t.Errorf("existing key: %v", err)
	}
	var k uint32
	it := c.Maps["counts"].Iterate()
	if !it.Next(&k, &n) || k != 1 || n != 42 || it.Next(&k, &n) || it.Err() != nil {
		t.Errorf("iteration: %d %d %v", k, n, it.Err())
	}
}

func TestPerCPUAndBatch(t *testing.T) {
	c := load(t, CollectionOptions{MachineOptions: MachineOptions{CPUs: 3}})
	if err := c.Maps["per"].Put(uint32(1), []uint32{7, 8, 9}); err != nil {
		t.Fatal(err)
	}
	var values []uint32
	if err := c.Maps["per"].Lookup(uint32(1), &values); err != nil || len(values) != 3 || values[2] != 9 {
		t.Errorf("per-CPU values: %v, %v", values, err)
	}
	x := c.Maps["counts"]
	if n, err := x.BatchUpdate([]uint32{5, 6, 7}, []uint64{50, 60, 70}, nil); n != 3 || err != nil {
		t.Fatalf("batch update: %d, %v", n, err)
	}
	keys, vals := make([]uint32, 10), make([]uint64, 10)
	var cursor MapBatchCursor
	n, err := x.BatchLookupAndDelete(&cursor, keys, vals, nil)
	if n != 4 || !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("batch lookup: %d, %v", n, err)
	}
	for i, k := range keys[:n] {
		if want := map[uint32]uint64{1: 40, 5: 50, 6: 60, 7: 70}[k]; vals[i] != want {
			t.Errorf("key %d: %d", k, vals[i])
		}
	}
	if next, err := x.NextKeyBytes(nil); next != nil || err != nil {
		t.Errorf("left over: %x, %v", next, err)
	}
}

func TestFaults(t *testing.T) {
	c := load(t, CollectionOptions{MachineOptions: MachineOptions{Limit: 1000}})
	_, _, err := c.Programs["wild"].Test(packetOf(1))
	var fault *Fault
	var why *MemoryFault
	if !errors.As(err, &fault) || !errors.As(err, &why) || fault.Program != "wild" || fault.Slot != 1 || why.Region != "the packet" || why.Offset != 41 {
		t.Errorf("wild: %v (%+v)", err, why)
	}
	if _, _, err := c.Programs["endless"].Test(packetOf(1)); !errors.Is(err, ErrBudget) {
		t.Errorf("endless: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for _, k := range []struct {
		name    string
		kind    ebpf.ProgramType
		license string
		call    asm.BuiltinFunc
		want    string
	}{
		{"wrong type", ebpf.SocketFilter, "GPL", asm.FnXdpAdjustHead, "programs of type socket_filter can't call bpf_xdp_adjust_head"},
		{"licence", ebpf.XDP, "Proprietary", asm.FnTracePrintk, "bpf_trace_printk can only be called by programs under a licence compatible with the GPL"},
		{"missing", ebpf.XDP, "GPL", asm.FnFibLookup, "bpf_fib_lookup is not available in user space: there is no routing table to ask"},
	} {
		t.Run(k.name, func(t *testing.T) {
			m, err := NewMachine(MachineOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.NewProgram(&ebpf.ProgramSpec{
				Name: "p", Type: k.kind, License: k.license, Instructions: asm.Instructions{k.call.Call(), asm.Return()},
			}, nil, ProgramOptions{})
			if err == nil || !strings.Contains(err.Error(), k.want) {
				t.Errorf("%v, want %q", err, k.want)
			}
		})
	}
}

func TestAssign(t *testing.T) {
	var objects struct {
		Programs struct {
			Count *Program `ebpf:"count"`
		}
		Counts *Map `ebpf:"counts"`
	}
	if err := LoadAndAssign(countSpec(), &objects, nil); err != nil {
		t.Fatal(err)
	}
	if ret, _, err := objects.Programs.Count.Test(packetOf(1)); ret != 2 || err != nil {
		t.Errorf("%d, %v", ret, err)
	}
	var n uint64
	if err := objects.Counts.Lookup(uint32(1), &n); err != nil || n != 41 {
		t.Errorf("%d, %v", n, err)
	}
	var missing struct {
		P *Program `ebpf:"nothing"`
	}
	if err := LoadAndAssign(countSpec(), &missing, nil); err == nil {
		t.Error("a program that isn't there was assigned")
	}
}

func TestRingReader(t *testing.T) {
	c := load(t, CollectionOptions{})
	r, err := NewRingReader(c.Maps["ring"])
	if err != nil {
		t.Fatal(err)
	}
	r.SetDeadline(time.Now().Add(-time.Second))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing to read: %v", err)
	}
	r.SetDeadline(time.Time{})
	go func() {
		for i := range byte(3) {
			if _, _, err := c.Programs["count"].Test(packetOf(i)); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range uint32(3) {
		rec, err := r.Read()
		if err != nil || binary.LittleEndian.Uint32(rec.RawSample) != i {
			t.Fatalf("record %d: %v, %v", i, rec, err)
		}
	}
	done := make(chan error)
	go func() { _, err := r.Read(); done <- err }()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// Programs run on all virtual CPUs at once and share their maps.
func TestParallelRuns(t *testing.T) {
	c := load(t, CollectionOptions{MachineOptions: MachineOptions{CPUs: 4}})
	const workers, each = 8, 500
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range each {
				if ret, _, err := c.Programs["count"].Test(packetOf(1)); ret != 2 || err != nil {
					t.Errorf("%d, %v", ret, err)
					return
				}
			}
		}()
	}
	wg.Wait()
	var n uint64
	if err := c.Maps["counts"].Lookup(uint32(1), &n); err != nil || n != 40+workers*each {
		t.Errorf("counter: %d, %v", n, err)
	}
}

func TestMapInMap(t *testing.T) {
	m, err := NewMachine(MachineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inner := &ebpf.MapSpec{Name: "inner", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	a, err := m.NewMap(inner)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Put(uint32(0), uint64(99)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []ebpf.MapType{ebpf.ArrayOfMaps, ebpf.HashOfMaps} {
		outer, err := m.NewMap(&ebpf.MapSpec{Name: "outer", Type: kind, KeySize: 4, MaxEntries: 4, InnerMap: inner})
		if err != nil {
			t.Fatal(err)
		}
		if err := outer.Put(uint32(2), a); err != nil {
			t.Fatal(err)
		}
		other, err := m.NewMap(&ebpf.MapSpec{Name: "other", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := outer.Put(uint32(2), other); err == nil {
			t.Error("a map of another kind was taken")
		}
		p, err := m.NewProgram(&ebpf.ProgramSpec{Name: "p", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
			asm.StoreImm(asm.RFP, -4, 2, asm.Word), asm.StoreImm(asm.RFP, -8, 0, asm.Word),
			asm.LoadMapPtr(asm.R1, 0).WithReference("outer"), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4), asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"),
			asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -8), asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord), asm.Return().WithSymbol("out"),
		}}, map[string]*Map{"outer": outer}, ProgramOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if ret, _, err := p.Test(packetOf(0)); ret != 99 || err != nil {
			t.Errorf("%s: %d, %v", kind, ret, err)
		}
		var back *Map
		if err := outer.Lookup(uint32(2), &back); err != nil || back != a {
			t.Errorf("%s: %v, %v", kind, back, err)
		}
	}
}

func TestPerfReader(t *testing.T) {
	m, err := NewMachine(MachineOptions{CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	events, err := m.NewMap(&ebpf.MapSpec{Name: "events", Type: ebpf.PerfEventArray})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NewProgram(&ebpf.ProgramSpec{Name: "p", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R3, 0x55), asm.StoreMem(asm.RFP, -8, asm.R3, asm.DWord),
		asm.LoadMapPtr(asm.R2, 0).WithReference("events"), asm.LoadImm(asm.R3, 3<<32|0xffffffff, asm.DWord),
		asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, -8), asm.Mov.Imm(asm.R5, 8), asm.FnPerfEventOutput.Call(), asm.Return(),
	}}, map[string]*Map{"events": events}, ProgramOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ret, _, err := p.Test(packetOf(7)); int32(ret) != -2 || err != nil {
		t.Errorf("without a reader: %d, %v", int32(ret), err)
	}
	r, err := NewPerfReader(events, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int32{0, 0, -28} {
		if ret, _, err := p.Test(packetOf(7)); int32(ret) != want || err != nil {
			t.Errorf("%d, %v, want %d", int32(ret), err, want)
		}
	}
	rec, err := r.Read()
	if err != nil || string(rec.RawSample) != "\x55\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00" {
		t.Errorf("%q, %v", rec.RawSample, err)
	}
	if ret, _, err := p.Test(packetOf(7)); ret != 0 || err != nil {
		t.Errorf("%d, %v", ret, err)
	}
	for _, lost := range []uint64{0, 1, 0} {
		if rec, err := r.Read(); err != nil || rec.LostSamples != lost {
			t.Errorf("%+v, %v, want %d lost", rec, err, lost)
		}
	}
	r.SetDeadline(time.Now())
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing to read: %v", err)
	}
}

// BenchmarkLoad loads a program of 5,000 instructions.
func BenchmarkLoad(b *testing.B) {
	insns := asm.Instructions{asm.Mov.Imm(asm.R0, 1)}
	for i := range 4998 {
		insns = append(insns, asm.Add.Imm(asm.R0, int32(i)))
	}
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": {Name: "p", Type: ebpf.XDP, Instructions: append(insns, asm.Return())}}}
	for b.Loop() {
		if _, err := NewCollection(spec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun is a run of the shortest program.
func BenchmarkRun(b *testing.B) {
	m, err := NewMachine(MachineOptions{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := m.NewProgram(&ebpf.ProgramSpec{Name: "p", Type: ebpf.XDP, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}}, nil, ProgramOptions{})
	if err != nil {
		b.Fatal(err)
	}
	in := packetOf(1)
	b.ResetTimer()
	if _, _, err := p.Benchmark(in, b.N, nil); err != nil {
		b.Fatal(err)
	}
}
