// Package target says what a place that runs programs, the kernel or the
// user-space engine, offers to the user side of a script: maps and a stream of
// records. The tracer is written against it and knows no target.
//
// It imports the standard library and cilium/ebpf, for the names of map types
// and flags; never a target, never render or plan.
package target

import (
	"context"
	"time"

	"github.com/cilium/ebpf"
)

// Session is a loaded object as the tracer sees it.
type Session interface {
	// Map returns the map of the object with this symbol name.
	Map(name string) (Map, bool)
	// Events is the reader of the record ring, or nil when the object has
	// none. There is one reader; calls return the same one.
	Events() EventReader
}

// Map is the part of [*ebpf.Map]'s method set that the user side needs; the
// kernel target returns that type itself. Errors wrap [ebpf.ErrKeyNotExist]
// and its siblings.
type Map interface {
	Type() ebpf.MapType
	KeySize() uint32
	ValueSize() uint32
	MaxEntries() uint32

	// Lookup copies the value of key to valueOut, which is a slice with one
	// element per possible CPU for a per-CPU map.
	Lookup(key, valueOut any) error
	// LookupBytes returns the value of key, or nil when there is none. The
	// value of a per-CPU map has one part per possible CPU, each padded to
	// a multiple of 8 bytes.
	LookupBytes(key any) ([]byte, error)
	Put(key, value any) error
	// Update takes a slice with at most one element per possible CPU for a
	// per-CPU map; the CPUs that it lacks get zeros.
	Update(key, value any, flags ebpf.MapUpdateFlags) error
	Delete(key any) error
	NextKey(key, nextKeyOut any) error
	// NextKeyBytes returns the key after key, the first for nil, and nil
	// after the last.
	NextKeyBytes(key any) ([]byte, error)
}

// Dumper is a Map that hands over its elements more cheaply than key by key.
type Dumper interface {
	// Dump does what the function of that name promises.
	Dump(fn func(key, value []byte)) error
}

// EventReader reads the records that programs sent through the ring.
type EventReader interface {
	// ReadBatch calls fn for the records that are in the ring, oldest
	// first, and returns how many it consumed. When the ring is empty it
	// first waits for a record, at most wait, and no longer than ctx lives;
	// that time or ctx running out is no error. It hands over no more than
	// what one filling of the ring holds, so that the caller gets a turn.
	//
	// The slice is only valid during the call of fn. When fn returns false
	// the record counts as consumed and ReadBatch returns.
	ReadBatch(ctx context.Context, wait time.Duration, fn func(record []byte) bool) (int, error)
}
