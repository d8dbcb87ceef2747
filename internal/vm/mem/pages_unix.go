//go:build unix

package mem

import "syscall"

// reserve returns address space that can't be accessed yet.
func reserve(size uint64) ([]byte, error) {
	if uint64(int(size)) != size || int(size) < 0 {
		return nil, syscall.ENOMEM
	}
	return syscall.Mmap(-1, 0, int(size), syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
}

// commit makes reserved pages readable and writable.
func commit(b []byte) error { return syscall.Mprotect(b, syscall.PROT_READ|syscall.PROT_WRITE) }

// release gives all that reserve returned back. There is nobody to tell of a
// failure, which could only mean that b isn't such memory.
func release(b []byte) { _ = syscall.Munmap(b) }
