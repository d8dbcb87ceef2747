package maps

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// Flags of bpf_ringbuf_submit and its kin, and what bpf_ringbuf_query asks.
const (
	RingNoWakeup    = 1
	RingForceWakeup = 2

	RingAvailable   = 0
	RingSize        = 1
	RingConsumerPos = 2
	RingProducerPos = 3
)

const (
	ringHeader  = 8 // bytes that a record takes besides its data
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringMaxSize = math.MaxUint32 / 4
)

// Ringbuf is a ring buffer map: any number of programs write records, one
// reader takes them out in the order of their reservation.
//
// A record that begins near the ring's end runs on behind it, into a second
// part of the region that is used for nothing else; so every record is in one
// piece without mapping the pages twice. Headers are in a region of their
// own that programs can't reach.
type Ringbuf struct {
	base
	data    *mem.Region
	headers *mem.Region
	mask    uint64

	producer atomic.Uint64 // under the lock of base
	consumer atomic.Uint64
	pending  uint64 // the oldest record that isn't committed, under the lock

	wake chan struct{} // holds one element when there may be something to read
	read sync.Mutex    // one reader at a time
	lost atomic.Uint64 // reservations that found no room
}

func newRingbuf(space *mem.Space, s Spec) (Map, error) {
	r := &Ringbuf{base: newBase(space, s), mask: uint64(s.MaxEntries) - 1, wake: make(chan struct{}, 1)}
	var err error
	if r.data, err = space.Alloc("ring buffer "+s.Name, 2*uint64(s.MaxEntries), mem.ReadWrite); err != nil {
		return nil, err
	}
	r.data.Owner = r
	r.headers, err = space.Alloc("headers of ring buffer "+s.Name, uint64(s.MaxEntries), 0)
	return r, err
}

// Release gives the memory back.
func (r *Ringbuf) Release() {
	r.data.Free()
	r.headers.Free()
}

// Update and Delete are refused, as on every ring buffer.
func (r *Ringbuf) Update(int, []byte, []byte, uint64) Errno { return ENOTSUPP }

// Delete is refused.
func (r *Ringbuf) Delete([]byte) Errno { return ENOTSUPP }

func (r *Ringbuf) header(pos uint64) *uint32 { return r.mem.Word32(r.headers.Addr + pos&r.mask) }

func ringLength(header uint32) uint64 {
	return (uint64(header&^(ringBusy|ringDiscard)) + ringHeader + 7) &^ 7
}

// Reserve makes room for a record of size bytes and returns its address, 0
// when there is none.
func (r *Ringbuf) Reserve(size uint64) uint64 {
	length := (size + ringHeader + 7) &^ 7
	if size > ringMaxSize || length > r.mask+1 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pos := r.producer.Load()
	for r.pending < pos {
		h := atomic.LoadUint32(r.header(r.pending))
		if h&ringBusy != 0 {
			break
		}
		r.pending += ringLength(h)
	}
	next := pos + length
	if next-r.consumer.Load() > r.mask || next-r.pending > r.mask {
		r.lost.Add(1)
		return 0
	}
	atomic.StoreUint32(r.header(pos), uint32(size)|ringBusy)
	r.producer.Store(next)
	return r.data.Addr + pos&r.mask + ringHeader
}

// Commit ends a reservation. It reports whether addr was one.
func (r *Ringbuf) Commit(addr, flags uint64, discard bool) bool {
	off := addr - r.data.Addr - ringHeader
	if addr < r.data.Addr+ringHeader || off > r.mask || off%8 != 0 {
		return false
	}
	h := r.header(off)
	old := atomic.LoadUint32(h)
	if old&ringBusy == 0 {
		return false
	}
	next := old &^ ringBusy
	if discard {
		next |= ringDiscard
	}
	if !atomic.CompareAndSwapUint32(h, old, next) {
		return false
	}
	switch {
	case flags&RingForceWakeup != 0:
		r.notify()
	case flags&RingNoWakeup != 0:
	case r.consumer.Load()&r.mask == off:
		r.notify()
	}
	return true
}

func (r *Ringbuf) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Output reserves, copies and submits.
func (r *Ringbuf) Output(data []byte, flags uint64) Errno {
	if flags&^(RingNoWakeup|RingForceWakeup) != 0 {
		return EINVAL
	}
	addr := r.Reserve(uint64(len(data)))
	if addr == 0 {
		return EAGAIN
	}
	copy(r.mem.Slice(addr, uint64(len(data))), data)
	r.Commit(addr, flags, false)
	return OK
}

// Query answers bpf_ringbuf_query.
func (r *Ringbuf) Query(what uint64) uint64 {
	switch what {
	case RingAvailable:
		return r.producer.Load() - r.consumer.Load()
	case RingSize:
		return r.mask + 1
	case RingConsumerPos:
		return r.consumer.Load()
	case RingProducerPos:
		return r.producer.Load()
	}
	return 0
}

// Lost is how many reservations found no room.
func (r *Ringbuf) Lost() uint64 { return r.lost.Load() }

// Wake delivers an element when there may be records to take.
func (r *Ringbuf) Wake() <-chan struct{} { return r.wake }

// Consume takes the oldest record and appends it to buf; ok is false when
// there is none, or its producer isn't done. remaining counts the bytes behind
// the record.
func (r *Ringbuf) Consume(buf []byte) (record []byte, remaining int, ok bool) {
	r.read.Lock()
	defer r.read.Unlock()
	for {
		pos := r.consumer.Load()
		if pos == r.producer.Load() {
			return buf, 0, false
		}
		h := atomic.LoadUint32(r.header(pos))
		if h&ringBusy != 0 {
			return buf, 0, false
		}
		next := pos + ringLength(h)
		if h&ringDiscard != 0 {
			r.consumer.Store(next)
			continue
		}
		buf = append(buf, r.mem.Slice(r.data.Addr+pos&r.mask+ringHeader, uint64(h))...)
		r.consumer.Store(next)
		return buf, int(r.producer.Load() - next), true
	}
}
