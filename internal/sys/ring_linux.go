package sys

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapRing maps the ring buffer map fd, whose data area has size bytes. The
// data area is mapped once, not twice in a row as the kernel allows: that
// would double what it costs in resident memory.
func MapRing(fd, size int) (*Ring, error) {
	page := os.Getpagesize()
	if size < page || size&(size-1) != 0 {
		return nil, fmt.Errorf("ring buffer of %d bytes: not a power of two of whole pages", size)
	}
	consumer, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the consumer page of a ring buffer: %w", err)
	}
	producer, err := unix.Mmap(fd, int64(page), page+size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map a ring buffer of %d bytes: %w", size, err), unix.Munmap(consumer))
	}
	return &Ring{
		Consumer:     (*uint64)(unsafe.Pointer(&consumer[0])),
		Producer:     (*uint64)(unsafe.Pointer(&producer[0])),
		Data:         producer[page:],
		consumerPage: consumer,
		producerArea: producer,
	}, nil
}

// Close unmaps the ring. Nothing of it may be used afterwards.
func (r *Ring) Close() error {
	err := errors.Join(unix.Munmap(r.consumerPage), unix.Munmap(r.producerArea))
	*r = Ring{}
	return err
}

// NewWaiter makes a waiter for fd, which stays the caller's.
func NewWaiter(fd int) (*Waiter, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &Waiter{fd: FD(fd), wake: FD(wake)}, nil
}

// Wait returns when the descriptor is readable, when the deadline has passed
// (the zero time is never), or after Wake. It reports whether the descriptor
// is readable.
func (w *Waiter) Wait(deadline time.Time) (bool, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(w.wake), Events: unix.POLLIN}}
		var timeout *unix.Timespec
		if !deadline.IsZero() {
			ts := unix.NsecToTimespec(int64(max(time.Until(deadline), 0)))
			timeout = &ts
		}
		_, err := unix.Ppoll(fds, timeout, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, os.NewSyscallError("ppoll", err)
		}
		if fds[1].Revents != 0 {
			var count [8]byte
			if _, err := unix.Read(int(w.wake), count[:]); err != nil && err != unix.EAGAIN {
				return false, os.NewSyscallError("read(eventfd)", err)
			}
		}
		return fds[0].Revents&unix.POLLIN != 0, nil
	}
}

// Wake makes the current call of Wait return, or the next one when there is
// none. It may be called from any goroutine.
func (w *Waiter) Wake() error {
	one := [8]byte{1} // any count that is not zero, in either byte order
	if _, err := unix.Write(int(w.wake), one[:]); err != nil && err != unix.EAGAIN {
		return os.NewSyscallError("write(eventfd)", err)
	}
	return nil
}

// Close closes the waiter, not the descriptor that it waits for. No Wait or
// Wake may be running.
func (w *Waiter) Close() error { return w.wake.Close() }
