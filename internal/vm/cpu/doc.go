// Package cpu is the state of one virtual CPU of the user-space engine:
// registers, stack, budget, and what the program that runs on it can reach.
// Engines (the interpreter, later machine code) advance it, helpers read
// their arguments from it.
//
// A CPU runs one program at a time, as a kernel's CPU does with preemption
// off; helpers that call back into the program run it on the same CPU.
//
// It imports mem, ops and maps.
package cpu
