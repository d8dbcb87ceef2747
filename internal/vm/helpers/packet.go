package helpers

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/packet"
)

func packetHelpers() []entry {
	return []entry{
		{facts.FnXDPAdjustHead, XDP, func(c *cpu.CPU) uint64 { return adjust(c, (*packet.Packet).AdjustHead) }, false},
		{facts.FnXDPAdjustMeta, XDP, adjustMeta, false},
		{facts.FnXDPAdjustTail, XDP, func(c *cpu.CPU) uint64 { return adjust(c, (*packet.Packet).AdjustTail) }, false},
		{facts.FnXDPGetBuffLen, XDP, packetLen, false},
		{facts.FnXDPLoadBytes, XDP, xdpLoadBytes, false},
		{facts.FnXDPStoreBytes, XDP, xdpStoreBytes, false},
		{facts.FnRedirect, XDP | SKB, redirect, false},
		{facts.FnRedirectMap, XDP, redirectMap, false},
		{facts.FnSkbLoadBytes, anyCtx, skbLoadBytes, false},
		{facts.FnSkbLoadBytesRelative, anyCtx, skbLoadRelative, false},
		{facts.FnSkbStoreBytes, SKB, skbStoreBytes, false},
		{facts.FnSkbPullData, SKB, skbPullData, false},
		{facts.FnSkbChangeTail, SKB, skbChangeTail, false},
		{facts.FnSkbChangeHead, SKB, skbChangeHead, false},
		{facts.FnSkbChangeType, SKB, skbChangeType, false},
		{facts.FnSkbVlanPush, SKB, vlanPush, false},
		{facts.FnSkbVlanPop, SKB, vlanPop, false},
		{facts.FnGetHashRecalc, SKB, func(c *cpu.CPU) uint64 {
			return withPacket(c, func(p *packet.Packet) uint64 { return uint64(p.U32(packet.SKBHash)) })
		}, false},
		{facts.FnSetHash, SKB, setHash, false},
		{facts.FnSetHashInvalid, SKB, func(c *cpu.CPU) uint64 {
			return withPacket(c, func(p *packet.Packet) uint64 { p.SetU32(packet.SKBHash, 0); return 0 })
		}, false},
	}
}

func withPacket(c *cpu.CPU, fn func(*packet.Packet) uint64) uint64 {
	p := thePacket(c)
	if p == nil {
		return 0
	}
	return fn(p)
}

func adjust(c *cpu.CPU, move func(*packet.Packet, int64) bool) uint64 {
	return withPacket(c, func(p *packet.Packet) uint64 {
		if !move(p, int64(int32(c.R[2]))) {
			return fails(maps.EINVAL)
		}
		return 0
	})
}

func adjustMeta(c *cpu.CPU) uint64 {
	return withPacket(c, func(p *packet.Packet) uint64 {
		switch p.AdjustMeta(int64(int32(c.R[2]))) {
		case packet.OutOfBounds:
			return fails(maps.EINVAL)
		case packet.BadSize:
			return fails(maps.EACCES)
		}
		return 0
	})
}

func packetLen(c *cpu.CPU) uint64 {
	return withPacket(c, func(p *packet.Packet) uint64 { return p.Len() })
}

// copyOut is how the load helpers end: n bytes at off to the address to. When
// the packet hasn't got them, the memory is cleared.
func copyOut(c *cpu.CPU, p *packet.Packet, off, to, n uint64, missing maps.Errno, wipe bool) uint64 {
	dst, ok := c.Bytes(to, n, mem.Write)
	if !ok {
		return 0
	}
	src := p.At(off, n)
	if src == nil {
		if wipe {
			clear(dst)
		}
		return fails(missing)
	}
	copy(dst, src)
	return 0
}

func xdpLoadBytes(c *cpu.CPU) uint64 {
	off, n := uint64(uint32(c.R[2])), uint64(uint32(c.R[4]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		if off > 0xffff || n > 0xffff {
			return fails(maps.EFAULT)
		}
		return copyOut(c, p, off, c.R[3], n, maps.EINVAL, false)
	})
}

func xdpStoreBytes(c *cpu.CPU) uint64 {
	off, n := uint64(uint32(c.R[2])), uint64(uint32(c.R[4]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		src, ok := c.Bytes(c.R[3], n, mem.Read)
		switch dst := p.At(off, n); {
		case !ok:
			return 0
		case off > 0xffff || n > 0xffff:
			return fails(maps.EFAULT)
		case dst == nil:
			return fails(maps.EINVAL)
		default:
			copy(dst, src)
			return 0
		}
	})
}

func skbLoadBytes(c *cpu.CPU) uint64 {
	off, n := uint64(uint32(c.R[2])), uint64(uint32(c.R[4]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		if off > 0x7fffffff {
			off = p.Len() + 1
		}
		return copyOut(c, p, off, c.R[3], n, maps.EFAULT, true)
	})
}

// skbLoadRelative counts from the link-layer (0) or network (1) header.
func skbLoadRelative(c *cpu.CPU) uint64 {
	off, n := uint64(uint32(c.R[2])), uint64(uint32(c.R[4]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		switch {
		case c.R[5] > 1 || off > 0xffff:
			off = p.Len() + 1
		case c.R[5] == 1:
			off += 14
		}
		return copyOut(c, p, off, c.R[3], n, maps.EFAULT, true)
	})
}

const (
	storeRecompute  = 1
	storeInvalidate = 2
)

func skbStoreBytes(c *cpu.CPU) uint64 {
	off, n, flags := uint64(uint32(c.R[2])), uint64(uint32(c.R[4])), c.R[5]
	return withPacket(c, func(p *packet.Packet) uint64 {
		src, ok := c.Bytes(c.R[3], n, mem.Read)
		switch dst := p.At(off, n); {
		case !ok:
			return 0
		case flags&^(storeRecompute|storeInvalidate) != 0:
			return fails(maps.EINVAL)
		case off > 0x7fffffff || dst == nil:
			return fails(maps.EFAULT)
		default:
			copy(dst, src)
			if flags&storeInvalidate != 0 {
				p.SetU32(packet.SKBHash, 0)
			}
			return 0
		}
	})
}

// skbPullData makes bytes directly accessible. All of them always are, so it
// can only fail for those that aren't there.
func skbPullData(c *cpu.CPU) uint64 {
	n := uint64(uint32(c.R[2]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		if n > p.Len() {
			return fails(maps.ENOMEM)
		}
		return 0
	})
}

func skbChangeTail(c *cpu.CPU) uint64 {
	n, flags := uint64(uint32(c.R[2])), c.R[3]
	return withPacket(c, func(p *packet.Packet) uint64 {
		if flags != 0 || n > packet.MaxSKB-packet.Headroom || !p.AdjustTail(int64(n)-int64(p.Len())) {
			return fails(maps.EINVAL)
		}
		return 0
	})
}

func skbChangeHead(c *cpu.CPU) uint64 {
	n, flags := uint64(uint32(c.R[2])), c.R[3]
	return withPacket(c, func(p *packet.Packet) uint64 {
		if flags != 0 || n > 128 || !p.Resize(0, int64(n)) {
			return fails(maps.EINVAL)
		}
		return 0
	})
}

func skbChangeType(c *cpu.CPU) uint64 {
	kind := uint32(c.R[2])
	return withPacket(c, func(p *packet.Packet) uint64 {
		if kind > 3 || p.U32(packet.SKBPktType) > 3 {
			return fails(maps.EINVAL)
		}
		p.SetU32(packet.SKBPktType, kind)
		return 0
	})
}

// EtherTypes of tags, 802.1Q and 802.1ad, as they lie in memory.
const (
	tagQ  = 0x0081
	tagAD = 0xa888
)

func setTag(p *packet.Packet, present, proto, tci uint32) {
	p.SetU32(packet.SKBVLANPresent, present)
	p.SetU32(packet.SKBVLANProto, proto)
	p.SetU32(packet.SKBVLANTCI, tci)
}

// vlanPush puts a tag on the packet: the first one is kept beside the bytes,
// as by hardware, and one that is there already goes into them.
func vlanPush(c *cpu.CPU) uint64 {
	proto, tci := uint32(uint16(c.R[2])), uint32(uint16(c.R[3]))
	return withPacket(c, func(p *packet.Packet) uint64 {
		if proto != tagQ && proto != tagAD {
			proto = tagQ
		}
		if p.U32(packet.SKBVLANPresent) != 0 {
			if !p.Resize(12, 4) {
				return fails(maps.ENOMEM)
			}
			b := p.At(12, 4)
			binary.LittleEndian.PutUint16(b, uint16(p.U32(packet.SKBVLANProto)))
			binary.BigEndian.PutUint16(b[2:], uint16(p.U32(packet.SKBVLANTCI)))
		}
		setTag(p, 1, proto, tci)
		return 0
	})
}

// innerTag is a tag in the packet's bytes, nil when there is none.
func innerTag(p *packet.Packet) []byte {
	b := p.At(12, 6)
	if b == nil || binary.LittleEndian.Uint16(b) != tagQ && binary.LittleEndian.Uint16(b) != tagAD {
		return nil
	}
	return b
}

func vlanPop(c *cpu.CPU) uint64 {
	return withPacket(c, func(p *packet.Packet) uint64 {
		if p.U32(packet.SKBVLANPresent) != 0 {
			setTag(p, 0, 0, 0)
		} else if innerTag(p) == nil {
			return 0
		} else if !p.Resize(12, -4) {
			return fails(maps.EINVAL)
		}
		// The next tag in the bytes, if there is one, moves out of them.
		if b := innerTag(p); b != nil {
			setTag(p, 1, uint32(binary.LittleEndian.Uint16(b)), uint32(binary.BigEndian.Uint16(b[2:])))
			p.Resize(12, -4)
		}
		return 0
	})
}

func setHash(c *cpu.CPU) uint64 {
	hash := uint32(c.R[2])
	return withPacket(c, func(p *packet.Packet) uint64 {
		p.SetU32(packet.SKBHash, hash)
		return 0
	})
}

// Actions that the redirect helpers return.
const (
	xdpAborted  = 0
	xdpRedirect = 4
	tcShot      = 2
	tcRedirect  = 7
)

func redirect(c *cpu.CPU) uint64 {
	ifindex, flags := uint32(c.R[1]), c.R[2]
	r := run(c)
	if r == nil || r.Packet == nil {
		c.Stop(cpu.ErrNoPacket)
		return 0
	}
	xdp := r.XDP
	switch {
	case xdp && flags != 0:
		return xdpAborted
	case !xdp && flags&^1 != 0:
		return tcShot
	}
	r.Redirect = Redirect{Set: true, Ifindex: ifindex, Flags: flags}
	if xdp {
		return xdpRedirect
	}
	return tcRedirect
}

// redirectMap answers with the low bits of the flags when there is no entry.
func redirectMap(c *cpu.CPU) uint64 {
	key, flags := c.R[2], c.R[3]
	m := c.MapArg(1)
	r := run(c)
	if m == nil || r == nil {
		return 0
	}
	if flags&^3 != 0 {
		return xdpAborted
	}
	k := make([]byte, m.Spec().KeySize)
	for i := range k {
		if i < 8 {
			k[i] = byte(key >> (8 * i))
		}
	}
	if m.Lookup(c.ID, k) == 0 {
		return flags & 3
	}
	r.Redirect = Redirect{Set: true, Map: m, Key: key, Flags: flags}
	return xdpRedirect
}
