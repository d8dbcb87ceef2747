package codegen

import "fmt"

// Features says what the target kernel has beyond Linux 5.10, the oldest
// one supported. The zero value is 5.10. A prober of the running kernel may
// fill it in; ForKernel knows the releases.
type Features struct {
	// Atomics: all atomic operations but add, and the old value of any
	// (5.12).
	Atomics bool
	// Kfuncs: calls of kernel functions (5.13).
	Kfuncs bool
	// FuncPtr: addresses of functions, for callbacks (5.13).
	FuncPtr bool
	// Loop: the helper bpf_loop (5.17).
	Loop bool
	// StoreImmCtx: stores of immediates to the context (6.4).
	StoreImmCtx bool
	// SDiv: signed division and remainder (6.6, version 4 of the
	// instruction set, as are the next four).
	SDiv bool
	// MovSX: moves that sign-extend.
	MovSX bool
	// LoadSX: loads that sign-extend.
	LoadSX bool
	// Bswap: byte swaps that don't depend on the machine's byte order.
	Bswap bool
	// Gotol: jumps further than 16 bits.
	Gotol bool
	// MayGoto: may_goto (6.9).
	MayGoto bool
	// LoadAcquire: load_acquire and store_release (6.15).
	LoadAcquire bool

	// BigEndian: the target is a big-endian machine.
	BigEndian bool
}

// ForKernel returns the features of a Linux release. Releases before 5.10 are
// refused.
func ForKernel(major, minor int) (Features, error) {
	if major < 5 || major == 5 && minor < 10 {
		return Features{}, fmt.Errorf("Linux %d.%d is too old, 5.10 is the oldest that works", major, minor)
	}
	since := func(m, n int) bool { return major > m || major == m && minor >= n }
	v4 := since(6, 6)
	return Features{
		Atomics: since(5, 12), Kfuncs: since(5, 13), FuncPtr: since(5, 13), Loop: since(5, 17), StoreImmCtx: since(6, 4),
		SDiv: v4, MovSX: v4, LoadSX: v4, Bswap: v4, Gotol: v4,
		MayGoto: since(6, 9), LoadAcquire: since(6, 15),
	}, nil
}
