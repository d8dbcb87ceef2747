package types

// Promote returns the type that holds values of both types: what a variable,
// key or map value becomes when it has type cur and is given a value of type
// next. It reports false when there is none. An invalid cur takes any type.
func Promote(cur, next *Type) (*Type, bool) {
	switch {
	case cur == nil || cur.Kind == Invalid:
		if next.CastsToInt() {
			return IntOf(8, next.Signed), true
		}
		return next, true
	case cur.Equal(next):
		return next, true
	case cur.Kind == Int && (next.Kind == Int || next.CastsToInt()):
		return promoteInt(cur, next), true
	case cur.Kind != next.Kind:
		return nil, false
	}
	switch cur.Kind {
	case String, Buffer:
		if next.Size > cur.Size {
			return next, true
		}
		return &Type{Kind: cur.Kind, Size: cur.Size, Space: cur.Space}, true
	case Tuple, Record:
		return promoteFields(cur, next)
	case Pointer:
		return promotePointer(cur, next)
	case Struct, Array:
		return nil, false
	case Sum, Min, Max, Avg, Stats:
		if cur.Signed {
			return cur, true
		}
		return next, true
	}
	return cur, true
}

func promotePointer(cur, next *Type) (*Type, bool) {
	if cur.Elem.Kind == Int && next.Elem.Kind == Int {
		return PointerTo(promoteInt(cur.Elem, next.Elem), next.Space), true
	}
	if cur.Elem.Kind == Void || next.Elem.Kind == Void || sameElem(cur.Elem, next.Elem) {
		return cur, true
	}
	return nil, false
}

func promoteFields(cur, next *Type) (*Type, bool) {
	if len(cur.Fields) != len(next.Fields) {
		return nil, false
	}
	fields := make([]Field, len(cur.Fields))
	for i, f := range cur.Fields {
		g := next.Fields[i]
		if cur.Kind == Record {
			var ok bool
			if g, ok = next.Field(f.Name); !ok {
				return nil, false
			}
		}
		t, ok := Promote(f.Type, g.Type)
		if !ok {
			return nil, false
		}
		fields[i] = Field{Name: f.Name, Type: t}
	}
	return layout(cur.Kind, fields), true
}

// promoteInt follows the language's rule for widths and signs: the larger
// size; a literal takes the other's sign; a signed type holds both signs when
// it is larger, else both grow to the next signed size, at most int64.
func promoteInt(a, b *Type) *Type {
	size := max(a.Size, b.Size)
	flexible := a.Flexible && b.Flexible
	if a.Signed == b.Signed {
		return &Type{Kind: Int, Size: size, Signed: a.Signed, Flexible: flexible}
	}
	if a.Flexible || b.Flexible {
		signed := !a.Flexible && a.Signed || !b.Flexible && b.Signed
		return &Type{Kind: Int, Size: size, Signed: signed, Flexible: flexible}
	}
	if a.Signed && a.Size > b.Size || b.Signed && b.Size > a.Size {
		return IntOf(size, true)
	}
	return IntOf(min(size*2, 8), true)
}

// Field finds a record's field by name.
func (t *Type) Field(name string) (Field, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}
