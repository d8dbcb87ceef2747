package eval

import (
	"encoding/binary"
	"fmt"
)

// Perm says what a program may do with a region.
type Perm uint8

// The permissions.
const (
	ReadOnly Perm = iota
	ReadWrite
)

// Region is a piece of memory.
type Region struct {
	Name  string
	Addr  uint64
	Bytes []byte
	Perm  Perm

	// written marks the bytes that have a value; nil means all of them.
	written []bool
}

// regionShift spaces the regions: the upper half of an address is the number
// of its region, which starts in the middle of its 4 GiB.
const (
	regionShift  = 32
	regionMiddle = 1 << (regionShift - 1)
)

// firstRegion keeps addresses away from the numbers that programs compute with.
const firstRegion = 0xeb9f0

// memory is the address space. Region numbers are not used again, so that a
// stale pointer hits nothing.
type memory struct {
	regions map[uint64]*Region
	next    uint64
	last    *Region // of the latest access
}

func newMemory() *memory { return &memory{regions: map[uint64]*Region{}, next: firstRegion} }

func (m *memory) add(name string, bytes []byte, perm Perm) *Region {
	r := &Region{Name: name, Addr: m.next<<regionShift + regionMiddle, Bytes: bytes, Perm: perm}
	m.regions[m.next] = r
	m.next++
	return r
}

// addStack adds a region of bytes without a value.
func (m *memory) addStack(name string, size int64) *Region {
	r := m.add(name, make([]byte, size), ReadWrite)
	r.written = make([]bool, size)
	return r
}

func (m *memory) remove(r *Region) {
	delete(m.regions, r.Addr>>regionShift)
	if m.last == r {
		m.last = nil
	}
}

// find returns the region that an address is in, whether or not the address
// is inside its bounds.
func (m *memory) find(addr uint64) *Region {
	if m.last != nil && m.last.Addr>>regionShift == addr>>regionShift {
		return m.last
	}
	r := m.regions[addr>>regionShift]
	if r != nil {
		m.last = r
	}
	return r
}

// access returns the region and the offset of size bytes at addr.
func (m *memory) access(addr uint64, size int64, write bool) (*Region, int64, error) {
	r := m.find(addr)
	if r == nil {
		return nil, 0, fmt.Errorf("access of %d bytes at %#x, which is no memory", size, addr)
	}
	off := int64(addr - r.Addr)
	if size < 0 || off < 0 || off+size > int64(len(r.Bytes)) {
		return nil, 0, fmt.Errorf("access of %d bytes at offset %d of %s, which has %d", size, off, r.Name, len(r.Bytes))
	}
	if write && r.Perm != ReadWrite {
		return nil, 0, fmt.Errorf("write to %s, which is read-only", r.Name)
	}
	return r, off, nil
}

// read returns the bytes themselves, not a copy.
func (m *memory) read(addr uint64, size int64) ([]byte, error) {
	r, off, err := m.access(addr, size, false)
	if err != nil {
		return nil, err
	}
	if r.written != nil {
		for i, ok := range r.written[off : off+size] {
			if !ok {
				return nil, fmt.Errorf("read of %d bytes at offset %d of %s, of which byte %d was never written", size, off, r.Name, i)
			}
		}
	}
	return r.Bytes[off : off+size], nil
}

// write returns the bytes to be written.
func (m *memory) write(addr uint64, size int64) ([]byte, error) {
	r, off, err := m.access(addr, size, true)
	if err != nil {
		return nil, err
	}
	if r.written != nil {
		for i := range r.written[off : off+size] {
			r.written[off+int64(i)] = true
		}
	}
	return r.Bytes[off : off+size], nil
}

func (m *memory) load(addr uint64, width uint8) (uint64, error) {
	b, err := m.read(addr, int64(width))
	if err != nil {
		return 0, err
	}
	var word [8]byte
	copy(word[:], b)
	return binary.LittleEndian.Uint64(word[:]), nil
}

func (m *memory) store(addr, x uint64, width uint8) error {
	b, err := m.write(addr, int64(width))
	if err != nil {
		return err
	}
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], x)
	copy(b, word[:width])
	return nil
}

func (m *memory) zero(addr uint64, size int64) error {
	b, err := m.write(addr, size)
	if err != nil {
		return err
	}
	clear(b)
	return nil
}

// copy moves bytes with their being written or not, as a struct may have
// padding that nothing wrote.
func (m *memory) copy(dst, src uint64, size int64) error {
	from, i, err := m.access(src, size, false)
	if err != nil {
		return err
	}
	to, j, err := m.access(dst, size, true)
	if err != nil {
		return err
	}
	if from == to && i < j+size && j < i+size && i != j {
		return fmt.Errorf("copy of %d bytes inside %s from offset %d to %d: the areas overlap", size, to.Name, i, j)
	}
	if to.written == nil && from.written != nil {
		if _, err := m.read(src, size); err != nil {
			return err
		}
	}
	copy(to.Bytes[j:j+size], from.Bytes[i:i+size])
	if to.written != nil {
		for k := range size {
			to.written[j+k] = from.written == nil || from.written[i+k]
		}
	}
	return nil
}
