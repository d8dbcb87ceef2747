package codegen

import (
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ir"
)

// fieldSize returns the size in bytes of the field that a relocation names,
// or 0 when it isn't an integer, enumeration or pointer of its own.
func fieldSize(c *ir.CORE) int {
	t := ctypes.Strip(c.Type)
	for i, step := range strings.Split(c.Access, ":") {
		n, err := strconv.Atoi(step)
		if err != nil || n < 0 {
			return 0
		}
		if i == 0 {
			continue // an index of an array of the root type
		}
		switch x := t.(type) {
		case *ctypes.Struct:
			if n >= len(x.Fields) || x.Fields[n].BitSize != 0 {
				return 0
			}
			t = ctypes.Strip(x.Fields[n].Type)
		case *ctypes.Array:
			t = ctypes.Strip(x.Elem)
		default:
			return 0
		}
	}
	switch t.(type) {
	case *ctypes.Int, *ctypes.Enum, *ctypes.Pointer:
		return ctypes.Sizeof(t)
	}
	return 0
}
