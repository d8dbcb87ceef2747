// Package sys is the only place that makes raw system calls: everything that
// skep asks of the kernel beyond what cilium/ebpf and the standard library
// offer. Off Linux each function exists and fails with ErrNotLinux.
//
// It imports the standard library and golang.org/x/sys only.
package sys

import "errors"

// ErrNotLinux is returned by everything that needs a Linux kernel when there
// is none.
var ErrNotLinux = errors.New("this needs a Linux kernel")
