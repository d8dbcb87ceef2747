package inspect

import (
	"errors"
	"syscall"

	"github.com/skep-dev/skep/internal/sys"
)

// batchBytes bounds the memory of one call for many elements.
const batchBytes = 1 << 20

// Walk calls fn for each element of a map: by many at a time where the kernel
// can, else key by key. The slices are valid during the call only; lookup is
// the error of an element that has a key but whose value can't be read, nil
// otherwise. Walk ends with the first error of fn.
//
// Elements that come and go meanwhile may be seen or not.
func Walk(fd sys.FD, m *Map, fn func(key, value []byte, lookup error) error) error {
	size, err := m.ValueLen()
	if err != nil {
		return err
	}
	if m.KeySize > 0 && !m.IsMapOfProgs() {
		began, err := walkBatches(fd, m, size, fn)
		if began || err == nil {
			return err
		}
	}
	return walkKeys(fd, m, size, fn)
}

// walkBatches reports in began whether the kernel has handed over elements, so
// that its error is one to report and none to go another way for.
func walkBatches(fd sys.FD, m *Map, size int, fn func(key, value []byte, lookup error) error) (began bool, err error) {
	keySize := int(m.KeySize)
	count := max(batchBytes/(keySize+size), 16)
	count = min(count, max(int(m.MaxEntries), 16))
	keys, values := make([]byte, count*keySize), make([]byte, count*size)
	var batch sys.MapBatch
	for {
		n, last, err := batch.Lookup(fd, keySize, keys, values, count)
		if errors.Is(err, syscall.ENOSPC) && count < 1<<24 {
			count *= 2 // one bucket has more elements than that
			keys, values = make([]byte, count*keySize), make([]byte, count*size)
			continue
		}
		if err != nil {
			return began, err
		}
		began = true
		for i := range n {
			if err := fn(keys[i*keySize:(i+1)*keySize], values[i*size:(i+1)*size], nil); err != nil {
				return true, err
			}
		}
		if last {
			return true, nil
		}
	}
}

func walkKeys(fd sys.FD, m *Map, size int, fn func(key, value []byte, lookup error) error) error {
	key, next, value := make([]byte, m.KeySize), make([]byte, m.KeySize), make([]byte, size)
	err := sys.MapNextKey(fd, nil, key)
	for err == nil {
		if err := fn(key, value, sys.MapLookup(fd, key, value, 0)); err != nil {
			return err
		}
		if err = sys.MapNextKey(fd, key, next); err == nil {
			key, next = next, key
		}
	}
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return err
}
