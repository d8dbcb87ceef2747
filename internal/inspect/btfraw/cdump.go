package btfraw

import (
	"fmt"
	"io"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// CDump writes types as C definitions, in an order in which C takes them, with
// padding and attributes that give them the same layout again. Types of one
// name are told apart by a number behind the names, as libbpf does
// (`name___2`), which CO-RE takes for the same name.
type CDump struct {
	btf   *BTF
	out   *strings.Builder
	state []emitState
	names map[string]int // how often a tag or other identifier was taken
	given map[nameKey]string
	fwd   map[string]bool // forward declarations that were written
	enums map[uint32]bool // anonymous enumerations whose names are known
	depth int
	steps int // how many types and members were looked at
	align map[uint32]int
}

type emitState uint8

const (
	untouched emitState = iota
	underway
	written
)

// nameKey is a type, or a value of an enumeration when index is not -1.
type nameKey struct {
	id    uint32
	index int
}

// NewCDump prepares for writing types of BTF.
func NewCDump(b *BTF) *CDump {
	return &CDump{
		btf: b, out: &strings.Builder{}, state: make([]emitState, b.End()), names: map[string]int{}, given: map[nameKey]string{},
		fwd: map[string]bool{}, enums: map[uint32]bool{}, align: map[uint32]int{},
	}
}

// vaList is a typedef that compilers have of themselves, each target its own:
// what it stands for is written in its place.
const vaList = "__builtin_va_list"

// header and footer make a file that BPF programs can include.
const (
	header = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`
	footer = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`
)

// WriteAll writes a file with the given types and what they need, or with all
// types when none is given.
func (d *CDump) WriteAll(w io.Writer, ids ...uint32) error {
	if _, err := io.WriteString(w, header); err != nil {
		return err
	}
	all := len(ids) == 0
	if all {
		used := d.referenced()
		for id := d.btf.First(); id < d.btf.End(); id++ {
			t, _ := d.btf.Type(id)
			anonymous := t.Name == "" && (t.Kind == ctypes.BTFStruct || t.Kind == ctypes.BTFUnion || isEnum(t.Kind))
			if anonymous && (used[id] || !isEnum(t.Kind)) {
				continue // written where it is used, and of no use where it isn't
			}
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if err := d.need(id, true); err != nil {
			return err
		}
		if err := d.flush(w); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, footer)
	return err
}

func (d *CDump) flush(w io.Writer) error {
	_, err := io.WriteString(w, d.out.String())
	d.out.Reset()
	return err
}

func isEnum(k ctypes.BTFKind) bool { return k == ctypes.BTFEnum || k == ctypes.BTFEnum64 }

// referenced notes which types others are made of.
func (d *CDump) referenced() []bool {
	used := make([]bool, d.btf.End())
	mark := func(id uint32) {
		if int(id) < len(used) {
			used[id] = true
		}
	}
	for id := uint32(1); id < d.btf.End(); id++ {
		t, _ := d.btf.Type(id)
		switch t.Kind {
		case ctypes.BTFStruct, ctypes.BTFUnion:
			for _, m := range t.Members() {
				mark(m.Type)
			}
		case ctypes.BTFFuncProto:
			mark(t.Size)
			for _, p := range t.Params() {
				mark(p.Type)
			}
		case ctypes.BTFArray:
			elem, _, _ := t.Array()
			mark(elem)
		case ctypes.BTFPtr, ctypes.BTFTypedef, ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict, ctypes.BTFTypeTag, ctypes.BTFVar:
			mark(t.Size)
		}
	}
	return used
}

// need writes what a type needs before it can be used: complete when it is
// used by value, else declared.
func (d *CDump) need(id uint32, complete bool) error {
	t, ok := d.btf.Type(id)
	if !ok {
		if id == 0 {
			return nil
		}
		return fmt.Errorf("BTF: there is no type %d", id)
	}
	if d.depth++; d.depth > maxNesting {
		return fmt.Errorf("BTF type %d: types are nested too deep", id)
	}
	if d.spend() {
		return fmt.Errorf("BTF type %d: types without names are used in one another too often", id)
	}
	defer func() { d.depth-- }()
	switch t.Kind {
	case ctypes.BTFPtr:
		return d.need(t.Size, false)
	case ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict, ctypes.BTFTypeTag:
		return d.need(t.Size, complete)
	case ctypes.BTFArray:
		elem, _, _ := t.Array()
		return d.need(elem, true)
	case ctypes.BTFFuncProto:
		if err := d.need(t.Size, false); err != nil {
			return err
		}
		for _, p := range t.Params() {
			if err := d.need(p.Type, false); err != nil {
				return err
			}
		}
	case ctypes.BTFStruct, ctypes.BTFUnion:
		return d.needStruct(t, complete)
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		return d.needEnum(t)
	case ctypes.BTFFwd:
		d.declare(t)
	case ctypes.BTFTypedef:
		return d.needTypedef(t, complete)
	}
	return nil
}

// declare writes `struct x;` unless x has been declared or defined.
func (d *CDump) declare(t Type) {
	tag := d.tag(t)
	if d.fwd[tag] {
		return
	}
	d.fwd[tag] = true
	fmt.Fprintf(d.out, "%s;\n\n", tag)
}

// tag is `struct x`, `union x` or `enum x`.
func (d *CDump) tag(t Type) string {
	word := "struct"
	switch {
	case t.Kind == ctypes.BTFFwd:
		return t.Fwd() + " " + t.Name
	case t.Kind == ctypes.BTFUnion:
		word = "union"
	case isEnum(t.Kind):
		word = "enum"
	}
	if t.Name == "" {
		return word
	}
	return word + " " + d.name("tag", t.Name, nameKey{t.ID, -1})
}

// name gives a type or value its name, with a number when the name has been
// given to another one. Tags and other identifiers are apart, as in C.
func (d *CDump) name(space, name string, key nameKey) string {
	if got, ok := d.given[key]; ok {
		return got
	}
	d.names[space+name]++
	got := name
	if n := d.names[space+name]; n > 1 {
		got = fmt.Sprintf("%s___%d", name, n)
	}
	d.given[key] = got
	return got
}

func (d *CDump) needMembers(t Type) error {
	for _, m := range t.Members() {
		if err := d.need(m.Type, true); err != nil {
			return err
		}
	}
	return nil
}

func (d *CDump) needStruct(t Type, complete bool) error {
	if t.Name == "" {
		// It is defined where it is used, with all that its members need.
		if d.state[t.ID] == underway {
			return fmt.Errorf("BTF type %d: a struct without a name contains itself", t.ID)
		}
		d.state[t.ID] = underway
		err := d.needMembers(t)
		d.state[t.ID] = untouched
		return err
	}
	switch {
	case d.state[t.ID] == written:
		return nil
	case !complete:
		d.declare(t)
		return nil
	case d.state[t.ID] == underway:
		return fmt.Errorf("BTF type %d '%s' contains itself", t.ID, t.Name)
	}
	d.state[t.ID] = underway
	if err := d.needMembers(t); err != nil {
		return err
	}
	d.state[t.ID] = written
	d.fwd[d.tag(t)] = true
	d.structBody(t, 0)
	d.out.WriteString(";\n\n")
	return nil
}

func (d *CDump) needEnum(t Type) error {
	if d.state[t.ID] == written {
		return nil
	}
	if t.Name == "" && d.depth > 1 {
		return nil // written where it is used
	}
	d.state[t.ID] = written
	d.enumBody(t, 0)
	d.out.WriteString(";\n\n")
	return nil
}

func (d *CDump) needTypedef(t Type, complete bool) error {
	if t.Name == vaList {
		return d.need(t.Size, complete)
	}
	if d.state[t.ID] == underway {
		return fmt.Errorf("BTF type %d: typedef '%s' needs itself", t.ID, t.Name)
	}
	if d.state[t.ID] == untouched {
		d.state[t.ID] = underway
		if err := d.need(t.Size, false); err != nil {
			return err
		}
		d.state[t.ID] = written
		d.out.WriteString("typedef ")
		d.out.WriteString(d.declaration(t.Size, d.name("", t.Name, nameKey{t.ID, -1}), 0))
		d.out.WriteString(";\n\n")
	}
	if complete {
		if to, ok := d.btf.Skip(t.Size); ok && to.Name != "" {
			return d.need(to.ID, true)
		}
	}
	return nil
}

// maxNesting bounds how deep types are nested.
const maxNesting = 4096

// spend counts a step, and reports whether there were too many.
func (d *CDump) spend() bool {
	d.steps++
	return d.steps > 1<<16+256*len(d.state)
}

func tabs(n int) string { return strings.Repeat("\t", n) }

// enumBody writes an enumeration with its values.
func (d *CDump) enumBody(t Type, indent int) {
	d.out.WriteString(d.enumText(t, indent))
}

func (d *CDump) enumText(t Type, indent int) string {
	if t.Vlen == 0 {
		return d.tag(t)
	}
	if t.Name == "" {
		if d.enums[t.ID] {
			// The names of its values are taken already; what remains is the
			// integer type.
			return map[bool]string{true: "", false: "unsigned "}[t.Flag] + intBySize(t.Size)
		}
		d.enums[t.ID] = true
	}
	var b strings.Builder
	b.WriteString(d.tag(t))
	b.WriteString(" {\n")
	suffix := ""
	if t.Kind == ctypes.BTFEnum64 {
		suffix = "ULL"
		if t.Flag {
			suffix = "LL"
		}
	}
	for i, e := range t.Enums() {
		name := d.name("", e.Name, nameKey{t.ID, i})
		if t.Flag {
			fmt.Fprintf(&b, "%s%s = %s,\n", tabs(indent+1), name, signed(e.Value, suffix))
		} else {
			fmt.Fprintf(&b, "%s%s = %d%s,\n", tabs(indent+1), name, uint64(e.Value), suffix)
		}
	}
	b.WriteString(tabs(indent) + "}")
	switch {
	case t.Size == 1:
		b.WriteString(" __attribute__((mode(byte)))")
	case t.Size == 2:
		b.WriteString(" __attribute__((mode(HI)))")
	case t.Size == 8 && enumFits32(t):
		b.WriteString(" __attribute__((mode(word)))")
	}
	return b.String()
}

// signed is a number as C takes it: the smallest one is no literal there.
func signed(v int64, suffix string) string {
	if v == -1<<63 {
		return fmt.Sprintf("(-%dLL - 1)", int64(1<<63-1))
	}
	return fmt.Sprintf("%d%s", v, suffix)
}

// enumFits32 reports whether an 8-byte enumeration would take 4 bytes without
// being told.
func enumFits32(t Type) bool {
	for _, e := range t.Enums() {
		if t.Flag && e.Value != int64(int32(e.Value)) || !t.Flag && uint64(e.Value) > 1<<32-1 {
			return false
		}
	}
	return true
}

func intBySize(size uint32) string {
	switch size {
	case 1:
		return "char"
	case 2:
		return "short"
	case 8:
		return "long long"
	}
	return "int"
}
