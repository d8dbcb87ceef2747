// Package facts holds tables of what BPF is, one table per fact: helper
// functions, map, program, attach and link types, commands, and the encodings
// of the instruction set. Front ends, verifier, runtime, inspector and
// documentation read the same tables.
//
// The zz_ files are written by tools/genfacts; a test there fails when they
// are stale. Helper prototypes come from libbpf's bpf_helper_defs.h (its BSD
// option), enumerations from the BTF of a kernel.
//
// It imports the standard library only.
package facts

//go:generate go run ../../tools/genfacts -out .
