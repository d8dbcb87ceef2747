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
// the function's arguments, and no edge leads to it. Both edges of a branch
// may carry arguments, and both may lead to one block.
//
// A Value is an instruction's result or a parameter. There are three value
// types: I32 and I64, which are bit patterns without a sign (the operation
// says signed or unsigned), and Ptr, which is 64 bits wide and which the
// verifier of the kernel tracks. Narrower integers exist only in memory and
// are widened by the load. Aggregates live in memory only. A pointer's value
// as an integer is ZExt of 8 bytes to I64; an integer as a pointer is Add of
// it to the null pointer.
//
// Arithmetic is BPF's (RFC 9669 section 4.1): wrap-around, shift counts are
// taken modulo the width, division by zero gives 0 and remainder by zero
// gives the dividend. So every operation is total and may be folded or
// removed freely. Arith, Extend and Swap compute it.
//
// Instructions in a block happen in order. What reads or writes memory or has
// another effect is never moved across another such operation unless a pass
// proves that it may (see OpInfo). What an alloca holds before it is written
// is undefined. A load or store may be dropped, merged or forwarded when
// nothing can tell, unless it is Volatile.
//
// # What the kernel's verifier asks of this form
//
// A pass must not reload memory after a check of the loaded value, hoist a
// load above the branch that guards it, fold two comparisons into one
// arithmetic range test, or merge two CORE operations. Nor may it reuse a
// value that was computed from x before x was compared in place of one that
// is computed after: the verifier knows the new bounds of x, but not those of
// what was made from x earlier. For the same reason a comparison keeps its
// form (x > 0 tells an old verifier more than x != 0) and stays in the block
// whose branch uses it.
//
// # Text
//
// Print and Parse write and read a module as text; a block's parameters, a
// result's type and the widths of memory accesses are always written out.
//
//	license "GPL"
//	map @counts type 1 key 4 value 8 max 1024 flags 0
//	data @fmt ".rodata" align 1 = "hi\n"
//
//	func @probe section "tracepoint/x/y" (v0 ptr) i64 {
//	b0:
//	    v5 = alloca ptr 4 align 4
//	    v1 = load.u32 i64 v0+8            // 4 bytes, zero-extended to i64
//	    v2 = const i64 7
//	    v3 = ugt i64 v1, v2
//	    br v3, b1(v1), b2
//	b1(v4 i64):
//	    store.32 v5, v4
//	    v6 = map ptr @counts
//	    v7 = helper ptr @map_lookup_elem#1(v6, v5)
//	    v8 = core.field_offset i64 t0 "0:1" = 16
//	    jump b2
//	b2:
//	    v9 = const i64 0
//	    ret v9
//	}
//
//	type t0 = lazy struct task_struct
//
// A statement ends with its line or with a semicolon; // starts a comment.
//
// The package imports source, diag, ctypes and the standard library only.
package ir
