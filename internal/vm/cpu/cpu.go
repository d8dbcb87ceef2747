package cpu

import (
	"errors"
	"fmt"

	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// Helper is the body of a helper function: arguments in c.R[1] to c.R[5], the
// result is r0. A helper that can't go on sets c.Trap.
type Helper func(c *CPU) uint64

// Observer is told what a program does, one instruction at a time. It may
// look at the CPU and set c.Trap to stop the program.
type Observer interface {
	// Step comes before the instruction c.PC of c.Prog.
	Step(c *CPU)
	// Access comes before an instruction's access to memory.
	Access(c *CPU, addr uint64, size int, kind mem.Access)
}

// Frame is a caller that waits for a function to return.
type Frame struct {
	Prog *ops.Program
	PC   int // the slot of the call
	R    [4]uint64
}

// CPU is a virtual CPU.
type CPU struct {
	// R are the registers. Only R[0] to R[10] are in use; there are as many
	// as a byte can name so that no index needs a check.
	R [256]uint64

	Prog *ops.Program
	PC   int // slot of the instruction, as far as the engine has told
	Left int // how many instructions may still run

	Addr    uint64 // of the access that the engine is to look at
	Mem     *mem.Space
	Stack   *mem.Region
	Helpers []Helper // by number
	Frames  [ops.MaxFrames]Frame
	Depth   int  // frames in use
	deepest int  // since the stack was cleared
	dirty   bool // the stack was used since

	TailCalls int // made by the run
	Trap      error
	may       [ops.MaxFrames]int // by depth: iterations that may_goto has let pass

	ID       int // number of the CPU
	Observer Observer
	// Call runs a function of the program: set by the engine, used by
	// helpers through Callback.
	Call func(c *CPU)
	// TailCall finds the program that an element of a program array holds,
	// nil when it is empty.
	TailCall func(c *CPU, array, index uint64) *ops.Program
	// Packet reads bytes of the packet for the instructions that address
	// it directly; nil when programs of the type have no packet.
	Packet func(c *CPU, off uint32, p []byte) bool
	// Kernel reads memory outside the space, false when there is none.
	Kernel func(c *CPU, addr uint64, p []byte) bool
	// Arena is the region of the program's arena map, nil when it has none;
	// UserArena is where user space sees it.
	Arena     *mem.Region
	UserArena uint64
	// Context is what the program type keeps for the run.
	Context any
	// Env is what the engine's owner keeps for helpers.
	Env any
	// Map finds a map by the number that programs know it by, nil when
	// there is none.
	Map func(handle uint64) maps.Map
}

// New makes a CPU with a stack in s.
func New(s *mem.Space, id int) (*CPU, error) {
	stack, err := s.Alloc("the stack", ops.StackSize*ops.MaxFrames, mem.ReadWrite)
	if err != nil {
		return nil, err
	}
	return &CPU{Mem: s, Stack: stack, ID: id}, nil
}

// Limits of the kernel.
const (
	MaxTailCalls = 33
	MaxLoops     = 8 << 20 // iterations of a loop that may_goto or bpf_loop bounds
	DefaultLimit = 1 << 30 // instructions of one run, unless the caller sets its own
)

// Start prepares a run of p: cleared registers and stack, a budget of limit
// instructions.
func (c *CPU) Start(p *ops.Program, limit int) {
	clear(c.R[:10])
	c.R[10] = c.Stack.Addr + c.Stack.Size()
	if p.Stack || c.dirty {
		used := uint64(c.deepest+1) * ops.StackSize
		clear(c.Mem.Base().Slice(c.R[10]-used, used))
		c.dirty, c.deepest = p.Stack, 0
	}
	c.Depth, c.TailCalls = 0, 0
	c.Prog, c.PC, c.Left, c.Trap = p, 0, limit, nil
	c.may[0] = 0
}

// Replace goes on with another program in place of the function that runs.
func (c *CPU) Replace(p *ops.Program) {
	c.Prog, c.PC = p, 0
	c.dirty = c.dirty || p.Stack
}

// Reasons for a program to stop.
var (
	ErrBudget    = errors.New("the instruction budget is used up")
	ErrFrames    = fmt.Errorf("more than %d nested function calls", ops.MaxFrames)
	ErrPastEnd   = errors.New("the program runs past its end")
	ErrBadCall   = errors.New("call of something that is no function")
	ErrNoPacket  = errors.New("no packet to load from")
	ErrBadAtomic = errors.New("unknown atomic operation")
)

// Fault is a program that was stopped. Err is a *mem.Fault or one of the
// reasons above.
type Fault struct {
	Program string
	Slot    int    // of the instruction
	Insn    string // the operation
	Source  string // file and line, "" when unknown
	Err     error
}

func (f *Fault) Error() string {
	at := fmt.Sprintf("instruction %d", f.Slot)
	if f.Program != "" {
		at = f.Program + ": " + at
	}
	if f.Source != "" {
		at += " (" + f.Source + ")"
	}
	return at + ": " + f.Err.Error()
}

func (f *Fault) Unwrap() error { return f.Err }

// Stop ends the program at c.PC for the reason err.
func (c *CPU) Stop(err error) {
	if c.Trap != nil {
		return
	}
	f := &Fault{Program: c.Prog.Name, Slot: c.PC, Err: err}
	if c.PC >= 0 && c.PC < len(c.Prog.Plain) {
		f.Insn = c.Prog.Plain[c.PC].Code.String()
	}
	if c.Prog.Source != nil {
		f.Source = c.Prog.Source(c.PC)
	}
	c.Trap = f
}

// Push enters a function: the caller's frame is kept, the callee gets a fresh
// one. It reports whether there was room.
func (c *CPU) Push() bool {
	if c.Depth == ops.MaxFrames-1 {
		c.Stop(ErrFrames)
		return false
	}
	f := &c.Frames[c.Depth]
	f.Prog, f.PC = c.Prog, c.PC
	copy(f.R[:], c.R[6:10])
	c.Depth++
	c.may[c.Depth] = 0
	c.deepest = max(c.deepest, c.Depth)
	c.R[10] -= ops.StackSize
	return true
}

// Pop returns to the caller's frame.
func (c *CPU) Pop() {
	c.Depth--
	f := &c.Frames[c.Depth]
	c.Prog, c.PC = f.Prog, f.PC
	copy(c.R[6:10], f.R[:])
	c.R[10] += ops.StackSize
}

// Callback runs the function at the address fn (ops.FuncBase plus a slot) with
// up to five arguments and returns its result. When c.Trap is set, the
// program has been stopped and there is no result.
func (c *CPU) Callback(fn uint64, args ...uint64) uint64 {
	slot := fn - ops.FuncBase
	if _, ok := c.Prog.Entries[int(slot)]; fn < ops.FuncBase || !ok {
		c.Stop(ErrBadCall)
		return 0
	}
	if !c.Push() {
		return 0
	}
	copy(c.R[1:6], args)
	c.PC = int(slot)
	c.Call(c)
	if c.Trap != nil {
		return 0
	}
	v := c.R[0]
	c.Pop()
	return v
}

// MayGoto counts an iteration of a loop that may_goto bounds, and reports
// whether the loop may go on. A function has one count for all its loops.
func (c *CPU) MayGoto() bool {
	if c.may[c.Depth] == MaxLoops {
		return false
	}
	c.may[c.Depth]++
	return true
}

// Bytes is memory that a helper was given. When the program may not access it
// so, the program is stopped and ok is false.
func (c *CPU) Bytes(addr, n uint64, access mem.Access) (b []byte, ok bool) {
	c.Charge(n)
	b, err := c.Mem.Bytes(addr, n, access)
	if err != nil {
		c.Stop(err)
		return nil, false
	}
	return b, true
}

// Charge takes the work that a helper does with n bytes from the budget, so
// that a loop of expensive calls doesn't run for hours.
func (c *CPU) Charge(n uint64) { c.Left -= int(min(n/64, 1<<20)) }

// MapArg is the map in register r, nil with the program stopped when it isn't
// one.
func (c *CPU) MapArg(r int) maps.Map {
	if m := c.Map(c.R[r]); m != nil {
		return m
	}
	c.Stop(fmt.Errorf("r%d = %#x is no map", r, c.R[r]))
	return nil
}
