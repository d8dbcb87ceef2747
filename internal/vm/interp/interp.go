package interp

import (
	"encoding/binary"

	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// Run runs p on c from its first instruction, for at most limit instructions,
// with ctx in r1 and size in r2, and returns r0. The error is a *cpu.Fault.
//
// The budget is checked where a jump is taken, so a run may exceed it by the
// length of the program.
func Run(c *cpu.CPU, p *ops.Program, limit int, ctx, size uint64) (uint64, error) {
	c.Start(p, limit)
	c.R[1], c.R[2] = ctx, size
	c.Call = call
	call(c)
	return c.R[0], c.Trap
}

// request is what a loop leaves to its caller.
type request int

const (
	doReturn request = iota // the program was stopped
	doStop                  // the budget is used up
	doLoad                  // a load that the table doesn't allow directly, at c.Addr
	doStore
	doAtomic
	doPacket
	doMayGoto
	doCast
	doHelper
	doTailCall
	doCallReg
	doCallFunc
	doExit
	doPastEnd
	doBadOp
)

// call runs from c.PC until the function there returns, or c.Trap is set.
func call(c *cpu.CPU) {
	bottom := c.Depth
	for c.Trap == nil {
		if c.Left <= 0 {
			c.Stop(cpu.ErrBudget)
			return
		}
		var what request
		if c.Observer != nil {
			what = loopObserved(c)
		} else {
			what = loop(c)
		}
		if what == doHelper { // by far the most frequent one
			c.R[0] = c.Helpers[c.Prog.Plain[c.PC].Imm](c)
			c.PC++
			continue
		}
		if what == doPacket && !packetLoad(c) {
			what = doExit // with 0 in r0
		}
		if what == doExit && c.Depth == bottom {
			return
		}
		serve(c, what)
	}
}

// serve does what the instruction at c.PC asks for and moves c.PC on.
func serve(c *cpu.CPU, what request) {
	op := &c.Prog.Plain[c.PC]
	switch what {
	case doCallFunc:
		callFunc(c, c.PC+1+int(op.Off))
	case doExit:
		c.Pop()
		c.PC++
	case doLoad:
		slowLoad(c, op)
		c.PC++
	case doStore:
		slowStore(c, op)
		c.PC++
	case doAtomic:
		atomicOp(c, op)
		c.PC++
	case doMayGoto:
		if !c.MayGoto() {
			c.PC += int(op.Off)
		}
		c.PC++
	case doTailCall:
		tailCall(c)
	case doCallReg:
		callReg(c, op)
	default:
		serveRare(c, op, what)
	}
}

func serveRare(c *cpu.CPU, op *ops.Op, what request) {
	switch what {
	case doPacket:
		c.PC++
	case doCast:
		cast(c, op)
		c.PC++
	case doStop:
		c.Stop(cpu.ErrBudget)
	case doPastEnd:
		c.Stop(cpu.ErrPastEnd)
	case doBadOp:
		c.Stop(&ops.Error{Slot: c.PC, Reason: "no operation " + op.Code.String()})
	}
}

// slowLoad is a load that the table of extents doesn't allow directly.
func slowLoad(c *cpu.CPU, op *ops.Op) {
	size, signed := ops.Width(op.Code)
	v, err := c.Mem.Load(c.Addr, size)
	if err != nil {
		var b [8]byte
		if c.Kernel == nil || !c.Kernel(c, c.Addr, b[:size]) {
			c.Stop(err)
			return
		}
		v = binary.LittleEndian.Uint64(b[:])
	}
	if signed {
		shift := 64 - 8*size
		v = uint64(int64(v<<shift) >> shift)
	}
	c.R[op.Dst] = v
}

func slowStore(c *cpu.CPU, op *ops.Op) {
	v := c.R[op.Src]
	if ops.StoresImm(op.Code) {
		v = op.Imm
	}
	size, _ := ops.Width(op.Code)
	if err := c.Mem.Store(c.Addr, size, v); err != nil {
		c.Stop(err)
	}
}

// packetLoad is LD_ABS or LD_IND: r0 becomes a number in network byte order
// from the packet. False ends the program with 0, as in the kernel.
func packetLoad(c *cpu.CPU) bool {
	op := &c.Prog.Plain[c.PC]
	if c.Packet == nil {
		c.Stop(cpu.ErrNoPacket)
		return false
	}
	off := uint32(op.Imm)
	if isIndirect(op) {
		off += uint32(c.R[op.Src])
	}
	var b [4]byte
	p := b[:packetWidth(op)]
	if !c.Packet(c, off, p) {
		c.R[0] = 0
		return false
	}
	v := uint64(0)
	for _, x := range p {
		v = v<<8 | uint64(x)
	}
	c.R[0] = v
	return true
}

// tailCall replaces the running function by another program, or goes on
// behind the call when there is none or one too many.
func tailCall(c *cpu.CPU) {
	if c.TailCalls < cpu.MaxTailCalls && c.TailCall != nil {
		if p := c.TailCall(c, c.R[2], c.R[3]); p != nil {
			c.TailCalls++
			c.Replace(p)
			return
		}
	}
	c.PC++
}

func callFunc(c *cpu.CPU, slot int) {
	if c.Push() {
		c.PC = slot
	}
}

// callReg calls the function whose address is in a register, or the helper
// whose number is.
func callReg(c *cpu.CPU, op *ops.Op) {
	v := c.R[op.Dst]
	if v >= ops.FuncBase {
		if _, ok := c.Prog.Entries[int(v-ops.FuncBase)]; ok {
			callFunc(c, int(v-ops.FuncBase))
			return
		}
	} else if v < uint64(len(c.Helpers)) && c.Helpers[v] != nil {
		r0 := c.Helpers[v](c)
		if c.Trap == nil {
			c.R[0] = r0
			c.PC++
		}
		return
	}
	c.Stop(cpu.ErrBadCall)
}

// aligned returns the address of a naturally aligned word that the program may
// write, or stops it.
func aligned(c *cpu.CPU, addr uint64, size uint64, access mem.Access) bool {
	if _, err := c.Mem.Bytes(addr, size, access); err != nil {
		c.Stop(err)
		return false
	}
	if addr%size != 0 {
		c.Stop(&mem.Fault{Addr: addr, Size: size, Access: access, Misaligned: true})
		return false
	}
	return true
}
