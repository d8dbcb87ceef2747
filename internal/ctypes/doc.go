// Package ctypes holds C types: their layout, their spelling, BTF in and out,
// and the Resolver through which the front ends ask for the layouts of
// tracepoint records, kernel types and C declarations.
//
// It imports cilium/ebpf's btf package, facts, source, diag and the standard
// library only.
package ctypes
