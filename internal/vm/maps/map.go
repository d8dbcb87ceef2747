package maps

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// Flags of updates and lookups (BPF_ANY, ...).
const (
	Any     = 0
	NoExist = 1
	Exist   = 2
	Lock    = 4
)

// Flags of map creation (BPF_F_*).
const (
	FlagNoPrealloc    = 1 << 0
	FlagNoCommonLRU   = 1 << 1
	FlagNUMANode      = 1 << 2
	FlagReadOnly      = 1 << 3 // for user space
	FlagWriteOnly     = 1 << 4
	FlagStackBuildID  = 1 << 5
	FlagZeroSeed      = 1 << 6
	FlagReadOnlyProg  = 1 << 7
	FlagWriteOnlyProg = 1 << 8
	FlagMmapable      = 1 << 10
	FlagPreserveElems = 1 << 11
	FlagInnerMap      = 1 << 12
	FlagNoUserConv    = 1 << 18
	FlagRBOverwrite   = 1 << 19

	flagsAccess = FlagReadOnly | FlagWriteOnly | FlagReadOnlyProg | FlagWriteOnlyProg
)

// Spec says what a map is to be. Sizes are in bytes.
type Spec struct {
	Name       string
	Type       facts.MapType
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64
	NUMANode   uint32
	Inner      *Spec // of the maps that a map of maps holds
	CPUs       int   // how many CPUs per-CPU maps are for
	// LockOffset is where values have a bpf_spin_lock, counted from 1; 0
	// means that they have none.
	LockOffset uint32
}

// Map is a map. The methods in the first group serve programs, those in the
// second one user space, where per-CPU values come as one block with every
// CPU's value rounded up to 8 bytes. Keys and values have the map's sizes.
type Map interface {
	Spec() *Spec
	// Lookup returns the address of a value as the given CPU sees it, 0
	// when there is none.
	Lookup(cpu int, key []byte) uint64
	Update(cpu int, key, value []byte, flags uint64) Errno
	Delete(key []byte) Errno

	Read(key, value []byte, flags uint64) Errno
	Write(key, value []byte, flags uint64) Errno
	// Take reads and deletes.
	Take(key, value []byte, flags uint64) Errno
	// Next finds the key behind key, the first one when key is nil or not
	// there.
	Next(key, next []byte) Errno
	// Release gives the map's memory back.
	Release()
}

// Queue is a map that programs push to and pop from: queues, stacks, and as
// far as it goes, bloom filters.
type Queue interface {
	Push(value []byte, flags uint64) Errno
	Pop(value []byte) Errno
	Peek(value []byte) Errno
}

// PerCPU is a map with a value for every CPU.
type PerCPU interface {
	// LookupCPU is Lookup for any CPU.
	LookupCPU(key []byte, cpu int) uint64
}

// Objects is a map whose values are programs, maps or events. User space
// writes references and reads ids.
type Objects interface {
	// Object returns what is stored for a key, nil when nothing is.
	Object(key []byte) any
	SetObject(key []byte, object any, flags uint64) Errno
}

// Walker is a map whose elements bpf_for_each_map_elem can visit. The
// addresses are of key and value; the visit ends when fn returns false.
type Walker interface {
	Walk(cpu int, fn func(key, value uint64) bool) (visited int)
}

// UserValueSize is the number of bytes of a value as user space sees it.
func (s *Spec) UserValueSize() int {
	if s.IsPerCPU() {
		return int(roundUp(s.ValueSize)) * s.CPUs
	}
	return int(s.ValueSize)
}

// IsPerCPU reports whether every CPU has a value of its own.
func (s *Spec) IsPerCPU() bool {
	switch s.Type {
	case facts.MapTypePercpuArray, facts.MapTypePercpuHash, facts.MapTypeLRUPercpuHash, facts.MapTypePercpuCgroupStorage:
		return true
	}
	return false
}

// HoldsMaps reports whether the map's values are maps.
func (s *Spec) HoldsMaps() bool {
	return s.Type == facts.MapTypeArrayOfMaps || s.Type == facts.MapTypeHashOfMaps
}

func roundUp(size uint32) uint64 { return (uint64(size) + 7) &^ 7 }

// base is what all maps share: the specification, the lock for changes, and
// the answers to calls that a type doesn't support.
type base struct {
	spec  Spec
	space *mem.Space
	mem   mem.Base
	mu    sync.Mutex
}

func newBase(space *mem.Space, s Spec) base { return base{spec: s, space: space, mem: space.Base()} }

func (b *base) Spec() *Spec                              { return &b.spec }
func (b *base) Lookup(int, []byte) uint64                { return 0 }
func (b *base) Update(int, []byte, []byte, uint64) Errno { return EOPNOTSUPP }
func (b *base) Delete([]byte) Errno                      { return EOPNOTSUPP }
func (b *base) Read([]byte, []byte, uint64) Errno        { return ENOTSUPP }
func (b *base) Write([]byte, []byte, uint64) Errno       { return ENOTSUPP }
func (b *base) Next([]byte, []byte) Errno                { return ENOTSUPP }

func (b *base) Take(_, _ []byte, flags uint64) Errno {
	if e := b.readFlags(flags); e != OK {
		return e
	}
	return ENOTSUPP
}

func (b *base) alloc(what string, size uint64) (*mem.Region, error) {
	access := mem.ReadWrite
	if b.spec.Flags&FlagReadOnlyProg != 0 {
		access = mem.ReadOnly
	}
	return b.space.Alloc(fmt.Sprintf("%s of map %s", what, b.spec.Name), size, access)
}

// checkFlags is the test that updates of arrays and hashes begin with.
func (b *base) checkFlags(flags uint64) Errno {
	if flags&^Lock > Exist {
		return EINVAL
	}
	if flags&Lock != 0 && b.spec.LockOffset == 0 {
		return EINVAL
	}
	return OK
}

// copyIn writes a value where programs may be reading it. Eight bytes are
// written at once when they can be, so that counters aren't torn. A lock in
// the value is left alone.
func (b *base) copyIn(addr uint64, value []byte) {
	if b.spec.LockOffset != 0 {
		at := uint64(b.spec.LockOffset - 1)
		copy(b.mem.Slice(addr, at), value[:at])
		copy(b.mem.Slice(addr+at+4, uint64(len(value))-at-4), value[at+4:])
		return
	}
	if len(value) == 8 && addr%8 == 0 {
		var v uint64
		for i := 7; i >= 0; i-- {
			v = v<<8 | uint64(value[i])
		}
		atomic.StoreUint64(b.mem.Word64(addr), v)
		return
	}
	copy(b.mem.Slice(addr, uint64(len(value))), value)
}

// copyOut reads a value that programs may be writing.
func (b *base) copyOut(value []byte, addr uint64) {
	if len(value) == 8 && addr%8 == 0 {
		v := atomic.LoadUint64(b.mem.Word64(addr))
		for i := range value {
			value[i] = byte(v >> (8 * i))
		}
		return
	}
	copy(value, b.mem.Slice(addr, uint64(len(value))))
	if at := b.spec.LockOffset; at != 0 {
		clear(value[at-1 : at+3])
	}
}
