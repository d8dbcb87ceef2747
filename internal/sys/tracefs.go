package sys

import (
	"fmt"
	"io/fs"
	"os"
)

// Tracefs is the kernel's tracing file system. It is safe for concurrent use.
type Tracefs struct {
	fs.FS
	dir string
	fd  FD // of a detached mount, else -1
}

// Path returns the directory under which this process, and no other, can
// open the files of t until Close.
func (t *Tracefs) Path() string { return t.dir }

// Close gives up t. Open files stay usable.
func (t *Tracefs) Close() error {
	if t.fd < 0 {
		return nil
	}
	fd := t.fd
	t.fd = -1
	return fd.Close()
}

// TracefsError says that the tracing file system can't be had, and why.
type TracefsError struct{ Err error }

func (e *TracefsError) Error() string {
	return fmt.Sprintf("the tracing file system is not mounted at %s and can't be mounted: %v", TracefsDir, e.Err)
}

func (e *TracefsError) Unwrap() error { return e.Err }

// TracefsDir is where tracefs is usually mounted, since Linux 4.1.
const TracefsDir = "/sys/kernel/tracing"

// debugfsTracing is where debugfs mounts tracefs by itself when somebody
// looks there.
const debugfsTracing = "/sys/kernel/debug/tracing"

func mountedTracefs(dir string) *Tracefs { return &Tracefs{FS: os.DirFS(dir), dir: dir, fd: -1} }
