package sys

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// BootTime returns the time since boot in nanoseconds, suspension included
// (CLOCK_BOOTTIME): the clock of the helper ktime_get_boot_ns.
func BootTime() (uint64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return uint64(ts.Nano()), nil
}

// exitPoll is how often WaitForExit looks whether ctx is done.
const exitPoll = 100 * time.Millisecond

// WaitForExit waits until the process, which need not be a child, has ended.
// It returns nil then, and an error when ctx ends first or the process can't
// be watched.
func WaitForExit(ctx context.Context, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(fd)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(exitPoll.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if n > 0 {
			return nil
		}
	}
	return ctx.Err()
}
