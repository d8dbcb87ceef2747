package mem

import (
	"errors"
	"fmt"
	"runtime"
	"sort"
	"sync"
	"unsafe"
)

// SlotShift is the binary logarithm of the size of a slot, the granularity at
// which regions are placed.
const SlotShift = 16

const (
	slotSize  = 1 << SlotShift
	slotMask  = slotSize - 1
	firstSlot = 16      // addresses below 1 MiB are never mapped
	grain     = 1 << 20 // memory is made accessible in steps of this size
)

// Sizes of the address space that are tried, largest first: a limit on
// virtual memory (RLIMIT_AS) may forbid the larger ones.
var spaceSizes = [...]uint64{64 << 30, 4 << 30, 256 << 20, 32 << 20}

// ErrNoSpace says that the address space or the machine's memory is used up.
var ErrNoSpace = errors.New("the engine's memory is used up")

// Extent says which bytes of a slot, and of the slots behind it that belong
// to the same region, may be accessed directly. The zero Extent allows
// nothing.
type Extent struct {
	Lo   uint32 // the first accessible byte, counted from the slot's start
	Len  uint32 // how many bytes from Lo on may be read
	WLen uint32 // how many may be written: Len or 0
	_    uint32
}

// Space is an address space. Its memory goes back to the system when the
// Space and everything that refers to it is garbage.
type Space struct {
	base  Base
	table []Extent

	mu        sync.RWMutex
	committed uint64 // bytes of the space that are accessible
	next      uint64 // the first slot that was never used
	regions   []*Region
	free      map[uint64][]uint64 // slots that were used, by length
}

// NewSpace reserves an address space. Pages take memory when they are
// touched.
func NewSpace() (*Space, error) {
	var err error
	for _, size := range spaceSizes {
		var all []byte
		tableSize := (size >> SlotShift) * uint64(unsafe.Sizeof(Extent{}))
		if all, err = reserve(size + tableSize); err != nil {
			continue
		}
		if err = commit(all[size:]); err != nil {
			release(all)
			continue
		}
		s := &Space{
			base:  Base{unsafe.Pointer(unsafe.SliceData(all))},
			table: unsafe.Slice((*Extent)(unsafe.Pointer(&all[size])), size>>SlotShift),
			next:  firstSlot,
			free:  map[uint64][]uint64{},
		}
		runtime.AddCleanup(s, release, all)
		return s, nil
	}
	return nil, fmt.Errorf("reserving an address space: %w", err)
}

// Base returns the origin of the space's addresses. It must not be used
// longer than s.
func (s *Space) Base() Base { return s.base }

// Table returns the extents, indexed by slot number. It is live: it changes as
// regions come and go.
func (s *Space) Table() []Extent { return s.table }

// Alloc makes a region of size zeroed bytes.
func (s *Space) Alloc(name string, size uint64, access Access) (*Region, error) {
	slots := (size+slotMask)>>SlotShift + 1 // and one that stays empty
	s.mu.Lock()
	defer s.mu.Unlock()
	at, reused, err := s.place(slots)
	if err != nil {
		return nil, fmt.Errorf("%s of %d bytes: %w", name, size, err)
	}
	r := &Region{Name: name, Addr: at << SlotShift, space: s, size: size, slots: slots, access: access}
	if reused {
		clear(r.bytes())
	}
	i := sort.Search(len(s.regions), func(i int) bool { return s.regions[i].Addr > r.Addr })
	s.regions = append(s.regions, nil)
	copy(s.regions[i+1:], s.regions[i:])
	s.regions[i] = r
	if access&Direct != 0 {
		r.SetWindow(0, size)
	}
	return r, nil
}

// place finds slots and makes them accessible.
func (s *Space) place(slots uint64) (at uint64, reused bool, err error) {
	if l := s.free[slots]; len(l) > 0 {
		s.free[slots] = l[:len(l)-1]
		return l[len(l)-1], true, nil
	}
	if slots > uint64(len(s.table)) || s.next > uint64(len(s.table))-slots {
		return 0, false, ErrNoSpace
	}
	end := (s.next + slots) << SlotShift
	if s.committed == 0 {
		s.committed = s.next << SlotShift
	}
	if end > s.committed {
		upTo := min((end+grain-1)&^(grain-1), uint64(len(s.table))<<SlotShift)
		if err := commit(unsafe.Slice((*byte)(s.base.at(s.committed)), upTo-s.committed)); err != nil {
			return 0, false, fmt.Errorf("%w: %w", ErrNoSpace, err)
		}
		s.committed = upTo
	}
	at = s.next
	s.next += slots
	return at, false, nil
}

// Find returns the region that holds addr, or the last one below it when
// none does.
func (s *Space) Find(addr uint64) (r *Region, inside bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := sort.Search(len(s.regions), func(i int) bool { return s.regions[i].Addr > addr })
	if i == 0 {
		return nil, false
	}
	r = s.regions[i-1]
	return r, addr-r.Addr < r.size
}

// Bytes returns the n bytes at addr as a slice of the space's memory, or a
// *Fault when they may not be accessed so.
func (s *Space) Bytes(addr, n uint64, access Access) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if i := addr >> SlotShift; i < uint64(len(s.table)) {
		e := &s.table[i]
		limit := e.Len
		if access&Write != 0 {
			limit = e.WLen
		}
		off := uint32(addr)&slotMask - e.Lo
		if n <= uint64(limit) && uint64(off) <= uint64(limit)-n {
			return unsafe.Slice((*byte)(s.base.at(addr)), n), nil
		}
	}
	return nil, s.Fault(addr, n, access)
}

// Fault describes an access that the table doesn't allow.
func (s *Space) Fault(addr, n uint64, access Access) *Fault {
	f := &Fault{Addr: addr, Size: n, Access: access}
	if r, _ := s.Find(addr); r != nil && addr-r.Addr < r.slots<<SlotShift {
		f.Region, f.Offset, f.RegionSize = r.Name, int64(addr-r.Addr)-int64(r.lo), r.hi-r.lo
	} else if r, _ = s.Find(addr + slotSize); r != nil && r.Addr > addr && r.Addr-addr <= slotSize {
		f.Region, f.Offset, f.RegionSize = r.Name, int64(addr-r.Addr), r.hi-r.lo
	}
	return f
}
