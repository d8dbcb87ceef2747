package eval

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/skep-dev/skep/internal/ir"
)

// Map types that the evaluator stores values for (uapi/linux/bpf.h, enum
// bpf_map_type). Others have an address, for helpers to know them by.
const (
	mapHash        = 1
	mapArray       = 2
	mapPerCPUHash  = 5
	mapPerCPUArray = 6
	mapLRUHash     = 9
)

// maxArray bounds the memory of an array map.
const maxArray = 1 << 26

// Errors of map operations, as helpers return them (negative errno).
const (
	errNoEnt = -2
	errE2Big = -7
	errExist = -17
	errInval = -22
)

// Update flags (uapi/linux/bpf.h).
const (
	flagNoExist = 1
	flagExist   = 2
)

// Map is a map's contents. Per-CPU maps have one CPU.
type Map struct {
	Decl *ir.Map

	handle *Region
	array  *Region            // all values of an array, 8-byte aligned each
	hash   map[string]*Region // by key
}

func (mc *Machine) addMap(x *ir.Map) error {
	s := &Map{Decl: x, handle: mc.mem.add("map @"+x.Name, nil, ReadOnly)}
	switch x.Type {
	case mapArray, mapPerCPUArray:
		size := s.stride() * int64(x.MaxEntries)
		if size > maxArray {
			return fmt.Errorf("map @%s: %d bytes are more than this evaluator holds", x.Name, size)
		}
		s.array = mc.mem.add("values of @"+x.Name, make([]byte, size), ReadWrite)
	case mapHash, mapPerCPUHash, mapLRUHash:
		s.hash = map[string]*Region{}
	}
	mc.maps[x.Name], mc.byMap[s.handle.Addr] = s, s
	return nil
}

func (s *Map) stride() int64 { return (int64(s.Decl.ValueSize) + 7) &^ 7 }

// Map returns the map with the given name, or nil.
func (mc *Machine) Map(name string) *Map { return mc.maps[name] }

// Values returns the map's entries: the key's bytes to a copy of the value's.
func (s *Map) Values() map[string][]byte {
	out := map[string][]byte{}
	for k, r := range s.hash {
		out[k] = slices.Clone(r.Bytes)
	}
	if s.array != nil {
		for i := range s.Decl.MaxEntries {
			at := int64(i) * s.stride()
			key := binary.LittleEndian.AppendUint32(nil, i)
			out[string(key)] = slices.Clone(s.array.Bytes[at : at+int64(s.Decl.ValueSize)])
		}
	}
	return out
}

// MapHelpers are bpf_map_lookup_elem, bpf_map_update_elem and
// bpf_map_delete_elem for hashes and arrays, by their numbers.
func MapHelpers() map[int64]Helper {
	return map[int64]Helper{1: lookup, 2: update, 3: remove}
}

// With returns a table of helpers with those of more added.
func With(table, more map[int64]Helper) map[int64]Helper {
	out := maps.Clone(table)
	maps.Copy(out, more)
	return out
}

// operand returns the map and the key that a helper was called with.
func (c *Call) operand() (*Map, []byte, error) {
	s := c.byMap[c.Arg(0)]
	if s == nil || s.array == nil && s.hash == nil {
		return nil, nil, fmt.Errorf("%#x is not the address of a map with values", c.Arg(0))
	}
	key, err := c.Read(c.Arg(1), int64(s.Decl.KeySize))
	return s, key, err
}

// entry returns the address of the value for a key, or 0.
func (s *Map) entry(key []byte) uint64 {
	if s.array == nil {
		if r := s.hash[string(key)]; r != nil {
			return r.Addr
		}
		return 0
	}
	if len(key) != 4 {
		return 0
	}
	i := binary.LittleEndian.Uint32(key)
	if i >= s.Decl.MaxEntries {
		return 0
	}
	return s.array.Addr + uint64(i)*uint64(s.stride())
}

func errno(n int64) uint64 { return uint64(n) }

func lookup(c *Call) (uint64, error) {
	s, key, err := c.operand()
	if err != nil {
		return 0, err
	}
	return s.entry(key), nil
}

func update(c *Call) (uint64, error) {
	s, key, err := c.operand()
	if err != nil {
		return 0, err
	}
	value, err := c.Read(c.Arg(2), int64(s.Decl.ValueSize))
	if err != nil {
		return 0, err
	}
	at, flags := s.entry(key), c.Arg(3)
	switch {
	case flags > flagExist:
		return errno(errInval), nil
	case at == 0 && s.array != nil:
		return errno(errE2Big), nil
	case at != 0 && flags == flagNoExist:
		return errno(errExist), nil
	case at == 0 && flags == flagExist:
		return errno(errNoEnt), nil
	case at == 0 && len(s.hash) >= int(s.Decl.MaxEntries) && s.Decl.Type == mapLRUHash:
		return 0, fmt.Errorf("map @%s is full; which entry is evicted is not modelled", s.Decl.Name)
	case at == 0 && len(s.hash) >= int(s.Decl.MaxEntries):
		return errno(errE2Big), nil
	case at == 0:
		r := c.AddRegion("value of @"+s.Decl.Name, value, ReadWrite)
		s.hash[string(key)] = r
		return 0, nil
	}
	return 0, c.Write(at, value)
}

// remove leaves the value where it is: a program may still hold its address.
func remove(c *Call) (uint64, error) {
	s, key, err := c.operand()
	if err != nil {
		return 0, err
	}
	if s.array != nil {
		return errno(errInval), nil
	}
	if s.hash[string(key)] == nil {
		return errno(errNoEnt), nil
	}
	delete(s.hash, string(key))
	return 0, nil
}
