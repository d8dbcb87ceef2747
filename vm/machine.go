package vm

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/helpers"
	"github.com/skep-dev/skep/internal/vm/interp"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
	"github.com/skep-dev/skep/internal/vm/packet"
)

// Env is what programs see of the world through helpers: time, random numbers,
// the current task, memory outside of the engine. The zero Env is the real
// world.
type Env = helpers.Env

// Task is a task as programs see it.
type Task = helpers.Task

// Fault is the error of a run that the engine stopped: the program, the
// instruction, its place in the source, and in Err why. Use errors.As.
type Fault = cpu.Fault

// MemoryFault is why a Fault happened when it was for an access to memory.
type MemoryFault = mem.Fault

// Reasons for stopping a program, to be used with errors.Is.
var (
	ErrBudget = cpu.ErrBudget // more instructions than MachineOptions.Limit
	ErrFrames = cpu.ErrFrames // functions nested too deeply
)

// MachineOptions configures a Machine.
type MachineOptions struct {
	Env Env
	// CPUs is the number of virtual CPUs: how many programs can run at the
	// same time, and how many values per-CPU maps have. 0 means
	// runtime.NumCPU.
	CPUs int
	// Limit is the number of instructions that one run may take. 0 means
	// 2^30.
	Limit int
}

// Machine is what a kernel is to programs: memory, maps, virtual CPUs, and
// the world that helpers ask. Maps and programs of one machine can be used
// together.
type Machine struct {
	space   *mem.Space
	env     *helpers.Env
	helpers *helpers.Registry
	limit   int
	cpus    []*processor
	nextCPU atomic.Uint32
	nextID  atomic.Uint32
	mu      sync.Mutex
	handles atomic.Pointer[[]maps.Map]
	byID    map[uint32]*Map
}

// processor is a virtual CPU with what belongs to it. Its parts are made when
// the first program needs them.
type processor struct {
	mu     sync.Mutex
	cpu    *cpu.CPU
	ctx    *mem.Region
	packet *packet.Packet
	run    helpers.Run
}

// mapHandle marks a number as a map: it is mapHandle plus 16 times the map's
// index. No memory lies there.
const mapHandle = 0xfff2 << 48

// NewMachine makes a machine. Its memory is given back when nothing refers to
// it any more.
func NewMachine(o MachineOptions) (*Machine, error) {
	space, err := mem.NewSpace()
	if err != nil {
		return nil, err
	}
	m := &Machine{space: space, env: o.Env.Complete(), helpers: helpers.NewRegistry(), limit: o.Limit, byID: map[uint32]*Map{}}
	if m.limit <= 0 {
		m.limit = cpu.DefaultLimit
	}
	n := o.CPUs
	if n <= 0 {
		n = runtime.NumCPU()
	}
	for range n {
		m.cpus = append(m.cpus, &processor{})
	}
	m.handles.Store(&[]maps.Map{})
	return m, nil
}

// CPUs is the number of virtual CPUs.
func (m *Machine) CPUs() int { return len(m.cpus) }

// acquire takes a virtual CPU: number n, or the next free one when n is
// negative. The caller calls release.
func (m *Machine) acquire(n int) (*processor, error) {
	if n >= len(m.cpus) {
		return nil, fmt.Errorf("there is no CPU %d", n)
	}
	if n < 0 {
		n = m.pick()
	} else {
		m.cpus[n].mu.Lock()
	}
	p := m.cpus[n]
	if p.cpu == nil {
		if err := m.boot(p, n); err != nil {
			p.mu.Unlock()
			return nil, err
		}
	}
	return p, nil
}

func (m *Machine) pick() int {
	first := int(m.nextCPU.Add(1))
	for i := range m.cpus {
		if n := (first + i) % len(m.cpus); m.cpus[n].mu.TryLock() {
			return n
		}
	}
	n := first % len(m.cpus)
	m.cpus[n].mu.Lock()
	return n
}

func (m *Machine) boot(p *processor, id int) error {
	c, err := cpu.New(m.space, id)
	if err != nil {
		return err
	}
	if p.ctx, err = m.space.Alloc("the context", 4096, mem.ReadWrite); err != nil {
		return err
	}
	c.Helpers, c.Env, c.Map = m.helpers.Table(), m.env, m.mapOf
	c.TailCall = func(c *cpu.CPU, array, index uint64) *ops.Program { return m.tailCall(array, index) }
	c.Kernel = func(_ *cpu.CPU, addr uint64, b []byte) bool { return m.env.ReadKernel(addr, b) }
	c.Packet = func(c *cpu.CPU, off uint32, b []byte) bool {
		pk := p.run.Packet
		if pk == nil {
			c.Stop(cpu.ErrNoPacket)
			return false
		}
		return copy(b, pk.At(uint64(off), uint64(len(b)))) == len(b)
	}
	c.Context = &p.run
	p.cpu = c
	return nil
}

func (p *processor) release() { p.mu.Unlock() }

// execute runs a program on the processor. context is in the region that it
// gets as r1.
func (m *Machine) execute(p *processor, prog *ops.Program, ctx, size uint64) (uint64, error) {
	p.run.Context, p.run.Redirect = ctx, helpers.Redirect{}
	return interp.Run(p.cpu, prog, m.limit, ctx, size)
}

// addHandle gives a map the number that programs know it by.
func (m *Machine) addHandle(x *Map) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := append((*m.handles.Load())[:len(*m.handles.Load()):len(*m.handles.Load())], x.impl)
	m.byID[x.id] = x
	m.handles.Store(&all)
	return mapHandle + uint64(len(all)-1)*16
}

func (m *Machine) mapOf(h uint64) maps.Map {
	all := *m.handles.Load()
	if i := (h - mapHandle) / 16; h >= mapHandle && h%16 == 0 && i < uint64(len(all)) {
		return all[i]
	}
	return nil
}

func (m *Machine) tailCall(array, index uint64) *ops.Program {
	objects, ok := m.mapOf(array).(maps.Objects)
	if !ok || index > 1<<32-1 {
		return nil
	}
	p, ok := objects.Object([]byte{byte(index), byte(index >> 8), byte(index >> 16), byte(index >> 24)}).(*Program)
	if !ok {
		return nil
	}
	return p.code
}

// binder tells the decoder which helpers a program may call.
type binder struct {
	m    *Machine
	kind facts.ProgType
	gpl  bool
}

func (b binder) Helper(n uint32) (int, error) {
	if err := b.m.helpers.Check(n, b.kind, b.gpl); err != nil {
		return 0, err
	}
	return int(n), nil
}

// ErrKfunc says that a program calls a kernel function.
var ErrKfunc = errors.New("kernel functions are not available in user space")

func (b binder) Kfunc(in isa.Instruction) (int, error) {
	return 0, fmt.Errorf("%s: %w", in.Ref.Name, ErrKfunc)
}
