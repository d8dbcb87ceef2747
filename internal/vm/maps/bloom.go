package maps

import (
	"math/bits"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// bloom is a bloom filter: values can be pushed and asked for.
type bloom struct {
	base
	words  []atomic.Uint64
	mask   uint32
	hashes uint32
}

func newBloom(space *mem.Space, s Spec) (Map, error) {
	b := &bloom{base: newBase(space, s), hashes: uint32(s.Extra)}
	if b.hashes == 0 {
		b.hashes = 5
	}
	// The number of bits for few false answers is entries * hashes / ln 2.
	want := uint64(s.MaxEntries) * uint64(b.hashes) * 7 / 5
	n := uint64(1) << 31
	if want < 1<<31 {
		n = max(uint64(1)<<bits.Len64(want-1), 64)
	}
	b.mask = uint32(n - 1)
	b.words = make([]atomic.Uint64, n/64)
	return b, nil
}

func (b *bloom) Release() {}

func (b *bloom) bit(value []byte, i uint32) (*atomic.Uint64, uint64) {
	h := hash{seed: hashFactor * uint64(2*i+1)}
	at := h.sum(value) & b.mask
	return &b.words[at/64], 1 << (at % 64)
}

func (b *bloom) Push(value []byte, flags uint64) Errno {
	if flags != Any {
		return EINVAL
	}
	for i := range b.hashes {
		word, bit := b.bit(value, i)
		word.Or(bit)
	}
	return OK
}

func (b *bloom) Peek(value []byte) Errno {
	for i := range b.hashes {
		if word, bit := b.bit(value, i); word.Load()&bit == 0 {
			return ENOENT
		}
	}
	return OK
}

func (b *bloom) Pop([]byte) Errno                         { return EOPNOTSUPP }
func (b *bloom) Update(int, []byte, []byte, uint64) Errno { return EINVAL }
func (b *bloom) Next([]byte, []byte) Errno                { return EOPNOTSUPP }

func (b *bloom) Read(_, value []byte, flags uint64) Errno {
	if e := b.readFlags(flags); e != OK {
		return e
	}
	return b.Peek(value)
}

func (b *bloom) Write(_, value []byte, flags uint64) Errno { return b.Push(value, flags) }
