//go:build linux

package tracer_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/target"
	"github.com/skep-dev/skep/internal/testkit"
	"github.com/skep-dev/skep/internal/tracer"
	"github.com/skep-dev/skep/kernel"
)

// kernelSession is made of maps and a ring of the running kernel.
type kernelSession struct {
	maps   map[string]*ebpf.Map
	events *kernel.Events
}

func (s *kernelSession) Map(name string) (target.Map, bool) {
	m, ok := s.maps[name]
	return m, ok
}

func (s *kernelSession) Events() target.EventReader { return s.events }

// increment adds one to element index of a per-CPU array.
func increment(m *ebpf.Map, index int32, next string) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.R10, -8, int64(index), asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -8),
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, next),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
	}
}

// newCounter makes a program that counts its runs in the map "count" and sends
// a record {event 0, CPU} each time, or counts it as missed.
func newCounter(t *testing.T) (*kernelSession, *ebpf.Program) {
	t.Helper()
	s := &kernelSession{maps: map[string]*ebpf.Map{}}
	for name, spec := range map[string]*ebpf.MapSpec{
		"count":     {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		plan.Missed: {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: plan.NumMissed},
		plan.Ring:   {Type: ebpf.RingBuf, MaxEntries: 4096},
	} {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		s.maps[name] = m
	}
	var err error
	if s.events, err = kernel.NewEvents(s.maps[plan.Ring]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.events.Close() })

	insns := increment(s.maps["count"], 0, "counted")
	insns = append(insns,
		asm.LoadMapPtr(asm.R1, s.maps[plan.Ring].FD()).WithSymbol("counted"),
		asm.Mov.Imm(asm.R2, 16),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, "missed"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R6, 0, asm.R1, asm.DWord),
		asm.FnGetSmpProcessorId.Call(),
		asm.StoreMem(asm.R6, 8, asm.R0, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRingbufSubmit.Call(),
		asm.Ja.Label("exit"),
	)
	missed := increment(s.maps[plan.Missed], plan.MissedRecord, "exit")
	missed[0] = missed[0].WithSymbol("missed")
	insns = append(append(insns, missed...), asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"), asm.Return())
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, Instructions: insns, License: "GPL"})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	return s, prog
}

// slow is a writer that takes its time, so that the ring overflows.
type slow struct{ bytes.Buffer }

func (s *slow) Write(b []byte) (int, error) {
	time.Sleep(2 * time.Millisecond)
	return s.Buffer.Write(b)
}

// TestKernelAccounts runs a program on every CPU while the tracer can't keep
// up, and checks that what was printed and what was lost make up what was
// counted.
func TestKernelAccounts(t *testing.T) {
	testkit.NeedsRoot(t)
	s, prog := newCounter(t)
	const runs = 20000
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{
		Probes: []plan.Probe{{Kind: plan.RawTracepoint}},
		Config: plan.Settings{PrintMapsOnExit: true},
		Events: []plan.Event{{Kind: plan.Printf, Size: 16, Format: "on %d\n",
			Args: []plan.Field{{Offset: 8, Type: plan.Type{Kind: plan.Int, Size: 8}}}}},
		Maps: []plan.Map{{Name: "@", Symbol: "count", Agg: plan.Count, PerCPU: true, Value: plan.Type{Kind: plan.Int, Size: 8}}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var load sync.WaitGroup
	for cpu := range cpus {
		load.Go(func() {
			for range runs {
				if _, err := prog.Run(&ebpf.RunOptions{Flags: 1 /* BPF_F_TEST_RUN_ON_CPU */, CPU: uint32(cpu)}); err != nil {
					t.Errorf("cpu %d: %v", cpu, err)
					return
				}
			}
		})
	}
	go func() {
		load.Wait()
		cancel()
	}()
	var out slow
	var errs bytes.Buffer
	status, err := tracer.Run(ctx, tracer.Config{Plan: p, Session: s, Sink: render.NewText(&out, &errs), Stderr: &errs,
		Buffering: tracer.BufferNone, Detach: func() error { load.Wait(); return nil }})
	if err != nil || status != 0 {
		t.Fatalf("status %d: %v", status, err)
	}
	printed := strings.Count(out.String(), "on ")
	lost := sum(t, `(?m)^Lost (\d+) events$`, errs.String())
	total := sum(t, `(?m)^WARNING: Total lost event count: (\d+)$`, errs.String())
	counted := sum(t, `(?m)^@: (\d+)$`, out.String())
	perCPU := sum(t, `cpu \d+: (\d+)`, errs.String())
	t.Logf("printed %d, lost %d, counted %d", printed, lost, counted)
	if counted != runs*cpus || printed+lost != counted || total != lost || perCPU != lost {
		t.Errorf("printed %d, lost %d (total %d, per CPU %d), counted %d of %d", printed, lost, total, perCPU, counted, runs*cpus)
	}
	if lost == 0 {
		t.Error("nothing was lost: the test shows nothing")
	}
	for cpu := range cpus {
		if !strings.Contains(out.String(), fmt.Sprintf("on %d\n", cpu)) {
			t.Errorf("nothing from CPU %d", cpu)
		}
	}
}

func sum(t *testing.T, pattern, text string) int {
	t.Helper()
	n := 0
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		i, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n += i
	}
	return n
}

// TestKernelWakes checks that a waiting tracer prints a record at once, and
// ends at once with its context.
func TestKernelWakes(t *testing.T) {
	testkit.NeedsRoot(t)
	s, prog := newCounter(t)
	p := &plan.Plan{Probes: []plan.Probe{{Kind: plan.RawTracepoint}},
		Events: []plan.Event{{Kind: plan.Printf, Size: 16, Format: "x\n"}}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wrote := make(chan string, 10)
	done := make(chan error, 1)
	go func() {
		_, err := tracer.Run(ctx, tracer.Config{Plan: p, Session: s, Sink: render.NewText(channel(wrote), channel(wrote)), Stderr: channel(wrote)})
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	if _, err := prog.Run(&ebpf.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-wrote:
		t.Logf("printed after %v", time.Since(start))
		if text != "x\n" {
			t.Errorf("%q", text)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was printed")
	}
	start = time.Now()
	cancel()
	select {
	case err := <-done:
		t.Logf("ended after %v", time.Since(start))
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the run did not end")
	}
}

type channel chan string

func (c channel) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}
