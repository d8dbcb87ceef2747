package tracer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/target"
)

// Run handles the events of a script until one of them is an exit(), or ctx
// ends, or, when the script has only begin and end probes, there are no more.
// It returns the status that exit() was given, 0 without one.
//
// The session is loaded and attached by the caller, and its begin probes have
// run. An error means that the run ended early: the target failed, or output
// could not be written. The end probes have run all the same.
func Run(ctx context.Context, cfg Config) (int, error) {
	t, err := newTracer(cfg)
	if err != nil {
		return 1, err
	}
	runErr := t.loop(ctx)
	if err := errors.Join(runErr, t.finish(runErr == nil)); err != nil {
		return 1, err
	}
	return t.status, nil
}

type tracer struct {
	Config
	env      *render.Env
	events   target.EventReader // nil when the script sends no records
	handlers []handler
	loss     lossMeter

	exited  bool // an exit() was handled: the rest of the records is dropped
	status  int
	err     error // of the output
	bad     badRecords
	flushed time.Time
	line    []byte // scratch
	oneShot bool   // only begin and end probes
}

// handler is what to do with one kind of record.
type handler struct {
	event *plan.Event
	run   func(record []byte) error
}

func newTracer(cfg Config) (*tracer, error) {
	t := &tracer{Config: cfg, oneShot: true, flushed: time.Now()}
	if t.Now == nil {
		t.Now = time.Now
	}
	t.env = &render.Env{}
	if cfg.Env != nil {
		*t.env = *cfg.Env
	}
	t.env.Settings, t.env.Probes = cfg.Plan.Config, cfg.Plan.Probes
	for _, p := range cfg.Plan.Probes {
		if p.Kind != plan.Begin && p.Kind != plan.End {
			t.oneShot = false
		}
	}
	if len(cfg.Plan.Events) > 0 {
		if t.events = cfg.Session.Events(); t.events == nil {
			return nil, errors.New("the object has no ring for the records of its plan")
		}
	}
	for i := range cfg.Plan.Events {
		e := &cfg.Plan.Events[i]
		h, err := t.compile(e)
		if err != nil {
			return nil, fmt.Errorf("event %d (%s): %w", i, e.Kind, err)
		}
		t.handlers = append(t.handlers, h)
	}
	if m, ok := cfg.Session.Map(plan.Missed); ok {
		t.loss.counters = m
	}
	return t, nil
}

// loop handles records until the run is over.
func (t *tracer) loop(ctx context.Context) error {
	wait := time.Duration(0)
	for !t.exited && t.err == nil && ctx.Err() == nil {
		n, err := t.read(ctx, wait)
		if err != nil {
			return err
		}
		now := time.Now()
		if err := t.reportLoss(now); err != nil {
			return err
		}
		switch {
		case n > 0:
			wait = 0 // there may be more
			t.pause(now, t.Interactive)
		case wait > 0:
			// Nothing came.
		case t.oneShot:
			t.pause(now, true)
			return t.err
		default:
			t.pause(now, true)
			wait = pollInterval
		}
	}
	return t.err
}

// read handles what is in the ring, and waits when it is empty.
func (t *tracer) read(ctx context.Context, wait time.Duration) (int, error) {
	if t.events == nil {
		if wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		return 0, nil
	}
	n, err := t.events.ReadBatch(ctx, wait, t.handle)
	if err != nil {
		return n, fmt.Errorf("reading records: %w", err)
	}
	return n, nil
}

// pause writes output between two batches when it is time to.
func (t *tracer) pause(now time.Time, idle bool) {
	if t.Buffering == BufferAuto && (idle || now.Sub(t.flushed) >= flushInterval) {
		t.flush(now)
	}
}

func (t *tracer) flush(now time.Time) {
	t.flushed = now
	if err := t.Sink.Flush(); err != nil && t.err == nil {
		t.err = fmt.Errorf("writing output: %w", err)
	}
}

// handle handles one record, and returns false when the run is over.
func (t *tracer) handle(record []byte) bool {
	if t.exited {
		return true // dropped
	}
	h, reason := t.lookup(record)
	if h == nil {
		t.bad.add(t, reason)
		return true
	}
	if err := h.run(record); err != nil {
		t.say("ERROR: %s: %v", h.event.Kind, err)
	}
	switch t.Buffering {
	case BufferNone:
		t.flush(t.flushed)
	case BufferLine:
		if err := t.Sink.FlushLines(); err != nil && t.err == nil {
			t.err = fmt.Errorf("writing output: %w", err)
		}
	}
	return !t.exited && t.err == nil
}

// lookup finds what a record is, or says what is wrong with it.
func (t *tracer) lookup(record []byte) (*handler, string) {
	if len(record) < 8 {
		return nil, fmt.Sprintf("%d bytes are no record", len(record))
	}
	i := binary.NativeEndian.Uint64(record)
	if i >= uint64(len(t.handlers)) {
		return nil, fmt.Sprintf("there is no event %d", i)
	}
	h := &t.handlers[i]
	if len(record) < h.event.Size {
		return nil, fmt.Sprintf("a record of event %d (%s) has %d bytes of %d", i, h.event.Kind, len(record), h.event.Size)
	}
	return h, ""
}

// finish is the end of a run: see the package comment. A run that failed is
// only detached.
func (t *tracer) finish(ok bool) error {
	t.flush(time.Now())
	var errs []error
	step := func(what string, f func() error) {
		if f != nil {
			if err := f(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", what, err))
			}
		}
	}
	step("detaching probes", t.Detach)
	if ok {
		step("reading the last records", t.drain)
	}
	t.exited = false
	step("end probes", t.End)
	if ok {
		step("reading the last records", t.drain)
		step("lost events", t.lossTotal)
		t.bad.total(t)
		t.Sink.End()
		if t.Plan.Config.PrintMapsOnExit {
			t.printMaps()
		}
	}
	t.flush(time.Now())
	if ok && t.err != nil {
		errs = append(errs, t.err)
	}
	return errors.Join(errs...)
}

// drain handles what is in the ring.
func (t *tracer) drain() error {
	stop := time.Now().Add(drainTime)
	for t.err == nil {
		n, err := t.read(context.Background(), 0)
		if err != nil || n == 0 {
			return err
		}
		if t.Detach == nil && time.Now().After(stop) {
			t.say("WARNING: records keep coming; what comes now is left out")
			return nil
		}
	}
	return nil // finish returns t.err
}

// printMaps prints all maps in the order of their names.
func (t *tracer) printMaps() {
	views := make([]*plan.Map, len(t.Plan.Maps))
	for i := range t.Plan.Maps {
		views[i] = &t.Plan.Maps[i]
	}
	slices.SortFunc(views, func(a, b *plan.Map) int { return strings.Compare(a.Name, b.Name) })
	for _, view := range views {
		m, err := t.openMap(view)
		if err == nil {
			err = m.print(t, render.Selection{}, false)
		}
		if err != nil {
			t.say("ERROR: printing map: %v", err)
		}
	}
}

// say tells something about the run, after the output that came before it.
func (t *tracer) say(format string, args ...any) {
	t.flush(t.flushed)
	if _, err := fmt.Fprintf(t.Stderr, format+"\n", args...); err != nil && t.err == nil {
		t.err = fmt.Errorf("writing to standard error: %w", err)
	}
}

// badRecords counts records that don't fit the plan.
type badRecords struct{ n uint64 }

func (b *badRecords) add(t *tracer, reason string) {
	if b.n++; b.n == 1 {
		t.say("WARNING: malformed record: %s", reason)
	}
}

func (b *badRecords) total(t *tracer) {
	if b.n > 1 {
		t.say("WARNING: Total malformed record count: %d", b.n)
	}
}
