package vm

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// MapIterator goes through the elements of a map. See Map.Iterate.
type MapIterator struct {
	target *Map
	cursor []byte
	count  uint32
	done   bool
	err    error
}

// Iterate goes through a map's elements. One that is deleted meanwhile makes
// the iteration begin again, as ebpf.MapIterator does; when that goes on too
// long, Err is ebpf.ErrIterationAborted.
func (x *Map) Iterate() *MapIterator { return &MapIterator{target: x} }

// Next reads the next element. It returns false at the end and on an error.
func (it *MapIterator) Next(keyOut, valueOut any) bool {
	if it.err != nil || it.done {
		return false
	}
	for ; it.count <= it.target.MaxEntries(); it.count++ {
		var key any
		if it.cursor != nil {
			key = it.cursor
		}
		next, err := it.target.NextKeyBytes(key)
		if err != nil {
			it.err = fmt.Errorf("get next key: %w", err)
			return false
		}
		if next == nil {
			it.done = true
			return false
		}
		it.cursor = next
		err = it.target.Lookup(next, valueOut)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue // deleted meanwhile, or an empty element of an array
		}
		if err != nil {
			it.err = fmt.Errorf("look up next key: %w", err)
			return false
		}
		it.count++
		if err := unmarshal(keyOut, next); err != nil {
			it.err = err
			return false
		}
		return true
	}
	it.err = fmt.Errorf("%w", ebpf.ErrIterationAborted)
	return false
}

// Err is the error that ended the iteration, nil at the end of the map.
func (it *MapIterator) Err() error { return it.err }
