package maps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func newMap(tb testing.TB, s Spec) Map {
	tb.Helper()
	space, err := mem.NewSpace()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := New(space, s)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func key4(i uint32) []byte { return binary.LittleEndian.AppendUint32(nil, i) }

// A hash under many hands: keys that are always there are always found, what
// is found belongs to the key, and never more elements are there than fit.
func TestHashParallel(t *testing.T) {
	for _, kind := range []facts.MapType{facts.MapTypeHash, facts.MapTypeLRUHash} {
		t.Run(kind.String(), func(t *testing.T) {
			const fixed, moving, workers, rounds = 64, 256, 4, 20_000
			m := newMap(t, Spec{Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 1024, CPUs: 1})
			value := func(k uint32) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(k)|uint64(k)<<32) }
			for k := range uint32(fixed) {
				if e := m.Write(key4(k), value(k), NoExist); e != OK {
					t.Fatal(e)
				}
			}
			var wg sync.WaitGroup
			var wrong atomic.Uint32
			for w := range uint32(workers) {
				wg.Add(1)
				go func() {
					defer wg.Done()
					x := w*2654435761 + 1
					for range rounds {
						x = x*1664525 + 1013904223
						k := x >> 8 % fixed
						if m.Lookup(0, key4(k)) == 0 {
							wrong.Add(1)
						}
						k = fixed + x>>12%moving
						out := make([]byte, 8)
						switch x >> 28 % 4 {
						case 0:
							m.Delete(key4(k))
						case 1:
							m.Update(0, key4(k), value(k), Any)
						default:
							if m.Read(key4(k), out, 0) == OK && uint32(binary.LittleEndian.Uint64(out)) != uint32(binary.LittleEndian.Uint64(out)>>32) {
								wrong.Add(1)
							}
						}
					}
				}()
			}
			wg.Wait()
			if n := wrong.Load(); n > 0 {
				t.Errorf("%d wrong answers", n)
			}
			n := 0
			for at, next := []byte(nil), make([]byte, 4); m.Next(at, next) == OK; n++ {
				at = append([]byte(nil), next...)
				if n > 2000 {
					t.Fatal("the walk doesn't end")
				}
			}
			if n < fixed || n > fixed+moving {
				t.Errorf("%d elements", n)
			}
		})
	}
}

// An evicting map is never full, never holds more than it may, and keeps what
// is looked up all the time.
func TestLRUEviction(t *testing.T) {
	m := newMap(t, Spec{Type: facts.MapTypeLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 100, CPUs: 1})
	for k := range uint32(10_000) {
		if e := m.Update(0, key4(k), make([]byte, 8), Any); e != OK {
			t.Fatalf("key %d: %v", k, e)
		}
		if m.Lookup(0, key4(0)) == 0 {
			t.Fatalf("the key in use was evicted at %d", k)
		}
	}
	n := 0
	for k := range uint32(10_000) {
		if m.Lookup(0, key4(k)) != 0 {
			n++
		}
	}
	if n == 0 || n > 100 {
		t.Errorf("%d elements", n)
	}
}

// The ring buffer gives out every record once, in one piece, each producer's
// in order; what found no room is counted.
func TestRingbufParallel(t *testing.T) {
	const producers, each = 4, 20_000
	m := newMap(t, Spec{Name: "ring", Type: facts.MapTypeRingbuf, MaxEntries: 4096, CPUs: 1})
	r, ok := m.(*Ringbuf)
	if !ok {
		t.Fatal("no ring buffer")
	}
	var wg sync.WaitGroup
	var refused atomic.Uint64
	for p := range producers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range uint32(each) {
				size := uint64(8 + i%50)
				addr := r.Reserve(size)
				if addr == 0 {
					refused.Add(1)
					continue
				}
				b := r.mem.Slice(addr, size)
				binary.LittleEndian.PutUint32(b, uint32(p))
				binary.LittleEndian.PutUint32(b[4:], i)
				for j := 8; j < len(b); j++ {
					b[j] = byte(i)
				}
				if !r.Commit(addr, 0, i%7 == 0) {
					panic(errors.New("commit of a reservation failed"))
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var last [producers]uint32
	var got, discarded uint64
	err := drain(r, done, func(b []byte) error {
		p, i := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		if p >= producers || i%7 == 0 || i < last[p] || len(b) != int(8+i%50) {
			return fmt.Errorf("record %d of producer %d with %d bytes after %d", i, p, len(b), last[p])
		}
		for _, x := range b[8:] {
			if x != byte(i) {
				return fmt.Errorf("record %d of producer %d is torn", i, p)
			}
		}
		last[p] = i
		got++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if refused.Load() != r.Lost() {
		t.Errorf("%d reservations were refused, %d are counted", refused.Load(), r.Lost())
	}
	if all := producers*each - refused.Load(); got > all || got < all/2 {
		t.Errorf("%d records of %d, %d discarded", got, all, discarded)
	}
}

func drain(r *Ringbuf, done chan struct{}, fn func([]byte) error) error {
	var buf []byte
	for {
		var ok bool
		if buf, _, ok = r.Consume(buf[:0]); ok {
			if err := fn(buf); err != nil {
				return err
			}
			continue
		}
		select {
		case <-done:
			if r.Query(RingAvailable) == 0 {
				return nil
			}
		default:
		}
	}
}

func BenchmarkHashLookup(b *testing.B) {
	for _, n := range []uint32{16, 1024, 65536} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newMap(b, Spec{Type: facts.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: n, CPUs: 1})
			for k := range n {
				m.Write(key4(k), make([]byte, 8), 0)
			}
			k := key4(0)
			i := uint32(0)
			for b.Loop() {
				i = i*1664525 + 1013904223
				binary.LittleEndian.PutUint32(k, i>>8&(n-1))
				if m.Lookup(0, k) == 0 {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkArrayLookup(b *testing.B) {
	m := newMap(b, Spec{Type: facts.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1024, CPUs: 1})
	k := key4(7)
	for b.Loop() {
		if m.Lookup(0, k) == 0 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkRingbuf(b *testing.B) {
	r := newMap(b, Spec{Type: facts.MapTypeRingbuf, MaxEntries: 1 << 20, CPUs: 1}).(*Ringbuf)
	var buf []byte
	for b.Loop() {
		addr := r.Reserve(64)
		r.Commit(addr, 0, false)
		buf, _, _ = r.Consume(buf[:0])
	}
}
