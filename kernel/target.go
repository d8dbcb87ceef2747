package kernel

import (
	"context"
	"errors"
	"time"

	"github.com/skep-dev/skep/internal/target"
)

// Target returns the session as the tracer, which knows no target, sees it.
func (s *Session) Target() target.Session { return targetSession{s} }

type targetSession struct{ s *Session }

func (t targetSession) Map(name string) (target.Map, bool) {
	m, ok := t.s.Map(name)
	return m, ok
}

func (t targetSession) Events() target.EventReader {
	if t.s.events == nil {
		return nil
	}
	return t.s.events
}

// errStop ends Drain without being an error.
var errStop = errors.New("stop")

// ReadBatch is Drain for a reader that waits: when the ring is empty it waits
// for a record, at most wait and no longer than ctx lives; that time or ctx
// running out is no error. When fn returns false the record counts as
// consumed and ReadBatch returns.
func (e *Events) ReadBatch(ctx context.Context, wait time.Duration, fn func(record []byte) bool) (int, error) {
	handle := func(record []byte) error {
		if !fn(record) {
			return errStop
		}
		return nil
	}
	n, err := e.Drain(handle)
	if n > 0 || err != nil || wait <= 0 || ctx.Err() != nil {
		return n, ignoreStop(err)
	}
	// The end of ctx wakes the waiter. What Wake could fail with, Wait meets too.
	stop := context.AfterFunc(ctx, func() { _ = e.Wake() })
	defer stop()
	if _, err := e.Wait(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	n, err = e.Drain(handle)
	return n, ignoreStop(err)
}

func ignoreStop(err error) error {
	if err == errStop {
		return nil
	}
	return err
}
