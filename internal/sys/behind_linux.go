package sys

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CloseBehind closes descriptors without waiting for what the kernel does to
// the files: a child process, which does nothing else, closes them last and
// ends. It is for files whose end takes long and concerns nobody, before this
// process ends. The descriptors are closed here when it returns, also with an
// error.
func CloseBehind(fds []FD) error {
	if len(fds) == 0 {
		return nil
	}
	keep := make([]uint, len(fds))
	for i, fd := range fds {
		keep[i] = uint(fd)
	}
	slices.Sort(keep)
	var gate [2]int // the child waits until the other end is closed here
	if err := unix.Pipe2(gate[:], unix.O_CLOEXEC); err != nil {
		return errors.Join(os.NewSyscallError("pipe2", err), closeFDs(fds))
	}
	err := forkHolder(uintptr(gate[0]), uintptr(gate[1]), holderRanges(append(keep, uint(gate[0]))))
	return errors.Join(err, closeFDs(fds), FD(gate[0]).Close(), FD(gate[1]).Close())
}

func closeFDs(fds []FD) error {
	var errs []error
	for _, fd := range fds {
		errs = append(errs, fd.Close())
	}
	return errors.Join(errs...)
}

// fdRange is a range of descriptors, both ends included.
type fdRange struct{ first, last uint32 }

// holderRanges returns the descriptors that are not in keep.
func holderRanges(keep []uint) []fdRange {
	slices.Sort(keep)
	var ranges []fdRange
	next := uint32(0)
	for _, k := range keep {
		if uint32(k) > next {
			ranges = append(ranges, fdRange{next, uint32(k) - 1})
		}
		next = uint32(k) + 1
	}
	return append(ranges, fdRange{next, ^uint32(0)})
}

// forkHolder forks a child that closes the given ranges of descriptors, waits
// for the end of the pipe gate, and exits. Go can't fork: the child has no
// runtime, so it does nothing but raw system calls in this very function, with
// all signals blocked, and allocates nothing.
//
//go:noinline
//go:norace
func forkHolder(gate, end uintptr, ranges []fdRange) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	var one [1]byte
	if _, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), unsafe.Sizeof(all), 0, 0); errno != 0 {
		return os.NewSyscallError("rt_sigprocmask", errno)
	}
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		for i := range ranges {
			// Before Linux 5.9 this fails, and the child holds more than it needs.
			syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(ranges[i].first), uintptr(ranges[i].last), 0)
		}
		syscall.RawSyscall(unix.SYS_CLOSE, end, 0, 0)
		syscall.RawSyscall(unix.SYS_READ, gate, uintptr(unsafe.Pointer(&one)), 1)
		for {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&old)), 0, unsafe.Sizeof(old), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("clone", errno)
	}
	return nil
}
