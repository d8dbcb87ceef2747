// Package linker makes runnable instructions of the programs of a
// CollectionSpec: CO-RE relocations applied, functions and jumps resolved, maps
// named. What it returns is what the user-space engine runs.
//
// It imports isa and cilium/ebpf.
package linker
