package maps

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// Object is what maps of objects hold: a program, a map, an event.
type Object interface {
	// ID is what user space reads.
	ID() uint32
	// Handle is what a program gets that looks the object up, 0 when
	// programs get nothing.
	Handle() uint64
}

// objects is an array of programs, maps, events or cgroups.
type objects struct {
	base
	slots []atomic.Pointer[Object]
}

func newObjects(space *mem.Space, s Spec) (Map, error) {
	return &objects{base: newBase(space, s), slots: make([]atomic.Pointer[Object], s.MaxEntries)}, nil
}

func (o *objects) Release() {}

func (o *objects) get(key []byte) Object {
	i := binary.LittleEndian.Uint32(key)
	if i >= o.spec.MaxEntries {
		return nil
	}
	if p := o.slots[i].Load(); p != nil {
		return *p
	}
	return nil
}

// Object returns what is stored for a key.
func (o *objects) Object(key []byte) any {
	if x := o.get(key); x != nil {
		return x
	}
	return nil
}

// SetObject stores an object. Whether it fits is the caller's business, who
// knows what it is.
func (o *objects) SetObject(key []byte, object any, flags uint64) Errno {
	x, ok := object.(Object)
	switch i := binary.LittleEndian.Uint32(key); {
	case flags != Any:
		return EINVAL
	case i >= o.spec.MaxEntries:
		return E2BIG
	case !ok:
		return EBADF
	default:
		o.slots[i].Store(&x)
		return OK
	}
}

func (o *objects) Lookup(_ int, key []byte) uint64 {
	if !o.spec.HoldsMaps() {
		return 0
	}
	if x := o.get(key); x != nil {
		return x.Handle()
	}
	return 0
}

func (o *objects) Update(int, []byte, []byte, uint64) Errno { return EINVAL }

func (o *objects) Write(key, _ []byte, flags uint64) Errno {
	switch {
	case flags != Any:
		return EINVAL
	case binary.LittleEndian.Uint32(key) >= o.spec.MaxEntries:
		return E2BIG
	}
	return EBADF
}

func (o *objects) Delete(key []byte) Errno {
	i := binary.LittleEndian.Uint32(key)
	if i >= o.spec.MaxEntries {
		return E2BIG
	}
	if o.slots[i].Swap(nil) == nil {
		return ENOENT
	}
	return OK
}

func (o *objects) Read(key, value []byte, flags uint64) Errno {
	if e := o.readFlags(flags); e != OK {
		return e
	}
	if o.spec.Type == facts.MapTypePerfEventArray || o.spec.Type == facts.MapTypeCgroupArray {
		return ENOTSUPP
	}
	x := o.get(key)
	if x == nil {
		return ENOENT
	}
	binary.LittleEndian.PutUint32(value, x.ID())
	return OK
}

func (o *objects) Next(key, next []byte) Errno { return nextIndex(key, next, o.spec.MaxEntries) }

// hashOfMaps finds maps by key. Only user space changes it.
type hashOfMaps struct {
	base
	byKey sync.Map // of string to Object
	order []string
}

func newHashOfMaps(space *mem.Space, s Spec) (Map, error) {
	return &hashOfMaps{base: newBase(space, s)}, nil
}

func (h *hashOfMaps) Release() {}

// Object returns the map that is stored for a key.
func (h *hashOfMaps) Object(key []byte) any {
	x, _ := h.byKey.Load(string(key))
	return x
}

// SetObject stores a map.
func (h *hashOfMaps) SetObject(key []byte, object any, flags uint64) Errno {
	x, ok := object.(Object)
	if !ok {
		return EBADF
	}
	if flags > Exist {
		return EINVAL
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, there := h.byKey.Load(string(key))
	switch {
	case there && flags == NoExist:
		return EEXIST
	case !there && flags == Exist:
		return ENOENT
	case !there && len(h.order) >= int(h.spec.MaxEntries):
		return E2BIG
	}
	if !there {
		h.order = append(h.order, string(key))
	}
	h.byKey.Store(string(key), x)
	return OK
}

func (h *hashOfMaps) Lookup(_ int, key []byte) uint64 {
	if x, ok := h.byKey.Load(string(key)); ok {
		return x.(Object).Handle()
	}
	return 0
}

func (h *hashOfMaps) Update(int, []byte, []byte, uint64) Errno { return EINVAL }
func (h *hashOfMaps) Write([]byte, []byte, uint64) Errno       { return EBADF }

func (h *hashOfMaps) Delete(key []byte) Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.byKey.LoadAndDelete(string(key)); !there {
		return ENOENT
	}
	for i, k := range h.order {
		if k == string(key) {
			h.order = append(h.order[:i:i], h.order[i+1:]...)
			break
		}
	}
	return OK
}

func (h *hashOfMaps) Read(key, value []byte, flags uint64) Errno {
	if e := h.readFlags(flags); e != OK {
		return e
	}
	x, ok := h.byKey.Load(string(key))
	if !ok {
		return ENOENT
	}
	binary.LittleEndian.PutUint32(value, x.(Object).ID())
	return OK
}

func (h *hashOfMaps) Next(key, next []byte) Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := 0
	for i, k := range h.order {
		if key != nil && k == string(key) {
			at = i + 1
			break
		}
	}
	if at >= len(h.order) {
		return ENOENT
	}
	copy(next, h.order[at])
	return OK
}
