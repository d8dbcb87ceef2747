//go:build !linux

package sys

// KernelRelease fails: there is no Linux kernel here.
func KernelRelease() (string, error) { return "", ErrNotLinux }
