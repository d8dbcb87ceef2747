package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/features"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/testkit"
)

func needs(t testing.TB, names ...features.Name) {
	t.Helper()
	testkit.NeedsRoot(t)
	testkit.NeedsKernel(t, append([]features.Name{features.BPF, features.RingBuffer, features.TestRunRawTP}, names...)...)
}

func probes(list ...plan.Probe) *plan.Plan {
	p := &plan.Plan{Version: plan.Version, Probes: list}
	for i := range p.Probes {
		if p.Probes[i].Name == "" {
			p.Probes[i].Name = string(p.Probes[i].Kind) + ":" + p.Probes[i].Event
		}
	}
	return p
}

func getpids(n int) {
	for range n {
		syscall.Getppid()
	}
}

// Each kind of probe runs its program while attached and not afterwards.
func TestAttachKinds(t *testing.T) {
	needs(t, features.Tracepoint, features.RawTracepoint, features.SoftwareEvent)
	nap := func() { time.Sleep(time.Millisecond) }
	for _, c := range []struct {
		probe plan.Probe
		cause func()
	}{
		{plan.Probe{Kind: plan.Tracepoint, Program: "hit", Category: "syscalls", Event: "sys_enter_getppid"}, func() { getpids(1) }},
		{plan.Probe{Kind: plan.RawTracepoint, Program: "raw", Event: "sys_enter"}, func() { getpids(1) }},
		{plan.Probe{Kind: plan.Interval, Program: "tick", PeriodNS: 10e6}, nap},
		{plan.Probe{Kind: plan.Interval, Program: "tick", Freq: 99}, nap},
		{plan.Probe{Kind: plan.Profile, Program: "tick", Freq: 99}, nap},
		{plan.Probe{Kind: plan.Software, Program: "tick", Event: "context-switches", Period: 1}, nap},
	} {
		t.Run(fmt.Sprintf("%s:%s:%d", c.probe.Kind, c.probe.Event, c.probe.Freq), func(t *testing.T) {
			testkit.NoLeaks(t)
			s := load(t, testSpec(4096, 1, 8), probes(c.probe), Options{})
			qt.Assert(t, qt.Equals(hits(t, s), 0))
			qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
			tries := 0
			for end := time.Now().Add(10 * time.Second); hits(t, s) < 10 && time.Now().Before(end); tries++ {
				c.cause()
			}
			got := hits(t, s)
			qt.Check(t, qt.IsTrue(got >= 10), qt.Commentf("%d hits", got))
			qt.Assert(t, qt.IsNil(s.Detach()))
			n := hits(t, s)
			for range tries {
				c.cause()
			}
			qt.Check(t, qt.Equals(hits(t, s), n))
			qt.Assert(t, qt.IsNil(s.Close()))
			qt.Assert(t, qt.IsNil(s.Close())) // again
		})
	}
}

// An interval fires on one CPU only, not on each.
func TestIntervalRate(t *testing.T) {
	needs(t, features.SoftwareEvent)
	s := load(t, testSpec(4096, 1, 8), probes(plan.Probe{Kind: plan.Interval, Program: "tick", PeriodNS: 10e6}), Options{})
	start := time.Now()
	qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
	time.Sleep(500 * time.Millisecond)
	n, most := hits(t, s), uint64(time.Since(start)/(10*time.Millisecond))
	qt.Check(t, qt.IsTrue(n > 0 && n <= most), qt.Commentf("%d ticks, at most %d", n, most))
}

// begin and end run once, in the plan's order, and send records.
func TestRunProbe(t *testing.T) {
	needs(t)
	testkit.NoLeaks(t)
	p := probes(
		plan.Probe{Kind: plan.Begin, Program: "emit"},
		plan.Probe{Kind: plan.End, Program: "raw"},
		plan.Probe{Kind: plan.Begin, Program: "emit"},
	)
	s := load(t, testSpec(4096, 3, 16), p, Options{})
	qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
	qt.Assert(t, qt.IsNil(s.RunProbe(plan.Begin)))
	var got []byte
	n, err := s.Events().Drain(func(rec []byte) error {
		qt.Check(t, qt.HasLen(rec, 16))
		got = append(got, rec[0])
		return nil
	})
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(n, 6))
	qt.Check(t, qt.DeepEquals(got, []byte{3, 2, 1, 3, 2, 1}))
	qt.Check(t, qt.Equals(hits(t, s), 0))
	qt.Assert(t, qt.IsNil(s.RunProbe(plan.End)))
	qt.Check(t, qt.Equals(hits(t, s), 1))
}

// Every record is either read or counted as missed.
func TestNothingIsLostSilently(t *testing.T) {
	needs(t)
	const runs, each = 125, 200
	s := load(t, testSpec(1<<16, each, 40), probes(plan.Probe{Kind: plan.Begin, Program: "emit"}), Options{})
	for range 10 { // more than the ring of 64 KiB can hold: some are missed for certain
		qt.Assert(t, qt.IsNil(s.RunProbe(plan.Begin)))
	}
	done := make(chan error, 1)
	var wg sync.WaitGroup
	for range 2 { // two producers
		wg.Go(func() {
			for range runs {
				if err := s.RunProbe(plan.Begin); err != nil {
					done <- err
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(done); s.Events().Wake() }()
	read, running := 0, true
	for running {
		_, err := s.Events().Wait(time.Time{})
		qt.Assert(t, qt.IsNil(err))
		select {
		case err := <-done:
			qt.Assert(t, qt.IsNil(err))
			running = false
		default:
		}
		n, err := s.Events().Drain(func([]byte) error { return nil })
		qt.Assert(t, qt.IsNil(err))
		read += n
	}
	c, err := s.Counters()
	qt.Assert(t, qt.IsNil(err))
	missed := c.Total(plan.MissedRecord)
	t.Logf("%d read, %d missed", read, missed)
	qt.Check(t, qt.Equals(uint64(read)+missed, (2*runs+10)*each))
	qt.Check(t, qt.IsTrue(missed > 0))
	qt.Check(t, qt.Equals(c.Total(plan.MissedUpdate), 0))
}

func TestReadBatch(t *testing.T) {
	needs(t)
	s := load(t, testSpec(1<<16, 3, 16), probes(plan.Probe{Kind: plan.Begin, Program: "emit"}), Options{})
	r := s.Target().Events()

	start := time.Now()
	n, err := r.ReadBatch(t.Context(), 30*time.Millisecond, func([]byte) bool { return true })
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(n, 0))
	qt.Check(t, qt.IsTrue(time.Since(start) >= 30*time.Millisecond))

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	start = time.Now()
	n, err = r.ReadBatch(ctx, time.Minute, func([]byte) bool { return true })
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(n, 0))
	qt.Check(t, qt.IsTrue(time.Since(start) < 10*time.Second))

	qt.Assert(t, qt.IsNil(s.RunProbe(plan.Begin)))
	n, err = r.ReadBatch(t.Context(), time.Minute, func(rec []byte) bool { return rec[0] != 2 })
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(n, 2))

	time.AfterFunc(20*time.Millisecond, func() { _ = s.Close() })
	_, err = r.ReadBatch(t.Context(), time.Minute, func([]byte) bool { return true })
	for err == nil {
		_, err = r.ReadBatch(t.Context(), time.Minute, func([]byte) bool { return true })
	}
	qt.Check(t, qt.ErrorIs(err, os.ErrClosed))
}

// A probe that can't be attached fails the whole, and nothing stays behind,
// unless the plan says otherwise.
func TestMissingProbes(t *testing.T) {
	needs(t, features.Tracepoint)
	good := plan.Probe{Kind: plan.Tracepoint, Program: "hit", Category: "syscalls", Event: "sys_enter_getppid"}
	for _, c := range []struct {
		probe plan.Probe
		want  error
		text  string
	}{
		{plan.Probe{Kind: plan.Tracepoint, Program: "hit", Category: "syscalls", Event: "nix"}, ErrNoProbe, "tracepoint syscalls:nix"},
		{plan.Probe{Kind: plan.Tracepoint, Program: "hit", Category: "..", Event: "x/../y"}, ErrNoProbe, ".."},
		{plan.Probe{Kind: plan.RawTracepoint, Program: "raw", Event: "nix"}, ErrNoProbe, "raw tracepoint nix"},
		{plan.Probe{Kind: plan.Software, Program: "tick", Event: "nix", Period: 1}, ErrNoProbe, "software event nix"},
		{plan.Probe{Kind: plan.Kprobe, Program: "hit", Function: "do_exit"}, ErrNotYet, "kprobe"},
	} {
		t.Run(fmt.Sprintf("%s:%s", c.probe.Kind, c.probe.Event), func(t *testing.T) {
			testkit.NoLeaks(t)
			s := load(t, testSpec(4096, 1, 8), probes(good, c.probe), Options{})
			err := s.Attach(t.Context())
			qt.Assert(t, qt.ErrorIs(err, c.want))
			qt.Check(t, qt.StringContains(err.Error(), c.text))
			var pe *ProbeError
			qt.Assert(t, qt.IsTrue(errors.As(err, &pe)))
			qt.Check(t, qt.Equals(pe.Probe.Kind, c.probe.Kind))
			getpids(5)
			qt.Check(t, qt.Equals(hits(t, s), 0))

			p := probes(c.probe, good)
			p.Config.MissingProbes = "warn"
			s = load(t, testSpec(4096, 1, 8), p, Options{})
			qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
			qt.Assert(t, qt.HasLen(s.Missing(), 1))
			qt.Check(t, qt.ErrorIs(s.Missing()[0], c.want))
			getpids(5)
			qt.Check(t, qt.Equals(hits(t, s), 5))
		})
	}
}

func TestLoadErrors(t *testing.T) {
	needs(t)
	testkit.NoLeaks(t)
	_, err := Load(t.Context(), []byte("not an object"), probes(), Options{})
	qt.Check(t, qt.ErrorMatches(err, "read object: .*"))

	_, err = LoadSpec(t.Context(), testSpec(4096, 1, 8), probes(plan.Probe{Kind: plan.Begin, Program: "nix"}), Options{})
	qt.Check(t, qt.ErrorMatches(err, `.*no program "nix"`))

	bad := testSpec(4096, 1, 8)
	bad.Programs["raw"].Instructions = asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Return(),
	}
	_, err = LoadSpec(t.Context(), bad, probes(), Options{})
	var pe *ProgramError
	qt.Assert(t, qt.IsTrue(errors.As(err, &pe)))
	qt.Check(t, qt.Equals(pe.Spec.Name, "raw"))
	qt.Check(t, qt.StringContains(strings.Join(pe.Log, "\n"), "R0 invalid mem access"))
	qt.Check(t, qt.IsFalse(errors.Is(err, ErrPrivilege))) // the verifier's EACCES is none

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = LoadSpec(ctx, testSpec(4096, 1, 8), probes(), Options{})
	qt.Check(t, qt.ErrorIs(err, context.Canceled))
}

// A program array is filled with the object's programs.
func TestProgramArray(t *testing.T) {
	needs(t)
	spec := testSpec(4096, 1, 8)
	spec.Maps["jump"] = &ebpf.MapSpec{
		Name: "jump", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 4,
		Contents: []ebpf.MapKV{{Key: uint32(2), Value: "raw"}},
	}
	spec.Programs["jumper"] = &ebpf.ProgramSpec{Name: "jumper", Type: ebpf.RawTracepoint, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference("jump"),
		asm.Mov.Imm(asm.R3, 2),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 7),
		asm.Return(),
	}}
	s := load(t, spec, probes(plan.Probe{Kind: plan.Begin, Program: "jumper"}), Options{})
	qt.Assert(t, qt.IsNil(s.RunProbe(plan.Begin)))
	qt.Check(t, qt.Equals(hits(t, s), 1))
}

// Narration names what was made, in an order that is the same every time.
func TestNarrate(t *testing.T) {
	needs(t, features.Tracepoint, features.PerfLink)
	var first []string
	for range 3 {
		var steps []string
		s := load(t, testSpec(4096, 1, 8), probes(plan.Probe{Kind: plan.Tracepoint, Program: "hit", Category: "syscalls", Event: "sys_enter_getppid"}),
			Options{Narrate: func(st Step) { steps = append(steps, st.Command+" "+st.Name) }})
		qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
		if first == nil {
			first = steps
		}
		qt.Check(t, qt.DeepEquals(steps, first))
	}
	for _, want := range []string{"BPF_MAP_CREATE skep_ring", "BPF_PROG_LOAD hit", "BPF_LINK_CREATE tracepoint:sys_enter_getppid"} {
		qt.Check(t, qt.SliceContains(first, want))
	}
}

// A hundred tracepoints attach at once, and their programs stop long before
// the kernel has let go of the tracepoints, one grace period after the other.
// A process that ends doesn't wait for that.
func TestManyTracepoints(t *testing.T) {
	needs(t, features.Tracepoint, features.PerfLink)
	testkit.NoLeaks(t)
	entries, err := os.ReadDir("/sys/kernel/tracing/events/syscalls")
	qt.Assert(t, qt.IsNil(err))
	p := probes()
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "sys_enter_") && len(p.Probes) < 100 {
			p.Probes = append(p.Probes, plan.Probe{Kind: plan.Tracepoint, Name: e.Name(), Program: "hit", Category: "syscalls", Event: e.Name()})
		}
	}
	qt.Assert(t, qt.HasLen(p.Probes, 100))
	s := load(t, testSpec(4096, 1, 8), p, Options{})
	start := time.Now()
	qt.Assert(t, qt.IsNil(s.Attach(t.Context())))
	attached := time.Now()
	qt.Assert(t, qt.IsNil(s.Detach()))
	detached := time.Now()
	qt.Assert(t, qt.IsNil(s.CloseBehind()))
	closed := time.Now()
	t.Logf("%d tracepoints: attach %v, detach %v, close %v", len(p.Probes), attached.Sub(start), detached.Sub(attached), closed.Sub(detached))
}
