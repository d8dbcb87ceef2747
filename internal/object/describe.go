package object

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// Limits of the kernel's line information: 22 bits for the line, 10 for the
// column.
const (
	maxLine   = 1<<22 - 1
	maxColumn = 1<<10 - 1
)

// describe writes the BTF of everything in the object, and .BTF.ext.
func (b *builder) describe() error {
	for _, cs := range b.code {
		for i, f := range cs.funcs {
			if err := b.describeFunc(cs, f, cs.at[i]); err != nil {
				return fmt.Errorf("function %s: %w", f.Name, err)
			}
		}
	}
	if err := b.describeMaps(); err != nil {
		return err
	}
	for _, ds := range b.data {
		if err := b.describeData(ds); err != nil {
			return err
		}
	}
	return b.describeExterns()
}

var intType = &ctypes.Int{Name: "int", Size: 4, Signed: true}

// proto is a function's prototype, for one that says none the usual one.
func (f *Func) proto() (*ctypes.Func, error) {
	switch {
	case f.Proto != nil:
		return f.Proto, nil
	case f.Section != "":
		return &ctypes.Func{Result: intType, Params: []ctypes.Param{{Name: "ctx", Type: &ctypes.Pointer{Elem: &ctypes.Void{}}}}}, nil
	case f.Static:
		return &ctypes.Func{Result: intType}, nil
	}
	return nil, fmt.Errorf("a global function needs a prototype")
}

// describeFunc writes the BTF and the .BTF.ext records of a function that is
// at a byte offset of its section.
func (b *builder) describeFunc(cs *codeSection, f *Func, at int) error {
	proto, err := f.proto()
	if err != nil {
		return err
	}
	link := ctypes.Global
	if f.Static {
		link = ctypes.Static
	}
	id, err := b.btf.Func(f.Name, proto, link)
	if err != nil {
		return err
	}
	sec, err := b.ext.section(b, cs.out.name)
	if err != nil {
		return err
	}
	sec.funcs = append(sec.funcs, [2]uint32{uint32(at), id})
	if err := b.describeLines(sec, f, at); err != nil {
		return err
	}
	return b.describeCORE(sec, f, at)
}

// describeLines writes the line information of a function. Instructions
// without a place belong to the line before. The kernel wants a line for the
// first instruction of each function as soon as a program has any, and not
// all loaders take .BTF.ext without lines: so a function without any place
// has one line without text.
func (b *builder) describeLines(sec *extSection, f *Func, at int) error {
	placed := slices.IndexFunc(f.Insns, func(in insn) bool { return in.Span.IsValid() })
	if placed < 0 {
		sec.lines = append(sec.lines, lineInfo{insn: uint32(at)})
		return nil
	}
	cur := f.Insns[placed].Span
	off := at
	var last lineInfo
	for i := range f.Insns {
		if s := f.Insns[i].Span; s.IsValid() {
			cur = s
		}
		l, err := b.line(cur, off)
		if err != nil {
			return err
		}
		if same := l; i > 0 {
			same.insn = last.insn
			if same == last {
				off += f.Insns[i].Slots() * 8
				continue
			}
		}
		sec.lines = append(sec.lines, l)
		last = l
		off += f.Insns[i].Slots() * 8
	}
	return nil
}

// line is the line information of one instruction.
func (b *builder) line(s span, off int) (lineInfo, error) {
	line, col := s.File.Position(s.Start)
	file, err := b.btf.String(text(s.File.Name))
	if err != nil {
		return lineInfo{}, err
	}
	str, err := b.btf.String(text(s.File.Line(line)))
	if err != nil {
		return lineInfo{}, err
	}
	return lineInfo{
		insn: uint32(off), file: file, text: str,
		place: uint32(min(line, maxLine))<<10 | uint32(min(col, maxColumn)),
	}, nil
}

// text is a line of source as a string section can hold it: up to a zero
// byte.
func text(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return strings.TrimSuffix(s, "\r")
}

// describeCORE writes the CO-RE relocations of a function.
func (b *builder) describeCORE(sec *extSection, f *Func, at int) error {
	offs := make([]int, len(f.Insns))
	off := at
	for i := range f.Insns {
		offs[i] = off
		off += f.Insns[i].Slots() * 8
	}
	for _, c := range f.CORE {
		if c.Insn < 0 || c.Insn >= len(offs) || c.Kind >= numCOREKinds {
			return fmt.Errorf("CO-RE relocation of kind %d at instruction %d of %d", c.Kind, c.Insn, len(offs))
		}
		root := c.Type
		for q, ok := root.(*ctypes.Qual); ok; q, ok = root.(*ctypes.Qual) {
			root = q.Type
		}
		id, err := b.btf.Add(root)
		if err != nil {
			return err
		}
		access, err := b.btf.String(c.Access)
		if err != nil {
			return err
		}
		sec.core = append(sec.core, [4]uint32{uint32(offs[c.Insn]), id, access, uint32(c.Kind)})
	}
	slices.SortStableFunc(sec.core, func(x, y [4]uint32) int { return int(x[0]) - int(y[0]) })
	return nil
}

// describeMaps writes the BTF that defines the maps.
func (b *builder) describeMaps() error {
	if b.mapsSec == nil {
		return nil
	}
	var vars []ctypes.SecVar
	for _, v := range b.mapsVars {
		id, err := b.btf.Var(v.name, v.def, ctypes.Global)
		if err != nil {
			return fmt.Errorf("map %s: %w", v.name, err)
		}
		vars = append(vars, ctypes.SecVar{ID: id, Offset: uint32(v.offset), Size: uint32(v.def.Size)})
	}
	_, err := b.btf.Datasec(mapsSection, uint32(b.mapsSec.size), vars)
	return err
}

func (b *builder) describeData(ds *dataSection) error {
	var vars []ctypes.SecVar
	for _, v := range ds.vars {
		id, err := b.btf.Var(v.name, v.typ, ctypes.Global)
		if err != nil {
			return fmt.Errorf("data %s: %w", v.name, err)
		}
		vars = append(vars, ctypes.SecVar{ID: id, Offset: uint32(v.offset), Size: uint32(v.size)})
	}
	_, err := b.btf.Datasec(ds.out.name, uint32(ds.out.size), vars)
	return err
}

// describeExterns writes the section .ksyms, which exists in BTF only.
func (b *builder) describeExterns() error {
	var vars []ctypes.SecVar
	for _, t := range b.externs {
		if !t.used {
			continue
		}
		var id uint32
		var err error
		if t.extern.Func != nil {
			id, err = b.btf.Func(t.extern.Name, t.extern.Func, ctypes.Extern)
		} else {
			id, err = b.btf.Var(t.extern.Name, t.extern.Type, ctypes.Extern)
		}
		if err != nil {
			return fmt.Errorf("extern %s: %w", t.extern.Name, err)
		}
		vars = append(vars, ctypes.SecVar{ID: id})
	}
	if vars == nil {
		return nil
	}
	_, err := b.btf.Datasec(".ksyms", 0, vars)
	return err
}
