package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/skep-dev/skep/internal/vm/context"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/packet"
)

// skbSetup is for programs on socket buffers. What the kernel's TEST_RUN does,
// it does: the Ethernet header is in front of the bytes that the program sees
// unless the type works on that layer (link), and the protocol, the packet's
// type and addresses are taken from the bytes.
func skbSetup(link bool, device func(*packet.Packet) context.SKB) setupFunc {
	return func(p *Program, c *processor, o *RunOptions) (prepared, error) {
		pk, err := c.thePacket(p.m)
		if err != nil {
			return prepared{}, err
		}
		c.run.XDP = false
		ctx, err := contextBytes(o)
		if err != nil {
			return prepared{}, err
		}
		if len(o.Data) < ethernetHeader {
			return prepared{}, maps.EINVAL
		}
		dev := device(pk)
		if err := pk.Set(o.Data, packet.MaxSKB, true); err != nil {
			return prepared{}, fmt.Errorf("%w: %w", err, maps.EINVAL)
		}
		describe(pk)
		if err := skbContext(pk, ctx); err != nil {
			return prepared{}, err
		}
		if !link {
			pk.Resize(0, -ethernetHeader)
		}
		pk.SetWritable(dev.Direct && link)
		c.ctx.SetDevice(dev)
		return prepared{c.ctx.Addr, func(o *RunOptions) error {
			out := pk.Context
			binary.LittleEndian.PutUint32(out[packet.SKBLen:], uint32(pk.Len()))
			if err := contextOut(o, out[:]); err != nil {
				return err
			}
			if !link {
				return dataOut(o, make([]byte, ethernetHeader), pk.Bytes())
			}
			return dataOut(o, pk.Bytes())
		}}, nil
	}
}

// Kinds of packets (skb->pkt_type) and what Ethernet headers say.
const (
	packetHost      = 0
	packetBroadcast = 1
	packetMulticast = 2
	packetOther     = 3

	protocol8023  = 0x0100 // ETH_P_802_3 and ETH_P_802_2 in network byte order
	protocol8022  = 0x0400
	firstProtocol = 0x0600 // smaller numbers are lengths

	protocolIP4 = 0x0008
	protocolIP6 = 0xdd86
)

// describe fills in what the kernel derives from the bytes, as for a packet
// that came in on the loopback interface.
func describe(pk *packet.Packet) {
	b := pk.Bytes()
	kind := uint32(packetOther)
	switch dst := [6]byte(b[:6]); {
	case dst == [6]byte{}:
		kind = packetHost
	case dst == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		kind = packetBroadcast
	case dst[0]&1 != 0:
		kind = packetMulticast
	}
	protocol := uint32(binary.LittleEndian.Uint16(b[12:]))
	if binary.BigEndian.Uint16(b[12:]) < firstProtocol {
		protocol = protocol8022
		if len(b) >= 16 && b[14] == 0xff && b[15] == 0xff {
			protocol = protocol8023
		}
	}
	pk.SetU32(packet.SKBPktType, kind)
	pk.SetU32(packet.SKBProtocol, protocol)
	pk.SetU32(packet.SKBIf, 1)
	l3 := b[ethernetHeader:]
	switch {
	case protocol == protocolIP4 && len(l3) >= 20:
		pk.SetU32(packet.SKBFamily, 2)
		pk.SetU32(packet.SKBLocalIP4, binary.LittleEndian.Uint32(l3[12:]))
		pk.SetU32(packet.SKBRemoteIP4, binary.LittleEndian.Uint32(l3[16:]))
	case protocol == protocolIP6 && len(l3) >= 40:
		pk.SetU32(packet.SKBFamily, 10)
		copy(pk.Context[packet.SKBLocalIP6:], l3[8:24])
		copy(pk.Context[packet.SKBRemoteIP6:], l3[24:40])
	case protocol == protocolIP4:
		pk.SetU32(packet.SKBFamily, 2)
	case protocol == protocolIP6:
		pk.SetU32(packet.SKBFamily, 10)
	}
}

// settable are the fields of a context that a caller may give.
var settable = [...]struct{ from, to int }{
	{packet.SKBMark, 4}, {packet.SKBPriority, 4}, {packet.SKBIngress, 4}, {packet.SKBIf, 4}, {packet.SKBCB, 20},
	{packet.SKBTstamp, 8}, {packet.SKBWireLen, 4}, {packet.SKBGSOSegs, 4}, {packet.SKBGSOSize, 4}, {packet.SKBHWTstamp, 8},
}

// skbContext takes over the context that the caller gave. Fields that can't be
// set have to be 0.
func skbContext(pk *packet.Packet, ctx []byte) error {
	if len(ctx) == 0 {
		return nil
	}
	if len(ctx) > packet.SKBSize {
		return maps.EINVAL
	}
	ctx = append(append([]byte(nil), ctx...), make([]byte, packet.SKBSize-len(ctx))...)
	rest := append([]byte(nil), ctx...)
	for _, f := range settable {
		clear(rest[f.from : f.from+f.to])
	}
	for _, x := range rest {
		if x != 0 {
			return maps.EINVAL
		}
	}
	binary.LittleEndian.PutUint32(pk.Context[packet.SKBWireLen:], uint32(pk.Len()))
	for _, f := range settable {
		switch {
		case f.from == packet.SKBWireLen && binary.LittleEndian.Uint32(ctx[f.from:]) == 0:
			continue
		case f.from == packet.SKBIf && binary.LittleEndian.Uint32(ctx[f.from:]) == 0:
			continue
		}
		copy(pk.Context[f.from:f.from+f.to], ctx[f.from:f.from+f.to])
	}
	if n := pk.U32(packet.SKBWireLen); uint64(n) < pk.Len() {
		return maps.EINVAL
	}
	return nil
}
