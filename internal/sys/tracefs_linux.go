package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenTracefs finds the tracing file system: mounted at TracefsDir, else where
// debugfs has it, else by a mount of its own that is attached to no directory,
// is visible to nobody and ends with Close. The last needs CAP_SYS_ADMIN.
func OpenTracefs() (*Tracefs, error) {
	for _, dir := range []string{TracefsDir, debugfsTracing} {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.TRACEFS_MAGIC {
			return mountedTracefs(dir), nil
		}
	}
	return MountTracefs()
}

// MountTracefs makes a mount of tracefs that is attached to no directory, is
// visible to nobody and ends with Close. It needs CAP_SYS_ADMIN.
func MountTracefs() (*Tracefs, error) {
	fd, err := detachedMount("tracefs")
	if err != nil {
		return nil, &TracefsError{err}
	}
	dir := fmt.Sprintf("/proc/self/fd/%d", fd)
	return &Tracefs{FS: os.DirFS(dir), dir: dir, fd: fd}, nil
}

// detachedMount mounts a file system that takes no options, without a place
// in the directory tree (kernel 5.2).
func detachedMount(fstype string) (FD, error) {
	ctx, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, os.NewSyscallError("fsconfig", err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsmount", err)
	}
	return FD(fd), nil
}
