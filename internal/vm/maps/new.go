package maps

import (
	"fmt"
	"math"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// Limits of the kernel's allocators, in bytes.
const (
	maxAlloc  = 4 << 20  // kmalloc
	maxPerCPU = 32 << 10 // one value of a per-CPU map
)

// kind is a map type: what creation checks, and how a map is made.
type kind struct {
	check func(*Spec) Errno
	make  func(*mem.Space, Spec) (Map, error)
}

func kinds() map[facts.MapType]kind {
	return map[facts.MapType]kind{
		facts.MapTypeArray:          {checkArray, newArray},
		facts.MapTypePercpuArray:    {checkArray, newPerCPUArray},
		facts.MapTypeHash:           {checkHash, newHash},
		facts.MapTypePercpuHash:     {checkHash, newHash},
		facts.MapTypeLRUHash:        {checkHash, newHash},
		facts.MapTypeLRUPercpuHash:  {checkHash, newHash},
		facts.MapTypeLPMTrie:        {checkLPM, newLPM},
		facts.MapTypeQueue:          {checkQueue, newQueue},
		facts.MapTypeStack:          {checkQueue, newQueue},
		facts.MapTypeBloomFilter:    {checkBloom, newBloom},
		facts.MapTypeProgArray:      {checkObjects, newObjects},
		facts.MapTypePerfEventArray: {checkObjects, newObjects},
		facts.MapTypeCgroupArray:    {checkObjects, newObjects},
		facts.MapTypeArrayOfMaps:    {checkOuter, newObjects},
		facts.MapTypeHashOfMaps:     {checkOuterHash, newHashOfMaps},
		facts.MapTypeRingbuf:        {checkRingbuf, newRingbuf},
		facts.MapTypeStackTrace:     {checkStackTrace, newStackTrace},
		facts.MapTypeDevmap:         {checkPorts, newPorts},
		facts.MapTypeCpumap:         {checkPorts, newPorts},
	}
}

// Supported reports whether maps of a type can be made.
func Supported(t facts.MapType) bool {
	_, ok := kinds()[t]
	return ok
}

// New makes a map in a space. The error is an Errno where the kernel refuses
// the specification too.
func New(space *mem.Space, s Spec) (Map, error) {
	k, ok := kinds()[s.Type]
	if !ok {
		return nil, fmt.Errorf("maps of type %s are not available in user space: %w", s.Type, EINVAL)
	}
	s.CPUs = max(s.CPUs, 1)
	if s.Flags&FlagReadOnly != 0 && s.Flags&FlagWriteOnly != 0 || s.Flags&FlagReadOnlyProg != 0 && s.Flags&FlagWriteOnlyProg != 0 {
		return nil, EINVAL
	}
	if s.Type != facts.MapTypeBloomFilter && s.Type != facts.MapTypeArena && s.Extra != 0 {
		return nil, EINVAL
	}
	if e := k.check(&s); e != OK {
		return nil, e
	}
	return k.make(space, s)
}

func (s *Spec) only(flags uint32) bool { return s.Flags&^flags == 0 }

func checkArray(s *Spec) Errno {
	perCPU := s.Type == facts.MapTypePercpuArray
	switch {
	case s.MaxEntries == 0, s.KeySize != 4, s.ValueSize == 0,
		!s.only(FlagNUMANode | FlagMmapable | flagsAccess | FlagPreserveElems | FlagInnerMap),
		perCPU && s.Flags&(FlagNUMANode|FlagMmapable|FlagInnerMap) != 0,
		s.Flags&FlagPreserveElems != 0:
		return EINVAL
	case s.ValueSize > math.MaxInt32, perCPU && roundUp(s.ValueSize) > maxPerCPU:
		return E2BIG
	}
	return OK
}

func checkHash(s *Spec) Errno {
	lru := s.Type == facts.MapTypeLRUHash || s.Type == facts.MapTypeLRUPercpuHash
	perCPULists := s.Flags&FlagNoCommonLRU != 0
	switch {
	case !s.only(FlagNoPrealloc | FlagNoCommonLRU | FlagNUMANode | flagsAccess | FlagZeroSeed),
		!lru && perCPULists:
		return EINVAL
	case lru && s.Flags&FlagNoPrealloc != 0:
		return ENOTSUPP
	case perCPULists && s.Flags&FlagNUMANode != 0, s.MaxEntries == 0, s.KeySize == 0, s.ValueSize == 0:
		return EINVAL
	case uint64(s.KeySize)+uint64(s.ValueSize) >= maxAlloc-64, s.IsPerCPU() && roundUp(s.ValueSize) > maxPerCPU:
		return E2BIG
	}
	return OK
}

func checkLPM(s *Spec) Errno {
	switch {
	case s.MaxEntries == 0, s.Flags&FlagNoPrealloc == 0, !s.only(FlagNoPrealloc | FlagNUMANode | flagsAccess),
		s.KeySize < 5, s.KeySize > 260, s.ValueSize < 1, s.ValueSize > maxAlloc-512:
		return EINVAL
	}
	return OK
}

func checkQueue(s *Spec) Errno {
	switch {
	case s.MaxEntries == 0, s.ValueSize == 0, s.KeySize != 0, !s.only(FlagNUMANode | flagsAccess):
		return EINVAL
	case s.ValueSize > maxAlloc:
		return E2BIG
	}
	return OK
}

func checkBloom(s *Spec) Errno {
	switch {
	case s.KeySize != 0, s.ValueSize == 0, s.MaxEntries == 0, !s.only(FlagNUMANode | FlagZeroSeed | flagsAccess), s.Extra > 15:
		return EINVAL
	case s.ValueSize > maxAlloc:
		return E2BIG
	}
	return OK
}

func checkObjects(s *Spec) Errno {
	allowed := uint32(FlagNUMANode | FlagReadOnly | FlagWriteOnly)
	if s.Type == facts.MapTypePerfEventArray {
		allowed |= FlagPreserveElems
	}
	if s.MaxEntries == 0 || s.KeySize != 4 || s.ValueSize != 4 || !s.only(allowed) {
		return EINVAL
	}
	return OK
}

func checkOuter(s *Spec) Errno {
	if s.Inner == nil {
		return EBADF
	}
	if s.MaxEntries == 0 || s.KeySize != 4 || s.ValueSize != 4 || !s.only(FlagNUMANode|FlagReadOnly|FlagWriteOnly) {
		return EINVAL
	}
	return OK
}

func checkOuterHash(s *Spec) Errno {
	if s.ValueSize != 4 {
		return EINVAL
	}
	if e := checkHash(s); e != OK {
		return e
	}
	if s.Inner == nil {
		return EBADF
	}
	return OK
}

const pageSize = 4096

func checkRingbuf(s *Spec) Errno {
	if s.KeySize != 0 || s.ValueSize != 0 || s.MaxEntries == 0 || s.MaxEntries&(s.MaxEntries-1) != 0 ||
		s.MaxEntries%pageSize != 0 || !s.only(FlagNUMANode|FlagRBOverwrite) {
		return EINVAL
	}
	return OK
}

const maxStackDepth = 127

func checkStackTrace(s *Spec) Errno {
	item := uint32(8)
	if s.Flags&FlagStackBuildID != 0 {
		item = 32
	}
	switch {
	case !s.only(FlagNUMANode | FlagReadOnly | FlagWriteOnly | FlagStackBuildID),
		s.MaxEntries == 0, s.KeySize != 4, s.ValueSize < item, s.ValueSize%item != 0, s.ValueSize/item > maxStackDepth:
		return EINVAL
	case s.MaxEntries > 1<<31:
		return E2BIG
	}
	return OK
}
