package btfraw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// declaration is the C declaration of a name (or of none) with a type, which
// is written from the outside in: what stands in front of the name, what
// behind it, and the parentheses between pointers and arrays or functions.
func (d *CDump) declaration(id uint32, name string, indent int) string {
	front, inner := d.declarator(id, name, indent)
	if inner == "" {
		return front
	}
	if strings.HasPrefix(inner, ":") {
		return front + inner
	}
	return front + " " + inner
}

// declarator splits a declaration into the base type and the rest.
func (d *CDump) declarator(id uint32, name string, indent int) (base, inner string) {
	inner = name
	var quals []string // of what comes next
	for range 4 * maxDepth {
		t, ok := d.btf.Type(id)
		if !ok || len(inner) > 1<<16 {
			return withQuals(quals, "void"), inner
		}
		switch t.Kind {
		case ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict:
			// An array and its elements may both be const.
			if word := strings.ToLower(KindName(t.Kind)); !slices.Contains(quals, word) {
				quals = append(quals, word)
			}
			id = t.Size
		case ctypes.BTFTypeTag:
			id = t.Size // a note for the verifier, which C compilers needn't see
		case ctypes.BTFPtr:
			q := strings.Join(quals, " ")
			if q != "" && inner != "" {
				q += " "
			}
			inner, quals = "*"+q+inner, nil
			if to, ok := d.skipTags(t.Size); ok && (to.Kind == ctypes.BTFArray || to.Kind == ctypes.BTFFuncProto) {
				inner = "(" + inner + ")"
			}
			id = t.Size
		case ctypes.BTFArray:
			elem, _, n := t.Array()
			inner += fmt.Sprintf("[%d]", n)
			id = elem
		case ctypes.BTFFuncProto:
			inner += "(" + d.params(t, indent) + ")"
			id = t.Size
		case ctypes.BTFTypedef:
			if t.Name == vaList {
				id = t.Size
				continue
			}
			return withQuals(quals, d.base(t, indent)), inner
		default:
			return withQuals(quals, d.base(t, indent)), inner
		}
	}
	return "void", inner // a cycle of pointers: need has refused it
}

// skipTags follows qualifiers and tags, which don't show between a pointer and
// what it points to when that is an array or function.
func (d *CDump) skipTags(id uint32) (Type, bool) {
	for range maxDepth {
		t, ok := d.btf.Type(id)
		if !ok {
			return t, false
		}
		switch t.Kind {
		case ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict, ctypes.BTFTypeTag:
			id = t.Size
		default:
			return t, true
		}
	}
	return Type{}, false
}

func withQuals(quals []string, base string) string {
	for i := len(quals) - 1; i >= 0; i-- {
		if quals[i] != "restrict" {
			base = quals[i] + " " + base
		}
	}
	return base
}

func (d *CDump) params(t Type, indent int) string {
	if t.Vlen == 0 || d.spend() || indent > maxDepth {
		return "void"
	}
	params := t.Params()
	s := make([]string, len(params))
	for i, p := range params {
		if p.Type == 0 && i == len(params)-1 {
			s[i] = "..."
			if i == 0 {
				s[i] = "" // C had no name for it before C23
			}
			continue
		}
		s[i] = d.declaration(p.Type, "", indent+1)
	}
	return strings.Join(s, ", ")
}

// base is a type without pointers, arrays and functions around it. A struct
// without a name is defined there.
func (d *CDump) base(t Type, indent int) string {
	switch t.Kind {
	case ctypes.BTFStruct, ctypes.BTFUnion:
		if t.Name == "" {
			return d.structText(t, indent)
		}
		return d.tag(t)
	case ctypes.BTFFwd:
		return d.tag(t)
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		if t.Name == "" {
			return d.enumText(t, indent)
		}
		return d.tag(t)
	case ctypes.BTFTypedef:
		return d.name("", t.Name, nameKey{t.ID, -1})
	case ctypes.BTFInt, ctypes.BTFFloat:
		return t.Name
	}
	return "void"
}

func (d *CDump) structBody(t Type, indent int) { d.out.WriteString(d.structText(t, indent)) }

// structText is the definition of a struct or union whose layout is that of
// the BTF: with explicit padding, and packed where its members ask for it.
func (d *CDump) structText(t Type, indent int) string {
	var b strings.Builder
	if d.spend() || indent > maxDepth {
		return d.tag(t) // need has refused it, or will refuse the next type
	}
	b.WriteString(d.tag(t))
	b.WriteString(" {")
	packed := d.isPacked(t)
	at := uint64(0) // in bits
	members := t.Members()
	for _, m := range members {
		b.WriteByte('\n')
		if t.Kind == ctypes.BTFStruct {
			d.pad(&b, at, uint64(m.Offset), d.natural(m, at, packed), indent+1)
		}
		b.WriteString(tabs(indent + 1))
		if m.BitSize != 0 {
			b.WriteString(d.declaration(m.Type, fmt.Sprintf("%s: %d", m.Name, m.BitSize), indent+1))
			at = uint64(m.Offset) + uint64(m.BitSize)
		} else {
			b.WriteString(d.declaration(m.Type, m.Name, indent+1))
			size, _ := d.btf.SizeOf(m.Type)
			at = uint64(m.Offset) + 8*uint64(size)
		}
		b.WriteByte(';')
	}
	if t.Kind == ctypes.BTFStruct && len(members) > 0 {
		d.padTail(&b, t, at, packed, indent+1)
	}
	if len(members) > 0 {
		b.WriteByte('\n')
		b.WriteString(tabs(indent))
	}
	b.WriteByte('}')
	if packed {
		b.WriteString(" __attribute__((packed))")
	}
	return b.String()
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// natural is the bit at which a compiler puts a member that follows what ends
// at a bit.
func (d *CDump) natural(m Member, at uint64, packed bool) uint64 {
	if packed {
		if m.BitSize != 0 {
			return at
		}
		return roundUp(at, 8)
	}
	unit := 8 * uint64(d.alignOf(m.Type))
	if m.BitSize == 0 {
		return roundUp(at, unit)
	}
	size, _ := d.btf.SizeOf(m.Type)
	if bits := 8 * uint64(size); bits > 0 && at/bits != (at+uint64(m.BitSize)-1)/bits {
		return roundUp(at, unit)
	}
	return at
}

// padUnits are the types of unnamed bit-fields, which move what follows
// without aligning the struct.
var padUnits = [...]struct {
	name string
	bits uint64
}{{"long", 64}, {"int", 32}, {"short", 16}, {"char", 8}}

// pad writes unnamed bit-fields from one bit to another, unless the compiler
// goes there by itself.
func (d *CDump) pad(b *strings.Builder, at, to, natural uint64, indent int) {
	if natural == to {
		return
	}
	const most = 64 * 1024 // bits; a bigger hole is a member without meaning
	for at < to {
		if at%8 == 0 && to > at+most {
			fmt.Fprintf(b, "%schar __hole_%d[%d];\n", tabs(indent), at/8, (to-at)/8)
			at += (to - at) / 8 * 8
			continue
		}
		unit := padUnits[len(padUnits)-1]
		for _, u := range padUnits {
			// Fill up a whole unit, or as much of one as there is left to fill.
			if at%u.bits == 0 && to-at >= u.bits || at%u.bits != 0 && to/u.bits != at/u.bits && u.bits == 8 {
				unit = u
				break
			}
		}
		n := min(unit.bits-at%unit.bits, to-at)
		fmt.Fprintf(b, "%s%s: %d;\n", tabs(indent), unit.name, n)
		at += n
	}
}

// padTail writes what is missing to the size of a struct.
func (d *CDump) padTail(b *strings.Builder, t Type, at uint64, packed bool, indent int) {
	size := 8 * uint64(t.Size)
	align := uint64(8)
	if !packed {
		align = 8 * uint64(d.alignOf(t.ID))
	}
	if roundUp(at, align) >= size {
		return
	}
	var tail strings.Builder
	d.pad(&tail, at, size, at, indent)
	b.WriteByte('\n')
	b.WriteString(strings.TrimSuffix(tail.String(), "\n"))
}

// alignOf is the alignment that a compiler gives a type as it is written here,
// in bytes.
func (d *CDump) alignOf(id uint32) int {
	t, ok := d.btf.Skip(id)
	if !ok {
		return 1
	}
	switch t.Kind {
	case ctypes.BTFInt, ctypes.BTFEnum, ctypes.BTFEnum64, ctypes.BTFFloat:
		return max(1, min(16, int(t.Size)))
	case ctypes.BTFPtr:
		return 8
	case ctypes.BTFArray:
		elem, _, _ := t.Array()
		return d.alignOf(elem)
	case ctypes.BTFStruct, ctypes.BTFUnion:
		if a, ok := d.align[t.ID]; ok {
			return a
		}
		d.align[t.ID] = 1 // for a struct that contains itself
		a := 1
		if !d.isPacked(t) {
			a = d.strictest(t)
		}
		d.align[t.ID] = a
		return a
	}
	return 1
}

func (d *CDump) strictest(t Type) int {
	a := 1
	for _, m := range t.Members() {
		if m.BitSize != 0 && m.Name == "" {
			continue
		}
		a = max(a, d.alignOf(m.Type))
	}
	return a
}

// isPacked reports whether a struct has its layout only with the attribute of
// that name: a member is not aligned, or the size isn't.
func (d *CDump) isPacked(t Type) bool {
	a := d.strictest(t)
	if int(t.Size)%a != 0 {
		return true
	}
	for _, m := range t.Members() {
		if m.BitSize == 0 && m.Offset%uint32(8*d.alignOf(m.Type)) != 0 {
			return true
		}
		if size, ok := d.btf.SizeOf(m.Type); ok && m.BitSize != 0 && size > 0 {
			if bits := uint32(8 * size); m.Offset/bits != (m.Offset+m.BitSize-1)/bits {
				return true
			}
		}
	}
	return false
}
