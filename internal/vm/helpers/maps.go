package helpers

import (
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func mapHelpers() []entry {
	return []entry{
		{facts.FnMapLookupElem, Base, mapLookup, false},
		{facts.FnMapUpdateElem, Base, mapUpdate, false},
		{facts.FnMapDeleteElem, Base, mapDelete, false},
		{facts.FnMapPushElem, Base, mapPush, false},
		{facts.FnMapPopElem, Base, mapPop, false},
		{facts.FnMapPeekElem, Base, mapPeek, false},
		{facts.FnMapLookupPercpuElem, Base, mapLookupPerCPU, false},
		{facts.FnForEachMapElem, Base, forEach, false},
		{facts.FnTailCall, Base, func(*cpu.CPU) uint64 { return 0 }, false},
		{facts.FnGetStackid, Tracing, getStackID, true},
	}
}

func mapAndKey(c *cpu.CPU) (maps.Map, []byte) {
	m := c.MapArg(1)
	if m == nil {
		return nil, nil
	}
	key, ok := c.Bytes(c.R[2], uint64(m.Spec().KeySize), mem.Read)
	if !ok {
		return nil, nil
	}
	return m, key
}

func mapLookup(c *cpu.CPU) uint64 {
	m, key := mapAndKey(c)
	if m == nil {
		return 0
	}
	return m.Lookup(c.ID, key)
}

func mapUpdate(c *cpu.CPU) uint64 {
	m, key := mapAndKey(c)
	if m == nil {
		return 0
	}
	value, ok := c.Bytes(c.R[3], uint64(m.Spec().ValueSize), mem.Read)
	if !ok {
		return 0
	}
	return m.Update(c.ID, key, value, c.R[4]).Result()
}

func mapDelete(c *cpu.CPU) uint64 {
	m, key := mapAndKey(c)
	if m == nil {
		return 0
	}
	return m.Delete(key).Result()
}

// queueArg is the queue in r1 and the value that r2 points to.
func queueArg(c *cpu.CPU, access mem.Access) (maps.Queue, []byte, uint64) {
	m := c.MapArg(1)
	if m == nil {
		return nil, nil, 0
	}
	q, ok := m.(maps.Queue)
	if !ok {
		return nil, nil, fails(maps.EOPNOTSUPP)
	}
	value, ok := c.Bytes(c.R[2], uint64(m.Spec().ValueSize), access)
	if !ok {
		return nil, nil, 0
	}
	return q, value, 0
}

func mapPush(c *cpu.CPU) uint64 {
	q, value, e := queueArg(c, mem.Read)
	if q == nil {
		return e
	}
	return q.Push(value, c.R[3]).Result()
}

func mapPop(c *cpu.CPU) uint64 {
	q, value, e := queueArg(c, mem.Write)
	if q == nil {
		return e
	}
	return q.Pop(value).Result()
}

func mapPeek(c *cpu.CPU) uint64 {
	m := c.MapArg(1)
	access := mem.Write
	if m != nil && m.Spec().Type == facts.MapTypeBloomFilter {
		access = mem.Read
	}
	q, value, e := queueArg(c, access)
	if q == nil {
		return e
	}
	return q.Peek(value).Result()
}

func mapLookupPerCPU(c *cpu.CPU) uint64 {
	m, key := mapAndKey(c)
	if m == nil {
		return 0
	}
	if p, ok := m.(maps.PerCPU); ok {
		return p.LookupCPU(key, int(int32(c.R[3])))
	}
	return 0
}

// forEach is bpf_for_each_map_elem: the callback gets map, key, value and its
// own context, and ends the walk with 1.
func forEach(c *cpu.CPU) uint64 {
	handle, fn, ctx, flags := c.R[1], c.R[2], c.R[3], c.R[4]
	m := c.MapArg(1)
	if m == nil {
		return 0
	}
	w, ok := m.(maps.Walker)
	if !ok || flags != 0 {
		return fails(maps.EINVAL)
	}
	return uint64(w.Walk(c.ID, func(key, value uint64) bool {
		return c.Callback(fn, handle, key, value, ctx) == 0 && c.Trap == nil
	}))
}

func getStackID(c *cpu.CPU) uint64 {
	flags := c.R[3]
	m := c.MapArg(2)
	if m == nil {
		return 0
	}
	s, ok := m.(*maps.StackTrace)
	if !ok || flags&^(maps.StackSkipMask|maps.StackUser|maps.StackFastCmp|maps.StackReuseID) != 0 {
		return fails(maps.EINVAL)
	}
	stack := env(c).Stack(flags&maps.StackUser != 0)
	skip := int(flags & maps.StackSkipMask)
	if skip >= len(stack) {
		return fails(maps.EFAULT)
	}
	return uint64(s.Store(stack[skip:], flags))
}
