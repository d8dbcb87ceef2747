// Package eval is the reference evaluator of IR: it runs functions the slow
// and plain way, checks every memory access, and shows what they returned and
// did. Tests of the passes and of the code generator compare with it.
//
// Memory is a set of regions (contexts, stack slots, map values, data), each
// at its own address far from the others, so that an access next to one hits
// nothing. What BPF would refuse at load time is a *Fault here: an access
// outside, a write to read-only memory, a read of stack that nothing wrote,
// a helper that is not there, too many steps.
//
// It imports ir and the standard library only, and is for tests and tools:
// nothing that runs a user's program depends on it.
package eval
