package vm

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/vm/maps"
)

// PerfRecord is a record of a perf event array. When LostSamples isn't 0, the
// record says that so many others found no room, and RawSample is empty.
type PerfRecord struct {
	CPU         int
	RawSample   []byte
	LostSamples uint64
}

// PerfReader reads what programs write to a perf event array. Its methods are
// those of perf.Reader.
type PerfReader struct {
	mu       sync.Mutex
	wake     chan struct{} // closed and replaced when something changed
	records  []PerfRecord
	room     []int // bytes left, by CPU
	lost     []uint64
	size     int
	deadline time.Time
	closed   bool
	paused   bool
}

// perfHeader is what a record takes besides its data.
const perfHeader = 12

// NewPerfReader makes a reader with a buffer of perCPUBuffer bytes for each
// CPU, and puts it into all elements of the array.
func NewPerfReader(array *Map, perCPUBuffer int) (*PerfReader, error) {
	if array.Type() != ebpf.PerfEventArray {
		return nil, fmt.Errorf("invalid Map type: %s", array.Type())
	}
	if perCPUBuffer < 1 {
		return nil, fmt.Errorf("perCPUBuffer must be larger than 0")
	}
	n := int(array.MaxEntries())
	r := &PerfReader{wake: make(chan struct{}), room: make([]int, n), lost: make([]uint64, n), size: perCPUBuffer}
	for i := range n {
		r.room[i] = perCPUBuffer
		if err := array.Put(uint32(i), &perfEvent{r, i}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// perfEvent is an element of the array.
type perfEvent struct {
	r   *PerfReader
	cpu int
}

func (e *perfEvent) ID() uint32     { return uint32(e.cpu) }
func (e *perfEvent) Handle() uint64 { return 0 }

// Event takes a record of a program. An event belongs to its CPU.
func (e *perfEvent) Event(cpu int, data []byte) maps.Errno {
	if cpu != e.cpu {
		return maps.EOPNOTSUPP
	}
	r := e.r
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return maps.ENOENT
	case r.paused:
		return maps.OK
	case r.room[cpu] < len(data)+perfHeader:
		r.lost[cpu]++
		return maps.ENOSPC
	}
	if n := r.lost[cpu]; n > 0 {
		r.records = append(r.records, PerfRecord{CPU: cpu, LostSamples: n})
		r.lost[cpu] = 0
	}
	r.room[cpu] -= len(data) + perfHeader
	r.records = append(r.records, PerfRecord{CPU: cpu, RawSample: append([]byte(nil), data...)})
	r.signal()
	return maps.OK
}

func (r *PerfReader) signal() {
	close(r.wake)
	r.wake = make(chan struct{})
}

// Read waits for the next record.
func (r *PerfReader) Read() (PerfRecord, error) {
	var rec PerfRecord
	return rec, r.ReadInto(&rec)
}

// ReadInto is Read into a record.
func (r *PerfReader) ReadInto(rec *PerfRecord) error {
	for {
		r.mu.Lock()
		if len(r.records) > 0 {
			*rec, r.records = r.records[0], r.records[1:]
			if rec.LostSamples == 0 {
				r.room[rec.CPU] += len(rec.RawSample) + perfHeader
			}
			r.mu.Unlock()
			return nil
		}
		closed, deadline, wake := r.closed, r.deadline, r.wake
		r.mu.Unlock()
		if closed {
			return fmt.Errorf("perf ringbuffer: %w", os.ErrClosed)
		}
		var timeout <-chan time.Time
		if !deadline.IsZero() {
			timeout = time.After(time.Until(deadline))
		}
		select {
		case <-wake:
		case <-timeout:
			return fmt.Errorf("perf ringbuffer: %w", os.ErrDeadlineExceeded)
		}
	}
}

// SetDeadline is when a waiting Read gives up. The zero time means never.
func (r *PerfReader) SetDeadline(t time.Time) { _ = r.change(func() { r.deadline = t }) }

// Pause makes records vanish until Resume.
func (r *PerfReader) Pause() error { return r.change(func() { r.paused = true }) }

// Resume ends Pause.
func (r *PerfReader) Resume() error { return r.change(func() { r.paused = false }) }

// Close ends waiting reads. Programs find no event any more.
func (r *PerfReader) Close() error { return r.change(func() { r.closed = true }) }

// BufferSize is the size of the buffer of one CPU.
func (r *PerfReader) BufferSize() int { return r.size }

func (r *PerfReader) change(fn func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
	r.signal()
	return nil
}
