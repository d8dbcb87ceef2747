package helpers

import (
	"errors"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func ringHelpers() []entry {
	return []entry{
		{facts.FnRingbufOutput, Base, ringOutput, false},
		{facts.FnRingbufReserve, Base, ringReserve, false},
		{facts.FnRingbufSubmit, Base, func(c *cpu.CPU) uint64 { return ringCommit(c, false) }, false},
		{facts.FnRingbufDiscard, Base, func(c *cpu.CPU) uint64 { return ringCommit(c, true) }, false},
		{facts.FnRingbufQuery, Base, ringQuery, false},
	}
}

var errNoRing = errors.New("the map is no ring buffer")

func ringArg(c *cpu.CPU) *maps.Ringbuf {
	m := c.MapArg(1)
	r, ok := m.(*maps.Ringbuf)
	if !ok {
		c.Stop(errNoRing)
		return nil
	}
	return r
}

func ringOutput(c *cpu.CPU) uint64 {
	r := ringArg(c)
	if r == nil {
		return 0
	}
	data, ok := c.Bytes(c.R[2], c.R[3], mem.Read)
	if !ok {
		return 0
	}
	return r.Output(data, c.R[4]).Result()
}

func ringReserve(c *cpu.CPU) uint64 {
	r := ringArg(c)
	if r == nil || c.R[3] != 0 {
		return 0
	}
	return r.Reserve(c.R[2])
}

var errNoRecord = errors.New("r1 is no record that was reserved in a ring buffer")

// ringCommit gets a record, not a map: the ring is found by its memory.
func ringCommit(c *cpu.CPU, discard bool) uint64 {
	region, ok := c.Mem.Find(c.R[1])
	if ok {
		if r, isRing := region.Owner.(*maps.Ringbuf); isRing && r.Commit(c.R[1], c.R[2], discard) {
			return 0
		}
	}
	c.Stop(errNoRecord)
	return 0
}

func ringQuery(c *cpu.CPU) uint64 {
	r := ringArg(c)
	if r == nil {
		return 0
	}
	return r.Query(c.R[2])
}
