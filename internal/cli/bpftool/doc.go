// Package bpftool is the grammar of bpftool, word by word: its objects
// (prog, map, link, btf, ...), their commands with all abbreviations,
// selectors, options and batch files, and its output, text and JSON, key by
// key. `skep prog` and the like, and the binary when it is called bpftool,
// are this package.
//
// What a command shows comes from package inspect; here is only how it is
// asked for and written. It imports inspect, sys, facts, isa, kernel-side
// packages of cilium/ebpf for loading objects, and jsonout; never cobra.
package bpftool
