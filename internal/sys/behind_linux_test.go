package sys

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-quicktest/qt"
	"golang.org/x/sys/unix"
)

func TestHolderRanges(t *testing.T) {
	qt.Check(t, qt.IsTrue(slices.Equal(holderRanges([]uint{5, 3, 4, 9}), []fdRange{{0, 2}, {6, 8}, {10, ^uint32(0)}})))
	qt.Check(t, qt.IsTrue(slices.Equal(holderRanges([]uint{0, 1}), []fdRange{{2, ^uint32(0)}})))
	qt.Check(t, qt.IsTrue(slices.Equal(holderRanges(nil), []fdRange{{0, ^uint32(0)}})))
}

// The child closes what it was given after this process did, and holds
// nothing else: here, neither end of another pipe.
func TestCloseBehind(t *testing.T) {
	var held, other [2]int
	qt.Assert(t, qt.IsNil(unix.Pipe2(held[:], unix.O_CLOEXEC)))
	qt.Assert(t, qt.IsNil(unix.Pipe2(other[:], unix.O_CLOEXEC)))
	before := children(t)
	qt.Assert(t, qt.IsNil(CloseBehind([]FD{FD(held[1])})))

	// Nobody writes into either pipe any more: their ends are seen.
	qt.Assert(t, qt.IsNil(unix.Close(other[1])))
	for _, fd := range []int{other[0], held[0]} {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 10000)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.IsTrue(fds[0].Revents&unix.POLLHUP != 0))
		unix.Close(fd)
	}
	_, err := unix.FcntlInt(uintptr(held[1]), unix.F_GETFD, 0)
	qt.Check(t, qt.ErrorIs(err, syscall.EBADF))

	// The child ends.
	for _, pid := range children(t) {
		if slices.Contains(before, pid) {
			continue
		}
		var ws syscall.WaitStatus
		got, err := syscall.Wait4(pid, &ws, 0, nil)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(got, pid))
		qt.Check(t, qt.IsTrue(ws.Exited() && ws.ExitStatus() == 0))
	}
}

// Forking goes well while the rest of the program is busy.
func TestCloseBehindBusy(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 4 {
		go func() {
			var waste [][]byte
			for {
				select {
				case <-stop:
					return
				default:
					waste = append(waste[:0], make([]byte, 1<<16))
				}
			}
		}()
	}
	for range 50 {
		var p [2]int
		qt.Assert(t, qt.IsNil(unix.Pipe2(p[:], unix.O_CLOEXEC)))
		qt.Assert(t, qt.IsNil(CloseBehind([]FD{FD(p[1])})))
		fds := []unix.PollFd{{Fd: int32(p[0]), Events: unix.POLLIN}}
		for {
			_, err := unix.Poll(fds, 10000)
			if err == unix.EINTR {
				continue
			}
			qt.Assert(t, qt.IsNil(err))
			break
		}
		qt.Assert(t, qt.IsTrue(fds[0].Revents&unix.POLLHUP != 0))
		unix.Close(p[0])
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(children(t)) > 0 && time.Now().Before(deadline) {
		var ws syscall.WaitStatus
		if pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil); err != nil || pid == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	qt.Check(t, qt.HasLen(children(t), 0))
}

// children returns the child processes of this one.
func children(t *testing.T) []int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	qt.Assert(t, qt.IsNil(err))
	var pids []int
	for _, task := range tasks {
		text, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err != nil {
			continue // the thread has ended, or the kernel lacks the file
		}
		for _, f := range strings.Fields(string(text)) {
			var pid int
			if _, err := fmt.Sscan(f, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
