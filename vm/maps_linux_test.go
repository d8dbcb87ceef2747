package vm

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/testkit"
	"github.com/skep-dev/skep/internal/vm/maps"
)

// aMap is what the kernel's maps and ours have in common.
type aMap interface {
	LookupWithFlags(key, valueOut any, flags ebpf.MapLookupFlags) error
	LookupAndDeleteWithFlags(key, valueOut any, flags ebpf.MapLookupFlags) error
	Update(key, value any, flags ebpf.MapUpdateFlags) error
	Delete(key any) error
	NextKey(key, nextKeyOut any) error
	Freeze() error
	Close() error
}

// errnos are tried in turn: the errors of cilium/ebpf tell their number only
// to errors.Is.
var errnos = []syscall.Errno{1, 2, 4, 7, 9, 11, 12, 13, 14, 16, 17, 22, 28, 34, 36, 40, 75, 95, 524}

func errnoOf(err error) string {
	if err == nil {
		return "ok"
	}
	var own maps.Errno
	if errors.As(err, &own) {
		return own.Error()
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		return maps.ENOTSUPP.Error()
	}
	for _, n := range errnos {
		if errors.Is(err, n) {
			return maps.Errno(n).Error()
		}
	}
	return err.Error()
}

// mapOp is a call. Keys and values are numbers, written in as many bytes as
// the map's have.
type mapOp struct {
	name  string // lookup, update, delete, next, take, freeze
	key   int64  // -1: none
	value int64
	flags uint64
}

func (o mapOp) String() string {
	return fmt.Sprintf("%s(%d, %d, %#x)", o.name, o.key, o.value, o.flags)
}

type mapCase struct {
	spec  ebpf.MapSpec
	perm  bool // the order of keys is free
	ops   []mapOp
	label string
}

// word writes a number in n bytes, repeating its low byte behind the 8th.
func word(v int64, n int) []byte {
	b := make([]byte, n)
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], uint64(v))
	copy(b, w[:])
	return b
}

// play runs the calls of a case and writes down what came back.
func (k mapCase) play(m aMap, cpus int) []string {
	var out []string
	perCPU := k.spec.Type == ebpf.PerCPUArray || k.spec.Type == ebpf.PerCPUHash || k.spec.Type == ebpf.LRUCPUHash
	for _, o := range k.ops {
		var key any
		if o.key >= 0 {
			key = k.key(o.key)
		}
		if k.spec.KeySize == 0 {
			key = nil
		}
		line := ""
		switch o.name {
		case "update":
			var value any = word(o.value, int(k.spec.ValueSize))
			if perCPU {
				all := make([][]byte, cpus)
				for i := range all {
					all[i] = word(o.value+int64(i), int(k.spec.ValueSize))
				}
				value = all
			}
			line = errnoOf(m.Update(key, value, ebpf.MapUpdateFlags(o.flags)))
		case "lookup", "take":
			line = k.read(m, o, key, perCPU, cpus)
		case "delete":
			line = errnoOf(m.Delete(key))
		case "next":
			next := make([]byte, k.spec.KeySize)
			err := m.NextKey(key, next)
			line = errnoOf(err)
			switch {
			case k.perm && o.key >= 0 && (err == nil || errors.Is(err, ebpf.ErrKeyNotExist)):
				line = "somewhere in the map"
			case err == nil && !k.perm:
				line += " " + hex.EncodeToString(next)
			}
		case "keys":
			line = k.keys(m)
		case "freeze":
			line = errnoOf(m.Freeze())
		}
		out = append(out, fmt.Sprintf("%s = %s", o, line))
	}
	return out
}

// keys goes through the whole map.
func (k mapCase) keys(m aMap) string {
	var all []string
	var at any
	for range 1000 {
		next := make([]byte, k.spec.KeySize)
		if err := m.NextKey(at, next); err != nil {
			if k.perm {
				slices.Sort(all)
			}
			return strings.Join(all, " ") + " " + errnoOf(err)
		}
		all = append(all, hex.EncodeToString(next))
		at = next
	}
	return "no end"
}

func (k mapCase) key(v int64) []byte {
	if k.spec.Type == ebpf.LPMTrie {
		// The low byte is the length of the prefix, the rest its bits.
		b := make([]byte, k.spec.KeySize)
		binary.LittleEndian.PutUint32(b, uint32(v&0xff))
		binary.BigEndian.PutUint32(b[4:], uint32(v>>8))
		return b
	}
	return word(v, int(k.spec.KeySize))
}

func (k mapCase) read(m aMap, o mapOp, key any, perCPU bool, cpus int) string {
	get := m.LookupWithFlags
	if o.name == "take" {
		get = m.LookupAndDeleteWithFlags
	}
	if perCPU {
		all := make([][]byte, cpus)
		for i := range all {
			all[i] = make([]byte, k.spec.ValueSize)
		}
		err := get(key, all, ebpf.MapLookupFlags(o.flags))
		if err != nil {
			return errnoOf(err)
		}
		return fmt.Sprintf("ok %x", all)
	}
	value := make([]byte, k.spec.ValueSize)
	if k.spec.Type == ebpf.BloomFilter {
		value = word(o.value, int(k.spec.ValueSize))
	}
	if err := get(key, value, ebpf.MapLookupFlags(o.flags)); err != nil {
		return errnoOf(err)
	}
	return "ok " + hex.EncodeToString(value)
}

// contents are calls that say everything about how a map treats a few keys.
func contents(keys, max int64) []mapOp {
	var ops []mapOp
	for k := range keys {
		ops = append(ops, mapOp{"lookup", k, 0, 0}, mapOp{"delete", k, 0, 0})
		for _, flags := range []uint64{2, 1, 1, 0, 2, 3, 4, 8, 1 << 40} {
			ops = append(ops, mapOp{"update", k, 100*k + int64(flags&0xff), flags})
		}
		ops = append(ops, mapOp{"lookup", k, 0, 0}, mapOp{"lookup", k, 0, 4}, mapOp{"lookup", k, 0, 1})
	}
	ops = append(ops, mapOp{"next", -1, 0, 0}, mapOp{"next", 0, 0, 0}, mapOp{"next", max - 1, 0, 0}, mapOp{"next", max + 7, 0, 0})
	for k := range max + 3 {
		ops = append(ops, mapOp{"update", k, k, 0}, mapOp{"update", k, k + 1, 0})
	}
	for k := range max + 3 {
		ops = append(ops, mapOp{"lookup", k, 0, 0})
	}
	ops = append(ops, mapOp{"keys", -1, 0, 0})
	for k := range keys {
		ops = append(ops, mapOp{"keys", -1, 0, 0}, mapOp{"take", k, 0, 0}, mapOp{"take", k, 0, 4}, mapOp{"delete", k, 0, 0}, mapOp{"delete", k, 0, 0}, mapOp{"lookup", k, 0, 0})
	}
	return append(ops, mapOp{"freeze", 0, 0, 0}, mapOp{"freeze", 0, 0, 0}, mapOp{"update", 0, 1, 0}, mapOp{"delete", 0, 0, 0}, mapOp{"lookup", 0, 0, 0})
}

func queueOps() []mapOp {
	var ops []mapOp
	for _, f := range []uint64{0, 1, 2, 3, 4, 8} {
		ops = append(ops, mapOp{"update", -1, int64(f) + 1, f})
	}
	for i := range int64(6) {
		ops = append(ops, mapOp{"update", -1, 10 + i, 0}, mapOp{"lookup", -1, 10 + i, 0})
	}
	ops = append(ops, mapOp{"update", -1, 77, 2}, mapOp{"lookup", -1, 10, 1}, mapOp{"take", -1, 0, 1}, mapOp{"take", -1, 0, 4})
	for range 6 {
		ops = append(ops, mapOp{"take", -1, 0, 0}, mapOp{"lookup", -1, 11, 0})
	}
	return append(ops, mapOp{"delete", -1, 0, 0}, mapOp{"next", -1, 0, 0})
}

func lpmOps() []mapOp {
	prefix := func(bits uint32, n int64) int64 { return int64(bits)<<8 | n }
	var ops []mapOp
	all := []int64{prefix(0, 0), prefix(0x0a000000, 8), prefix(0x0a010000, 16), prefix(0x0a010100, 24), prefix(0x0a010203, 32), prefix(0xc0a80000, 16)}
	for i, p := range all {
		ops = append(ops, mapOp{"update", p, int64(i) + 1, 2}, mapOp{"update", p, int64(i) + 1, 1}, mapOp{"update", p, int64(i) + 1, 1}, mapOp{"next", -1, 0, 0})
	}
	ops = append(ops, mapOp{"update", prefix(1, 33), 1, 0}, mapOp{"lookup", prefix(1, 33), 1, 0}, mapOp{"delete", prefix(1, 33), 1, 0}, mapOp{"update", all[0], 1, 3})
	for _, p := range []uint32{0x0a010203, 0x0a010204, 0x0a010199, 0x0a020000, 0xc0a80101, 0x01020304} {
		for _, n := range []int64{32, 24, 20, 8, 0} {
			ops = append(ops, mapOp{"lookup", prefix(p, n), 0, 0})
		}
	}
	for _, p := range all {
		ops = append(ops, mapOp{"next", p, 0, 0})
	}
	ops = append(ops, mapOp{"next", prefix(0x0a020000, 24), 0, 0}, mapOp{"next", prefix(0, 40), 0, 0})
	for i := range int64(8) {
		ops = append(ops, mapOp{"update", prefix(uint32(i)<<28, 4), i, 0})
	}
	for _, p := range all {
		ops = append(ops, mapOp{"take", p, 0, 0}, mapOp{"delete", p, 0, 0}, mapOp{"delete", p, 0, 0}, mapOp{"next", -1, 0, 0})
	}
	return ops
}

func mapCases() []mapCase {
	small := func(t ebpf.MapType, flags uint32) ebpf.MapSpec {
		return ebpf.MapSpec{Type: t, KeySize: 4, ValueSize: 8, MaxEntries: 4, Flags: flags}
	}
	all := []mapCase{
		{spec: small(ebpf.Array, 0), ops: contents(3, 4)},
		{spec: ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 5, MaxEntries: 3}, ops: contents(2, 3)},
		{spec: small(ebpf.PerCPUArray, 0), ops: contents(3, 4)},
		{spec: ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 3, MaxEntries: 2}, ops: contents(2, 2)},
		{spec: small(ebpf.Hash, 0), perm: true, ops: contents(3, 4)},
		{spec: small(ebpf.Hash, maps.FlagNoPrealloc), perm: true, ops: contents(3, 4)},
		{spec: ebpf.MapSpec{Type: ebpf.Hash, KeySize: 13, ValueSize: 3, MaxEntries: 1}, perm: true, ops: contents(2, 1)},
		{spec: small(ebpf.PerCPUHash, 0), perm: true, ops: contents(3, 4)},
		{spec: small(ebpf.PerCPUHash, maps.FlagNoPrealloc), perm: true, ops: contents(3, 4)},
		{spec: small(ebpf.Queue, 0), ops: queueOps()},
		{spec: small(ebpf.Stack, 0), ops: queueOps()},
		{spec: ebpf.MapSpec{Type: ebpf.BloomFilter, ValueSize: 8, MaxEntries: 100}, ops: queueOps()},
		{spec: ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 9, Flags: maps.FlagNoPrealloc}, ops: lpmOps()},
		{spec: ebpf.MapSpec{Type: ebpf.StackTrace, KeySize: 4, ValueSize: 80, MaxEntries: 4}, ops: contents(2, 4)},
		{spec: ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096}, ops: []mapOp{{"lookup", -1, 0, 0}, {"delete", -1, 0, 0}, {"next", -1, 0, 0}, {"take", -1, 0, 0}}},
	}
	// Interface 1 is the loopback one.
	ports := []mapOp{
		{"lookup", 0, 0, 0}, {"update", 0, 1, 0}, {"lookup", 0, 0, 0}, {"update", 0, 1, 1}, {"update", 0, 1, 2}, {"update", 0, 1, 3}, {"update", 9, 1, 0},
		{"next", -1, 0, 0}, {"next", 0, 0, 0}, {"next", 1, 0, 0}, {"take", 0, 0, 0}, {"delete", 0, 0, 0}, {"delete", 0, 0, 0}, {"delete", 9, 0, 0},
		{"lookup", 0, 0, 0}, {"update", 1, 20000, 9}, {"update", 1, 0, 0}, {"lookup", 1, 0, 0}, {"keys", -1, 0, 0},
	}
	all = append(all, mapCase{spec: ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 2}, ops: ports},
		mapCase{spec: ebpf.MapSpec{Type: ebpf.CPUMap, KeySize: 4, ValueSize: 4, MaxEntries: 2}, ops: append(ports, mapOp{"update", 0, 20000, 0})})
	for i := range all {
		if t := all[i].spec.Type; t == ebpf.Queue || t == ebpf.Stack {
			all[i].spec.KeySize = 0
		}
		// Evicting maps are full of freedom once they are full; until
		// then they behave as plain ones.
	}
	for _, t := range []ebpf.MapType{ebpf.LRUHash, ebpf.LRUCPUHash} {
		s := small(t, 0)
		s.MaxEntries = 100
		all = append(all, mapCase{spec: s, perm: true, ops: contents(3, 10)})
	}
	for _, flags := range []uint32{maps.FlagReadOnly, maps.FlagWriteOnly, maps.FlagReadOnlyProg, maps.FlagWriteOnlyProg} {
		all = append(all, mapCase{spec: small(ebpf.Array, flags), ops: contents(2, 4)}, mapCase{spec: small(ebpf.Hash, flags), perm: true, ops: contents(2, 4)})
	}
	for _, t := range []ebpf.MapType{
		ebpf.Array, ebpf.PerCPUArray, ebpf.Hash, ebpf.PerCPUHash, ebpf.LRUHash, ebpf.LRUCPUHash, ebpf.LPMTrie, ebpf.Queue,
		ebpf.Stack, ebpf.BloomFilter, ebpf.StackTrace, ebpf.RingBuf, ebpf.ProgramArray, ebpf.DevMap, ebpf.CPUMap,
	} {
		for _, size := range [][3]uint32{{4, 8, 4}, {0, 8, 4}, {4, 0, 4}, {4, 8, 0}, {8, 8, 4}, {5, 9, 4}, {4, 4, 4}, {4, 40000, 2}, {0, 0, 4096}, {0, 0, 5000}, {4, 1024, 4}, {300, 8, 4}} {
			for _, flags := range []uint32{0, 1, 2, 8, 1 << 6, 1 << 7, 1 << 10, 1 << 11, 1 << 12, 3 << 3, 1 << 25} {
				all = append(all, mapCase{spec: ebpf.MapSpec{Type: t, KeySize: size[0], ValueSize: size[1], MaxEntries: size[2], Flags: flags}})
			}
		}
	}
	return all
}

// Every call on a map ends as it does on the running kernel's.
func TestMapsLikeKernel(t *testing.T) {
	testkit.NeedsRoot(t)
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Skip(err)
	}
	m, err := NewMachine(MachineOptions{CPUs: cpus})
	if err != nil {
		t.Fatal(err)
	}
	n, calls := 0, 0
	for _, k := range mapCases() {
		n++
		name := fmt.Sprintf("%s key %d value %d entries %d flags %#x", k.spec.Type, k.spec.KeySize, k.spec.ValueSize, k.spec.MaxEntries, k.spec.Flags)
		spec := k.spec
		theirs, wantErr := ebpf.NewMap(&spec)
		spec = k.spec
		ours, gotErr := m.NewMap(&spec)
		if got, want := errnoOf(gotErr), errnoOf(wantErr); got != want {
			t.Errorf("%s: creation: %s, the kernel says %s", name, got, want)
		}
		if wantErr == nil && gotErr == nil {
			want, got := k.play(theirs, cpus), k.play(ours, cpus)
			calls += len(want)
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: call %d: %s, the kernel says %s", name, i, got[i], want[i])
				}
			}
		}
		if wantErr == nil {
			theirs.Close()
		}
	}
	t.Logf("%d maps, %d calls", n, calls)
}
