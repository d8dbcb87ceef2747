package features

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skep-dev/skep/internal/sys"
)

// withProgram loads a program that does nothing, calls f with it, and frees it.
func withProgram(spec ebpf.ProgramSpec, f func(*ebpf.Program) error) error {
	spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	spec.License = "GPL"
	UnlimitMemory()
	p, err := ebpf.NewProgram(&spec)
	if err != nil {
		return err
	}
	defer p.Close()
	return f(p)
}

func loads(*ebpf.Program) error { return nil }

func probeBPF() error {
	return withProgram(ebpf.ProgramSpec{Type: ebpf.TracePoint}, loads)
}

func probeTracefs() error {
	t, err := sys.OpenTracefs()
	if err != nil {
		return err
	}
	defer t.Close()
	_, err = fs.Stat(t, "events/header_page")
	return err
}

func probeRingBuffer() error {
	UnlimitMemory()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 1 << 16})
	if err != nil {
		return err
	}
	return m.Close()
}

func probeTestRun() error {
	return withProgram(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, func(p *ebpf.Program) error {
		_, err := sys.ProgTestRun(p.FD())
		return err
	})
}

func probeTracepoint() error {
	t, err := sys.OpenTracefs()
	if err != nil {
		return err
	}
	defer t.Close()
	text, err := fs.ReadFile(t, "events/sched/sched_process_exit/id")
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return err
	}
	return probePerf(sys.PerfEvent{Type: sys.PerfTypeTracepoint, Config: id}, ebpf.TracePoint, sys.PerfSetBPF)
}

// probePerf opens an event on one CPU and attaches a program to it.
func probePerf(e sys.PerfEvent, typ ebpf.ProgramType, attach func(sys.FD, int) error) error {
	cpus, err := sys.OnlineCPUs()
	if err != nil {
		return err
	}
	event, err := sys.OpenPerfEvent(e, cpus[0])
	if err != nil {
		return err
	}
	defer event.Close()
	return withProgram(ebpf.ProgramSpec{Type: typ}, func(p *ebpf.Program) error { return attach(event, p.FD()) })
}

// slowClock is an event that doesn't overflow while it is looked at.
func slowClock() sys.PerfEvent {
	return sys.PerfEvent{Type: sys.PerfTypeSoftware, Config: sys.PerfSoftwareCPUClock, Period: 1 << 62}
}

func probeSoftwareEvent() error {
	return probePerf(slowClock(), ebpf.PerfEvent, sys.PerfSetBPF)
}

func probeHardwareEvent() error {
	return probePerf(sys.PerfEvent{Type: sys.PerfTypeHardware, Period: 1 << 62}, ebpf.PerfEvent, sys.PerfSetBPF)
}

func probePerfLink() error {
	return probePerf(slowClock(), ebpf.PerfEvent, func(event sys.FD, prog int) error {
		link, err := sys.LinkCreatePerf(prog, event, 1)
		if err != nil {
			return err
		}
		return link.Close()
	})
}

func probeRawTracepoint() error {
	return withProgram(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, func(p *ebpf.Program) error {
		return openRawTracepoint(p, "sched_process_exit")
	})
}

func probeBTFTracepoint() error {
	spec := ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sched_process_exit"}
	return withProgram(spec, func(p *ebpf.Program) error { return openRawTracepoint(p, "") })
}

func probeFentry() error {
	spec := ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "do_exit"}
	return withProgram(spec, func(p *ebpf.Program) error { return openRawTracepoint(p, "") })
}

func openRawTracepoint(p *ebpf.Program, name string) error {
	link, err := sys.RawTracepointOpen(p.FD(), name)
	if err != nil {
		return err
	}
	return link.Close()
}

func probeTCX() error {
	// The loopback device has the index 1 in every network namespace.
	if err := sys.QueryTCX(1); err != nil {
		return fmt.Errorf("programs on a network device: %w", err)
	}
	return nil
}
