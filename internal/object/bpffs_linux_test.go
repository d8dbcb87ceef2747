package object

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// bpffs reports whether dir is a mounted bpffs.
func bpffs(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return err
	}
	if st.Type != 0xcafe4a11 {
		return errors.New("not a bpffs")
	}
	probe := filepath.Join(dir, "skep_probe")
	if err := os.Mkdir(probe, 0o700); err != nil {
		return err
	}
	return os.Remove(probe)
}
