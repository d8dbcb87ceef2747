package interp

import (
	"sync/atomic"

	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

func packetWidth(op *ops.Op) int { return isa.Op(op.Off).Width() }

func isIndirect(op *ops.Op) bool { return isa.Op(op.Off).Mode() == isa.ModeIND }

// atomicOp runs an atomic instruction: the operation is the low half of Imm,
// the width in bytes the high one.
func atomicOp(c *cpu.CPU, op *ops.Op) {
	size := op.Imm >> 32
	kind := int64(uint32(op.Imm))
	switch kind {
	case isa.LoadAcquire:
		addr := c.R[op.Src] + uint64(int64(op.Off))
		if observe(c, addr, size, mem.Read) && aligned(c, addr, size, mem.Read|mem.Atomic) {
			c.R[op.Dst] = loadAcquire(c.Mem.Base(), addr, size)
		}
		return
	case isa.StoreRelease:
		addr := c.R[op.Dst] + uint64(int64(op.Off))
		if observe(c, addr, size, mem.Write) && aligned(c, addr, size, mem.Write|mem.Atomic) {
			storeRelease(c.Mem.Base(), addr, size, c.R[op.Src])
		}
		return
	}
	addr := c.R[op.Dst] + uint64(int64(op.Off))
	if !observe(c, addr, size, mem.Write|mem.Atomic) || !aligned(c, addr, size, mem.Write|mem.Atomic) {
		return
	}
	var old uint64
	var ok bool
	if size == 8 {
		old, ok = atomic64(c.Mem.Base().Word64(addr), kind, c.R[op.Src], c.R[0])
	} else {
		var old32 uint32
		old32, ok = atomic32(c.Mem.Base().Word32(addr), kind, uint32(c.R[op.Src]), uint32(c.R[0]))
		old = uint64(old32)
	}
	switch {
	case !ok:
		c.Stop(cpu.ErrBadAtomic)
	case kind == isa.AtomicCmpXchg:
		c.R[0] = old
	case kind&isa.AtomicFetch != 0:
		c.R[op.Src] = old
	}
}

func observe(c *cpu.CPU, addr, size uint64, kind mem.Access) bool {
	if c.Observer != nil {
		c.Observer.Access(c, addr, int(size), kind)
	}
	return c.Trap == nil
}

func atomic64(p *uint64, kind int64, v, expected uint64) (old uint64, ok bool) {
	switch kind {
	case isa.AtomicAdd, isa.AtomicAdd | isa.AtomicFetch:
		return atomic.AddUint64(p, v) - v, true
	case isa.AtomicOr, isa.AtomicOr | isa.AtomicFetch:
		return atomic.OrUint64(p, v), true
	case isa.AtomicAnd, isa.AtomicAnd | isa.AtomicFetch:
		return atomic.AndUint64(p, v), true
	case isa.AtomicXor, isa.AtomicXor | isa.AtomicFetch:
		for {
			old := atomic.LoadUint64(p)
			if atomic.CompareAndSwapUint64(p, old, old^v) {
				return old, true
			}
		}
	case isa.AtomicXchg:
		return atomic.SwapUint64(p, v), true
	case isa.AtomicCmpXchg:
		for {
			old := atomic.LoadUint64(p)
			if old != expected || atomic.CompareAndSwapUint64(p, old, v) {
				return old, true
			}
		}
	}
	return 0, false
}

func atomic32(p *uint32, kind int64, v, expected uint32) (old uint32, ok bool) {
	switch kind {
	case isa.AtomicAdd, isa.AtomicAdd | isa.AtomicFetch:
		return atomic.AddUint32(p, v) - v, true
	case isa.AtomicOr, isa.AtomicOr | isa.AtomicFetch:
		return atomic.OrUint32(p, v), true
	case isa.AtomicAnd, isa.AtomicAnd | isa.AtomicFetch:
		return atomic.AndUint32(p, v), true
	case isa.AtomicXor, isa.AtomicXor | isa.AtomicFetch:
		for {
			old := atomic.LoadUint32(p)
			if atomic.CompareAndSwapUint32(p, old, old^v) {
				return old, true
			}
		}
	case isa.AtomicXchg:
		return atomic.SwapUint32(p, v), true
	case isa.AtomicCmpXchg:
		for {
			old := atomic.LoadUint32(p)
			if old != expected || atomic.CompareAndSwapUint32(p, old, v) {
				return old, true
			}
		}
	}
	return 0, false
}

// loadAcquire reads 1, 2, 4 or 8 bytes. sync/atomic has no narrow loads; the
// word around them is read instead, which lies in the same slot.
func loadAcquire(b mem.Base, addr, size uint64) uint64 {
	switch size {
	case 8:
		return b.LoadAcquire64(addr)
	case 4:
		return uint64(b.LoadAcquire32(addr))
	}
	word := b.LoadAcquire32(addr &^ 3)
	return uint64(word>>(addr%4*8)) & (1<<(size*8) - 1)
}

// storeRelease writes 1, 2, 4 or 8 bytes.
func storeRelease(b mem.Base, addr, size, v uint64) {
	switch size {
	case 8:
		b.StoreRelease64(addr, v)
		return
	case 4:
		b.StoreRelease32(addr, uint32(v))
		return
	}
	shift := addr % 4 * 8
	mask := uint32(1<<(size*8)-1) << shift
	p := b.Word32(addr &^ 3)
	for {
		old := atomic.LoadUint32(p)
		if atomic.CompareAndSwapUint32(p, old, old&^mask|uint32(v)<<shift&mask) {
			return
		}
	}
}
