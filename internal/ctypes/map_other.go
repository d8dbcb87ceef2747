//go:build !linux

package ctypes

import "os"

// mapFile returns a file's contents.
func mapFile(path string) ([]byte, error) { return os.ReadFile(path) }
