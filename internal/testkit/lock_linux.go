package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// lockKernel makes the test binaries that work with the kernel run one after
// the other, because they look at what the whole kernel holds and does. The
// lock is the process's, so taking it again does nothing, and it ends with
// the process.
func lockKernel(t testing.TB) {
	t.Helper()
	name := filepath.Join(os.TempDir(), fmt.Sprintf("skep-kernel-tests.%d.lock", os.Getuid()))
	// The descriptor is never closed: closing any would give up the lock.
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for {
		err := unix.FcntlFlock(uintptr(fd), unix.F_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK})
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("lock %s: %v", name, err)
		}
		return
	}
}
