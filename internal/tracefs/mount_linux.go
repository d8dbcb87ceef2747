package tracefs

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// System calls of Linux 5.2 that package syscall has no numbers for. New
// calls have one number on all architectures.
const (
	sysFsopen   = 430
	sysFsconfig = 431
	sysFsmount  = 432

	fsconfigCmdCreate = 6
	cloexec           = 1 // FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
)

// Mount makes a mount of tracefs that only this process sees: it is attached
// to no directory, is reached through a file descriptor, and ends with Close
// or with the process. It needs CAP_SYS_ADMIN.
func Mount() (*FS, error) {
	name, err := syscall.BytePtrFromString("tracefs")
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	fsfd, _, errno := syscall.Syscall(sysFsopen, uintptr(unsafe.Pointer(name)), cloexec, 0)
	runtime.KeepAlive(name)
	if errno != 0 {
		return nil, fmt.Errorf("tracefs: fsopen: %w", errno)
	}
	defer syscall.Close(int(fsfd))
	if _, _, errno = syscall.Syscall6(sysFsconfig, fsfd, fsconfigCmdCreate, 0, 0, 0, 0); errno != 0 {
		return nil, fmt.Errorf("tracefs: fsconfig: %w", errno)
	}
	mnt, _, errno := syscall.Syscall(sysFsmount, fsfd, cloexec, 0)
	if errno != 0 {
		return nil, fmt.Errorf("tracefs: fsmount: %w", errno)
	}
	f := os.NewFile(mnt, "tracefs")
	t, err := Open(fmt.Sprintf("/proc/self/fd/%d", mnt))
	if err != nil {
		f.Close()
		return nil, err
	}
	t.close = f.Close
	return t, nil
}
