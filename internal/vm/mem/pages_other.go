//go:build !unix && !windows

package mem

import "errors"

// Without virtual memory a modest block of ordinary memory serves. BPF
// addresses are offsets in it, so it doesn't matter that Go owns it.
const blockLimit = 33 << 20

func reserve(size uint64) ([]byte, error) {
	if size > blockLimit {
		return nil, errors.New("no virtual memory on this system")
	}
	return make([]byte, size), nil
}

func commit([]byte) error { return nil }

func release([]byte) {}
