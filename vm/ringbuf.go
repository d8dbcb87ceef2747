package vm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/skep-dev/skep/internal/vm/maps"
)

// Errors of ring buffer readers, those of cilium/ebpf's ringbuf package by
// name.
var (
	ErrClosed  = fmt.Errorf("ring buffer reader: %w", os.ErrClosed)
	ErrFlushed = errors.New("ring buffer was flushed")
)

// Record is a record of a ring buffer. Remaining is the number of bytes in the
// buffer behind it.
type Record struct {
	RawSample []byte
	Remaining int
}

// RingReader reads a ring buffer map. Its methods are those of
// ringbuf.Reader.
type RingReader struct {
	ring *maps.Ringbuf

	mu       sync.Mutex // held while reading
	deadline time.Time
	state    sync.Mutex // guards what follows
	closed   bool
	flushed  bool
	changed  chan struct{} // closed when the state changes
}

// NewRingReader makes a reader of a ring buffer map.
func NewRingReader(x *Map) (*RingReader, error) {
	ring, ok := x.impl.(*maps.Ringbuf)
	if !ok {
		return nil, fmt.Errorf("invalid Map type: %s", x.Type())
	}
	return &RingReader{ring: ring, changed: make(chan struct{})}, nil
}

// Read waits for the next record.
func (r *RingReader) Read() (Record, error) {
	var rec Record
	return rec, r.ReadInto(&rec)
}

// ReadInto is Read into a record whose memory is used again.
func (r *RingReader) ReadInto(rec *Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		r.state.Lock()
		closed, flushed, deadline, changed := r.closed, r.flushed, r.deadline, r.changed
		r.state.Unlock()
		if closed {
			return ErrClosed
		}
		var ok bool
		if rec.RawSample, rec.Remaining, ok = r.ring.Consume(rec.RawSample[:0]); ok {
			return nil
		}
		if flushed {
			r.state.Lock()
			r.flushed = false
			r.state.Unlock()
			return ErrFlushed
		}
		if err := r.wait(deadline, changed); err != nil {
			return err
		}
	}
}

func (r *RingReader) wait(deadline time.Time, changed chan struct{}) error {
	var timeout <-chan time.Time
	if !deadline.IsZero() {
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("ring buffer: %w", os.ErrDeadlineExceeded)
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-r.ring.Wake():
	case <-changed:
	case <-timeout:
	}
	return nil
}

func (r *RingReader) change(fn func()) {
	r.state.Lock()
	defer r.state.Unlock()
	fn()
	close(r.changed)
	r.changed = make(chan struct{})
}

// SetDeadline is when a waiting Read gives up with os.ErrDeadlineExceeded. The
// zero time means never.
func (r *RingReader) SetDeadline(t time.Time) { r.change(func() { r.deadline = t }) }

// Flush makes Read return what is there and then ErrFlushed once.
func (r *RingReader) Flush() error {
	r.change(func() { r.flushed = true })
	return nil
}

// Close ends waiting reads with ErrClosed.
func (r *RingReader) Close() error {
	r.change(func() { r.closed = true })
	return nil
}

// BufferSize is the size of the ring buffer in bytes.
func (r *RingReader) BufferSize() int { return int(r.ring.Spec().MaxEntries) }

// AvailableBytes is how many bytes wait to be read, headers included.
func (r *RingReader) AvailableBytes() int { return int(r.ring.Query(maps.RingAvailable)) }
