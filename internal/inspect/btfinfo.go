package inspect

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/sys"
)

// BTF is what the kernel says about BTF that it holds.
type BTF struct {
	ID     uint32
	Size   uint32 // bytes
	Name   string // "vmlinux" or a module's name; "" for BTF of programs
	Kernel bool
}

// The offsets of struct bpf_btf_info.
const (
	btfInfoSize = 32
	btfData     = 0
	btfSize     = 8
	btfID       = 12
	btfName     = 16
	btfNameLen  = 24
	btfKernel   = 28
)

// OpenBTF opens BTF by its id; the caller closes it.
func OpenBTF(id uint32) (sys.FD, error) { return sys.ObjectFD(sys.BTFs, id, 0) }

// BTFInfo asks about open BTF.
func BTFInfo(fd sys.FD) (*BTF, error) {
	r, name := make(record, btfInfoSize), make([]byte, 64)
	r.put32(btfNameLen, uint32(len(name)))
	if _, err := sys.ObjectInfo(fd, r, sys.InfoBuffer{Offset: btfName, Data: name}); err != nil {
		return nil, err
	}
	return &BTF{ID: r.u32(btfID), Size: r.u32(btfSize), Name: record(name).text(0, len(name)), Kernel: r.u32(btfKernel) != 0}, nil
}

// ReadBTF reads the bytes of open BTF.
func ReadBTF(fd sys.FD) ([]byte, error) {
	info, err := BTFInfo(fd)
	if err != nil {
		return nil, err
	}
	r, data := make(record, btfInfoSize), make([]byte, info.Size)
	r.put32(btfSize, info.Size)
	if _, err := sys.ObjectInfo(fd, r, sys.InfoBuffer{Offset: btfData, Data: data}); err != nil {
		return nil, err
	}
	return data, nil
}

// KernelBTFPath is where the kernel shows its own BTF.
const KernelBTFPath = "/sys/kernel/btf/vmlinux"

// LoadBTF reads BTF of the running kernel by its id. That of a module is split
// from the kernel's.
func LoadBTF(id uint32) (*btfraw.BTF, error) {
	fd, err := OpenBTF(id)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	info, err := BTFInfo(fd)
	if err != nil {
		return nil, err
	}
	data, err := ReadBTF(fd)
	if err != nil {
		return nil, err
	}
	var base *btfraw.BTF
	if info.Kernel && info.Name != "vmlinux" {
		if base, err = LoadBTFFile(KernelBTFPath, nil); err != nil {
			return nil, fmt.Errorf("the BTF that BTF %d is split from: %w", id, err)
		}
	}
	return btfraw.Parse(data, base)
}

// LoadBTFFile reads BTF from a raw file, or from the section .BTF of an ELF
// file. A module's file below /sys/kernel/btf gets the kernel's as its base
// when none is given.
func LoadBTFFile(path string, base *btfraw.BTF) (*btfraw.BTF, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if base == nil && filepath.Dir(path) == filepath.Dir(KernelBTFPath) && path != KernelBTFPath {
		if base, err = LoadBTFFile(KernelBTFPath, nil); err != nil {
			return nil, err
		}
	}
	if isELF(data) {
		if data, err = elfSection(data, ".BTF"); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	b, err := btfraw.Parse(data, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}
