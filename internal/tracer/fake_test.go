package tracer

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/target"
)

// fakeCPUs is the number of CPUs of the fake target.
const fakeCPUs = 2

// fakeMap is a map in Go's memory. Values are in the form of LookupBytes.
type fakeMap struct {
	typ      ebpf.MapType
	key, val int
	elems    map[string][]byte
	fail     error
}

func newFakeMap(typ ebpf.MapType, key, val, entries int) *fakeMap {
	m := &fakeMap{typ: typ, key: key, val: val, elems: map[string][]byte{}}
	if typ == ebpf.Array || typ == ebpf.PerCPUArray {
		for i := range entries {
			m.elems[string(binary.NativeEndian.AppendUint32(nil, uint32(i)))] = make([]byte, m.size())
		}
	}
	return m
}

func (m *fakeMap) perCPU() bool { return target.IsPerCPU(m) }

func (m *fakeMap) size() int {
	if m.perCPU() {
		return fakeCPUs * ((m.val + 7) &^ 7)
	}
	return m.val
}

// set puts a value, given per CPU.
func (m *fakeMap) set(key []byte, cpus ...[]byte) {
	v := make([]byte, m.size())
	for i, c := range cpus {
		copy(v[i*((m.val+7)&^7):], c)
	}
	m.elems[string(key)] = v
}

func (m *fakeMap) Type() ebpf.MapType { return m.typ }
func (m *fakeMap) KeySize() uint32    { return uint32(m.key) }
func (m *fakeMap) ValueSize() uint32  { return uint32(m.val) }
func (m *fakeMap) MaxEntries() uint32 { return uint32(len(m.elems) + 1) }

func (m *fakeMap) Lookup(any, any) error { return fmt.Errorf("not here") }
func (m *fakeMap) Put(any, any) error    { return fmt.Errorf("not here") }
func (m *fakeMap) NextKey(_, _ any) error {
	return fmt.Errorf("not here")
}

func (m *fakeMap) LookupBytes(key any) ([]byte, error) {
	return slices.Clone(m.elems[string(key.([]byte))]), m.fail
}

func (m *fakeMap) Update(key, value any, _ ebpf.MapUpdateFlags) error {
	k := key.([]byte)
	if m.elems[string(k)] == nil {
		return ebpf.ErrKeyNotExist
	}
	if m.perCPU() {
		m.set(k, value.([][]byte)...)
	} else {
		m.set(k, value.([]byte))
	}
	return m.fail
}

func (m *fakeMap) Delete(key any) error {
	delete(m.elems, string(key.([]byte)))
	return m.fail
}

func (m *fakeMap) NextKeyBytes(key any) ([]byte, error) {
	var keys []string
	for k := range m.elems {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	at := 0
	if k, ok := key.([]byte); ok {
		at = slices.Index(keys, string(k)) + 1
	}
	if at >= len(keys) || m.fail != nil {
		return nil, m.fail
	}
	return []byte(keys[at]), nil
}

// fakeRing hands over records that are scripted in steps: a record, or a
// function that is called between two batches.
type fakeRing struct {
	steps []any
	err   error
	idle  func() // called when the tracer waits in vain
}

func (r *fakeRing) ReadBatch(ctx context.Context, wait time.Duration, fn func([]byte) bool) (int, error) {
	n := 0
	for len(r.steps) > 0 {
		step := r.steps[0]
		if f, ok := step.(func()); ok {
			if n > 0 {
				return n, nil
			}
			r.steps = r.steps[1:]
			f()
			continue
		}
		r.steps = r.steps[1:]
		n++
		rec := bytes.Clone(step.([]byte))
		more := fn(rec)
		for i := range rec {
			rec[i] = 0xee // the memory is only lent
		}
		if !more {
			return n, nil
		}
	}
	if n > 0 {
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	if wait > 0 && r.idle != nil {
		r.idle()
		return 0, nil
	}
	if wait > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return 0, nil
}

// fakeSession is the fake target.
type fakeSession struct {
	maps map[string]*fakeMap
	ring *fakeRing
}

func (s *fakeSession) Map(name string) (target.Map, bool) {
	m, ok := s.maps[name]
	return m, ok
}

func (s *fakeSession) Events() target.EventReader {
	if s.ring == nil {
		return nil
	}
	return s.ring
}

// script builds a plan and the records of its events.
type script struct {
	plan.Plan
	session fakeSession
}

func newScript() *script {
	s := &script{Plan: plan.Plan{Source: "x.bt",
		Config: plan.Settings{PrintMapsOnExit: true, TruncTrailer: ".."},
		Probes: []plan.Probe{{Kind: plan.Interval, Name: "interval:s:1"}}}}
	s.session = fakeSession{maps: map[string]*fakeMap{}, ring: &fakeRing{}}
	return s
}

// event adds an event whose arguments are int64s and strings of 16 bytes in
// the order of types ("i", "s"), and returns its index.
func (s *script) event(e plan.Event, types string) int {
	e.Size = 8
	for _, t := range types {
		f := plan.Field{Offset: e.Size, Type: plan.Type{Kind: plan.Int, Size: 8, Signed: true}}
		if t == 's' {
			f.Type = plan.Type{Kind: plan.String, Size: 16}
		}
		e.Args = append(e.Args, f)
		e.Size += f.Type.Size
	}
	s.Events = append(s.Events, e)
	return len(s.Events) - 1
}

// rec makes a record of an event.
func rec(event int, args ...any) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(event))
	for _, a := range args {
		switch a := a.(type) {
		case int:
			b = binary.NativeEndian.AppendUint64(b, uint64(a))
		case string:
			var s [16]byte
			copy(s[:], a)
			b = append(b, s[:]...)
		}
	}
	return b
}

// send adds steps to the ring.
func (s *script) send(steps ...any) { s.session.ring.steps = append(s.session.ring.steps, steps...) }

func word(n int) []byte { return binary.NativeEndian.AppendUint64(nil, uint64(n)) }

func words(ns ...int) []byte {
	var b []byte
	for _, n := range ns {
		b = append(b, word(n)...)
	}
	return b
}

// count adds a keyed count() map.
func (s *script) count(name string, counts map[int][2]int) *fakeMap {
	m := newFakeMap(ebpf.PerCPUHash, 8, 8, 0)
	for k, v := range counts {
		m.set(word(k), word(v[0]), word(v[1]))
	}
	s.session.maps["map"+name] = m
	s.Maps = append(s.Maps, plan.Map{Name: name, Symbol: "map" + name, Agg: plan.Count, PerCPU: true,
		Key: &plan.Type{Kind: plan.Int, Size: 8, Signed: true}, Value: plan.Type{Kind: plan.Int, Size: 8}})
	return m
}

// missed adds the map of counters.
func (s *script) missed() *fakeMap {
	m := newFakeMap(ebpf.PerCPUArray, 4, 8, plan.NumMissed)
	s.session.maps[plan.Missed] = m
	return m
}

// benchSession is a fake session with a ring of its own.
type benchSession struct {
	*fakeSession
	ring *benchRing
}

func (s *benchSession) Events() target.EventReader { return s.ring }
