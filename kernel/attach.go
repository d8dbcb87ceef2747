package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/sys"
)

// attachment is what keeps one probe attached: closing links stops the
// program, closing events takes the probe itself away.
type attachment struct {
	links  []sys.FD
	events []sys.FD
}

// attachFunc attaches one probe. On an error it has still filled a with what
// is to be closed.
type attachFunc func(s *Session, p *plan.Probe, index int, a *attachment) error

// attachFuncs is the table of probe kinds that can be attached.
func attachFuncs() map[plan.ProbeKind]attachFunc {
	return map[plan.ProbeKind]attachFunc{
		plan.Begin:         attachNothing,
		plan.End:           attachNothing,
		plan.Tracepoint:    attachTracepoint,
		plan.RawTracepoint: attachRawTracepoint,
		plan.Interval:      attachInterval,
		plan.Profile:       attachProfile,
		plan.Software:      attachSoftware,
		plan.Hardware:      attachHardware,
	}
}

// Attach attaches the programs of all probes of the plan, except begin and
// end, which RunProbe runs. A probe's attach cookie is its index in the plan,
// where the kernel has cookies for it.
//
// What happens when a probe can't be attached is up to the plan's
// MissingProbes: "warn" and "ignore" leave it out and Missing tells; otherwise
// the error is a *ProbeError and nothing stays attached.
func (s *Session) Attach(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached != nil || s.detached {
		return errors.New("attach: a session can be attached only once")
	}
	if slices.ContainsFunc(s.plan.Probes, func(p plan.Probe) bool { return p.Kind == plan.Tracepoint }) {
		tracefs, err := sys.OpenTracefs()
		if err != nil {
			return markPrivilege(err)
		}
		defer tracefs.Close()
		s.tracefs = tracefs
	}
	lenient := s.plan.Config.MissingProbes == "warn" || s.plan.Config.MissingProbes == "ignore"
	funcs := attachFuncs()
	s.attached = make([]attachment, len(s.plan.Probes))
	failed := make([]*ProbeError, len(s.plan.Probes))
	err := parallel(ctx, len(s.plan.Probes), attachWorkers, func(i int) error {
		p := &s.plan.Probes[i]
		attach := funcs[p.Kind]
		if attach == nil {
			failed[i] = &ProbeError{p, fmt.Errorf("probes of kind %s are %w", p.Kind, ErrNotYet)}
		} else if err := attach(s, p, i, &s.attached[i]); err != nil {
			failed[i] = &ProbeError{p, markPrivilege(err)}
		}
		if failed[i] != nil && !lenient {
			return failed[i]
		}
		return nil
	})
	for _, f := range failed {
		if f != nil {
			s.missing = append(s.missing, f)
		}
	}
	if err != nil {
		return errors.Join(err, s.detach(), s.closeProbes(closeAll))
	}
	return nil
}

// Missing returns the probes that Attach left out, in the plan's order.
func (s *Session) Missing() []*ProbeError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing
}

// Detach stops all programs: after it none begins to run again, except those
// that RunProbe runs. It is quick where the kernel has links for perf events
// (5.15), because the probes themselves are taken away by Close only; that
// takes the kernel a grace period for each tracepoint.
func (s *Session) Detach() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.detach()
}

func (s *Session) detach() error {
	if s.detached {
		return nil
	}
	s.detached = true
	var links, events []sys.FD
	for i := range s.attached {
		a := &s.attached[i]
		if len(a.links) == 0 { // attached for as long as the event lives
			events = append(events, a.events...)
			a.events = nil
		}
		links = append(links, a.links...)
		a.links = nil
	}
	return closeAll(append(links, events...))
}

func (s *Session) closeProbes(closeEvents func([]sys.FD) error) error {
	var events []sys.FD
	for i := range s.attached {
		events = append(events, s.attached[i].events...)
		s.attached[i].events = nil
	}
	return closeEvents(events)
}

// closeAll closes descriptors in parallel, because closing one can mean
// waiting for all CPUs to have left the program.
func closeAll(fds []sys.FD) error {
	errs := make([]error, len(fds))
	err := parallel(context.Background(), len(fds), detachWorkers, func(i int) error {
		errs[i] = fds[i].Close()
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func attachNothing(*Session, *plan.Probe, int, *attachment) error { return nil }

// attachEvent opens a perf event on one CPU and attaches the program.
func (s *Session) attachEvent(p *plan.Probe, index int, e sys.PerfEvent, cpu int, a *attachment) error {
	event, err := sys.OpenPerfEvent(e, cpu)
	if err != nil {
		return err
	}
	a.events = append(a.events, event)
	prog := s.progs[p.Program]
	link, err := sys.LinkCreatePerf(prog.FD(), event, uint64(index))
	switch {
	case err == nil:
		a.links = append(a.links, link)
		s.narrator.say(Step{"BPF_LINK_CREATE", "probe", p.Name, fmt.Sprintf("perf event fd %d on CPU %d, link fd %d", event, cpu, link)})
		return nil
	case !errors.Is(err, syscall.EINVAL):
		return err
	}
	// A kernel before 5.15 doesn't know links of perf events. On a newer one
	// EINVAL has another cause, which the ioctl runs into as well.
	if err := sys.PerfSetBPF(event, prog.FD()); err != nil {
		return err
	}
	s.narrator.say(Step{"PERF_EVENT_IOC_SET_BPF", "probe", p.Name, fmt.Sprintf("perf event fd %d on CPU %d", event, cpu)})
	return nil
}

func attachRawTracepoint(s *Session, p *plan.Probe, _ int, a *attachment) error {
	prog, name := s.progs[p.Program], p.Event
	if prog.Type() == ebpf.Tracing {
		name = "" // loaded for that tracepoint's BTF type
	}
	link, err := sys.RawTracepointOpen(prog.FD(), name)
	if errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("%w: raw tracepoint %s", ErrNoProbe, p.Event)
	}
	if err != nil {
		return err
	}
	a.links = append(a.links, link)
	s.narrator.say(Step{"BPF_RAW_TRACEPOINT_OPEN", "probe", p.Name, fmt.Sprintf("link fd %d", link)})
	return nil
}
