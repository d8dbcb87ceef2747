package helpers

import (
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func basicHelpers() []entry {
	return []entry{
		{facts.FnKtimeGetNs, Base, func(c *cpu.CPU) uint64 { return env(c).Monotonic() }, false},
		{facts.FnKtimeGetBootNs, Base, func(c *cpu.CPU) uint64 { return env(c).Boot() }, false},
		{facts.FnKtimeGetCoarseNs, Base, func(c *cpu.CPU) uint64 { return env(c).Monotonic() }, false},
		{facts.FnKtimeGetTaiNs, Base, func(c *cpu.CPU) uint64 { return env(c).TAI() }, false},
		{facts.FnJiffies64, Base, func(c *cpu.CPU) uint64 { return env(c).Monotonic() / 4_000_000 }, false},
		{facts.FnGetPrandomU32, Base, func(c *cpu.CPU) uint64 { return uint64(env(c).Random()) }, false},
		{facts.FnGetSmpProcessorID, Base, func(c *cpu.CPU) uint64 { return uint64(c.ID) }, false},
		{facts.FnGetNumaNodeID, Base, func(c *cpu.CPU) uint64 { return uint64(env(c).NUMANode) }, false},
		{facts.FnGetCurrentPidTgid, Base, pidTgid, false},
		{facts.FnGetCurrentUidGid, Base, uidGid, false},
		{facts.FnGetCurrentComm, Base, comm, false},
		{facts.FnGetCurrentTask, Base, func(c *cpu.CPU) uint64 { return env(c).Task().Address }, true},
		{facts.FnGetCurrentTaskBTF, Base, func(c *cpu.CPU) uint64 { return env(c).Task().Address }, true},
		{facts.FnGetCurrentCgroupID, Base, func(c *cpu.CPU) uint64 { return env(c).Task().CgroupID }, false},
		{facts.FnGetFuncIp, Tracing, func(c *cpu.CPU) uint64 { return env(c).FuncIP }, true},
		{facts.FnGetAttachCookie, Tracing, func(c *cpu.CPU) uint64 { return env(c).Cookie }, false},
		{facts.FnLoop, Base, loop, false},
		{facts.FnSpinLock, Base, spinLock, false},
		{facts.FnSpinUnlock, Base, spinUnlock, false},
		{facts.FnPerfEventOutput, Tracing | network | Base, perfEventOutput, true},
	}
}

func pidTgid(c *cpu.CPU) uint64 {
	t := env(c).Task()
	return uint64(t.TGID)<<32 | uint64(t.PID)
}

func uidGid(c *cpu.CPU) uint64 {
	t := env(c).Task()
	return uint64(t.GID)<<32 | uint64(t.UID)
}

// comm copies the task's name, cut off to leave room for a zero, and fills up
// with zeros.
func comm(c *cpu.CPU) uint64 {
	size := uint64(uint32(c.R[2]))
	if size == 0 {
		return fails(maps.EINVAL)
	}
	b, ok := c.Bytes(c.R[1], size, mem.Write)
	if !ok {
		return 0
	}
	clear(b)
	copy(b[:size-1], env(c).Task().Comm)
	return 0
}

// loop is bpf_loop: it calls a function with the index of the iteration until
// the function returns something else than 0, and returns how often it did.
func loop(c *cpu.CPU) uint64 {
	n, fn, ctx, flags := uint64(uint32(c.R[1])), c.R[2], c.R[3], c.R[4]
	switch {
	case flags != 0:
		return fails(maps.EINVAL)
	case n > cpu.MaxLoops:
		return fails(maps.E2BIG)
	}
	for i := range n {
		more := c.Callback(fn, i, ctx) == 0
		if c.Trap != nil {
			return 0
		}
		if !more {
			return i + 1
		}
	}
	return n
}

// spinLock waits for other CPUs, which run in other goroutines.
func spinLock(c *cpu.CPU) uint64 {
	if _, ok := c.Bytes(c.R[1], 4, mem.Write); !ok || !alignedLock(c) {
		return 0
	}
	word := c.Mem.Base().Word32(c.R[1])
	for !atomic.CompareAndSwapUint32(word, 0, 1) {
		if c.Left--; c.Left <= 0 {
			c.Stop(cpu.ErrBudget)
			return 0
		}
	}
	return 0
}

func spinUnlock(c *cpu.CPU) uint64 {
	if _, ok := c.Bytes(c.R[1], 4, mem.Write); ok && alignedLock(c) {
		atomic.StoreUint32(c.Mem.Base().Word32(c.R[1]), 0)
	}
	return 0
}

func alignedLock(c *cpu.CPU) bool {
	if c.R[1]%4 != 0 {
		c.Stop(&mem.Fault{Addr: c.R[1], Size: 4, Access: mem.Write | mem.Atomic, Misaligned: true})
		return false
	}
	return true
}

// Bits of the flags of bpf_perf_event_output.
const (
	eventIndexMask  = 0xffffffff
	eventCurrentCPU = 0xffffffff
	eventCtxLenMask = 0xfffff << 32
)

// perfEventOutput hands a record to the event that an element of the array
// holds. Packet programs may append bytes of their packet.
func perfEventOutput(c *cpu.CPU) uint64 {
	flags, size := c.R[3], c.R[5]
	m := c.MapArg(2)
	if m == nil {
		return 0
	}
	events, ok := m.(maps.Objects)
	if !ok || flags&^uint64(eventIndexMask|eventCtxLenMask) != 0 {
		return fails(maps.EINVAL)
	}
	data, ok := c.Bytes(c.R[4], size, mem.Read)
	if !ok {
		return 0
	}
	if n := flags & eventCtxLenMask >> 32; n != 0 {
		r := run(c)
		if r == nil || r.Packet == nil {
			return fails(maps.EINVAL)
		}
		extra := r.Packet.At(0, n)
		if extra == nil {
			return fails(maps.EFAULT)
		}
		data = append(data[:len(data):len(data)], extra...)
	}
	index := uint32(flags & eventIndexMask)
	if index == eventCurrentCPU {
		index = uint32(c.ID)
	}
	if index >= m.Spec().MaxEntries {
		return fails(maps.E2BIG)
	}
	key := []byte{byte(index), byte(index >> 8), byte(index >> 16), byte(index >> 24)}
	sink, ok := events.Object(key).(EventSink)
	if !ok {
		return fails(maps.ENOENT)
	}
	return sink.Event(c.ID, data).Result()
}

// EventSink is a perf event that programs can write records to.
type EventSink interface {
	Event(cpu int, data []byte) maps.Errno
}
