package check

import (
	"errors"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
)

// baseTypes are the language's own type names.
func baseType(name string) *types.Type {
	switch name {
	case "bool":
		return types.BoolType()
	case "void":
		return types.VoidType()
	case "int8", "int16", "int32", "int64":
		return types.IntOf(intBytes(name[3:]), true)
	case "uint8", "uint16", "uint32", "uint64":
		return types.IntOf(intBytes(name[4:]), false)
	}
	return nil
}

func intBytes(bits string) int {
	return map[string]int{"8": 1, "16": 2, "32": 4, "64": 8}[bits]
}

// typeExpr resolves a type as written.
func (c *checker) typeExpr(e ast.TypeExpr) *types.Type {
	switch x := e.(type) {
	case *ast.NamedType:
		return c.namedType(x)
	case *ast.PointerType:
		elem := c.typeExpr(x.Elem)
		if elem.Kind == types.Invalid {
			return elem
		}
		return types.PointerTo(elem, types.AnySpace)
	case *ast.ArrayType:
		return c.arrayType(x)
	case *ast.TypeofType:
		if x.X != nil {
			return c.expr(x.X)
		}
		return c.typeExpr(x.Type)
	}
	return types.InvalidType()
}

func (c *checker) namedType(x *ast.NamedType) *types.Type {
	if x.Tag == "" {
		if t := baseType(x.Name); t != nil {
			return t
		}
		if x.Name == "string" {
			return types.StringOf(c.prog.Config.MaxStrlen + 1)
		}
	}
	name := strings.TrimSpace(x.Tag + " " + x.Name)
	t, err := c.env.Resolver.Type(name)
	if err != nil {
		d := c.errorf("unknown-type", x.Span(), "cannot resolve unknown type %q", name)
		if !errors.Is(err, ctypes.ErrNotFound) {
			d.WithHint("%v", err)
		}
		return types.InvalidType()
	}
	return types.FromC(t, types.AnySpace)
}

func (c *checker) arrayType(x *ast.ArrayType) *types.Type {
	if x.Len == nil || x.Len.Value == 0 || x.Len.Value > 1<<20 {
		c.errorf("bt-type", x.Span(), "an array type needs a length of at least 1")
		return types.InvalidType()
	}
	n := int(x.Len.Value)
	if b, ok := x.Elem.(*ast.NamedType); ok && b.Tag == "" && b.Name == "string" {
		return types.StringOf(n)
	}
	elem := c.typeExpr(x.Elem)
	if elem.Kind == types.Invalid {
		return elem
	}
	return &types.Type{Kind: types.Array, Elem: elem, Len: n, Size: n * elem.Size}
}
