package tracefs

import (
	"errors"
	"fmt"

	"github.com/skep-dev/skep/internal/sys"
)

// Mount makes a mount of tracefs that only this process sees: it is attached
// to no directory, is reached through a file descriptor, and ends with Close
// or with the process. It needs CAP_SYS_ADMIN.
func Mount() (*FS, error) {
	m, err := sys.MountTracefs()
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	t, err := Open(m.Path())
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	t.close = m.Close
	return t, nil
}
