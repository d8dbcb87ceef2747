// Package mem is the memory of the user-space engine: one address space of
// mapped pages outside the Go heap, divided into named regions.
//
// A BPF address is an offset in the space, never a Go pointer: a program can
// compute whatever it likes, and what it reaches is decided by a table with
// one extent for each 64 KiB slot. Regions begin at a slot and have an unused
// slot behind them, so an access that leaves its region misses every other
// one. Addresses below the first region, 0 among them, never belong to one.
//
// The interpreter reads the table inline; everything else goes through Bytes,
// Load and Store. Region memory is shared by all virtual CPUs, as kernel
// memory is: words that several of them use are accessed with the atomic
// methods of Base.
//
// It imports the standard library only, and it is the one package below vm
// that uses unsafe.
package mem
