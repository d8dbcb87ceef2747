// Package object writes and reads BPF objects: relocatable ELF files with
// .BTF, .BTF.ext and, for compiled scripts, the plan. What Build writes is an
// object that libbpf, bpftool, cilium/ebpf and llvm-objdump take; Read takes
// those that clang makes as well.
//
// It imports isa, ctypes, plan, source, cilium/ebpf and the standard library
// only.
package object
