package maps

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// Flags of bpf_get_stackid.
const (
	StackSkipMask = 0xff
	StackUser     = 1 << 8
	StackFastCmp  = 1 << 9
	StackReuseID  = 1 << 10
)

// StackTrace is a map of stacks, which programs fill and user space reads.
type StackTrace struct {
	base
	buckets []atomic.Pointer[[]uint64]
}

func newStackTrace(space *mem.Space, s Spec) (Map, error) {
	n := uint32(1)
	if s.MaxEntries > 1 {
		n = 1 << bits.Len32(s.MaxEntries-1)
	}
	return &StackTrace{base: newBase(space, s), buckets: make([]atomic.Pointer[[]uint64], n)}, nil
}

// Release does nothing: stacks are ordinary memory.
func (m *StackTrace) Release() {}

// Store keeps a stack, innermost address first, and returns its id or a
// negative errno.
func (m *StackTrace) Store(stack []uint64, flags uint64) int64 {
	if len(stack) == 0 {
		return -int64(EFAULT)
	}
	stack = slices.Clone(stack[:min(len(stack), int(m.spec.ValueSize/8))])
	x := uint64(hashFactor)
	for _, ip := range stack {
		hi, lo := bits.Mul64(x^ip, hashFactor)
		x = hi ^ lo
	}
	id := mix(x) & uint32(len(m.buckets)-1)
	old := m.buckets[id].Load()
	switch {
	case old != nil && slices.Equal(*old, stack):
	case old != nil && flags&StackReuseID == 0:
		return -int64(EEXIST)
	default:
		m.buckets[id].Store(&stack)
	}
	return int64(id)
}

// Update is refused: programs store stacks with bpf_get_stackid.
func (m *StackTrace) Update(int, []byte, []byte, uint64) Errno { return EINVAL }

// Write is refused.
func (m *StackTrace) Write([]byte, []byte, uint64) Errno { return EINVAL }

func (m *StackTrace) at(key []byte) *atomic.Pointer[[]uint64] {
	if i := binary.LittleEndian.Uint32(key); i < uint32(len(m.buckets)) {
		return &m.buckets[i]
	}
	return nil
}

// Read returns a stack, filled up with zeros.
func (m *StackTrace) Read(key, value []byte, flags uint64) Errno {
	if e := m.readFlags(flags); e != OK {
		return e
	}
	b := m.at(key)
	if b == nil || b.Load() == nil {
		return ENOENT
	}
	clear(value)
	for i, ip := range *b.Load() {
		binary.LittleEndian.PutUint64(value[8*i:], ip)
	}
	return OK
}

// Take reads a stack and forgets it.
func (m *StackTrace) Take(key, value []byte, flags uint64) Errno {
	if e := m.Read(key, value, flags); e != OK {
		return e
	}
	return m.Delete(key)
}

// Delete forgets a stack.
func (m *StackTrace) Delete(key []byte) Errno {
	b := m.at(key)
	switch {
	case b == nil:
		return E2BIG
	case b.Swap(nil) == nil:
		return ENOENT
	}
	return OK
}

// Next finds the next id in use.
func (m *StackTrace) Next(key, next []byte) Errno {
	i := uint32(0)
	if key != nil {
		i = binary.LittleEndian.Uint32(key)
		if i >= uint32(len(m.buckets)) || m.buckets[i].Load() == nil {
			i = 0
		} else {
			i++
		}
	}
	for ; i < uint32(len(m.buckets)); i++ {
		if m.buckets[i].Load() != nil {
			binary.LittleEndian.PutUint32(next, i)
			return OK
		}
	}
	return ENOENT
}
