package ctypes

import (
	"errors"
	"os"
	"syscall"
)

// mapFile returns a file's contents: mapped where the file allows it (the
// kernel's BTF does since Linux 6.16), else read. A mapping stays for the
// life of the process, since types are decoded from it at any time.
func mapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if n := st.Size(); n > 0 && n == int64(int(n)) {
		data, err := syscall.Mmap(int(f.Fd()), 0, int(n), syscall.PROT_READ, syscall.MAP_PRIVATE)
		if err == nil {
			return data, nil
		}
		if errors.Is(err, syscall.ENOMEM) {
			return nil, err
		}
	}
	return os.ReadFile(path)
}
