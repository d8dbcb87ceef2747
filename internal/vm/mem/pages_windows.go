package mem

import (
	"syscall"
	"unsafe"
)

// Arguments of VirtualAlloc and VirtualFree.
const (
	memCommit     = 0x1000
	memReserve    = 0x2000
	memRelease    = 0x8000
	pageNoAccess  = 0x01
	pageReadWrite = 0x04
)

func kernel32(name string) *syscall.LazyProc {
	return syscall.NewLazyDLL("kernel32.dll").NewProc(name)
}

func reserve(size uint64) ([]byte, error) {
	if uint64(int(size)) != size || int(size) < 0 {
		return nil, syscall.ENOMEM
	}
	addr, _, err := kernel32("VirtualAlloc").Call(0, uintptr(size), memReserve, pageNoAccess)
	if addr == 0 {
		return nil, err
	}
	// The address is of the system's memory, not of a Go object, which the
	// conversion can't express directly.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return unsafe.Slice((*byte)(p), size), nil
}

func commit(b []byte) error {
	addr, _, err := kernel32("VirtualAlloc").Call(uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), memCommit, pageReadWrite)
	if addr == 0 {
		return err
	}
	return nil
}

func release(b []byte) {
	_, _, _ = kernel32("VirtualFree").Call(uintptr(unsafe.Pointer(&b[0])), 0, memRelease)
}
