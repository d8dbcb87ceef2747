package interp

import (
	"errors"

	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/ops"
)

var errNoArena = errors.New("cast between address spaces in a program without an arena")

// cast turns an address that is valid in an arena's user mapping into one of
// the program's, or the other way round. To the user, 0 stays 0.
func cast(c *cpu.CPU, op *ops.Op) {
	if c.Arena == nil {
		c.Stop(errNoArena)
		return
	}
	v := c.R[op.Src]
	switch {
	case op.Code == ops.CastKernel:
		v = c.Arena.Addr + uint64(uint32(v))
	case uint32(v) != 0:
		v = c.UserArena + uint64(uint32(v-c.Arena.Addr))
	}
	c.R[op.Dst] = v
}
