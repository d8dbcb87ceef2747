package helpers

import (
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/packet"
)

// Run is what a run of a program has of its own: the CPU's Context.
type Run struct {
	Packet   *packet.Packet // nil for programs without
	Redirect Redirect
	XDP      bool // the program is an XDP one
	// Context is the address that the program got in r1.
	Context uint64
}

// Redirect is where a program asked its packet to be sent.
type Redirect struct {
	Set     bool
	Ifindex uint32   // of bpf_redirect
	Map     maps.Map // of bpf_redirect_map, with its key
	Key     uint64
	Flags   uint64
}

func run(c *cpu.CPU) *Run {
	r, _ := c.Context.(*Run)
	return r
}

// thePacket is the run's packet; without one the program is stopped.
func thePacket(c *cpu.CPU) *packet.Packet {
	if r := run(c); r != nil && r.Packet != nil {
		return r.Packet
	}
	c.Stop(cpu.ErrNoPacket)
	return nil
}

// fails is the negative errno that a helper returns.
func fails(e maps.Errno) uint64 { return e.Result() }
