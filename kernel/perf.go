package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"syscall"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/sys"
)

func attachTracepoint(s *Session, p *plan.Probe, index int, a *attachment) error {
	id, err := tracepointID(s.tracefs, p.Category, p.Event)
	if err != nil {
		return err
	}
	cpu, err := firstCPU()
	if err != nil {
		return err
	}
	// The program runs on every CPU: it belongs to the tracepoint, of which
	// the event on one CPU is only the handle.
	return s.attachEvent(p, index, sys.PerfEvent{Type: sys.PerfTypeTracepoint, Config: id, Period: 1}, cpu, a)
}

// tracepointID reads the number by which perf_event_open knows a tracepoint.
func tracepointID(tracefs fs.FS, category, event string) (uint64, error) {
	for _, part := range []string{category, event} {
		if !fs.ValidPath(part) || strings.Contains(part, "/") || part == "." {
			return 0, fmt.Errorf("%w: tracepoint %s:%s", ErrNoProbe, category, event)
		}
	}
	text, err := fs.ReadFile(tracefs, "events/"+category+"/"+event+"/id")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: tracepoint %s:%s", ErrNoProbe, category, event)
	}
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("tracepoint %s:%s: id: %w", category, event, err)
	}
	return id, nil
}

func firstCPU() (int, error) {
	cpus, err := sys.OnlineCPUs()
	if err != nil {
		return 0, err
	}
	return cpus[0], nil
}

// attachInterval makes a clock that ticks on one CPU.
func attachInterval(s *Session, p *plan.Probe, index int, a *attachment) error {
	cpu, err := firstCPU()
	if err != nil {
		return err
	}
	e, err := clock(p)
	if err != nil {
		return err
	}
	return s.attachEvent(p, index, e, cpu, a)
}

// attachProfile makes a clock on every CPU.
func attachProfile(s *Session, p *plan.Probe, index int, a *attachment) error {
	e, err := clock(p)
	if err != nil {
		return err
	}
	return s.attachEverywhere(p, index, e, a)
}

func clock(p *plan.Probe) (sys.PerfEvent, error) {
	e := sys.PerfEvent{Type: sys.PerfTypeSoftware, Config: sys.PerfSoftwareCPUClock, Period: p.PeriodNS, Freq: p.Freq}
	if (p.PeriodNS == 0) == (p.Freq == 0) || p.PeriodNS > math.MaxInt64 {
		return e, fmt.Errorf("period of %d ns and frequency of %d Hz", p.PeriodNS, p.Freq)
	}
	return e, nil
}

func (s *Session) attachEverywhere(p *plan.Probe, index int, e sys.PerfEvent, a *attachment) error {
	cpus, err := sys.OnlineCPUs()
	if err != nil {
		return err
	}
	for _, cpu := range cpus {
		err := s.attachEvent(p, index, e, cpu, a)
		if errors.Is(err, syscall.ENODEV) && len(cpus) > 1 {
			continue // the CPU went away just now
		}
		if err != nil {
			return fmt.Errorf("CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// softwareEvents are the PERF_COUNT_SW_* numbers of the events by their names
// in the tracing language, from the perf_event_open(2) manual.
func softwareEvents() map[string]uint64 {
	return map[string]uint64{
		"cpu-clock": 0, "cpu": 0,
		"task-clock":  1,
		"page-faults": 2, "faults": 2,
		"context-switches": 3, "cs": 3,
		"cpu-migrations":   4,
		"minor-faults":     5,
		"major-faults":     6,
		"alignment-faults": 7,
		"emulation-faults": 8,
		"dummy":            9,
		"bpf-output":       10,
	}
}

// hardwareEvents are the PERF_COUNT_HW_* numbers, likewise.
func hardwareEvents() map[string]uint64 {
	return map[string]uint64{
		"cpu-cycles": 0, "cycles": 0,
		"instructions":        1,
		"cache-references":    2,
		"cache-misses":        3,
		"branch-instructions": 4, "branches": 4,
		"branch-misses":   5,
		"bus-cycles":      6,
		"frontend-stalls": 7,
		"backend-stalls":  8,
		"ref-cycles":      9,
	}
}

func attachSoftware(s *Session, p *plan.Probe, index int, a *attachment) error {
	return s.attachCounter(p, index, sys.PerfTypeSoftware, softwareEvents(), a)
}

func attachHardware(s *Session, p *plan.Probe, index int, a *attachment) error {
	return s.attachCounter(p, index, sys.PerfTypeHardware, hardwareEvents(), a)
}

func (s *Session) attachCounter(p *plan.Probe, index int, kind uint32, names map[string]uint64, a *attachment) error {
	config, ok := names[p.Event]
	if !ok {
		return fmt.Errorf("%w: %s event %s", ErrNoProbe, p.Kind, p.Event)
	}
	if p.Period == 0 {
		return fmt.Errorf("%s event %s: no period", p.Kind, p.Event)
	}
	err := s.attachEverywhere(p, index, sys.PerfEvent{Type: kind, Config: config, Period: p.Period}, a)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EOPNOTSUPP) {
		return fmt.Errorf("%w: %s event %s: %w", ErrNoProbe, p.Kind, p.Event, err)
	}
	return err
}
