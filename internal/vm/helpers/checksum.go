package helpers

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/packet"
)

func checksumHelpers() []entry {
	return []entry{
		{facts.FnCsumDiff, SKB | XDP, csumDiff, false},
		{facts.FnL3CsumReplace, SKB, l3Replace, false},
		{facts.FnL4CsumReplace, SKB, l4Replace, false},
		{facts.FnCsumUpdate, SKB, csumUpdate, false},
	}
}

// Internet checksums (RFC 1071) as the kernel computes with them: sums of 16
// or 32 bits in the machine's byte order, where the carry comes back in.

func add32(a, b uint32) uint32 {
	s := uint64(a) + uint64(b)
	return uint32(s) + uint32(s>>32)
}

func fold(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum + sum>>16)
}

func partial(b []byte) uint32 {
	sum := uint64(0)
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.LittleEndian.Uint32(b))
	}
	sum = sum&0xffffffff + sum>>32
	return uint32(sum) + uint32(sum>>32)
}

// fold32 brings a sum to the form in which 6.14 and later kernels return it
// from bpf_csum_diff: 16 bits.
func fold32(sum uint32) uint64 { return uint64(^fold(sum)) }

// csumDiff is the sum of a buffer (r3, r4) less that of another one (r1, r2),
// begun with the seed in r5.
func csumDiff(c *cpu.CPU) uint64 {
	from, fromSize, to, toSize := c.R[1], uint64(uint32(c.R[2])), c.R[3], uint64(uint32(c.R[4]))
	if fromSize%4 != 0 || toSize%4 != 0 {
		return fails(maps.EINVAL)
	}
	old, ok := c.Bytes(from, fromSize, mem.Read)
	if !ok {
		return 0
	}
	fresh, ok := c.Bytes(to, toSize, mem.Read)
	if !ok {
		return 0
	}
	sum := uint32(c.R[5])
	if fromSize > 0 {
		sum = add32(sum, ^partial(old))
	}
	if toSize > 0 {
		sum = add32(sum, partial(fresh))
	}
	return fold32(sum)
}

// Flags of the replacing helpers.
const (
	csumSizeMask  = 0xf
	csumPseudo    = 1 << 4
	csumMangled0  = 1 << 5
	csumEnforce   = 1 << 6
	csumIPv6      = 1 << 7
	csumFieldSize = 2
)

// replace changes a checksum field for a change from one number to another.
// size 0 means that to is a difference already.
func replace(field []byte, from, to uint64, size uint64, mangled bool) bool {
	old := uint32(binary.LittleEndian.Uint16(field))
	if mangled && old == 0 {
		return true
	}
	sum := ^old & 0xffff
	switch size {
	case 0:
		if from != 0 {
			return false
		}
		sum = add32(sum, uint32(to))
	case 2:
		sum = add32(add32(sum, uint32(^uint16(from))), uint32(uint16(to)))
	case 4:
		sum = add32(add32(sum, ^uint32(from)), uint32(to))
	default:
		return false
	}
	v := fold(sum)
	if mangled && v == 0 {
		v = 0xffff
	}
	binary.LittleEndian.PutUint16(field, v)
	return true
}

func replaceAt(c *cpu.CPU, allowed uint64) uint64 {
	off, flags := uint64(uint32(c.R[2])), c.R[5]
	return withPacket(c, func(p *packet.Packet) uint64 {
		if flags&^allowed != 0 {
			return fails(maps.EINVAL)
		}
		field := p.At(off, csumFieldSize)
		if off > 0xffff || off&1 != 0 || field == nil {
			return fails(maps.EFAULT)
		}
		if !replace(field, c.R[3], c.R[4], flags&csumSizeMask, flags&csumMangled0 != 0 && flags&csumEnforce == 0) {
			return fails(maps.EINVAL)
		}
		return 0
	})
}

func l3Replace(c *cpu.CPU) uint64 { return replaceAt(c, csumSizeMask) }

func l4Replace(c *cpu.CPU) uint64 {
	return replaceAt(c, csumSizeMask|csumPseudo|csumMangled0|csumEnforce|csumIPv6)
}

// csumUpdate adds to the checksum that hardware computed. There is none here.
func csumUpdate(*cpu.CPU) uint64 { return fails(maps.ENOTSUPP) }
