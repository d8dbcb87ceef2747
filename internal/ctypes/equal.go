package ctypes

import "slices"

// Equal reports whether two types have the same structure and names all the
// way down. A Lazy equals only itself and another of the same name that is
// not loaded either.
func Equal(a, b Type) bool { return equal(a, b, map[[2]Type]bool{}) }

// equal assumes of the pairs in seen that they are equal: types form cycles.
func equal(a, b Type, seen map[[2]Type]bool) bool {
	if a == b {
		return true
	}
	pair := [2]Type{a, b}
	if seen[pair] {
		return true
	}
	seen[pair] = true
	switch x := a.(type) {
	case nil:
		_, ok := b.(*Void)
		return ok
	case *Void:
		_, ok := b.(*Void)
		return ok || b == nil
	case *Int:
		y, ok := b.(*Int)
		return ok && *x == *y
	case *Float:
		y, ok := b.(*Float)
		return ok && *x == *y
	case *Fwd:
		y, ok := b.(*Fwd)
		return ok && *x == *y
	case *Lazy:
		y, ok := b.(*Lazy)
		return ok && x.Kind == y.Kind && x.Name == y.Name
	case *Pointer:
		y, ok := b.(*Pointer)
		return ok && x.Tag == y.Tag && equal(x.Elem, y.Elem, seen)
	case *Array:
		y, ok := b.(*Array)
		return ok && x.Len == y.Len && equal(x.Elem, y.Elem, seen)
	case *Typedef:
		y, ok := b.(*Typedef)
		return ok && x.Name == y.Name && equal(x.Type, y.Type, seen)
	case *Qual:
		y, ok := b.(*Qual)
		return ok && x.Kind == y.Kind && equal(x.Type, y.Type, seen)
	case *Enum:
		y, ok := b.(*Enum)
		return ok && x.Name == y.Name && x.Size == y.Size && x.Signed == y.Signed && slices.Equal(x.Values, y.Values)
	case *Struct:
		y, ok := b.(*Struct)
		return ok && x.Name == y.Name && x.Union == y.Union && x.Size == y.Size &&
			slices.EqualFunc(x.Fields, y.Fields, func(f, g Field) bool {
				return f.Name == g.Name && f.Offset == g.Offset && f.BitSize == g.BitSize &&
					f.DataLoc == g.DataLoc && f.RelLoc == g.RelLoc && equal(f.Type, g.Type, seen)
			})
	case *Func:
		y, ok := b.(*Func)
		return ok && x.Variadic == y.Variadic && equal(x.Result, y.Result, seen) &&
			slices.EqualFunc(x.Params, y.Params, func(p, q Param) bool {
				return p.Name == q.Name && equal(p.Type, q.Type, seen)
			})
	}
	return false
}
