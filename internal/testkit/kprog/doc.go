// Package kprog loads bare BPF programs into the running kernel and runs them
// there, for tests that compare with the real thing. It talks to bpf(2)
// directly, so that the kernel sees exactly the given bytes.
//
// Only tests import it.
package kprog
