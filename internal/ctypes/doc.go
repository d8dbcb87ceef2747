// Package ctypes holds C types: their layout, their spelling, BTF in and out,
// and the Resolver through which the front ends ask for the layouts of
// tracepoint records, kernel types and C declarations.
//
// Types are plain data. A named struct or enum behind a pointer may be a
// Lazy, which Strip loads: code that looks at a type's kind calls Strip first.
//
// It imports the standard library only; its tests compare it with cilium/ebpf
// and bpftool.
package ctypes
