package vm

import "github.com/cilium/ebpf/btf"

// lockOffset finds a bpf_spin_lock in the type of a map's values. It returns
// its offset in bytes plus 1, 0 when there is none.
func lockOffset(value btf.Type) uint32 {
	s, ok := btf.As[*btf.Struct](value)
	if !ok {
		return 0
	}
	for _, m := range s.Members {
		if inner, ok := btf.As[*btf.Struct](m.Type); ok && inner.Name == "bpf_spin_lock" {
			return uint32(m.Offset/8) + 1
		}
	}
	return 0
}
