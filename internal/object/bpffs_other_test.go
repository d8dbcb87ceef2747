//go:build !linux

package object

import "errors"

// bpffs reports whether dir is a mounted bpffs.
func bpffs(string) error { return errors.ErrUnsupported }
