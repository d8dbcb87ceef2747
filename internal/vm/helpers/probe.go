package helpers

import (
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func probeHelpers() []entry {
	return []entry{
		{facts.FnProbeRead, Base, probeKernel, true},
		{facts.FnProbeReadKernel, Base, probeKernel, true},
		{facts.FnProbeReadUser, Base, probeUser, true},
		{facts.FnProbeReadStr, Base, func(c *cpu.CPU) uint64 { return probeString(c, readKernel) }, true},
		{facts.FnProbeReadKernelStr, Base, func(c *cpu.CPU) uint64 { return probeString(c, readKernel) }, true},
		{facts.FnProbeReadUserStr, Base, func(c *cpu.CPU) uint64 { return probeString(c, readUser) }, true},
		{facts.FnCopyFromUser, Base, probeUser, false},
		{facts.FnGetStack, Tracing, getStack, true},
	}
}

type reader func(c *cpu.CPU, addr uint64, p []byte) bool

// readKernel reads what a program sees, then what the environment has.
func readKernel(c *cpu.CPU, addr uint64, p []byte) bool {
	if b, err := c.Mem.Bytes(addr, uint64(len(p)), mem.Read); err == nil {
		copy(p, b)
		return true
	}
	return env(c).ReadKernel(addr, p)
}

func readUser(c *cpu.CPU, addr uint64, p []byte) bool { return env(c).ReadUser(addr, p) }

func probeKernel(c *cpu.CPU) uint64 { return probe(c, readKernel) }
func probeUser(c *cpu.CPU) uint64   { return probe(c, readUser) }

// probe copies r2 bytes from r3 to r1. When it can't, it clears them.
func probe(c *cpu.CPU, read reader) uint64 {
	size := uint64(uint32(c.R[2]))
	dst, ok := c.Bytes(c.R[1], size, mem.Write)
	if !ok {
		return 0
	}
	if !read(c, c.R[3], dst) {
		clear(dst)
		return fails(maps.EFAULT)
	}
	return 0
}

// probeString copies a string of at most r2 bytes with its zero and returns
// its length, zero included.
func probeString(c *cpu.CPU, read reader) uint64 {
	size := uint64(uint32(c.R[2]))
	dst, ok := c.Bytes(c.R[1], size, mem.Write)
	if !ok || size == 0 {
		return 0
	}
	for i := range dst {
		c.Charge(64)
		if !read(c, c.R[3]+uint64(i), dst[i:i+1]) {
			clear(dst)
			return fails(maps.EFAULT)
		}
		if dst[i] == 0 {
			return uint64(i) + 1
		}
	}
	dst[size-1] = 0
	return size
}

// getStack copies the addresses of a stack and returns the number of bytes.
func getStack(c *cpu.CPU) uint64 {
	size, flags := uint64(uint32(c.R[3])), c.R[4]
	const buildID = 1 << 11
	switch {
	case flags&^(maps.StackSkipMask|maps.StackUser|buildID) != 0, size%8 != 0:
		return fails(maps.EINVAL)
	case flags&buildID != 0:
		return fails(maps.EOPNOTSUPP)
	}
	dst, ok := c.Bytes(c.R[2], size, mem.Write)
	if !ok {
		return 0
	}
	clear(dst)
	stack := env(c).Stack(flags&maps.StackUser != 0)
	skip := int(flags & maps.StackSkipMask)
	if skip >= len(stack) {
		return fails(maps.EFAULT)
	}
	n := 0
	for _, ip := range stack[skip:] {
		if uint64(n) == size {
			break
		}
		for i := range 8 {
			dst[n+i] = byte(ip >> (8 * i))
		}
		n += 8
	}
	return uint64(n)
}
