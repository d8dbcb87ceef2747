// Package context answers the accesses of programs to their context (the
// struct that r1 points to) the way the kernel's rewritten accesses do: fields
// that hold addresses become full pointers, narrow loads get their part of the
// field, and what a program type may not touch is refused.
//
// It imports mem and packet only.
package context

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/packet"
)

// span is a range of bytes of a context.
type span struct{ from, to uint64 }

func (s span) holds(off uint64, size int) bool { return off >= s.from && off+uint64(size) <= s.to }

// XDP is the context of XDP programs: struct xdp_md.
type XDP struct{ P *packet.Packet }

var _ mem.Device = XDP{}

// Load reads a field. All of them are read whole.
func (x XDP) Load(off uint64, size int) (uint64, bool) {
	if size != 4 || off%4 != 0 || off >= packet.XDPSize {
		return 0, false
	}
	switch off {
	case packet.XDPData:
		return x.P.Region.Addr + x.P.Data, true
	case packet.XDPDataEnd:
		return x.P.Region.Addr + x.P.End, true
	case packet.XDPMeta:
		return x.P.Region.Addr + x.P.Meta, true
	}
	return uint64(x.P.U32(int(off))), true
}

// Store is refused but for the queue, which only offloaded programs may write.
func (XDP) Store(uint64, int, uint64) bool { return false }

// SKB is the context of programs on socket buffers: struct __sk_buff.
type SKB struct {
	P *packet.Packet
	// Direct says whether the program may access the bytes themselves, and
	// so see their addresses.
	Direct bool
	// Writable are the fields that the program may change.
	Writable []span
	// Hidden are the fields that it may not even read.
	Hidden []span
}

// Fields that program types may write, as the kernel's verifier has it.
var (
	cb       = span{packet.SKBCB, packet.SKBCB + 20}
	mark     = span{packet.SKBMark, packet.SKBMark + 4}
	priority = span{packet.SKBPriority, packet.SKBPriority + 4}
	tstamp   = span{packet.SKBTstamp, packet.SKBTstamp + 8}
	queue    = span{packet.SKBQueue, packet.SKBQueue + 4}
	tcIndex  = span{packet.SKBTCIndex, packet.SKBTCIndex + 4}
	classID  = span{packet.SKBClassID, packet.SKBClassID + 4}
	family   = span{packet.SKBFamily, packet.SKBLocalPort + 4}
	times    = span{packet.SKBTstamp, packet.SKBTstamp + 8}
	wireLen  = span{packet.SKBWireLen, packet.SKBWireLen + 4}
	hwstamp  = span{packet.SKBHWTstamp, packet.SKBHWTstamp + 8}
)

// NewTC is the context of sched_cls and sched_act programs.
func NewTC(p *packet.Packet) SKB {
	return SKB{P: p, Direct: true, Writable: []span{mark, queue, priority, tcIndex, cb, classID, tstamp}, Hidden: []span{family}}
}

// NewSocketFilter is the context of socket_filter programs.
func NewSocketFilter(p *packet.Packet) SKB {
	return SKB{P: p, Writable: []span{cb}, Hidden: []span{classID, family, times, wireLen, hwstamp}}
}

// NewCgroupSKB is the context of cgroup_skb programs.
func NewCgroupSKB(p *packet.Packet) SKB {
	return SKB{P: p, Direct: true, Writable: []span{mark, priority, cb, tstamp}, Hidden: []span{classID, wireLen, hwstamp}}
}

// Load reads a field or a part of it.
func (s SKB) Load(off uint64, size int) (uint64, bool) {
	if off%uint64(size) != 0 || off+uint64(size) > packet.SKBSize {
		return 0, false
	}
	for _, h := range s.Hidden {
		if off < h.to && off+uint64(size) > h.from {
			return 0, false
		}
	}
	switch off &^ 3 {
	case packet.SKBData, packet.SKBDataEnd, packet.SKBMeta:
		return s.address(off, size)
	case packet.SKBFlow, packet.SKBFlow + 4:
		return 0, false
	case packet.SKBLen:
		return part(uint32(s.P.Len()), off, size), size <= 4
	}
	if size == 8 {
		wide := cb.holds(off, 8) || times.holds(off, 8) || off == packet.SKBSock || off == packet.SKBHWTstamp
		return binary.LittleEndian.Uint64(s.P.Context[off:]), wide
	}
	return part(s.P.U32(int(off&^3)), off, size), true
}

// part is the piece of a field that a narrow load reads.
func part(field uint32, off uint64, size int) uint64 {
	v := uint64(field) >> (8 * (off & 3))
	return v & (1<<(8*size) - 1)
}

func (s SKB) address(off uint64, size int) (uint64, bool) {
	if size != 4 || !s.Direct {
		return 0, false
	}
	at := s.P.Data
	switch off {
	case packet.SKBDataEnd:
		at = s.P.End
	case packet.SKBMeta:
		at = s.P.Meta
	}
	return s.P.Region.Addr + at, true
}

// Store writes a field.
func (s SKB) Store(off uint64, size int, v uint64) bool {
	if off%uint64(size) != 0 {
		return false
	}
	for _, w := range s.Writable {
		if !w.holds(off, size) {
			continue
		}
		whole := w.to-w.from == uint64(size)
		if w != cb && !whole {
			return false
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		copy(s.P.Context[off:], b[:size])
		return true
	}
	return false
}

// Words is the context of raw tracepoints: the arguments, 8 bytes each.
type Words struct{ Args []uint64 }

// Load reads an argument or a part of it.
func (w Words) Load(off uint64, size int) (uint64, bool) {
	if off%uint64(size) != 0 || off/8 >= uint64(len(w.Args)) {
		return 0, false
	}
	v := w.Args[off/8] >> (8 * (off % 8))
	if size < 8 {
		v &= 1<<(8*size) - 1
	}
	return v, true
}

// Store is refused.
func (Words) Store(uint64, int, uint64) bool { return false }

// Bytes is a context that is a plain struct, as tracepoints have it.
type Bytes struct {
	Data     []byte
	Writable bool
}

// Load reads 1, 2, 4 or 8 bytes.
func (b Bytes) Load(off uint64, size int) (uint64, bool) {
	if off+uint64(size) > uint64(len(b.Data)) {
		return 0, false
	}
	var w [8]byte
	copy(w[:], b.Data[off:off+uint64(size)])
	return binary.LittleEndian.Uint64(w[:]), true
}

// Store writes into the struct where that is allowed.
func (b Bytes) Store(off uint64, size int, v uint64) bool {
	if !b.Writable || off+uint64(size) > uint64(len(b.Data)) {
		return false
	}
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], v)
	copy(b.Data[off:], w[:size])
	return true
}
