// Package packet is the packet that a program of the user-space engine works
// on: bytes in a region, with room in front and behind for the helpers that
// grow it, and what a socket buffer carries beside its bytes.
//
// It imports mem only.
package packet

import (
	"encoding/binary"
	"errors"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// Room around the data, in bytes. XDP's headroom is 256 in the kernel's
// TEST_RUN; frames end before a page with the kernel's own data behind.
const (
	Headroom     = 256
	frameSize    = 4096
	sharedInfo   = 320
	MaxXDPFrame  = frameSize - sharedInfo - Headroom
	maxMeta      = 255
	frameInfo    = 40 // what the kernel keeps at the frame's beginning
	regionSize   = 1<<16 + 4096
	MaxSKB       = 1 << 16
	ethernetSize = 14
)

// ErrSize says that a packet doesn't fit.
var ErrSize = errors.New("the packet has a size that programs of this type can't have")

// Packet is a packet in memory that programs can see. Positions are offsets
// in Region.
type Packet struct {
	Region *mem.Region
	Meta   uint64 // where metadata begins; at Data when there is none
	Data   uint64
	End    uint64
	Limit  uint64 // up to where the packet may grow
	// Writable says whether programs may write the bytes themselves.
	Writable bool

	// Context is what programs see beside the bytes: a struct __sk_buff or
	// xdp_md. The fields that hold addresses and lengths are not kept there.
	Context [SKBSize]byte
}

// Offsets of fields of struct __sk_buff and struct xdp_md, of 4 bytes unless
// said otherwise.
const (
	SKBLen, SKBPktType, SKBMark, SKBQueue         = 0, 4, 8, 12
	SKBProtocol, SKBVLANPresent, SKBVLANTCI       = 16, 20, 24
	SKBVLANProto, SKBPriority, SKBIngress, SKBIf  = 28, 32, 36, 40
	SKBTCIndex, SKBCB, SKBHash, SKBClassID        = 44, 48, 68, 72 // cb has 20 bytes
	SKBData, SKBDataEnd, SKBNAPI, SKBFamily       = 76, 80, 84, 88
	SKBRemoteIP4, SKBLocalIP4                     = 92, 96
	SKBRemoteIP6, SKBLocalIP6                     = 100, 116 // 16 bytes each
	SKBRemotePort, SKBLocalPort, SKBMeta, SKBFlow = 132, 136, 140, 144
	SKBTstamp, SKBWireLen, SKBGSOSegs, SKBSock    = 152, 160, 164, 168 // tstamp and sk have 8
	SKBGSOSize, SKBTstampType, SKBHWTstamp        = 176, 180, 184      // hwtstamp has 8
	SKBSize                                       = 192

	XDPData, XDPDataEnd, XDPMeta, XDPIngress, XDPQueue, XDPEgress = 0, 4, 8, 12, 16, 20
	XDPSize                                                       = 24
)

// U32 reads a field of the context.
func (p *Packet) U32(off int) uint32 { return binary.LittleEndian.Uint32(p.Context[off:]) }

// SetU32 writes a field of the context.
func (p *Packet) SetU32(off int, v uint32) { binary.LittleEndian.PutUint32(p.Context[off:], v) }

// New allocates the memory for packets, one at a time.
func New(space *mem.Space) (*Packet, error) {
	r, err := space.Alloc("the packet", regionSize, mem.ReadWrite)
	if err != nil {
		return nil, err
	}
	p := &Packet{Region: r}
	p.apply()
	return p, nil
}

// Set puts data into the packet and forgets everything else.
func (p *Packet) Set(data []byte, limit uint64, writable bool) error {
	if Headroom+uint64(len(data)) > min(limit, p.Region.Size()) {
		return ErrSize
	}
	b := p.Region.Bytes()
	clear(b[:Headroom])
	copy(b[Headroom:], data)
	p.Data, p.End, p.Limit = Headroom, Headroom+uint64(len(data)), limit
	p.Meta, p.Writable, p.Context = p.Data, writable, [SKBSize]byte{}
	p.apply()
	return nil
}

// apply makes exactly the packet accessible.
func (p *Packet) apply() {
	p.Region.SetWindow(p.Meta, p.End)
	p.Region.SetWritable(p.Writable)
}

// SetWritable changes whether programs may write the bytes.
func (p *Packet) SetWritable(on bool) {
	p.Writable = on
	p.Region.SetWritable(on)
}

// Bytes are the packet's bytes without metadata.
func (p *Packet) Bytes() []byte { return p.Region.Bytes()[p.Data:p.End] }

// MetaBytes are the bytes in front of the data.
func (p *Packet) MetaBytes() []byte { return p.Region.Bytes()[p.Meta:p.Data] }

// Len is the number of bytes.
func (p *Packet) Len() uint64 { return p.End - p.Data }

// At returns n bytes at an offset, nil when the packet hasn't got them.
func (p *Packet) At(off, n uint64) []byte {
	if off > p.Len() || n > p.Len()-off {
		return nil
	}
	return p.Bytes()[off : off+n]
}

// AdjustHead moves the beginning, metadata along with it, as
// bpf_xdp_adjust_head does.
func (p *Packet) AdjustHead(delta int64) bool {
	meta := p.Data - p.Meta
	data := int64(p.Data) + delta
	if data < int64(meta)+frameInfo || data > int64(p.End)-ethernetSize {
		return false
	}
	b := p.Region.Bytes()
	copy(b[uint64(data)-meta:data], b[p.Meta:p.Data])
	p.Data = uint64(data)
	p.Meta = p.Data - meta
	p.apply()
	return true
}

// Move is how a change of a packet's bounds ended.
type Move int

// The ways to end.
const (
	Moved       Move = iota
	OutOfBounds      // there is no room
	BadSize          // metadata can't have that size
)

// AdjustMeta moves the beginning of the metadata.
func (p *Packet) AdjustMeta(delta int64) Move {
	meta := int64(p.Meta) + delta
	if meta < frameInfo || meta > int64(p.Data) {
		return OutOfBounds
	}
	if size := int64(p.Data) - meta; size&3 != 0 || size > maxMeta {
		return BadSize
	}
	p.Meta = uint64(meta)
	p.apply()
	return Moved
}

// AdjustTail moves the end; new bytes are zero.
func (p *Packet) AdjustTail(delta int64) bool {
	end := int64(p.End) + delta
	if end > int64(p.Limit) || end < int64(p.Data)+ethernetSize {
		return false
	}
	if delta > 0 {
		clear(p.Region.Bytes()[p.End:end])
	}
	p.End = uint64(end)
	p.apply()
	return true
}

// Resize inserts (or, with a negative n, removes) bytes at an offset by moving
// what lies before it. New bytes are zero.
func (p *Packet) Resize(off uint64, n int64) bool {
	data := int64(p.Data) - n
	if data < 0 || n < 0 && off+uint64(-n) > p.Len() || off > p.Len() {
		return false
	}
	b := p.Region.Bytes()
	if n >= 0 {
		copy(b[data:], b[p.Data:p.Data+off])
		clear(b[uint64(data)+off : uint64(data)+off+uint64(n)])
	} else {
		copy(b[uint64(data):uint64(data)+off], b[p.Data:p.Data+off])
	}
	p.Data, p.Meta = uint64(data), uint64(data)
	p.apply()
	return true
}

// EtherType is the protocol that the link-layer header names, in network byte
// order as the kernel keeps it.
func (p *Packet) EtherType() uint32 {
	if b := p.At(12, 2); b != nil {
		return uint32(binary.LittleEndian.Uint16(b))
	}
	return 0
}
