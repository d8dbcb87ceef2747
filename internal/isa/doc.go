// Package isa holds BPF instructions: the Instruction type with symbolic
// references, the codec for both byte orders (RFC 9669 and what Linux adds to
// it), and the text form in the dialect of the kernel's verifier
// (`r0 = *(u32 *)(r1 +4)`) with a printer and an assembler that invert each
// other.
//
// It imports facts, source, diag and the standard library only.
package isa
