package target_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/target"
	"github.com/skep-dev/skep/internal/testkit"
)

// single hides the batch operation.
type single struct{ target.Map }

func key(i int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(i)) }

// value is the one of key i, in the form of LookupBytes.
func value(m target.Map, cpus, i int) []byte {
	size, n := 12, 12
	if target.IsPerCPU(m) {
		n = 16
	} else {
		cpus = 1
	}
	v := make([]byte, n*cpus)
	for cpu := range cpus {
		copy(v[cpu*n:cpu*n+size], fmt.Sprintf("%d on %d", i, cpu))
	}
	return v
}

func dump(t *testing.T, m target.Map) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := target.Dump(m, func(k, v []byte) {
		if _, ok := all[string(k)]; ok {
			t.Errorf("key %x twice", k)
		}
		all[string(k)] = v
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestKernelMaps(t *testing.T) {
	testkit.NeedsRoot(t)
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []ebpf.MapType{ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Array, ebpf.PerCPUArray} {
		for _, one := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/one by one=%v", typ, one), func(t *testing.T) {
				const n = 3000
				km, err := ebpf.NewMap(&ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 12, MaxEntries: n})
				if err != nil {
					t.Fatal(err)
				}
				defer km.Close()
				var m target.Map = km
				if one {
					m = single{km}
				}
				testMap(t, m, cpus, n/2)
			})
		}
	}
}

func testMap(t *testing.T, m target.Map, cpus, n int) {
	array := m.Type() == ebpf.Array || m.Type() == ebpf.PerCPUArray
	if got := dump(t, m); len(got) != 0 && !array {
		t.Errorf("%d elements in an empty map", len(got))
	}
	if err := target.Replace(m, key(1), value(m, cpus, 1)); err != nil {
		t.Errorf("replacing what isn't there: %v", err)
	}
	if got := dump(t, m); len(got) != 0 && !array {
		t.Errorf("replacing what isn't there has made %d elements", len(got))
	}
	for i := range n {
		var v any = value(m, cpus, 0)[:12]
		if target.IsPerCPU(m) {
			v = [][]byte{value(m, cpus, 0)[:12]}
		}
		if err := m.Put(key(i), v); err != nil {
			t.Fatal(err)
		}
		if err := target.Replace(m, key(i), value(m, cpus, i)); err != nil {
			t.Fatal(err)
		}
	}
	got := dump(t, m)
	if want := n; !array && len(got) != want || array && len(got) != 2*n {
		t.Errorf("%d elements, want %d", len(got), want)
	}
	for i := range n {
		if v := got[string(key(i))]; !bytes.Equal(v, value(m, cpus, i)) {
			t.Fatalf("element %d is %q, want %q", i, v, value(m, cpus, i))
		}
	}
	if err := target.Clear(m); err != nil {
		t.Fatal(err)
	}
	for k, v := range dump(t, m) {
		if !array || slices.ContainsFunc(v, func(b byte) bool { return b != 0 }) {
			t.Fatalf("element %x is %q after the map was cleared", k, v)
		}
	}
}

// restarting is a map whose elements vanish while they are walked through, as
// the kernel shows it: it starts over when it doesn't find a key.
type restarting struct {
	target.Map
	keys  []string
	calls int
}

func (r *restarting) MaxEntries() uint32 { return 8 }

func (r *restarting) NextKeyBytes(key any) ([]byte, error) {
	if r.calls++; r.calls == 3 {
		r.keys = slices.DeleteFunc(r.keys, func(k string) bool { return k == "b" })
	}
	at := 0
	if k, ok := key.([]byte); ok {
		at = slices.Index(r.keys, string(k)) + 1 // 0 when it is gone
	}
	if at >= len(r.keys) {
		return nil, nil
	}
	return []byte(r.keys[at]), nil
}

func (r *restarting) LookupBytes(key any) ([]byte, error) {
	if !slices.Contains(r.keys, string(key.([]byte))) {
		return nil, nil
	}
	return []byte("v"), nil
}

func (r *restarting) Type() ebpf.MapType { return ebpf.Hash }

func TestDumpUnderDeletion(t *testing.T) {
	r := &restarting{keys: []string{"a", "b", "c", "d"}}
	got := dump(t, r)
	if len(got) != 3 || got["a"] == nil || got["c"] == nil || got["d"] == nil {
		t.Errorf("%v", got)
	}
}

// endless has a new key whenever it is asked.
type endless struct {
	restarting
	n int
}

func (e *endless) NextKeyBytes(any) ([]byte, error) { e.n++; return key(e.n), nil }

func TestDumpEnds(t *testing.T) {
	e := &endless{}
	if got := dump(t, e); len(got) != 0 || e.n > 100 {
		t.Errorf("%d elements after %d keys", len(got), e.n)
	}
}

func BenchmarkDump(b *testing.B) {
	testkit.NeedsRoot(b)
	for _, one := range []bool{false, true} {
		b.Run(fmt.Sprintf("one by one=%v", one), func(b *testing.B) {
			km, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 10000})
			if err != nil {
				b.Fatal(err)
			}
			defer km.Close()
			for i := range 10000 {
				if err := km.Put(key(i), []uint64{uint64(i)}); err != nil {
					b.Fatal(err)
				}
			}
			var m target.Map = km
			if one {
				m = single{km}
			}
			for b.Loop() {
				n := 0
				if err := target.Dump(m, func(_, _ []byte) { n++ }); err != nil || n != 10000 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
