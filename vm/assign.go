package vm

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/cilium/ebpf"
)

// Assign puts programs, maps and variables of the collection into the fields
// of the struct that to points to: those tagged `ebpf:"name"`, of type
// *Program, *Map or *Variable, also in structs within it. What is assigned
// leaves the collection, so that Close doesn't close it.
func (c *Collection) Assign(to any) error {
	fields, err := taggedFields(to)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if err := c.assign(f); err != nil {
			return err
		}
	}
	for _, f := range fields {
		switch f.value.Interface().(type) {
		case *Program:
			c.DetachProgram(f.name)
		case *Map:
			c.DetachMap(f.name)
		}
	}
	return nil
}

// LoadAndAssign loads what the struct that to points to asks for with its
// tags, and what that needs, and assigns it. See Collection.Assign.
func LoadAndAssign(spec *ebpf.CollectionSpec, to any, o *CollectionOptions) error {
	fields, err := taggedFields(to)
	if err != nil {
		return err
	}
	if o == nil {
		o = &CollectionOptions{}
	}
	wanted := map[string]*ebpf.ProgramSpec{}
	for _, f := range fields {
		if _, ok := f.value.Interface().(*Program); ok {
			p := spec.Programs[f.name]
			if p == nil {
				return fmt.Errorf("field %s: missing program %q", f.field, f.name)
			}
			wanted[f.name] = p
		}
	}
	part := spec.Copy()
	part.Programs = wanted
	c, err := NewCollectionWithOptions(part, *o)
	if err != nil {
		return err
	}
	return c.Assign(to)
}

// taggedField is a field of a struct with an `ebpf` tag.
type taggedField struct {
	field string
	name  string
	value reflect.Value
}

// taggedFields finds the tagged fields of the struct that to points to. A name
// may stand for only one of them.
func taggedFields(to any) ([]taggedField, error) {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is not a pointer to struct", to)
	}
	fields, err := collectTagged(v.Elem(), nil)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, f := range fields {
		key := f.value.Type().String() + " " + f.name
		if other, ok := seen[key]; ok {
			return nil, fmt.Errorf("field %s: object %q was already assigned to %s", f.field, f.name, other)
		}
		seen[key] = f.field
	}
	return fields, nil
}

func collectTagged(v reflect.Value, fields []taggedField) ([]taggedField, error) {
	for i := range v.NumField() {
		info, field := v.Type().Field(i), v.Field(i)
		name := info.Tag.Get("ebpf")
		if name != "" {
			if !field.CanSet() {
				return nil, fmt.Errorf("field %s: can't be set", info.Name)
			}
			fields = append(fields, taggedField{info.Name, name, field})
			continue
		}
		inner := field
		if inner.Kind() == reflect.Pointer && inner.Type().Elem().Kind() == reflect.Struct {
			if !info.Anonymous || inner.IsNil() {
				continue
			}
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct {
			continue
		}
		var err error
		if fields, err = collectTagged(inner, fields); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

var errFieldType = errors.New("fields hold *vm.Program, *vm.Map or *vm.Variable")

func (c *Collection) assign(f taggedField) error {
	var object any
	switch f.value.Interface().(type) {
	case *Program:
		if p := c.Programs[f.name]; p != nil {
			object = p
		}
	case *Map:
		if x := c.Maps[f.name]; x != nil {
			object = x
		}
	case *Variable:
		if v := c.Variables[f.name]; v != nil {
			object = v
		}
	default:
		return fmt.Errorf("field %s: %s: %w", f.field, f.value.Type(), errFieldType)
	}
	if object == nil {
		return fmt.Errorf("field %s: there is no %s %q in the collection", f.field, f.value.Type().Elem().Name(), f.name)
	}
	f.value.Set(reflect.ValueOf(object))
	return nil
}
