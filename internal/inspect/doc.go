// Package inspect shows BPF as data: the programs, maps, links and BTF of the
// running kernel with all that it tells about them, the elements of maps,
// translated and machine code, and the contents of object files. Commands
// turn the data into text and JSON.
//
// It imports sys, isa, ctypes, facts, object, its own subpackages, cilium/ebpf
// and x/arch.
package inspect
