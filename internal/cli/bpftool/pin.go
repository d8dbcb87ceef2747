package bpftool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skep-dev/skep/internal/cli/jsonout"
	"github.com/skep-dev/skep/internal/sys"
)

// pinAt pins an object at a path. The folder is made if it is not there, and a
// bpf file system is mounted on it if it does not lie in one and --nomount
// was not given.
func (t *tool) pinAt(fd sys.FD, path string) error {
	if err := t.pinDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := sys.ObjectPin(fd, path); err != nil {
		return fmt.Errorf("can't pin the object (%s): %s%w", path, strerror(err), quiet{err})
	}
	return nil
}

// pinDir makes sure that objects can be pinned in a folder.
func (t *tool) pinDir(dir string) error {
	ok, err := sys.IsBPFFS(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if parent, err := sys.IsBPFFS(filepath.Dir(dir)); err != nil || !parent {
			return fmt.Errorf("%s does not exist, and lies in no bpf file system", dir)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		return nil
	}
	if err != nil || ok {
		return err
	}
	if t.opts.nomount {
		return fmt.Errorf("no BPF file system found, not mounting it due to --nomount option")
	}
	if err := sys.MountBPFFS(dir); err != nil {
		return fmt.Errorf("can't mount BPF file system to pin the object (%s): %w", dir, err)
	}
	return nil
}

// textJSON is a JSON writer within the text.
func (t *tool) textJSON(pretty bool) *jsonout.Writer { return jsonout.New(t.out, pretty) }
