package eval

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/skep-dev/skep/internal/ir"
)

// Options of a Machine. The zero value has no helpers, and limits that end
// any run in well under a second.
type Options struct {
	// Steps is how many instructions a Run may execute; 0 means 1<<20.
	Steps int
	// Depth is how many functions may be active at once; 0 means 8, the
	// kernel's limit.
	Depth int
	// Helpers by number, Kfuncs by name.
	Helpers map[int64]Helper
	Kfuncs  map[string]Helper
	// Ksyms are the kernel's variables.
	Ksyms map[string][]byte
	// CORE answers relocations; nil gives each its local value.
	CORE func(r *ir.CORE, local int64) (int64, error)
}

// Helper is what a helper or kernel function does. It returns the value of
// r0; an error ends the run.
type Helper func(c *Call) (uint64, error)

// Call is one call of a helper.
type Call struct {
	*Machine
	Name string
	ID   int64 // of a helper; 0 for a kernel function
	Args []uint64
}

// Arg returns an argument, 0 when the call has fewer.
func (c *Call) Arg(i int) uint64 {
	if i >= len(c.Args) {
		return 0
	}
	return c.Args[i]
}

// Errors that a Fault wraps.
var (
	ErrSteps = errors.New("too many steps")
	ErrDepth = errors.New("too many calls inside each other")
)

// Fault is an error at an instruction.
type Fault struct {
	Func  *ir.Func
	Block *ir.Block
	Value *ir.Value // nil for the terminator
	Err   error
}

func (f *Fault) Error() string {
	at := "the terminator"
	if f.Value != nil {
		at = fmt.Sprintf("%s (%s)", f.Value, f.Value.Op)
	}
	return fmt.Sprintf("@%s %s: %s: %v", f.Func.Name, f.Block, at, f.Err)
}

// Unwrap returns the reason.
func (f *Fault) Unwrap() error { return f.Err }

// Machine runs the functions of a module over one memory. It is not for
// concurrent use.
type Machine struct {
	m     *ir.Module
	o     Options
	mem   *memory
	steps int
	depth int

	maps  map[string]*Map
	byMap map[uint64]*Map
	data  map[string]*Region
	ksyms map[string]*Region
	funcs map[string]*Region
	byFn  map[uint64]*ir.Func
}

// New makes a machine whose maps and data have their initial contents. The
// module must pass ir.Check.
func New(m *ir.Module, o Options) (*Machine, error) {
	mc := &Machine{
		m: m, o: o, mem: newMemory(),
		maps: map[string]*Map{}, byMap: map[uint64]*Map{},
		data: map[string]*Region{}, ksyms: map[string]*Region{},
		funcs: map[string]*Region{}, byFn: map[uint64]*ir.Func{},
	}
	if mc.o.Steps == 0 {
		mc.o.Steps = 1 << 20
	}
	if mc.o.Depth == 0 {
		mc.o.Depth = 8
	}
	for _, x := range m.Maps {
		if err := mc.addMap(x); err != nil {
			return nil, err
		}
	}
	for _, d := range m.Data {
		perm := ReadWrite
		if d.ReadOnly() {
			perm = ReadOnly
		}
		b := make([]byte, len(d.Bytes))
		if d.Section != ".bss" {
			copy(b, d.Bytes)
		}
		mc.data[d.Name] = mc.mem.add("data @"+d.Name, b, perm)
	}
	for _, f := range m.Funcs {
		r := mc.mem.add("func @"+f.Name, nil, ReadOnly)
		mc.funcs[f.Name], mc.byFn[r.Addr] = r, f
	}
	for _, name := range slices.Sorted(maps.Keys(o.Ksyms)) {
		mc.ksyms[name] = mc.mem.add("ksym @"+name, slices.Clone(o.Ksyms[name]), ReadOnly)
	}
	return mc, nil
}

// AddRegion adds memory, such as a context, and returns it. The region holds
// the given bytes themselves.
func (mc *Machine) AddRegion(name string, bytes []byte, perm Perm) *Region {
	return mc.mem.add(name, bytes, perm)
}

// RegionOf returns the region that an address is in and the offset inside it,
// or nil.
func (mc *Machine) RegionOf(addr uint64) (r *Region, off int64) {
	if r = mc.mem.find(addr); r == nil {
		return nil, 0
	}
	return r, int64(addr - r.Addr)
}

// Data returns the contents of the module's data with the given name.
func (mc *Machine) Data(name string) []byte {
	if r := mc.data[name]; r != nil {
		return r.Bytes
	}
	return nil
}

// Read returns a copy of size bytes at addr.
func (mc *Machine) Read(addr uint64, size int64) ([]byte, error) {
	b, err := mc.mem.read(addr, size)
	return slices.Clone(b), err
}

// Write puts bytes at addr.
func (mc *Machine) Write(addr uint64, data []byte) error {
	b, err := mc.mem.write(addr, int64(len(data)))
	if err != nil {
		return err
	}
	copy(b, data)
	return nil
}

// Run calls the function with the given name. The step budget starts anew.
// Of an I32 result or argument the low half counts.
func (mc *Machine) Run(name string, args ...uint64) (uint64, error) {
	f := mc.m.Func(name)
	if f == nil {
		return 0, fmt.Errorf("there is no function @%s", name)
	}
	mc.steps, mc.depth = 0, 0
	return mc.call(f, args)
}

// Callback calls the function whose address a helper was given, within the
// budget of the running program.
func (mc *Machine) Callback(addr uint64, args ...uint64) (uint64, error) {
	f := mc.byFn[addr]
	if f == nil {
		return 0, fmt.Errorf("%#x is not the address of a function", addr)
	}
	if len(args) > len(f.Params) {
		args = args[:len(f.Params)]
	}
	return mc.call(f, args)
}
