package vm

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// Variable is a global variable of a collection.
type Variable struct {
	name   string
	typ    *btf.Var
	region *mem.Region
	offset uint64
	size   uint64
	fixed  bool
}

// variables finds the global variables in the maps that hold them.
func (c *Collection) variables(spec *ebpf.CollectionSpec) error {
	c.Variables = map[string]*Variable{}
	for name, v := range spec.Variables {
		x := c.Maps[v.SectionName]
		if x == nil {
			continue
		}
		direct, ok := x.impl.(maps.Direct)
		if !ok || direct.Values() == nil || uint64(v.Offset)+uint64(len(v.Value)) > direct.Values().Size() {
			return fmt.Errorf("variable %s: doesn't lie in map %s", name, v.SectionName)
		}
		c.Variables[name] = &Variable{
			name: name, typ: v.Type, region: direct.Values(), offset: uint64(v.Offset), size: uint64(len(v.Value)),
			fixed: x.Flags()&maps.FlagReadOnlyProg != 0,
		}
	}
	return nil
}

func (v *Variable) bytes() []byte { return v.region.Bytes()[v.offset : v.offset+v.size] }

// Size is the size of the variable in bytes.
func (v *Variable) Size() uint64 { return v.size }

// ReadOnly reports whether the variable is a constant to programs.
func (v *Variable) ReadOnly() bool { return v.fixed }

// Type is the variable's type, nil when it isn't known.
func (v *Variable) Type() *btf.Var { return v.typ }

// String describes the variable.
func (v *Variable) String() string { return fmt.Sprintf("%s (%d bytes)", v.name, v.size) }

// Get reads the variable into what out points to.
func (v *Variable) Get(out any) error {
	if err := unmarshal(out, v.bytes()); err != nil {
		return fmt.Errorf("variable %s: %w", v.name, err)
	}
	return nil
}

// Set writes the variable. Constants can't be written.
func (v *Variable) Set(in any) error {
	if v.fixed {
		return fmt.Errorf("variable %s: %w", v.name, ebpf.ErrReadOnly)
	}
	b, err := marshal(in, int(v.size))
	if err != nil {
		return fmt.Errorf("variable %s: %w", v.name, err)
	}
	copy(v.bytes(), b)
	return nil
}
