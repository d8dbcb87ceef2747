//go:build !linux

package sys

import (
	"os"
	"time"
)

// Close fails: there is no Linux kernel here.
func (fd FD) Close() error { return ErrNotLinux }

// ProgTestRun fails: there is no Linux kernel here.
func ProgTestRun(int) (uint32, error) { return 0, ErrNotLinux }

// LinkCreatePerf fails: there is no Linux kernel here.
func LinkCreatePerf(int, FD, uint64) (FD, error) { return -1, ErrNotLinux }

// RawTracepointOpen fails: there is no Linux kernel here.
func RawTracepointOpen(int, string) (FD, error) { return -1, ErrNotLinux }

// ObjectIDs fails: there is no Linux kernel here.
func ObjectIDs(ObjectKind) ([]uint32, error) { return nil, ErrNotLinux }

// OpenPerfEvent fails: there is no Linux kernel here.
func OpenPerfEvent(PerfEvent, int) (FD, error) { return -1, ErrNotLinux }

// PerfSetBPF fails: there is no Linux kernel here.
func PerfSetBPF(FD, int) error { return ErrNotLinux }

// MapRing fails: there is no Linux kernel here.
func MapRing(int, int) (*Ring, error) { return nil, ErrNotLinux }

// Close fails: there is no Linux kernel here.
func (r *Ring) Close() error { return ErrNotLinux }

// NewWaiter fails: there is no Linux kernel here.
func NewWaiter(int) (*Waiter, error) { return nil, ErrNotLinux }

// Wait fails: there is no Linux kernel here.
func (w *Waiter) Wait(time.Time) (bool, error) { return false, ErrNotLinux }

// Wake fails: there is no Linux kernel here.
func (w *Waiter) Wake() error { return ErrNotLinux }

// Close fails: there is no Linux kernel here.
func (w *Waiter) Close() error { return ErrNotLinux }

// OpenTracefs fails: there is no Linux kernel here.
func OpenTracefs() (*Tracefs, error) { return nil, ErrNotLinux }

// MountTracefs returns ErrNotLinux.
func MountTracefs() (*Tracefs, error) { return nil, ErrNotLinux }

// QueryTCX fails: there is no Linux kernel here.
func QueryTCX(int) error { return ErrNotLinux }

// RaiseMemlock fails: there is no Linux kernel here.
func RaiseMemlock() error { return ErrNotLinux }

// TerminalWidth finds no terminal: there is no Linux kernel here.
func TerminalWidth(uintptr) (int, bool) { return 0, false }

// CloseBehind fails: there is no Linux kernel here.
func CloseBehind([]FD) error { return ErrNotLinux }

// ReadNow fails: there is no Linux kernel here.
func ReadNow(*os.File, []byte) (int, error) { return 0, ErrNotLinux }
