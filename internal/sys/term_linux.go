package sys

import "golang.org/x/sys/unix"

// TerminalWidth returns the number of columns of the terminal that fd is, and
// false when fd is none.
func TerminalWidth(fd uintptr) (int, bool) {
	ws, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(ws.Col), true
}
