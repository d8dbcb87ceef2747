package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-quicktest/qt"
)

// fakeRing is the kernel's side of a ring on plain memory.
type fakeRing struct {
	consumer, producer uint64
	data               []byte
}

func newFakeRing(size int, start uint64) *fakeRing {
	return &fakeRing{consumer: start, producer: start, data: make([]byte, size)}
}

func (f *fakeRing) reader() ringReader { return newRingReader(&f.consumer, &f.producer, f.data) }

// put adds a record with the given flags, if it fits, and returns its
// position.
func (f *fakeRing) put(data []byte, flags uint32) (uint64, bool) {
	need := uint64(recordHeader + (len(data)+7)&^7)
	if f.producer+need-f.consumer > uint64(len(f.data)) {
		return 0, false
	}
	at := f.producer
	mask := uint64(len(f.data)) - 1
	binary.NativeEndian.PutUint32(f.data[at&mask:], uint32(len(data))|flags)
	for i, b := range data {
		f.data[(at+recordHeader+uint64(i))&mask] = b
	}
	f.producer += need
	return at, true
}

func (f *fakeRing) setFlags(at uint64, length int, flags uint32) {
	binary.NativeEndian.PutUint32(f.data[at&(uint64(len(f.data))-1):], uint32(length)|flags)
}

// The reader hands over what was put in, in order, whatever the sizes and
// wherever the ring wraps.
func TestDrainRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	f := newFakeRing(4096, 1<<40) // far from the start, as in a long run
	r := f.reader()
	var sent, got []string
	var pending []func()
	for i := range 20000 {
		data := []byte(fmt.Sprintf("%d:", i))
		for range rng.IntN(60) {
			data = append(data, byte(rng.Uint32()))
		}
		switch flags := []uint32{0, 0, 0, recordGone, recordBusy}[rng.IntN(5)]; flags {
		case recordBusy:
			if at, ok := f.put(data, recordBusy); ok {
				sent = append(sent, string(data))
				pending = append(pending, func() { f.setFlags(at, len(data), 0) })
			}
		default:
			if _, ok := f.put(data, flags); ok && flags == 0 {
				sent = append(sent, string(data))
			}
		}
		if rng.IntN(10) == 0 {
			for _, submit := range pending {
				submit()
			}
			pending = nil
		}
		if rng.IntN(3) == 0 {
			n := len(got)
			k, err := r.drain(func(rec []byte) error { got = append(got, string(rec)); return nil })
			qt.Assert(t, qt.IsNil(err))
			qt.Assert(t, qt.Equals(k, len(got)-n))
			qt.Assert(t, qt.Equals(f.consumer, r.pos)) // published when it returns
		}
	}
	for _, submit := range pending {
		submit()
	}
	_, err := r.drain(func(rec []byte) error { got = append(got, string(rec)); return nil })
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(f.consumer, f.producer))
	qt.Assert(t, qt.IsTrue(slices.Equal(got, sent)))
}

func TestDrainStopsAtBusy(t *testing.T) {
	f := newFakeRing(4096, 0)
	r := f.reader()
	f.put([]byte("one"), 0)
	at, _ := f.put([]byte("two"), recordBusy)
	f.put([]byte("three"), 0)
	var got []string
	add := func(rec []byte) error { got = append(got, string(rec)); return nil }
	n, err := r.drain(add)
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(n, 1))
	qt.Assert(t, qt.Equals(f.consumer, at))
	f.setFlags(at, 3, 0)
	_, err = r.drain(add)
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.DeepEquals(got, []string{"one", "two", "three"}))
}

// A handler's error ends the batch; its record is consumed, the rest stays.
func TestDrainHandlerError(t *testing.T) {
	f := newFakeRing(4096, 0)
	r := f.reader()
	f.put([]byte("one"), 0)
	f.put([]byte("two"), 0)
	full := errors.New("disk full")
	n, err := r.drain(func([]byte) error { return full })
	qt.Assert(t, qt.ErrorIs(err, full))
	qt.Assert(t, qt.Equals(n, 1))
	n, err = r.drain(func(rec []byte) error { qt.Check(t, qt.Equals(string(rec), "two")); return nil })
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(n, 1))
}

// Room is given back while the ring is being read, not only at the end.
func TestDrainPublishesInBatches(t *testing.T) {
	f := newFakeRing(4096, 0)
	r := f.reader()
	for {
		if _, ok := f.put(make([]byte, 56), 0); !ok {
			break
		}
	}
	var seen []uint64
	_, err := r.drain(func([]byte) error {
		if len(seen) == 0 || seen[len(seen)-1] != f.consumer {
			seen = append(seen, f.consumer)
		}
		return nil
	})
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(seen) >= 8), qt.Commentf("positions seen by the kernel: %d", seen))
}

// A producer that is never done can't hold the reader forever.
func TestDrainLimit(t *testing.T) {
	f := newFakeRing(4096, 0)
	r := f.reader()
	f.put(make([]byte, 56), 0)
	n, err := r.drain(func([]byte) error {
		f.put(make([]byte, 56), 0)
		return nil
	})
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(n, 4096/64))
}

// Whatever lies in the ring, the reader answers without a panic and never
// hands out memory beyond the ring.
func FuzzDrain(f *testing.F) {
	f.Add(uint64(0), uint64(64), []byte("\x03\x00\x00\x00\x00\x00\x00\x00abc"))
	f.Add(uint64(4088), uint64(64), []byte("\xff\xff\xff\x3f"))
	f.Fuzz(func(t *testing.T, consumer, ahead uint64, data []byte) {
		ring := newFakeRing(4096, consumer&^7)
		copy(ring.data, data)
		ring.producer = ring.consumer + ahead%8192
		r := ring.reader()
		_, _ = r.drain(func(rec []byte) error {
			if len(rec) > len(ring.data) {
				t.Fatalf("a record of %d bytes", len(rec))
			}
			return nil
		})
	})
}
