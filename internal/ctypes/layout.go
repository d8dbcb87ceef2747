package ctypes

// Alignof returns the alignment of a type in bytes under the LP64 ABIs of the
// supported targets. The alignment of a struct that says none (BTF has no
// field for it) is that of its strictest member, or 1 when the offsets or the
// size show that the struct is packed.
func Alignof(t Type) int {
	a := aligner{budget: maxAlignof}
	return a.of(t)
}

// maxAlignof bounds how many types are looked at for one alignment, so that
// structs made to blow up do not; what is beyond it counts as 1.
const maxAlignof = 100_000

type aligner struct{ budget int }

func (l *aligner) of(t Type) int {
	if l.budget--; l.budget < 0 {
		return 1
	}
	switch x := Strip(t).(type) {
	case *Int:
		return max(x.Size, 1)
	case *Float:
		return max(x.Size, 1)
	case *Pointer:
		return 8
	case *Array:
		return l.of(x.Elem)
	case *Enum:
		return max(x.Size, 1)
	case *Struct:
		if x.Align > 0 {
			return x.Align
		}
		align := 1
		for _, f := range x.Fields {
			a := l.of(f.Type)
			if f.BitSize == 0 && f.Offset%(8*a) != 0 {
				return 1
			}
			align = max(align, a)
		}
		if x.Size%align != 0 {
			return 1
		}
		return align
	}
	return 1
}
