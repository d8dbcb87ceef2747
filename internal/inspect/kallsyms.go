package inspect

import (
	"bytes"
	"os"
	"slices"
	"strconv"
)

// KernelSymbols are the functions of the running kernel by their addresses.
type KernelSymbols struct {
	addrs  []uint64
	names  []string
	module []string
	// CallBase is what the numbers of helper calls in translated programs
	// count from: the address of __bpf_call_base, 0 when it is hidden.
	CallBase uint64
}

// ReadKernelSymbols reads /proc/kallsyms. When addresses are hidden from this
// process there are no symbols.
func ReadKernelSymbols() (*KernelSymbols, error) {
	data, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	return parseKernelSymbols(data), nil
}

func parseKernelSymbols(data []byte) *KernelSymbols {
	type symbol struct {
		addr         uint64
		name, module string
	}
	all := make([]symbol, 0, bytes.Count(data, []byte("\n")))
	k := &KernelSymbols{}
	for line := range bytes.Lines(data) {
		f := bytes.Fields(line)
		if len(f) < 3 {
			continue
		}
		addr, err := strconv.ParseUint(string(f[0]), 16, 64)
		if err != nil || addr == 0 {
			continue
		}
		s := symbol{addr: addr, name: string(f[2])}
		if len(f) > 3 {
			s.module = string(bytes.Trim(f[3], "[]"))
		}
		if s.name == "__bpf_call_base" {
			k.CallBase = addr
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b symbol) int {
		switch {
		case a.addr < b.addr:
			return -1
		case a.addr > b.addr:
			return 1
		}
		return 0
	})
	for _, s := range all {
		k.addrs, k.names, k.module = append(k.addrs, s.addr), append(k.names, s.name), append(k.module, s.module)
	}
	return k
}

// At returns the symbol that begins at an address, and its module if any.
func (k *KernelSymbols) At(addr uint64) (name, module string, ok bool) {
	if k == nil {
		return "", "", false
	}
	i, found := slices.BinarySearch(k.addrs, addr)
	if !found {
		return "", "", false
	}
	return k.names[i], k.module[i], true
}

// Around returns the symbol that an address lies in, as far as the order of
// the symbols tells, and the distance from its start.
func (k *KernelSymbols) Around(addr uint64) (name string, off uint64, ok bool) {
	if k == nil || len(k.addrs) == 0 {
		return "", 0, false
	}
	i, found := slices.BinarySearch(k.addrs, addr)
	if !found {
		if i == 0 {
			return "", 0, false
		}
		i--
	}
	return k.names[i], addr - k.addrs[i], true
}
