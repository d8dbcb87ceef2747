// Package vm runs eBPF programs in user space: without a kernel, without
// privileges, on every system that Go runs on.
//
// Its API has the names of github.com/cilium/ebpf and behaves like it: a test
// that loads a CollectionSpec, calls Program.Test and looks into maps runs on
// this package by changing one call, ebpf.NewCollection to vm.NewCollection.
// Helpers and maps give the kernel's results and errno values; what programs
// see of the world comes from an Env, so that a test can be made to repeat
// exactly.
//
// The engine doesn't verify programs. It runs any program safely: each access
// to memory is checked, each run has an instruction budget, and a program that
// oversteps is stopped with a Fault that says where.
package vm
