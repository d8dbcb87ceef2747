package kernel

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/sys"
)

// A record in the ring is an 8-byte header, of which the first four are the
// length and two flags, and the data, padded to 8 bytes. From the ring buffer
// chapter of the kernel's BPF documentation and <linux/bpf.h>.
const (
	recordHeader = 8
	recordBusy   = 1 << 31 // reserved and not submitted yet
	recordGone   = 1 << 30 // discarded by the program
)

// Events reads the records of a BPF_MAP_TYPE_RINGBUF in place. There is one
// consumer: calls of Drain and Wait don't run at the same time.
type Events struct {
	mu     sync.Mutex
	ring   *sys.Ring
	waiter *sys.Waiter
	reader ringReader
	closed atomic.Bool
}

// NewEvents makes a reader of a ring buffer map. The map stays the caller's
// and must outlive the reader.
func NewEvents(m *ebpf.Map) (*Events, error) {
	if m.Type() != ebpf.RingBuf {
		return nil, fmt.Errorf("%v is not a ring buffer", m)
	}
	waiter, err := sys.NewWaiter(m.FD())
	if err != nil {
		return nil, err
	}
	ring, err := sys.MapRing(m.FD(), int(m.MaxEntries()))
	if err != nil {
		waiter.Close()
		return nil, err
	}
	return &Events{ring: ring, waiter: waiter, reader: newRingReader(ring.Consumer, ring.Producer, ring.Data)}, nil
}

// Drain calls handle with each record that programs have submitted, in the
// order in which they were reserved, and returns how many there were. It
// stops when it meets the end or a record that is not submitted yet, when
// handle fails, whose error it returns, and after one ring's length, so that
// a flood can't hold it forever.
//
// A record is read-only memory of the kernel's and valid only until handle
// returns. Room in the ring is given back in batches. After Close the error
// is os.ErrClosed.
func (e *Events) Drain(handle func(record []byte) error) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return 0, os.ErrClosed
	}
	return e.reader.drain(handle)
}

// Wait returns when there are records, when the deadline has passed (the zero
// time is never), or after Wake, and reports whether there are records.
// After Close the error is os.ErrClosed.
func (e *Events) Wait(deadline time.Time) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return false, os.ErrClosed
	}
	return e.waiter.Wait(deadline)
}

// Wake makes the running or the next Wait return. It may be called from any
// goroutine until Close.
func (e *Events) Wake() error { return e.waiter.Wake() }

// Close wakes whoever waits and unmaps the ring. Session.Close does it.
func (e *Events) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	if err := e.waiter.Wake(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ring.Close(); err != nil {
		return err
	}
	return e.waiter.Close()
}

// ringReader is the consumer's side of a ring, on plain memory.
type ringReader struct {
	consumer, producer *uint64
	data               []byte
	mask               uint64
	pos                uint64 // consumed so far
	published          uint64 // what the kernel knows of pos
	batch              uint64 // publish when this much more has been consumed
	whole              []byte // a record that wraps around, put together
}

func newRingReader(consumer, producer *uint64, data []byte) ringReader {
	pos := atomic.LoadUint64(consumer)
	return ringReader{
		consumer: consumer, producer: producer, data: data,
		mask: uint64(len(data)) - 1, pos: pos, published: pos,
		batch: uint64(len(data)) / 8,
	}
}

func (r *ringReader) drain(handle func([]byte) error) (n int, err error) {
	limit := r.pos + uint64(len(r.data))
	for err == nil && r.pos < limit {
		producer := atomic.LoadUint64(r.producer)
		before := r.pos
		var k int
		k, err = r.advance(min(producer, limit), producer, handle)
		n += k
		if r.pos != before {
			continue // more may have come meanwhile
		}
		if r.published == r.pos {
			break
		}
		// The kernel wakes a sleeper only when the record being submitted is
		// the one at the published position. So publish, then look again:
		// what was submitted in between has woken nobody.
		r.publish()
	}
	r.publish()
	return n, err
}

// advance consumes records from r.pos to end. No record reaches past producer.
func (r *ringReader) advance(end, producer uint64, handle func([]byte) error) (n int, err error) {
	for r.pos < end && err == nil {
		at := r.pos & r.mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if header&recordBusy != 0 {
			break
		}
		length := uint64(header &^ (recordBusy | recordGone))
		next := r.pos + recordHeader + (length+7)&^7
		if next > producer || length > uint64(len(r.data)) {
			return n, fmt.Errorf("ring buffer: a record of %d bytes at position %d reaches past the end at %d", length, r.pos, producer)
		}
		if header&recordGone == 0 {
			err = handle(r.record(at+recordHeader, length))
			n++
		}
		r.pos = next
		if r.pos-r.published >= r.batch {
			r.publish()
		}
	}
	return n, err
}

// record returns the bytes of a record's data, which begin at the given
// offset or, when that is the end of the ring, at its start.
func (r *ringReader) record(at, length uint64) []byte {
	at &= r.mask
	if at+length <= uint64(len(r.data)) {
		return r.data[at : at+length : at+length]
	}
	r.whole = append(append(r.whole[:0], r.data[at:]...), r.data[:at+length-uint64(len(r.data))]...)
	return r.whole
}

func (r *ringReader) publish() {
	if r.published != r.pos {
		atomic.StoreUint64(r.consumer, r.pos)
		r.published = r.pos
	}
}
