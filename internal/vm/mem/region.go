package mem

import (
	"fmt"
	"math"
	"sort"
	"unsafe"
)

// Access is a set of permissions, or the kind of one access.
type Access uint8

// The kinds of access. Direct is a property of regions: their memory is what
// programs see. Without it the region's Device answers every access.
const (
	Read Access = 1 << iota
	Write
	Atomic
	Direct

	// ReadWrite is ordinary memory, ReadOnly memory that programs can't
	// change.
	ReadWrite = Read | Write | Direct
	ReadOnly  = Read | Direct
)

func (a Access) String() string {
	switch {
	case a&Atomic != 0:
		return "atomic access"
	case a&Write != 0:
		return "write"
	}
	return "read"
}

// Device answers the accesses of programs to a region that isn't plain
// memory, such as a context whose fields are computed. off counts from the
// region's start, size is 1, 2, 4 or 8; false refuses the access.
type Device interface {
	Load(off uint64, size int) (uint64, bool)
	Store(off uint64, size int, value uint64) bool
}

// Region is a part of a Space that belongs to one thing: a stack, a packet, a
// map's values.
type Region struct {
	Name string
	Addr uint64 // of its first byte
	// Owner is what the region belongs to, for helpers that get an address.
	Owner any

	space  *Space
	size   uint64
	slots  uint64
	access Access
	lo, hi uint64 // the window
	device Device
}

// Size is the number of bytes of the region.
func (r *Region) Size() uint64 { return r.size }

// Bytes is the region's memory, whatever its window is. The slice must not be
// used longer than the region's Space.
func (r *Region) Bytes() []byte { return r.bytes() }

func (r *Region) bytes() []byte {
	if r.size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.space.base.at(r.Addr)), r.size)
}

// SetWindow makes the bytes from lo up to hi of a region accessible, and only
// those. Programs that run at the time may still see the window before.
func (r *Region) SetWindow(lo, hi uint64) {
	if hi > r.size || lo > hi {
		panic(fmt.Sprintf("mem: window [%d, %d) of a region of %d bytes", lo, hi, r.size))
	}
	r.lo, r.hi = lo, hi
	first := r.Addr >> SlotShift
	for i := range r.slots {
		r.space.table[first+i] = r.extent(i << SlotShift)
	}
}

// extent is the table's entry for the slot that begins at byte start.
func (r *Region) extent(start uint64) Extent {
	from := max(r.lo, start)
	if from >= r.hi || from-start >= slotSize || r.access&Direct == 0 {
		return Extent{}
	}
	e := Extent{Lo: uint32(from - start), Len: uint32(min(r.hi-from, math.MaxUint32))}
	if r.access&Write != 0 {
		e.WLen = e.Len
	}
	return e
}

// Window returns the bounds that SetWindow set.
func (r *Region) Window() (lo, hi uint64) { return r.lo, r.hi }

// SetWritable changes whether programs may write the region.
func (r *Region) SetWritable(on bool) {
	r.access &^= Write
	if on {
		r.access |= Write
	}
	r.SetWindow(r.lo, r.hi)
}

// SetDevice makes d answer every access to the region.
func (r *Region) SetDevice(d Device) {
	r.device = d
	r.access &^= Direct
	r.SetWindow(0, r.size)
}

// Device is what SetDevice set.
func (r *Region) Device() Device { return r.device }

// Free gives the region's addresses back. A program that still holds one
// reads or writes whatever comes to be there, as in the kernel; it can't
// leave the Space.
func (r *Region) Free() {
	s := r.space
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(len(s.regions), func(i int) bool { return s.regions[i].Addr >= r.Addr })
	if i == len(s.regions) || s.regions[i] != r {
		return
	}
	r.access &^= Direct
	r.SetWindow(0, 0)
	s.regions = append(s.regions[:i], s.regions[i+1:]...)
	s.free[r.slots] = append(s.free[r.slots], r.Addr>>SlotShift)
}

// SetPlain makes the first n bytes of a region ordinary memory.
func (r *Region) SetPlain(access Access, n uint64) {
	r.device = nil
	r.access = access
	r.SetWindow(0, n)
}
