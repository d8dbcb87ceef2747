// Package codegen makes BPF instructions of IR.
//
// A function goes through these steps, one file or a few each:
//
//	blocks   order the reachable blocks, split critical edges
//	uses     count uses, find values of which only 32 bits are read
//	lower    select instructions on virtual registers, backwards, so that
//	         what was folded into its user is never made
//	regalloc assign registers (a package of its own)
//	frame    place stack areas and spilled values below r10
//	emit     registers, spill code and constants become instructions
//	layout   order the blocks for few jumps, thread and relax jumps
//
// What the kernel's verifier asks of code is a matter of correctness here: a
// load is made exactly where the IR has it and never repeated, a comparison
// keeps its operands and its form, accesses to the context have their whole
// offset in the instruction, spilled values keep 8-byte slots to themselves,
// and every CO-RE operation becomes one relocation.
//
// Values of type I32 are kept zero-extended in 64-bit registers.
package codegen
