package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/vm/context"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/packet"
)

// RunOptions are ebpf.RunOptions.
type RunOptions = ebpf.RunOptions

// Result is what a run did, beside the data.
type Result struct {
	// Return is the program's result.
	Return uint32
	// Redirect is where the program asked the packet to be sent: an
	// interface, or an element of the named map.
	Redirected bool
	Ifindex    uint32
	Map        string
	Key        uint64
}

// Test runs the program on a packet and returns its result and the packet as
// the program left it.
func (p *Program) Test(in []byte) (uint32, []byte, error) {
	o := RunOptions{Data: in, DataOut: make([]byte, len(in)+258)}
	ret, err := p.Run(&o)
	if err != nil {
		return ret, nil, fmt.Errorf("test program: %w", err)
	}
	return ret, o.DataOut, nil
}

// Run runs the program with a packet or a context, as BPF_PROG_TEST_RUN does.
func (p *Program) Run(o *RunOptions) (uint32, error) {
	ret, _, err := p.repeat(o)
	return ret, err
}

// Benchmark runs the program repeatedly and returns its last result and the
// mean time of a run.
func (p *Program) Benchmark(in []byte, repeat int, reset func()) (uint32, time.Duration, error) {
	if uint(repeat) > 1<<32-1 {
		return 0, 0, errors.New("repeat is too high")
	}
	if reset != nil {
		reset()
	}
	return p.repeat(&RunOptions{Data: in, Repeat: uint32(repeat)})
}

func (p *Program) repeat(o *RunOptions) (uint32, time.Duration, error) {
	prepare, ok := p.setup()
	if !ok {
		return 0, 0, fmt.Errorf("running programs of type %s in user space: %w", p.kind, ebpf.ErrNotSupported)
	}
	cpu := -1
	if o.CPU != 0 {
		cpu = int(o.CPU)
	}
	c, err := p.m.acquire(cpu)
	if err != nil {
		return 0, 0, err
	}
	defer c.release()
	n := max(o.Repeat, 1)
	total := time.Duration(0)
	var ret uint64
	for i := range n {
		run, err := prepare(p, c, o)
		if err != nil {
			return 0, 0, err
		}
		begin := time.Now()
		ret, err = p.m.execute(c, p.code, run.addr, 0)
		total += time.Since(begin)
		if err != nil {
			return 0, 0, err
		}
		if i == n-1 {
			if err := run.finish(o); err != nil {
				return 0, 0, err
			}
		}
	}
	return uint32(ret), total / time.Duration(n), nil
}

// prepared is a run that is about to begin.
type prepared struct {
	addr   uint64 // of the context
	finish func(*RunOptions) error
}

type setupFunc func(*Program, *processor, *RunOptions) (prepared, error)

// setup finds how programs of a type get their input.
func (p *Program) setup() (setupFunc, bool) {
	switch p.kind {
	case ebpf.XDP:
		return setupXDP, true
	case ebpf.SchedCLS, ebpf.SchedACT:
		return skbSetup(true, context.NewTC), true
	case ebpf.SocketFilter:
		return skbSetup(false, context.NewSocketFilter), true
	case ebpf.CGroupSKB:
		return skbSetup(false, context.NewCgroupSKB), true
	case ebpf.RawTracepoint, ebpf.RawTracepointWritable:
		return setupRawTracepoint, true
	case ebpf.Tracing, ebpf.LSM:
		return setupRawTracepoint, true // the arguments, 8 bytes each
	case ebpf.Syscall:
		return bytesSetup(mem.ReadWrite), true
	case ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent:
		return bytesSetup(mem.ReadOnly), true // registers, or the event's record
	}
	return nil, false
}

const ethernetHeader = 14

func (p *processor) thePacket(m *Machine) (*packet.Packet, error) {
	if p.packet == nil {
		var err error
		if p.packet, err = packet.New(m.space); err != nil {
			return nil, err
		}
	}
	p.run.Packet = p.packet
	return p.packet, nil
}

// contextBytes encodes the context that the caller gave.
func contextBytes(o *RunOptions) ([]byte, error) {
	switch v := o.Context.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	}
	b, err := binary.Append(nil, binary.LittleEndian, o.Context)
	if err != nil {
		return nil, fmt.Errorf("encoding the context: %w", err)
	}
	return b, nil
}

func contextOut(o *RunOptions, b []byte) error {
	switch v := o.ContextOut.(type) {
	case nil:
		return nil
	case []byte:
		copy(v, b)
		return nil
	}
	_, err := binary.Decode(b, binary.LittleEndian, o.ContextOut)
	return err
}

// dataOut gives the packet back, as far as there is room.
func dataOut(o *RunOptions, parts ...[]byte) error {
	if o.DataOut == nil {
		return nil
	}
	room := o.DataOut
	n, want := 0, 0
	for _, b := range parts {
		n += copy(room[n:], b)
		want += len(b)
	}
	o.DataOut = room[:n]
	if n < want {
		return fmt.Errorf("the packet has %d bytes, DataOut %d: %w", want, len(room), errNoSpace)
	}
	return nil
}

var errNoSpace = maps.ENOSPC

func setupXDP(p *Program, c *processor, o *RunOptions) (prepared, error) {
	pk, err := c.thePacket(p.m)
	if err != nil {
		return prepared{}, err
	}
	c.run.XDP = true
	ctx, err := contextBytes(o)
	if err != nil {
		return prepared{}, err
	}
	if len(o.Data) < ethernetHeader || len(ctx) != 0 && len(ctx) != packet.XDPSize {
		return prepared{}, maps.EINVAL
	}
	const limit = 4096 - 320
	if err := pk.Set(o.Data, limit, true); err != nil {
		return prepared{}, fmt.Errorf("%w: %w", err, maps.EINVAL)
	}
	pk.SetU32(packet.XDPIngress, 1)
	if ctx != nil {
		if err := xdpContext(pk, ctx); err != nil {
			return prepared{}, err
		}
	}
	c.ctx.SetDevice(context.XDP{P: pk})
	return prepared{c.ctx.Addr, func(o *RunOptions) error {
		out := make([]byte, packet.XDPSize)
		copy(out, pk.Context[:])
		binary.LittleEndian.PutUint32(out, uint32(pk.Data-pk.Meta))
		binary.LittleEndian.PutUint32(out[4:], uint32(pk.End-pk.Meta))
		binary.LittleEndian.PutUint32(out[8:], 0)
		if err := contextOut(o, out); err != nil {
			return err
		}
		return dataOut(o, pk.MetaBytes(), pk.Bytes())
	}}, nil
}

// xdpContext takes over the context that the caller gave: data says how many
// bytes of the input are metadata.
func xdpContext(pk *packet.Packet, ctx []byte) error {
	field := func(off int) uint32 { return binary.LittleEndian.Uint32(ctx[off:]) }
	meta := field(packet.XDPData)
	switch {
	case field(packet.XDPMeta) != 0, field(packet.XDPDataEnd) != uint32(pk.Len()), meta > field(packet.XDPDataEnd),
		field(packet.XDPEgress) != 0, field(packet.XDPIngress) == 0 && field(packet.XDPQueue) != 0,
		meta%4 != 0, meta > 32:
		return maps.EINVAL
	}
	if in := field(packet.XDPIngress); in != 0 {
		pk.SetU32(packet.XDPIngress, in)
		pk.SetU32(packet.XDPQueue, field(packet.XDPQueue))
	}
	if meta > 0 {
		b := append([]byte(nil), pk.Bytes()[:meta]...)
		if !pk.AdjustHead(int64(meta)) || pk.AdjustMeta(-int64(meta)) != packet.Moved {
			return maps.EINVAL
		}
		copy(pk.MetaBytes(), b)
	}
	return nil
}

// setupRawTracepoint gives the program the words of the context.
func setupRawTracepoint(_ *Program, c *processor, o *RunOptions) (prepared, error) {
	ctx, err := contextBytes(o)
	if err != nil {
		return prepared{}, err
	}
	if len(o.Data) != 0 || len(ctx)%8 != 0 || len(ctx) > 12*8 {
		return prepared{}, maps.EINVAL
	}
	words := make([]uint64, len(ctx)/8)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(ctx[8*i:])
	}
	c.run.Packet = nil
	c.ctx.SetDevice(context.Words{Args: words})
	return prepared{c.ctx.Addr, func(*RunOptions) error { return nil }}, nil
}

// bytesSetup gives the program its context as memory.
func bytesSetup(access mem.Access) setupFunc {
	return func(_ *Program, c *processor, o *RunOptions) (prepared, error) {
		ctx, err := contextBytes(o)
		if err != nil {
			return prepared{}, err
		}
		if len(o.Data) != 0 || len(ctx) > int(c.ctx.Size()) {
			return prepared{}, maps.EINVAL
		}
		c.run.Packet = nil
		c.ctx.SetPlain(access, uint64(len(ctx)))
		copy(c.ctx.Bytes(), ctx)
		return prepared{c.ctx.Addr, func(o *RunOptions) error { return contextOut(o, c.ctx.Bytes()[:len(ctx)]) }}, nil
	}
}
