package maps

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// hash is the four hash map types. Elements are numbered from 1. Three
// regions hold them:
//
//   - heads, which programs can't see: the first element of every bucket;
//   - keys, which programs can only read: the next element and the hash in 8
//     bytes, then the key;
//   - values.
//
// A chain ends in a number with endBit set and the bucket's number below it.
// Lookups follow chains without a lock. An element may be freed and used again
// in another bucket meanwhile: the walk then ends in the wrong bucket's number
// and starts again. Changes are made under the lock and linked in last.
type hash struct {
	base
	heads, keys, values *mem.Region
	mask                uint32 // of bucket numbers
	keyStride           uint64
	stride              uint64 // of an element's values
	perCPU              bool
	seed                uint64
	// Addresses of the three regions.
	headBase, keyBase, valueBase uint64

	free  []uint32
	used  uint32 // elements that were ever handed out
	total uint32 // elements that there are
	count uint32 // elements that are linked
	lru   *lru   // nil for the plain types
}

const (
	endBit     = 1 << 31
	linkSize   = 8
	maxBuckets = 1 << 26
	hashFactor = 0x9e3779b97f4a7c15
)

func newHash(space *mem.Space, s Spec) (Map, error) {
	if s.MaxEntries > endBit-256 {
		return nil, E2BIG
	}
	h := &hash{base: newBase(space, s), perCPU: s.IsPerCPU(), seed: hashFactor}
	buckets := uint32(1)
	if s.MaxEntries > 1 {
		buckets = 1 << bits.Len32(s.MaxEntries-1)
	}
	h.mask = min(buckets, maxBuckets) - 1
	h.total = s.MaxEntries
	if s.Type == facts.MapTypeLRUHash || s.Type == facts.MapTypeLRUPercpuHash {
		h.lru = newLRU()
	} else if !h.perCPU {
		h.total++ // replacing a value takes a second element for a moment
	}
	h.keyStride = linkSize + roundUp(s.KeySize)
	h.stride = roundUp(s.ValueSize)
	if h.perCPU {
		h.stride *= uint64(s.CPUs)
	}
	var err error
	if h.heads, err = space.Alloc("the buckets of map "+s.Name, (uint64(h.mask)+1)*4, 0); err != nil {
		return nil, err
	}
	if h.keys, err = space.Alloc("keys of map "+s.Name, h.keyStride*uint64(h.total), mem.ReadOnly); err != nil {
		return nil, err
	}
	if h.values, err = h.alloc("values", h.stride*uint64(h.total)); err != nil {
		return nil, err
	}
	h.headBase, h.keyBase, h.valueBase = h.heads.Addr, h.keys.Addr, h.values.Addr
	for b := range h.mask + 1 {
		h.mem.Put32(h.headAddr(b), endBit|b)
	}
	return h, nil
}

func (h *hash) Release() {
	h.heads.Free()
	h.keys.Free()
	h.values.Free()
}

func (h *hash) headAddr(b uint32) uint64  { return h.headBase + uint64(b)*4 }
func (h *hash) linkAddr(e uint32) uint64  { return h.keyBase + uint64(e-1)*h.keyStride }
func (h *hash) keyAddr(e uint32) uint64   { return h.linkAddr(e) + linkSize }
func (h *hash) valueAddr(e uint32) uint64 { return h.valueBase + uint64(e-1)*h.stride }
func (h *hash) key(e uint32) []byte       { return h.mem.Slice(h.keyAddr(e), uint64(h.spec.KeySize)) }

func (h *hash) sum(key []byte) uint32 {
	switch len(key) {
	case 4:
		return mix(uint64(binary.LittleEndian.Uint32(key)) ^ h.seed)
	case 8:
		return mix(binary.LittleEndian.Uint64(key) ^ h.seed)
	}
	x := h.seed ^ uint64(len(key))
	for ; len(key) >= 8; key = key[8:] {
		hi, lo := bits.Mul64(x^binary.LittleEndian.Uint64(key), hashFactor)
		x = hi ^ lo
	}
	var tail [8]byte
	copy(tail[:], key)
	return mix(x ^ binary.LittleEndian.Uint64(tail[:]))
}

func mix(x uint64) uint32 {
	hi, lo := bits.Mul64(x, hashFactor)
	return uint32(hi^lo) ^ uint32(lo>>32)
}

// find returns the element of a key, 0 when there is none.
func (h *hash) find(key []byte, sum uint32) uint32 {
	if len(key) == 4 {
		return h.find4(binary.LittleEndian.Uint32(key), sum)
	}
	b := sum & h.mask
again:
	e := h.mem.LoadAcquire32(h.headAddr(b))
	for e&endBit == 0 {
		at := h.linkAddr(e)
		link := h.mem.LoadAcquire64(at)
		if uint32(link>>32) == sum && bytes.Equal(h.mem.Slice(at+linkSize, uint64(len(key))), key) {
			return e
		}
		e = uint32(link)
	}
	if e != endBit|b {
		goto again
	}
	return 0
}

// find4 is find for keys of 4 bytes, the most frequent ones.
func (h *hash) find4(key, sum uint32) uint32 {
	b := sum & h.mask
again:
	e := h.mem.LoadAcquire32(h.headAddr(b))
	for e&endBit == 0 {
		at := h.linkAddr(e)
		link := h.mem.LoadAcquire64(at)
		if h.mem.Get32(at+linkSize) == key {
			return e
		}
		e = uint32(link)
	}
	if e != endBit|b {
		goto again
	}
	return 0
}

func (h *hash) Lookup(cpu int, key []byte) uint64 {
	e := h.find(key, h.sum(key))
	if e == 0 {
		return 0
	}
	if h.lru != nil {
		h.lru.touch(e)
	}
	if h.perCPU {
		return h.valueAddr(e) + uint64(cpu)*roundUp(h.spec.ValueSize)
	}
	return h.valueAddr(e)
}

// LookupCPU is Lookup for any CPU.
func (h *hash) LookupCPU(key []byte, cpu int) uint64 {
	if !h.perCPU || cpu < 0 || cpu >= h.spec.CPUs {
		return 0
	}
	return h.Lookup(cpu, key)
}

// take finds room for an element; evicting one if the map may.
func (h *hash) take() uint32 {
	if n := len(h.free); n > 0 {
		e := h.free[n-1]
		h.free = h.free[:n-1]
		return e
	}
	if h.used < h.total {
		h.used++
		return h.used
	}
	if h.lru == nil {
		return 0
	}
	victim := h.lru.victim()
	if victim != 0 {
		h.unlink(victim)
	}
	return victim
}

func (h *hash) link(e uint32, key []byte, sum uint32) {
	copy(h.key(e), key)
	head := h.headAddr(sum & h.mask)
	h.mem.StoreRelease64(h.linkAddr(e), uint64(h.mem.Get32(head))|uint64(sum)<<32)
	h.mem.StoreRelease32(head, e)
	h.count++
}

// unlink takes an element out of its chain. Its own link stays, for lookups
// that stand on it.
func (h *hash) unlink(e uint32) {
	link := h.mem.Get64(h.linkAddr(e))
	b := uint32(link>>32) & h.mask
	at := h.mem.Get32(h.headAddr(b))
	if at == e {
		h.mem.StoreRelease32(h.headAddr(b), uint32(link))
		h.count--
		return
	}
	for at&endBit == 0 {
		prev := h.mem.Get64(h.linkAddr(at))
		if uint32(prev) == e {
			h.mem.StoreRelease64(h.linkAddr(at), prev>>32<<32|uint64(uint32(link)))
			h.count--
			return
		}
		at = uint32(prev)
	}
}

func (h *hash) release(e uint32) {
	if h.lru != nil {
		h.lru.remove(e)
	}
	h.free = append(h.free, e)
}

// store is an update. write puts the new value into an element; fresh says
// that the element is new.
func (h *hash) store(key []byte, flags uint64, write func(e uint32, fresh bool)) Errno {
	if h.perCPU || h.lru != nil {
		if flags > Exist {
			return EINVAL
		}
	} else if e := h.checkFlags(flags); e != OK {
		return e
	}
	sum := h.sum(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.find(key, sum)
	switch {
	case old != 0 && flags&^Lock == NoExist:
		return EEXIST
	case old == 0 && flags&^Lock == Exist:
		return ENOENT
	case old != 0 && (h.perCPU || flags&Lock != 0 || h.lru != nil):
		write(old, false)
		return OK
	case old == 0 && h.lru == nil && h.count >= h.spec.MaxEntries:
		return E2BIG
	}
	e := h.take()
	if e == 0 {
		return ENOMEM
	}
	write(e, true)
	h.link(e, key, sum)
	if h.lru != nil {
		h.lru.add(e)
	}
	if old != 0 {
		h.unlink(old)
		h.release(old)
	}
	return OK
}

func (h *hash) Update(cpu int, key, value []byte, flags uint64) Errno {
	return h.store(key, flags, func(e uint32, fresh bool) {
		addr := h.valueAddr(e)
		if h.perCPU {
			if fresh {
				clear(h.mem.Slice(addr, h.stride))
			}
			addr += uint64(cpu) * roundUp(h.spec.ValueSize)
		}
		h.put(addr, value, fresh)
	})
}

// put writes a value. A lock in a new element begins unlocked.
func (h *hash) put(addr uint64, value []byte, fresh bool) {
	if fresh && h.spec.LockOffset != 0 {
		h.mem.Put32(addr+uint64(h.spec.LockOffset-1), 0)
	}
	h.copyIn(addr, value)
}

func (h *hash) Write(key, value []byte, flags uint64) Errno {
	return h.store(key, flags, func(e uint32, fresh bool) {
		if !h.perCPU {
			h.put(h.valueAddr(e), value, fresh)
			return
		}
		size := roundUp(h.spec.ValueSize)
		for cpu := range uint64(h.spec.CPUs) {
			h.copyIn(h.valueAddr(e)+cpu*size, value[cpu*size:][:h.spec.ValueSize])
		}
	})
}

func (h *hash) Delete(key []byte) Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.find(key, h.sum(key))
	if e == 0 {
		return ENOENT
	}
	h.unlink(e)
	h.release(e)
	return OK
}

func (h *hash) Read(key, value []byte, flags uint64) Errno {
	if e := h.readFlags(flags); e != OK {
		return e
	}
	e := h.find(key, h.sum(key))
	if e == 0 {
		return ENOENT
	}
	h.read(e, value)
	return OK
}

func (h *hash) read(e uint32, value []byte) {
	if !h.perCPU {
		h.copyOut(value, h.valueAddr(e))
		return
	}
	size := roundUp(h.spec.ValueSize)
	for cpu := range uint64(h.spec.CPUs) {
		h.copyOut(value[cpu*size:][:size], h.valueAddr(e)+cpu*size)
	}
}

func (h *hash) Take(key, value []byte, flags uint64) Errno {
	if e := h.readFlags(flags); e != OK {
		return e
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.find(key, h.sum(key))
	if e == 0 {
		return ENOENT
	}
	h.read(e, value)
	h.unlink(e)
	h.release(e)
	return OK
}

// Next goes through a bucket's chain, then to the next bucket.
func (h *hash) Next(key, next []byte) Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := uint32(0)
	if key != nil {
		sum := h.sum(key)
		if e := h.find(key, sum); e != 0 {
			if after := h.mem.Get32(h.linkAddr(e)); after&endBit == 0 {
				copy(next, h.key(after))
				return OK
			}
			b = sum&h.mask + 1
		}
	}
	for ; b <= h.mask; b++ {
		if e := h.mem.Get32(h.headAddr(b)); e&endBit == 0 {
			copy(next, h.key(e))
			return OK
		}
	}
	return ENOENT
}

func (h *hash) Walk(cpu int, fn func(key, value uint64) bool) int {
	visited := 0
	for b := range h.mask + 1 {
		for e := h.mem.LoadAcquire32(h.headAddr(b)); e&endBit == 0; e = uint32(h.mem.LoadAcquire64(h.linkAddr(e))) {
			addr := h.valueAddr(e)
			if h.perCPU {
				addr += uint64(cpu) * roundUp(h.spec.ValueSize)
			}
			visited++
			if !fn(h.keyAddr(e), addr) || visited > int(h.total) {
				return visited
			}
		}
	}
	return visited
}

// lru orders the elements of an evicting map: a ring from oldest to newest,
// where an element that was looked up since gets a second chance. Lookups
// only set a mark; the rest happens under the map's lock.
type lru struct {
	prev, next []uint32 // element 0 is the ring's anchor
	marks      atomic.Pointer[[]atomic.Uint32]
}

func newLRU() *lru {
	l := &lru{prev: make([]uint32, 1), next: make([]uint32, 1)}
	marks := make([]atomic.Uint32, 64)
	l.marks.Store(&marks)
	return l
}

func (l *lru) touch(e uint32) {
	if m := *l.marks.Load(); int(e) < len(m) && m[e].Load() == 0 {
		m[e].Store(1)
	}
}

func (l *lru) add(e uint32) {
	for int(e) >= len(l.next) {
		l.next, l.prev = append(l.next, 0), append(l.prev, 0)
	}
	if m := *l.marks.Load(); int(e) >= len(m) {
		// Marks set on the old ones while they are copied may be lost,
		// which makes an element look older than it is.
		bigger := make([]atomic.Uint32, max(2*len(m), int(e)+1))
		for i := range m {
			bigger[i].Store(m[i].Load())
		}
		l.marks.Store(&bigger)
	}
	(*l.marks.Load())[e].Store(0)
	last := l.prev[0]
	l.next[last], l.prev[e], l.next[e], l.prev[0] = e, last, 0, e
}

func (l *lru) remove(e uint32) {
	l.next[l.prev[e]], l.prev[l.next[e]] = l.next[e], l.prev[e]
}

// victim takes the oldest element that wasn't looked up since it last came to
// the front, 0 when there are none at all.
func (l *lru) victim() uint32 {
	for e := l.next[0]; e != 0; e = l.next[0] {
		l.remove(e)
		if (*l.marks.Load())[e].Load() == 0 {
			return e
		}
		l.add(e)
	}
	return 0
}
