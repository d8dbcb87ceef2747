//go:build !linux

package tracefs

import (
	"errors"
	"fmt"
)

// Mount fails: tracefs exists on Linux only.
func Mount() (*FS, error) {
	return nil, fmt.Errorf("tracefs: mount: %w", errors.ErrUnsupported)
}
