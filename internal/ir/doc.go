// Package ir is the compiler's middle: typed SSA with block parameters,
// memory as explicit operations, a text form that round-trips and a checker.
// Both front ends lower to it and the code generator reads it.
//
// # Shape
//
// A Module holds functions and the maps and constant data that they name. A
// Func has blocks; a Block has parameters (instead of phi nodes), instructions
// and one terminator, whose edges carry the arguments for the parameters of
// the block they lead to. The first block is the entry: its parameters are
// the function's arguments.
//
// A Value is an instruction's result or a parameter. There are three value
// types: I32 and I64, which are bit patterns without a sign (the operation
// says signed or unsigned), and Ptr, which is 64 bits wide and which the
// verifier of the kernel tracks. Narrower integers exist only in memory and
// are widened by the load. Aggregates live in memory only.
//
// Arithmetic is BPF's (RFC 9669 section 4.1): wrap-around, shift counts are
// taken modulo the width, division by zero gives 0 and remainder by zero
// gives the dividend. So every operation is total and may be folded or
// removed freely.
//
// Instructions in a block happen in order. What reads or writes memory or has
// another effect is never moved across another such operation unless a pass
// proves that it may (see Op.HasEffect and Op.ReadsMemory).
//
// # What the kernel's verifier asks of this form
//
// A pass must not reload memory after a check of the loaded value, hoist a
// load above the branch that guards it, fold two comparisons into one
// arithmetic range test, or merge two CORE operations.
//
// It imports source, ctypes and the standard library only.
package ir
