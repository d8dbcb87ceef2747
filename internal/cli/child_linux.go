package cli

import "syscall"

// dieWithParent makes the kernel end a child process when its parent does,
// also when the parent is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
