package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/helpers"
	"github.com/skep-dev/skep/internal/vm/maps"
)

// Errno is an error number of Linux, as maps and helpers return it.
type Errno = maps.Errno

// Map is a map. Its methods are those of ebpf.Map and fail with the same
// errors: ebpf.ErrKeyNotExist and its kin, with the Errno behind them.
type Map struct {
	m      *Machine
	name   string
	impl   maps.Map
	handle uint64
	id     uint32
	frozen atomic.Bool
	closed atomic.Bool
}

// NewMap makes a map and fills it with the contents of its specification.
func (m *Machine) NewMap(spec *ebpf.MapSpec) (*Map, error) {
	x, err := m.createMap(spec)
	if err != nil {
		return nil, err
	}
	if err := x.populate(spec.Contents, nil); err != nil {
		return nil, err
	}
	return x, nil
}

// mapSpec brings a specification to our form, with the sizes that the kernel
// or the library fill in.
func (m *Machine) mapSpec(spec *ebpf.MapSpec) maps.Spec {
	s := maps.Spec{
		Name: spec.Name, Type: facts.MapType(spec.Type), KeySize: spec.KeySize, ValueSize: spec.ValueSize,
		MaxEntries: spec.MaxEntries, Flags: spec.Flags, Extra: spec.MapExtra, NUMANode: spec.NumaNode, CPUs: len(m.cpus),
		LockOffset: lockOffset(spec.Value),
	}
	switch {
	case s.HoldsMaps():
		s.ValueSize = 4
		if spec.InnerMap != nil {
			inner := m.mapSpec(spec.InnerMap)
			s.Inner = &inner
		}
	case s.Type == facts.MapTypePerfEventArray:
		s.KeySize, s.ValueSize = 4, 4
		if n := uint32(len(m.cpus)); s.MaxEntries == 0 || s.MaxEntries > n {
			s.MaxEntries = n
		}
	case s.Type == facts.MapTypeCpumap && s.MaxEntries == 0:
		s.MaxEntries = uint32(len(m.cpus))
	}
	return s
}

func (m *Machine) createMap(spec *ebpf.MapSpec) (*Map, error) {
	impl, err := maps.New(m.space, m.mapSpec(spec))
	if err != nil {
		return nil, fmt.Errorf("map create: %w", wrap(err))
	}
	x := &Map{m: m, name: spec.Name, impl: impl, id: m.nextID.Add(1)}
	x.handle = m.addHandle(x)
	return x, nil
}

// populate fills a new map. others are the maps and programs that contents
// refer to by name.
func (x *Map) populate(contents []ebpf.MapKV, find func(name string) (any, error)) error {
	for _, kv := range contents {
		value := kv.Value
		if name, ok := value.(string); ok && find != nil {
			if _, holds := x.impl.(maps.Objects); holds {
				object, err := find(name)
				if err != nil {
					return err
				}
				value = object
			}
		}
		if err := x.Put(kv.Key, value); err != nil {
			return fmt.Errorf("map %s: contents: %w", x.name, err)
		}
	}
	if x.impl.Spec().Flags&maps.FlagReadOnlyProg != 0 && len(contents) > 0 {
		return x.Freeze()
	}
	return nil
}

// wrap gives an errno the error of cilium/ebpf that stands for it.
func wrap(err error) error {
	var e maps.Errno
	if !errors.As(err, &e) {
		return err
	}
	switch e {
	case maps.ENOENT:
		return &mapError{ebpf.ErrKeyNotExist, e}
	case maps.EEXIST:
		return &mapError{ebpf.ErrKeyExist, e}
	case maps.ENOTSUPP:
		return &mapError{ebpf.ErrNotSupported, e}
	}
	return err
}

// mapError is an errno and the error of cilium/ebpf that stands for it.
type mapError struct {
	err   error
	errno maps.Errno
}

func (e *mapError) Error() string   { return e.err.Error() }
func (e *mapError) Unwrap() []error { return []error{e.err, e.errno} }

func (x *Map) fail(op string, e maps.Errno) error {
	if e == maps.OK {
		return nil
	}
	return fmt.Errorf("%s: %w", op, wrap(e))
}

// String describes the map.
func (x *Map) String() string { return fmt.Sprintf("%s(%s)#%d", x.Type(), x.name, x.id) }

// Type is the map's type.
func (x *Map) Type() ebpf.MapType { return ebpf.MapType(x.impl.Spec().Type) }

// KeySize is the size of keys in bytes.
func (x *Map) KeySize() uint32 { return x.impl.Spec().KeySize }

// ValueSize is the size of values in bytes, of one CPU in per-CPU maps.
func (x *Map) ValueSize() uint32 { return x.impl.Spec().ValueSize }

// MaxEntries is the number of elements that the map can hold.
func (x *Map) MaxEntries() uint32 { return x.impl.Spec().MaxEntries }

// Flags are the flags that the map was made with.
func (x *Map) Flags() uint32 { return x.impl.Spec().Flags }

// ID is the map's number, the one that maps of maps show.
func (x *Map) ID() uint32 { return x.id }

// Handle is what programs get that look the map up in another one.
func (x *Map) Handle() uint64 { return x.handle }

// Close does nothing: the map's memory is given back with its Machine.
func (x *Map) Close() error {
	x.closed.Store(true)
	return nil
}

// Freeze forbids changes from user space.
func (x *Map) Freeze() error {
	if e := x.mayWrite(); e != maps.OK {
		return x.fail("can't freeze map", e)
	}
	x.frozen.Store(true)
	return nil
}

func (x *Map) mayRead() maps.Errno {
	if x.Flags()&maps.FlagWriteOnly != 0 {
		return maps.EPERM
	}
	return maps.OK
}

func (x *Map) mayWrite() maps.Errno {
	if x.Flags()&maps.FlagReadOnly != 0 || x.frozen.Load() {
		return maps.EPERM
	}
	return maps.OK
}

func (x *Map) key(key any) ([]byte, error) {
	if key == nil && x.KeySize() == 0 {
		return nil, nil
	}
	b, err := marshal(key, int(x.KeySize()))
	if err != nil {
		return nil, fmt.Errorf("marshal key: %w", err)
	}
	return b, nil
}

func (x *Map) value(value any) ([]byte, error) {
	s := x.impl.Spec()
	var b []byte
	var err error
	if s.IsPerCPU() {
		b, err = marshalPerCPU(value, int(s.ValueSize), s.CPUs)
	} else {
		b, err = marshal(value, int(s.ValueSize))
	}
	if err != nil {
		return nil, fmt.Errorf("marshal value: %w", err)
	}
	return b, nil
}

func (x *Map) decode(out any, b []byte) error {
	s := x.impl.Spec()
	if s.IsPerCPU() {
		return unmarshalPerCPU(out, b, int(s.ValueSize), s.CPUs)
	}
	if target, ok := out.(**Map); ok {
		return x.innerMap(target, b)
	}
	if err := unmarshal(out, b); err != nil {
		return fmt.Errorf("unmarshal value: %w", err)
	}
	return nil
}

// Lookup reads the value of a key.
func (x *Map) Lookup(key, valueOut any) error { return x.LookupWithFlags(key, valueOut, 0) }

// LookupWithFlags is Lookup with flags.
func (x *Map) LookupWithFlags(key, valueOut any, flags ebpf.MapLookupFlags) error {
	return x.get("lookup", key, valueOut, uint64(flags), maps.OK, func(k, v []byte) maps.Errno { return x.impl.Read(k, v, uint64(flags)) })
}

// LookupAndDelete reads the value of a key and deletes it.
func (x *Map) LookupAndDelete(key, valueOut any) error {
	return x.LookupAndDeleteWithFlags(key, valueOut, 0)
}

// LookupAndDeleteWithFlags is LookupAndDelete with flags.
func (x *Map) LookupAndDeleteWithFlags(key, valueOut any, flags ebpf.MapLookupFlags) error {
	e := x.mayWrite()
	return x.get("lookup and delete", key, valueOut, uint64(flags), e, func(k, v []byte) maps.Errno { return x.impl.Take(k, v, uint64(flags)) })
}

// get is a lookup. The kernel looks at the flags first, then at permissions.
func (x *Map) get(op string, key, valueOut any, flags uint64, allowed maps.Errno, read func(k, v []byte) maps.Errno) error {
	switch e := x.mayRead(); {
	case flags&^maps.Lock != 0:
		return x.fail(op, maps.EINVAL)
	case e != maps.OK:
		return x.fail(op, e)
	case allowed != maps.OK:
		return x.fail(op, allowed)
	}
	k, err := x.key(key)
	if err != nil {
		return err
	}
	v := make([]byte, x.impl.Spec().UserValueSize())
	if x.Type() == ebpf.BloomFilter {
		if v, err = x.value(valueOut); err != nil {
			return err
		}
	}
	if e := read(k, v); e != maps.OK {
		return x.fail(op, e)
	}
	if x.Type() == ebpf.BloomFilter {
		return nil
	}
	return x.decode(valueOut, v)
}

// LookupBytes reads the value of a key as bytes, nil when there is none.
func (x *Map) LookupBytes(key any) ([]byte, error) {
	k, err := x.key(key)
	if err != nil {
		return nil, err
	}
	v := make([]byte, x.impl.Spec().UserValueSize())
	switch e := x.impl.Read(k, v, 0); e {
	case maps.OK:
		return v, nil
	case maps.ENOENT:
		return nil, nil
	default:
		return nil, x.fail("lookup", e)
	}
}

// Put sets the value of a key.
func (x *Map) Put(key, value any) error { return x.Update(key, value, ebpf.UpdateAny) }

// Update sets the value of a key under a condition.
func (x *Map) Update(key, value any, flags ebpf.MapUpdateFlags) error {
	if e := x.mayWrite(); e != maps.OK {
		return x.fail("update", e)
	}
	k, err := x.key(key)
	if err != nil {
		return err
	}
	if holder, ok := x.impl.(maps.Objects); ok {
		if e := x.accepts(value); e != maps.OK {
			return x.fail("update", e)
		}
		return x.fail("update", holder.SetObject(k, value, uint64(flags)))
	}
	v, err := x.value(value)
	if err != nil {
		return err
	}
	return x.fail("update", x.impl.Write(k, v, uint64(flags)))
}

// accepts tells whether an object fits into a map of objects.
func (x *Map) accepts(object any) maps.Errno {
	s := x.impl.Spec()
	switch o := object.(type) {
	case *Map:
		switch {
		case !s.HoldsMaps() || o.m != x.m:
			return maps.EINVAL
		case !sameKind(s.Inner, o.impl.Spec()):
			return maps.EINVAL
		}
	case *Program:
		if s.Type != facts.MapTypeProgArray || o.m != x.m {
			return maps.EINVAL
		}
	case helpers.EventSink:
		if s.Type != facts.MapTypePerfEventArray {
			return maps.EINVAL
		}
	default:
		return maps.EBADF
	}
	return maps.OK
}

// sameKind is the kernel's rule for which maps a map of maps takes.
func sameKind(want, have *maps.Spec) bool {
	if want.Type != have.Type || want.KeySize != have.KeySize || want.ValueSize != have.ValueSize || want.Flags != have.Flags {
		return false
	}
	if want.Type == facts.MapTypeArray && want.Flags&maps.FlagInnerMap == 0 {
		return want.MaxEntries == have.MaxEntries
	}
	return true
}

// innerMap finds the map that a value of a map of maps stands for.
func (x *Map) innerMap(target **Map, id []byte) error {
	want := binary.LittleEndian.Uint32(id)
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if m := x.m.byID[want]; m != nil {
		*target = m
		return nil
	}
	return fmt.Errorf("there is no map %d: %w", want, maps.ENOENT)
}

// Delete removes a key.
func (x *Map) Delete(key any) error {
	if e := x.mayWrite(); e != maps.OK {
		return x.fail("delete", e)
	}
	k, err := x.key(key)
	if err != nil {
		return err
	}
	return x.fail("delete", x.impl.Delete(k))
}

// NextKey finds the key behind key, the first one for nil. At the end it fails
// with ebpf.ErrKeyNotExist.
func (x *Map) NextKey(key, nextKeyOut any) error {
	next, err := x.nextKey(key)
	if err != nil {
		return err
	}
	return unmarshal(nextKeyOut, next)
}

// NextKeyBytes is NextKey with bytes, nil at the end.
func (x *Map) NextKeyBytes(key any) ([]byte, error) {
	next, err := x.nextKey(key)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil, nil
	}
	return next, err
}

func (x *Map) nextKey(key any) ([]byte, error) {
	if e := x.mayRead(); e != maps.OK {
		return nil, x.fail("next key", e)
	}
	var k []byte
	if key != nil {
		var err error
		if k, err = x.key(key); err != nil {
			return nil, err
		}
	}
	next := make([]byte, x.KeySize())
	if e := x.impl.Next(k, next); e != maps.OK {
		return nil, x.fail("next key", e)
	}
	return next, nil
}
