package vm

import (
	"fmt"
	"sort"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// ProgramOptions says how programs are loaded.
type ProgramOptions struct {
	// KernelTypes are the types that CO-RE relocations are for. Nil means
	// the running kernel's.
	KernelTypes *btf.Spec
}

// CollectionOptions says how a collection is loaded.
type CollectionOptions struct {
	// Machine is where the collection is to live. Nil makes a new one, from
	// MachineOptions; or takes the one of MapReplacements.
	Machine        *Machine
	MachineOptions MachineOptions

	Programs ProgramOptions
	// MapReplacements are maps to be used in place of new ones.
	MapReplacements map[string]*Map
}

// Collection is a set of programs and maps that belong together.
type Collection struct {
	Programs map[string]*Program
	Maps     map[string]*Map
	// Variables are the global variables of the programs.
	Variables map[string]*Variable
	// Machine is what the collection was loaded into.
	Machine *Machine
}

// NewCollection loads a collection into a machine of its own.
func NewCollection(spec *ebpf.CollectionSpec) (*Collection, error) {
	return NewCollectionWithOptions(spec, CollectionOptions{})
}

// LoadCollection reads an object file and loads all that is in it.
func LoadCollection(file string) (*Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, err
	}
	return NewCollection(spec)
}

// NewCollectionWithOptions loads a collection.
func NewCollectionWithOptions(spec *ebpf.CollectionSpec, o CollectionOptions) (*Collection, error) {
	m, err := o.machine()
	if err != nil {
		return nil, err
	}
	c := &Collection{Programs: map[string]*Program{}, Maps: map[string]*Map{}, Machine: m}
	for _, name := range sorted(spec.Maps) {
		if x, ok := o.MapReplacements[name]; ok {
			if x.m != m {
				return nil, fmt.Errorf("map %s: the replacement belongs to another machine", name)
			}
			c.Maps[name] = x
			continue
		}
		if name == ".kconfig" {
			return nil, fmt.Errorf("map %s: a CollectionSpec doesn't say what these values are", name)
		}
		if c.Maps[name], err = m.createMap(spec.Maps[name]); err != nil {
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
	}
	for name := range o.MapReplacements {
		if spec.Maps[name] == nil {
			return nil, fmt.Errorf("replacement map %s not found in the collection", name)
		}
	}
	for _, name := range sorted(spec.Programs) {
		if c.Programs[name], err = m.NewProgram(spec.Programs[name], c.Maps, o.Programs); err != nil {
			return nil, err
		}
	}
	for _, name := range sorted(spec.Maps) {
		if _, replaced := o.MapReplacements[name]; replaced {
			continue
		}
		if err := c.Maps[name].populate(initial(spec, name), c.find); err != nil {
			return nil, err
		}
	}
	return c, c.variables(spec)
}

func (o *CollectionOptions) machine() (*Machine, error) {
	if o.Machine != nil {
		return o.Machine, nil
	}
	for _, x := range o.MapReplacements {
		return x.m, nil
	}
	return NewMachine(o.MachineOptions)
}

// find resolves what the contents of a map refer to.
func (c *Collection) find(name string) (any, error) {
	if p := c.Programs[name]; p != nil {
		return p, nil
	}
	if x := c.Maps[name]; x != nil {
		return x, nil
	}
	return nil, fmt.Errorf("there is no program or map %s", name)
}

// initial is what a map is filled with. For one that holds global variables,
// their values may have been changed since the object was read.
func initial(spec *ebpf.CollectionSpec, name string) []ebpf.MapKV {
	contents := spec.Maps[name].Contents
	if len(contents) != 1 {
		return contents
	}
	data, ok := contents[0].Value.([]byte)
	if !ok {
		return contents
	}
	data = append([]byte(nil), data...)
	for _, v := range spec.Variables {
		if v.SectionName == name && int(v.Offset)+len(v.Value) <= len(data) {
			copy(data[v.Offset:], v.Value)
		}
	}
	return []ebpf.MapKV{{Key: contents[0].Key, Value: data}}
}

// Close gives up the collection's programs and maps.
func (c *Collection) Close() {
	for _, p := range c.Programs {
		_ = p.Close() // can't fail
	}
	for _, x := range c.Maps {
		_ = x.Close() // can't fail
	}
}

// DetachMap removes a map from the collection: Close leaves it alone.
func (c *Collection) DetachMap(name string) *Map {
	x := c.Maps[name]
	delete(c.Maps, name)
	return x
}

// DetachProgram removes a program from the collection.
func (c *Collection) DetachProgram(name string) *Program {
	p := c.Programs[name]
	delete(c.Programs, name)
	return p
}

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
