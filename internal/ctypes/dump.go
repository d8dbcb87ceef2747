package ctypes

import (
	"fmt"
	"strings"
)

// Dump returns the C definition of a type. Structs and unions are written with
// the offset of each member in bytes (with the bit for a bit-field) and their
// size, members of anonymous structs in place.
func Dump(t Type) string {
	d := dumper{budget: maxDump, offsets: true}
	d.top(t)
	return d.String()
}

// Define returns the C definition of a type without offsets and sizes, as
// bpftool prints it, but for the padding that bpftool makes explicit and for
// attributes.
func Define(t Type) string {
	d := dumper{budget: maxDump}
	d.top(t)
	return d.String()
}

// maxDump bounds how many lines are written for one type.
const maxDump = 100_000

type dumper struct {
	strings.Builder
	budget  int
	offsets bool
}

// spell spells a declaration.
func (d *dumper) spell(t Type, name string) string {
	s := speller{budget: maxSpell}
	if !d.offsets {
		s.empty = "0"
	}
	return s.spell(t, name)
}

// note is a comment that says a number, or nothing.
func (d *dumper) note(format string, args ...any) string {
	if !d.offsets {
		return ""
	}
	return " /* " + fmt.Sprintf(format, args...) + " */"
}

func (d *dumper) line(depth int, format string, args ...any) {
	if d.budget--; d.budget < 0 {
		return
	}
	d.WriteString(strings.Repeat("\t", depth))
	fmt.Fprintf(d, format, args...)
	d.WriteByte('\n')
}

func (d *dumper) top(t Type) {
	switch x := t.(type) {
	case *Lazy:
		d.top(x.Load())
	case *Struct:
		d.body(x, 0, 0, "", "")
	case *Enum:
		d.enum(x, 0, "", "")
	case *Typedef:
		switch in := x.Type.(type) {
		case *Struct:
			if in.Name == "" {
				d.body(in, 0, 0, "typedef ", " "+x.Name)
				return
			}
		case *Enum:
			if in.Name == "" {
				d.enum(in, 0, "typedef ", " "+x.Name)
				return
			}
		}
		d.line(0, "typedef %s;", d.spell(x.Type, x.Name))
	case *Func:
		d.line(0, "%s;", d.spell(x, x.Name))
	case *Fwd:
		d.line(0, "%s;", Spell(x, ""))
	default:
		d.line(0, "%s", Spell(t, ""))
	}
}

// body writes a struct that begins at a bit offset of the outermost one.
func (d *dumper) body(s *Struct, bits, depth int, before, after string) {
	head := strings.TrimSpace(tag(s.Union) + s.Name)
	if len(s.Fields) == 0 {
		d.line(depth, "%s%s {}%s;%s", before, head, after, d.note("%d bytes", s.Size))
		return
	}
	d.line(depth, "%s%s {%s", before, head, d.note("%d bytes", s.Size))
	for _, f := range s.Fields {
		if d.budget < 0 {
			return
		}
		d.member(f, bits+f.Offset, depth+1)
	}
	d.line(depth, "}%s;", after)
}

func (d *dumper) member(f Field, bits, depth int) {
	decl := d.spell(f.Type, f.Name)
	if f.BitSize > 0 {
		decl += fmt.Sprintf(": %d", f.BitSize)
	}
	switch base := innermost(f.Type).(type) {
	case *Struct:
		if base.Name == "" && depth < maxNesting {
			before, after := around(decl, tag(base.Union)+"{...}")
			d.body(base, bits, depth, before, after)
			return
		}
	case *Enum:
		if base.Name == "" && len(base.Values) > 0 {
			before, after := around(decl, "enum {...}")
			d.enum(base, depth, before, after)
			return
		}
	}
	switch {
	case f.DataLoc:
		decl = "__data_loc " + decl
	case f.RelLoc:
		decl = "__rel_loc " + decl
	case f.BitSize > 0:
		d.line(depth, "%s;%s", decl, d.note("%d:%d", bits/8, bits%8))
		return
	}
	d.line(depth, "%s;%s", decl, d.note("%d", bits/8))
}

// innermost is what a declaration's base is: the type without qualifiers,
// arrays and pointers.
func innermost(t Type) Type {
	for range maxNesting {
		switch x := t.(type) {
		case *Qual:
			t = x.Type
		case *Array:
			t = x.Elem
		case *Pointer:
			t = x.Elem
		default:
			return t
		}
	}
	return t
}

// around returns what stands before and after the base in a declaration.
func around(decl, base string) (before, after string) {
	before, after, _ = strings.Cut(decl, base)
	return before, after
}

func (d *dumper) enum(e *Enum, depth int, before, after string) {
	head := strings.TrimSpace("enum " + e.Name)
	d.line(depth, "%s%s {%s", before, head, d.note("%d bytes", e.Size))
	for _, v := range e.Values {
		if e.Signed {
			d.line(depth+1, "%s = %d,", v.Name, v.Value)
		} else {
			d.line(depth+1, "%s = %d,", v.Name, uint64(v.Value))
		}
	}
	d.line(depth, "}%s;", after)
}
