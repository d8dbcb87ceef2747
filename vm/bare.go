package vm

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// Bare is a program of no type: bytecode that works on a block of memory, as
// in RFC 9669's conformance suite. It may call the helpers that every program
// type has.
type Bare struct {
	m    *Machine
	code *ops.Program
}

// NewBare makes a program of encoded instructions, low byte first.
func (m *Machine) NewBare(name string, code []byte) (*Bare, error) {
	insns, err := isa.Decode(code, binary.LittleEndian)
	if err != nil {
		return nil, err
	}
	p, err := ops.Decode(name, insns, binder{m, facts.ProgTypeUnspec, true})
	if err != nil {
		return nil, err
	}
	return &Bare{m, p}, nil
}

// Run runs the program with the address of data in r1 and its length in r2,
// and returns r0. What the program does to the memory is done to data.
func (b *Bare) Run(data []byte) (uint64, error) {
	p, err := b.m.acquire(0)
	if err != nil {
		return 0, err
	}
	defer p.release()
	p.run.Packet = nil
	addr := uint64(0)
	if len(data) > 0 {
		region, err := b.m.space.Alloc("the memory", uint64(len(data)), mem.ReadWrite)
		if err != nil {
			return 0, err
		}
		defer region.Free()
		copy(region.Bytes(), data)
		defer func() { copy(data, region.Bytes()) }()
		addr = region.Addr
	}
	return b.m.execute(p, b.code, addr, uint64(len(data)))
}
