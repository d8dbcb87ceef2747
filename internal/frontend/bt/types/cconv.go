package types

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/plan"
)

// FromC gives the language's type of a C type that lies in the given space.
// Arrays of characters are strings. Of a pointer, only what it points to
// directly is looked at, because C types may be cyclic.
func FromC(c ctypes.Type, space Space) *Type { return fromC(c, space, 2) }

func fromC(c ctypes.Type, space Space, depth int) *Type {
	switch x := ctypes.Strip(c).(type) {
	case *ctypes.Void:
		return void
	case *ctypes.Int:
		if x.Bool {
			return boolean
		}
		return &Type{Kind: Int, Size: x.Size, Signed: x.Signed}
	case *ctypes.Enum:
		return &Type{Kind: Int, Size: x.Size, Signed: x.Signed, C: x}
	case *ctypes.Pointer:
		if x.Tag == "user" {
			space = User
		}
		elem := void
		if depth > 0 {
			elem = fromC(x.Elem, space, depth-1)
		}
		return &Type{Kind: Pointer, Size: 8, Elem: elem, Space: space, C: x}
	case *ctypes.Array:
		if e, ok := ctypes.Strip(x.Elem).(*ctypes.Int); ok && e.Size == 1 && (e.Char || e.Signed) {
			return &Type{Kind: String, Size: x.Len, Space: space}
		}
		elem := fromC(x.Elem, space, depth)
		return &Type{Kind: Array, Size: elem.Size * x.Len, Elem: elem, Len: x.Len, Space: space}
	case *ctypes.Struct:
		return &Type{Kind: Struct, Size: x.Size, C: x, Space: space}
	case *ctypes.Fwd:
		return &Type{Kind: Struct, C: &ctypes.Struct{Name: x.Name, Union: x.Union}, Space: space}
	}
	return void
}

// Pointee is the type that a pointer points to, with C types below it looked
// at anew.
func (t *Type) Pointee() *Type {
	if p, ok := t.C.(*ctypes.Pointer); ok {
		return FromC(p.Elem, t.Space)
	}
	return t.Elem
}

// Plan gives the user side's view of values of the type in memory.
func (t *Type) Plan() plan.Type {
	p := plan.Type{Size: t.Size, Signed: t.Signed}
	switch t.Kind {
	case Bool:
		p.Kind = plan.Bool
	case Int:
		p.Kind = plan.Int
		if e, ok := t.C.(*ctypes.Enum); ok {
			p.Kind, p.Name = plan.Enum, e.Name
			for _, v := range e.Values {
				p.Names = append(p.Names, plan.EnumValue{Name: v.Name, Value: v.Value})
			}
		}
	case String:
		p.Kind = plan.String
	case Buffer:
		p.Kind = plan.Buffer
	case Pointer:
		p.Kind = plan.Pointer
	case Struct:
		p.Kind = plan.Record
		p.Fields = planFields(t.C.(*ctypes.Struct), t.Space)
	case Array:
		elem := t.Elem.Plan()
		p.Kind, p.Elem, p.Len = plan.Array, &elem, t.Len
	case Tuple, Record:
		p.Kind = plan.Tuple
		if t.Kind == Record {
			p.Kind = plan.Record
		}
		for _, f := range t.Fields {
			p.Fields = append(p.Fields, plan.Field{Name: f.Name, Offset: f.Offset, Type: f.Type.Plan()})
		}
	case Timestamp:
		p.Kind, p.Name = plan.Strftime, t.Format
	default:
		p.Kind = planKinds[t.Kind]
	}
	return p
}

var planKinds = map[Kind]plan.TypeKind{
	Username: plan.Username, MAC: plan.MAC, Inet: plan.Inet, Ksym: plan.Ksym, Usym: plan.Usym,
	Kstack: plan.Kstack, Ustack: plan.Ustack, Invalid: plan.None, Void: plan.None,
}

func planFields(s *ctypes.Struct, space Space) []plan.Field {
	var out []plan.Field
	for _, f := range s.Fields {
		p := plan.Field{Name: f.Name, Offset: f.Offset / 8, Type: FromC(f.Type, space).Plan()}
		if f.BitSize != 0 {
			p.BitOffset, p.BitSize = f.Offset%8, f.BitSize
		}
		out = append(out, p)
	}
	return out
}
