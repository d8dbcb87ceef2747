package ctypes

import (
	"fmt"
	"strings"
)

// Dump returns the C definition of a type. Structs and unions are written with
// the offset of each member in bytes (with the bit for a bit-field) and their
// size, members of anonymous structs in place.
func Dump(t Type) string {
	d := dumper{budget: maxDump}
	d.top(t)
	return d.String()
}

// maxDump bounds how many lines are written for one type.
const maxDump = 100_000

type dumper struct {
	strings.Builder
	budget int
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
		d.line(0, "typedef %s;", Spell(x.Type, x.Name))
	case *Func:
		d.line(0, "%s;", Spell(x, x.Name))
	case *Fwd:
		d.line(0, "%s;", Spell(x, ""))
	default:
		d.line(0, "%s", Spell(t, ""))
	}
}

// body writes a struct that begins at a bit offset of the outermost one.
func (d *dumper) body(s *Struct, bits, depth int, before, after string) {
	head := strings.TrimSpace(tag(s.Union) + s.Name)
	d.line(depth, "%s%s { /* %d bytes */", before, head, s.Size)
	for _, f := range s.Fields {
		if d.budget < 0 {
			return
		}
		d.member(f, bits+f.Offset, depth+1)
	}
	d.line(depth, "}%s;", after)
}

func (d *dumper) member(f Field, bits, depth int) {
	suffix := ""
	if f.Name != "" {
		suffix = " " + f.Name
	}
	switch x := f.Type.(type) {
	case *Struct:
		if x.Name == "" && len(x.Fields) > 0 && depth < maxNesting {
			d.body(x, bits, depth, "", suffix)
			return
		}
	case *Enum:
		if x.Name == "" && len(x.Values) > 0 {
			d.enum(x, depth, "", suffix)
			return
		}
	}
	decl := Spell(f.Type, f.Name)
	switch {
	case f.DataLoc:
		decl = "__data_loc " + decl
	case f.RelLoc:
		decl = "__rel_loc " + decl
	case f.BitSize > 0:
		d.line(depth, "%s:%d; /* %d:%d */", decl, f.BitSize, bits/8, bits%8)
		return
	}
	d.line(depth, "%s; /* %d */", decl, bits/8)
}

func (d *dumper) enum(e *Enum, depth int, before, after string) {
	head := strings.TrimSpace("enum " + e.Name)
	d.line(depth, "%s%s { /* %d bytes */", before, head, e.Size)
	for _, v := range e.Values {
		if e.Signed {
			d.line(depth+1, "%s = %d,", v.Name, v.Value)
		} else {
			d.line(depth+1, "%s = %d,", v.Name, uint64(v.Value))
		}
	}
	d.line(depth, "}%s;", after)
}
