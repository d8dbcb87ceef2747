//go:build !linux

package sys

import "context"

// BootTime returns ErrNotLinux.
func BootTime() (uint64, error) { return 0, ErrNotLinux }

// WaitForExit returns ErrNotLinux.
func WaitForExit(context.Context, int) error { return ErrNotLinux }
