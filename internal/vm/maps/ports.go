package maps

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// ports is a map of places that packets are redirected to: interfaces (devmap)
// or CPUs (cpumap). The engine sends nothing; it records where a program
// wanted its packet to go.
type ports struct {
	base
	region *mem.Region
	stride uint64
	used   []atomic.Bool
}

const maxQueue = 16384 // frames of a cpumap entry

func checkPorts(s *Spec) Errno {
	sizes := s.ValueSize == 4 || s.ValueSize == 8
	allowed := uint32(FlagNUMANode | FlagReadOnly | FlagWriteOnly)
	if s.Type == facts.MapTypeCpumap {
		allowed = FlagNUMANode
	}
	if s.MaxEntries == 0 || s.KeySize != 4 || !sizes || !s.only(allowed) {
		return EINVAL
	}
	if s.Type == facts.MapTypeCpumap && s.MaxEntries > maxCPUs {
		return E2BIG
	}
	return OK
}

// maxCPUs is the largest number of CPUs that a kernel can be built for.
const maxCPUs = 8192

func newPorts(space *mem.Space, s Spec) (Map, error) {
	p := &ports{base: newBase(space, s), stride: roundUp(s.ValueSize), used: make([]atomic.Bool, s.MaxEntries)}
	var err error
	if p.region, err = p.alloc("entries", p.stride*uint64(s.MaxEntries)); err != nil {
		return nil, err
	}
	p.region.SetWritable(false)
	return p, nil
}

func (p *ports) Release() { p.region.Free() }

func (p *ports) Lookup(_ int, key []byte) uint64 {
	i := binary.LittleEndian.Uint32(key)
	if i >= p.spec.MaxEntries || !p.used[i].Load() {
		return 0
	}
	return p.region.Addr + uint64(i)*p.stride
}

func (p *ports) Update(int, []byte, []byte, uint64) Errno { return EINVAL }

func (p *ports) Read(key, value []byte, flags uint64) Errno {
	if e := p.readFlags(flags); e != OK {
		return e
	}
	addr := p.Lookup(0, key)
	if addr == 0 {
		return ENOENT
	}
	p.copyOut(value, addr)
	return OK
}

// Write sets an entry. Interface 0 and queue size 0 clear it.
func (p *ports) Write(key, value []byte, flags uint64) Errno {
	i, v := binary.LittleEndian.Uint32(key), binary.LittleEndian.Uint32(value)
	switch {
	case flags > Exist:
		return EINVAL
	case i >= p.spec.MaxEntries:
		return E2BIG
	case flags == NoExist:
		return EEXIST
	case p.spec.Type == facts.MapTypeCpumap && v > maxQueue:
		return EOVERFLOW
	case p.spec.Type == facts.MapTypeCpumap && int(i) >= p.spec.CPUs:
		return ENODEV
	}
	p.copyIn(p.region.Addr+uint64(i)*p.stride, value)
	p.used[i].Store(v != 0)
	return OK
}

func (p *ports) Delete(key []byte) Errno {
	i := binary.LittleEndian.Uint32(key)
	if i >= p.spec.MaxEntries {
		return EINVAL
	}
	p.used[i].Store(false)
	return OK
}

func (p *ports) Next(key, next []byte) Errno { return nextIndex(key, next, p.spec.MaxEntries) }
