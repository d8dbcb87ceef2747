package target

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// IsPerCPU reports whether the values of a map have one part per possible CPU.
func IsPerCPU(m Map) bool {
	switch m.Type() {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		return true
	}
	return false
}

// isArray reports whether a map's elements always exist.
func isArray(m Map) bool {
	switch m.Type() {
	case ebpf.Array, ebpf.PerCPUArray:
		return true
	}
	return false
}

// stride is the distance of one CPU's part of a value to the next.
func stride(m Map) int {
	if IsPerCPU(m) {
		return (int(m.ValueSize()) + 7) &^ 7
	}
	return int(m.ValueSize())
}

// Dump calls fn once per element of a map, by the cheapest way that the map
// has. Both slices are fn's to keep; the value has the form of
// [Map.LookupBytes]. Elements that come and go during the call may be seen or
// not.
func Dump(m Map, fn func(key, value []byte)) error {
	switch m := m.(type) {
	case Dumper:
		return m.Dump(fn)
	case batchReader:
		// Where the kernel has no batches, or a bucket is larger than one,
		// the keys are walked instead; that reports what is really wrong.
		if !isArray(m) && dumpBatches(m, fn) == nil {
			return nil
		}
	}
	all, err := keys(m)
	if err != nil {
		return err
	}
	for _, key := range all {
		value, err := m.LookupBytes(key)
		if err != nil {
			return fmt.Errorf("look up: %w", err)
		}
		if value != nil { // else it has gone meanwhile
			fn(key, value)
		}
	}
	return nil
}

// keys returns all keys. When the key from which to go on vanishes, the kernel
// starts over; keys that were seen before are then passed by.
func keys(m Map) ([][]byte, error) {
	var (
		keys [][]byte
		seen = map[string]bool{}
		last any
	)
	for steps := 4 * (uint64(m.MaxEntries()) + 1); steps > 0; steps-- {
		key, err := m.NextKeyBytes(last)
		if err != nil {
			return nil, fmt.Errorf("next key: %w", err)
		}
		if key == nil {
			return keys, nil
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, key)
		}
		last = key
	}
	return keys, nil
}

// batchReader is the batch operation of [*ebpf.Map].
type batchReader interface {
	Map
	BatchLookup(cursor *ebpf.MapBatchCursor, keysOut, valuesOut any, opts *ebpf.BatchOptions) (int, error)
}

// batchSize is the number of elements to read at once. The kernel wants room
// for a whole bucket of its hash table.
const batchSize = 1024

// parts is a batch's keys or values. It takes them apart when the operation
// hands over its bytes.
type parts [][]byte

func (p parts) UnmarshalBinary(b []byte) error {
	if len(p) == 0 {
		return nil
	}
	size := len(b) / len(p)
	for i := range p {
		p[i] = append([]byte(nil), b[i*size:(i+1)*size]...)
	}
	return nil
}

// dumpBatches reads a hash map bucket by bucket. It calls fn only when it has
// all of them.
func dumpBatches(m batchReader, fn func(key, value []byte)) error {
	cpus := 1
	if IsPerCPU(m) {
		var err error
		if cpus, err = ebpf.PossibleCPU(); err != nil {
			return err
		}
	}
	var (
		cursor    ebpf.MapBatchCursor
		allKeys   [][]byte
		allValues [][]byte
	)
	for {
		keys := make(parts, batchSize)
		var values any = make(parts, batchSize)
		if IsPerCPU(m) {
			values = make([][]byte, batchSize*cpus)
		}
		n, err := m.BatchLookup(&cursor, keys, values, nil)
		end := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !end {
			return err
		}
		if n < 0 || n > batchSize {
			return fmt.Errorf("%d elements in a batch of %d", n, batchSize)
		}
		allKeys = append(allKeys, keys[:n]...)
		switch values := values.(type) {
		case parts:
			allValues = append(allValues, values[:n]...)
		case [][]byte:
			for i := range n {
				allValues = append(allValues, join(values[i*cpus:(i+1)*cpus], stride(m)))
			}
		}
		if end {
			break
		}
	}
	for i, key := range allKeys {
		fn(key, allValues[i])
	}
	return nil
}

// join puts the values of all CPUs into one, each padded to size.
func join(cpus [][]byte, size int) []byte {
	all := make([]byte, len(cpus)*size)
	for i, v := range cpus {
		copy(all[i*size:(i+1)*size], v)
	}
	return all
}

// Clear removes all elements of a map. Those of an array can't be removed and
// become zero.
func Clear(m Map) error {
	var keys [][]byte
	if err := Dump(m, func(key, _ []byte) { keys = append(keys, key) }); err != nil {
		return err
	}
	for _, key := range keys {
		var err error
		if isArray(m) {
			err = Replace(m, key, nil)
		} else if err = m.Delete(key); errors.Is(err, ebpf.ErrKeyNotExist) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("clear: %w", err)
		}
	}
	return nil
}

// Replace overwrites the value of a key, given in the form of
// [Map.LookupBytes] or shorter, with zeros where it is short. A key that does
// not exist is left alone.
func Replace(m Map, key, value []byte) error {
	size := int(m.ValueSize())
	var to any
	if IsPerCPU(m) {
		var cpus [][]byte
		for len(value) > 0 {
			part := make([]byte, size)
			value = value[min(copy(part, value)+stride(m)-size, len(value)):]
			cpus = append(cpus, part)
		}
		to = cpus
	} else {
		part := make([]byte, size)
		copy(part, value)
		to = part
	}
	if err := m.Update(key, to, ebpf.UpdateExist); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("replace: %w", err)
	}
	return nil
}
