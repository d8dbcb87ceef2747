package maps

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// array is an array map: values of 8-byte multiples in one region.
type array struct {
	base
	region *mem.Region
	stride uint64
}

func newArray(space *mem.Space, s Spec) (Map, error) {
	a := &array{base: newBase(space, s), stride: roundUp(s.ValueSize)}
	var err error
	a.region, err = a.alloc("values", a.stride*uint64(s.MaxEntries))
	return a, err
}

func (a *array) Release() { a.region.Free() }

// Values is the region that holds the elements. For maps with one element it
// is what instructions refer to that take the value's address.
func (a *array) Values() *mem.Region { return a.region }

func (a *array) at(key []byte) uint64 {
	i := binary.LittleEndian.Uint32(key)
	if i >= a.spec.MaxEntries {
		return 0
	}
	return a.region.Addr + uint64(i)*a.stride
}

func (a *array) Lookup(_ int, key []byte) uint64 { return a.at(key) }

func (a *array) Update(_ int, key, value []byte, flags uint64) Errno {
	return a.Write(key, value, flags)
}

func (a *array) Delete([]byte) Errno { return EINVAL }

func (a *array) Read(key, value []byte, flags uint64) Errno {
	if e := a.readFlags(flags); e != OK {
		return e
	}
	addr := a.at(key)
	if addr == 0 {
		return ENOENT
	}
	a.copyOut(value, addr)
	return OK
}

func (b *base) readFlags(flags uint64) Errno {
	if flags&^Lock != 0 || flags&Lock != 0 && b.spec.LockOffset == 0 {
		return EINVAL
	}
	return OK
}

func (a *array) Write(key, value []byte, flags uint64) Errno {
	if e := a.arrayFlags(key, flags); e != OK {
		return e
	}
	a.copyIn(a.at(key), value)
	return OK
}

// arrayFlags is what updates of all arrays check, in the kernel's order.
func (b *base) arrayFlags(key []byte, flags uint64) Errno {
	switch {
	case flags&^Lock > Exist:
		return EINVAL
	case binary.LittleEndian.Uint32(key) >= b.spec.MaxEntries:
		return E2BIG
	case flags&NoExist != 0:
		return EEXIST
	case flags&Lock != 0 && b.spec.LockOffset == 0:
		return EINVAL
	}
	return OK
}

func (a *array) Next(key, next []byte) Errno { return nextIndex(key, next, a.spec.MaxEntries) }

func nextIndex(key, next []byte, n uint32) Errno {
	i := uint32(0)
	if key != nil {
		switch at := binary.LittleEndian.Uint32(key); {
		case at == n-1:
			return ENOENT
		case at < n:
			i = at + 1
		}
	}
	binary.LittleEndian.PutUint32(next, i)
	return OK
}

func (a *array) Walk(_ int, fn func(key, value uint64) bool) int {
	return walkIndexes(&a.base, a.spec.MaxEntries, fn, func(i uint32) uint64 { return a.region.Addr + uint64(i)*a.stride })
}

// walkIndexes visits the elements of an array. The key needs an address; it
// gets one in a region of its own.
func walkIndexes(b *base, n uint32, fn func(key, value uint64) bool, at func(uint32) uint64) int {
	key, err := b.space.Alloc("a key of map "+b.spec.Name, 4, mem.ReadOnly)
	if err != nil {
		return 0
	}
	defer key.Free()
	for i := range n {
		binary.LittleEndian.PutUint32(key.Bytes(), i)
		if !fn(key.Addr, at(i)) {
			return int(i) + 1
		}
	}
	return int(n)
}

// perCPUArray has an element for every CPU and index: those of one CPU lie
// together.
type perCPUArray struct{ array }

func newPerCPUArray(space *mem.Space, s Spec) (Map, error) {
	a := &perCPUArray{array{base: newBase(space, s), stride: roundUp(s.ValueSize)}}
	var err error
	a.region, err = a.alloc("values", a.stride*uint64(s.MaxEntries)*uint64(s.CPUs))
	return a, err
}

func (a *perCPUArray) LookupCPU(key []byte, cpu int) uint64 {
	addr := a.at(key)
	if addr == 0 || cpu < 0 || cpu >= a.spec.CPUs {
		return 0
	}
	return addr + uint64(cpu)*a.stride*uint64(a.spec.MaxEntries)
}

func (a *perCPUArray) Lookup(cpu int, key []byte) uint64 { return a.LookupCPU(key, cpu) }

func (a *perCPUArray) Update(cpu int, key, value []byte, flags uint64) Errno {
	if e := a.perCPUFlags(key, flags); e != OK {
		return e
	}
	a.copyIn(a.LookupCPU(key, cpu), value)
	return OK
}

func (a *perCPUArray) perCPUFlags(key []byte, flags uint64) Errno {
	if flags > Exist {
		return EINVAL
	}
	return a.arrayFlags(key, flags)
}

func (a *perCPUArray) Read(key, value []byte, flags uint64) Errno {
	if e := a.readFlags(flags); e != OK {
		return e
	}
	if a.at(key) == 0 {
		return ENOENT
	}
	for cpu := range a.spec.CPUs {
		a.copyOut(value[uint64(cpu)*a.stride:][:a.stride], a.LookupCPU(key, cpu))
	}
	return OK
}

func (a *perCPUArray) Write(key, value []byte, flags uint64) Errno {
	if e := a.perCPUFlags(key, flags); e != OK {
		return e
	}
	for cpu := range a.spec.CPUs {
		a.copyIn(a.LookupCPU(key, cpu), value[uint64(cpu)*a.stride:][:a.spec.ValueSize])
	}
	return OK
}

func (a *perCPUArray) Walk(cpu int, fn func(key, value uint64) bool) int {
	var k [4]byte
	return walkIndexes(&a.base, a.spec.MaxEntries, fn, func(i uint32) uint64 {
		binary.LittleEndian.PutUint32(k[:], i)
		return a.LookupCPU(k[:], cpu)
	})
}

// Direct is a map whose value instructions can refer to.
type Direct interface{ Values() *mem.Region }

// Values is nil: there is no one value.
func (a *perCPUArray) Values() *mem.Region { return nil }
