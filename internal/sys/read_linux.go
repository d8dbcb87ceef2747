package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// ReadNow reads what a file that takes part in polling has at this moment. It
// returns 0 and no error when that is nothing.
func ReadNow(f *os.File, buf []byte) (n int, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		for {
			n, failed = unix.Read(int(fd), buf)
			if failed != unix.EINTR {
				return true // never wait
			}
		}
	})
	if err != nil {
		return 0, err
	}
	if failed == unix.EAGAIN {
		return 0, nil
	}
	if failed != nil {
		return 0, &os.PathError{Op: "read", Path: f.Name(), Err: failed}
	}
	return n, nil
}
