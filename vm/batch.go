package vm

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/vm/maps"
)

// BatchUpdate sets several elements: keys and values are slices of the same
// length. It returns how many were set.
func (x *Map) BatchUpdate(keys, values any, o *ebpf.BatchOptions) (int, error) {
	k, v, err := slices2(keys, values)
	if err != nil {
		return 0, err
	}
	flags := ebpf.UpdateAny
	if o != nil {
		flags = ebpf.MapUpdateFlags(o.ElemFlags)
	}
	for i := range k.Len() {
		if err := x.Update(k.Index(i).Interface(), v.Index(i).Interface(), flags); err != nil {
			return i, fmt.Errorf("batch update: %w", err)
		}
	}
	return k.Len(), nil
}

// BatchDelete removes several keys and returns how many.
func (x *Map) BatchDelete(keys any, _ *ebpf.BatchOptions) (int, error) {
	k := reflect.ValueOf(keys)
	if k.Kind() != reflect.Slice {
		return 0, errors.New("keys must be a slice")
	}
	for i := range k.Len() {
		if err := x.Delete(k.Index(i).Interface()); err != nil {
			return i, fmt.Errorf("batch delete: %w", err)
		}
	}
	return k.Len(), nil
}

// MapBatchCursor is where a batch lookup goes on. The zero value begins.
type MapBatchCursor struct {
	x    *Map
	last []byte
}

// BatchLookup reads as many elements as the slices have room for, beginning
// where the cursor stands, and returns how many it read. At the end of the
// map the error is ebpf.ErrKeyNotExist.
func (x *Map) BatchLookup(cursor *MapBatchCursor, keysOut, valuesOut any, _ *ebpf.BatchOptions) (int, error) {
	return x.batchLookup(cursor, keysOut, valuesOut, x.Lookup)
}

// BatchLookupAndDelete is BatchLookup that removes what it reads.
func (x *Map) BatchLookupAndDelete(cursor *MapBatchCursor, keysOut, valuesOut any, _ *ebpf.BatchOptions) (int, error) {
	switch x.Type() {
	case ebpf.Hash, ebpf.PerCPUHash, ebpf.LRUHash, ebpf.LRUCPUHash:
	default:
		return 0, x.fail("batch lookup and delete", maps.ENOTSUPP)
	}
	return x.batchLookup(cursor, keysOut, valuesOut, x.Lookup, x.Delete)
}

func (x *Map) batchLookup(cursor *MapBatchCursor, keysOut, valuesOut any, read func(key, valueOut any) error, after ...func(key any) error) (int, error) {
	k, v, err := slices2(keysOut, valuesOut)
	if err != nil {
		return 0, err
	}
	if cursor.x != nil && cursor.x != x {
		return 0, errors.New("a cursor may not be shared across maps")
	}
	cursor.x = x
	// Keys are collected first: removing one would lose the place.
	var found [][]byte
	for len(found) < k.Len() {
		var at any
		if cursor.last != nil {
			at = cursor.last
		}
		next, err := x.NextKeyBytes(at)
		if err != nil {
			return 0, err
		}
		if next == nil {
			break
		}
		found, cursor.last = append(found, next), next
	}
	n := 0
	for _, key := range found {
		switch err := read(key, v.Index(n).Addr().Interface()); {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			continue
		case err != nil:
			return n, err
		}
		if err := unmarshal(k.Index(n).Addr().Interface(), key); err != nil {
			return n, err
		}
		n++
	}
	for _, key := range found {
		for _, fn := range after {
			if err := fn(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return n, err
			}
		}
	}
	if len(after) > 0 {
		cursor.last = nil // what was read is gone: begin again
	}
	if len(found) < k.Len() {
		return n, fmt.Errorf("batch lookup: %w", ebpf.ErrKeyNotExist)
	}
	return n, nil
}

func slices2(keys, values any) (k, v reflect.Value, err error) {
	k, v = reflect.ValueOf(keys), reflect.ValueOf(values)
	switch {
	case k.Kind() != reflect.Slice:
		return k, v, errors.New("keys must be a slice")
	case v.Kind() != reflect.Slice:
		return k, v, errors.New("values must be a slice")
	case k.Len() != v.Len():
		return k, v, errors.New("keys and values must be the same length")
	}
	return k, v, nil
}
