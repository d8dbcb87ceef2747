// Package regalloc assigns registers to the values of a function in SSA form
// and says where to move, spill and reload them. It knows nothing of any
// instruction set: a function is what each instruction defines and uses, and
// in which registers it insists on having it.
//
// The allocator walks the blocks once, in reverse postorder, and keeps the
// set of values that are in registers. An instruction's operands are brought
// into registers when it is reached; when none is free, the value whose next
// use is farthest away leaves (Belady's rule, with distances that count a
// way out of a loop as far). A value that a call would destroy moves to a
// callee-saved register when one is to be had. A value that left is stored
// once, where the store is as cheap as possible and dominates all reloads;
// constants and addresses are made anew instead. Where paths meet, the
// registers at the start of the block decide, and parallel moves on the edges
// provide them. The ideas are those of Go's cmd/compile (one pass, desired
// registers), of Braun and Hack, "Register Spilling and Live-Range Splitting
// for SSA-Form Programs" (2009), and of regalloc2 (results as edits).
//
// It imports the standard library only.
package regalloc
