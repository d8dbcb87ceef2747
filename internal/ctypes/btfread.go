package ctypes

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// BTF reads raw BTF. Opening it checks the outline and notes where each type
// begins; a type is decoded when it is asked for. Types of split BTF (of a
// kernel module) continue the numbers and the strings of their base.
//
// A BTF may be used by several goroutines.
type BTF struct {
	big     bool // big-endian
	types   []byte
	strs    []byte
	text    string   // strs as text, after ShareStrings
	offs    []uint32 // where each type begins in types
	base    *BTF
	first   uint32 // number of the first type here
	strBase uint32 // offset of the first string here

	mu      sync.Mutex
	cache   map[uint32]Type
	lazies  map[uint32]*Lazy
	journal []uint32 // what the decoding at hand has put into cache
	lookups int
	heads   []uint32 // hash table of the names, once there have been a few lookups
	next    []uint32
}

// OpenBTF reads BTF of either byte order. base is nil unless the BTF is
// split. data must not change while the BTF is in use.
func OpenBTF(data []byte, base *BTF) (*BTF, error) {
	if len(data) < btfHeader {
		return nil, fmt.Errorf("BTF: %d bytes are no header", len(data))
	}
	b := &BTF{base: base, cache: map[uint32]Type{}, lazies: map[uint32]*Lazy{}}
	switch {
	case binary.LittleEndian.Uint16(data) == btfMagic:
	case binary.BigEndian.Uint16(data) == btfMagic:
		b.big = true
	default:
		return nil, fmt.Errorf("BTF: magic number %#04x", binary.LittleEndian.Uint16(data))
	}
	if data[2] != btfVersion {
		return nil, fmt.Errorf("BTF: version %d, only %d is known", data[2], btfVersion)
	}
	hdr := uint64(b.u32(data[4:]))
	if hdr < btfHeader || hdr > uint64(len(data)) {
		return nil, fmt.Errorf("BTF: header length %d", hdr)
	}
	part := func(what string, at int) ([]byte, error) {
		off, n := hdr+uint64(b.u32(data[at:])), uint64(b.u32(data[at+4:]))
		if off+n > uint64(len(data)) {
			return nil, fmt.Errorf("BTF: %s section at %d with %d bytes ends after the %d bytes there are", what, off, n, len(data))
		}
		return data[off : off+n : off+n], nil
	}
	var err error
	if b.types, err = part("type", 8); err != nil {
		return nil, err
	}
	if b.strs, err = part("string", 16); err != nil {
		return nil, err
	}
	if n := len(b.strs); n == 0 && base == nil || n > 0 && b.strs[n-1] != 0 || n > 0 && base == nil && b.strs[0] != 0 {
		return nil, fmt.Errorf("BTF: the string section does not begin and end with a zero byte")
	}
	b.first = 1
	if base != nil {
		b.first = base.first + uint32(len(base.offs))
		b.strBase = base.strBase + uint32(len(base.strs))
	}
	return b, b.index()
}

// u32 reads a number. It is the inner loop of everything here, so that a
// branch is taken rather than an interface.
func (b *BTF) u32(p []byte) uint32 {
	if b.big {
		return binary.BigEndian.Uint32(p)
	}
	return binary.LittleEndian.Uint32(p)
}

// index finds where each type begins, and checks that it ends in time.
func (b *BTF) index() error {
	b.offs = make([]uint32, 0, len(b.types)/24+1)
	for off := 0; off < len(b.types); {
		if len(b.types)-off < 12 {
			return fmt.Errorf("BTF: type %d at byte %d is cut off", b.NumTypes(), off)
		}
		info := b.u32(b.types[off+4:])
		kind := BTFKind(info >> btfKindShift & btfKindMask)
		if kind == BTFVoid || kind >= numBTFKinds {
			return fmt.Errorf("BTF: type %d at byte %d has the unknown kind %d", b.NumTypes(), off, kind)
		}
		b.offs = append(b.offs, uint32(off))
		s := &btfShape[kind]
		off += 12 + s.fixed + s.each*int(info&btfVlenMask)
		if off > len(b.types) {
			return fmt.Errorf("BTF: type %d (%s) at byte %d is cut off", b.NumTypes()-1, kind, b.offs[len(b.offs)-1])
		}
	}
	return nil
}

// NumTypes returns the number after that of the last type; void is number 0.
func (b *BTF) NumTypes() uint32 { return b.first + uint32(len(b.offs)) }

// FirstType returns the number of the first type that is not in the base.
func (b *BTF) FirstType() uint32 { return b.first }

// record is the part of a type that all kinds have.
type record struct {
	name  uint32
	kind  BTFKind
	vlen  int
	flag  bool
	size  uint32 // or the number of a type
	extra []byte // what follows
}

// record returns a type's record. The caller holds no lock; the data does not
// change. ok is false when there is no such type.
func (b *BTF) record(id uint32) (r record, ok bool) {
	for b.base != nil && id < b.first {
		b = b.base
	}
	if id < b.first || id-b.first >= uint32(len(b.offs)) {
		return r, false
	}
	t := b.types[b.offs[id-b.first]:]
	info := b.u32(t[4:])
	r = record{
		name: b.u32(t),
		kind: BTFKind(info >> btfKindShift & btfKindMask),
		vlen: int(info & btfVlenMask),
		flag: info&btfKindFlag != 0,
		size: b.u32(t[8:]),
	}
	s := &btfShape[r.kind]
	r.extra = t[12 : 12+s.fixed+s.each*r.vlen]
	return r, true
}

// bytesAt returns the string at an offset without its zero byte.
func (b *BTF) bytesAt(off uint32) ([]byte, bool) {
	for b.base != nil && off < b.strBase {
		b = b.base
	}
	if off < b.strBase || off-b.strBase >= uint32(len(b.strs)) {
		return nil, off == 0
	}
	s := b.strs[off-b.strBase:]
	return s[:bytes.IndexByte(s, 0)], true
}

// ShareStrings makes all strings that are returned from now on parts of one
// copy of the string section. That suits BTF of which all is read, and bounds
// the memory that BTF from outside can make a reader use. It may not be
// called while the BTF is in use.
func (b *BTF) ShareStrings() { b.text = string(b.strs) }

// String returns the string at an offset of the string section.
func (b *BTF) String(off uint32) (string, error) {
	s, ok := b.bytesAt(off)
	if !ok {
		return "", fmt.Errorf("BTF: no string at offset %d", off)
	}
	if at := int(off - b.strBase); b.text != "" && off >= b.strBase {
		return b.text[at : at+len(s)], nil
	}
	return string(s), nil
}

// Kind returns the kind and name of a type; the kind is BTFVoid when there is
// no such type.
func (b *BTF) Kind(id uint32) (BTFKind, string) {
	r, ok := b.record(id)
	if !ok {
		return BTFVoid, ""
	}
	name, _ := b.bytesAt(r.name)
	return r.kind, string(name)
}

// hashAfter is how many lookups scan before a hash table is made: the table
// of a kernel's BTF takes 1 MB and a few milliseconds.
const hashAfter = 8

// Find returns the numbers of the types with a name and one of the kinds, in
// ascending order, those of the base first.
func (b *BTF) Find(name string, kinds ...BTFKind) []uint32 {
	var ids []uint32
	if b.base != nil {
		ids = b.base.Find(name, kinds...)
	}
	if name == "" {
		return ids
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookups++
	if b.lookups > hashAfter && b.heads == nil {
		b.hash()
	}
	if b.heads != nil {
		return append(ids, b.findHashed(name, kinds)...)
	}
	return append(ids, b.scan(name, kinds)...)
}

// scan looks for a name without an index: it finds the string, of which there
// is one copy as a rule, then compares numbers only.
func (b *BTF) scan(name string, kinds []BTFKind) (ids []uint32) {
	at := b.findString(name)
	if b.base != nil {
		for c := b.base; c != nil; c = c.base {
			at = append(at, c.findString(name)...)
		}
	}
	if len(at) == 0 {
		return nil
	}
	for i, off := range b.offs {
		t := b.types[off:]
		n := b.u32(t)
		if n != at[0] && (len(at) == 1 || !slices.Contains(at, n)) {
			continue
		}
		if slices.Contains(kinds, BTFKind(b.u32(t[4:])>>btfKindShift&btfKindMask)) {
			ids = append(ids, b.first+uint32(i))
		}
	}
	return ids
}

// findString returns the offsets at which the section holds a string, also as
// the end of a longer one.
func (b *BTF) findString(name string) (at []uint32) {
	want := append([]byte(name), 0)
	for pos := 0; ; {
		i := bytes.Index(b.strs[pos:], want)
		if i < 0 {
			return at
		}
		at = append(at, b.strBase+uint32(pos+i))
		pos += i + 1
	}
}

// hashName is FNV-1a.
func hashName(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// hash makes the table: chains of types, in descending order, by the hash of
// their names. 0 ends a chain; entries are indices plus 1.
func (b *BTF) hash() {
	size := 1
	for size < len(b.offs) {
		size *= 2
	}
	b.heads = make([]uint32, size)
	b.next = make([]uint32, len(b.offs))
	for i, off := range b.offs {
		n := b.u32(b.types[off:])
		if n == 0 {
			continue
		}
		s, ok := b.bytesAt(n)
		if !ok {
			continue
		}
		h := hashName(s) & uint32(size-1)
		b.next[i] = b.heads[h]
		b.heads[h] = uint32(i) + 1
	}
}

func (b *BTF) findHashed(name string, kinds []BTFKind) (ids []uint32) {
	for e := b.heads[hashName([]byte(name))&uint32(len(b.heads)-1)]; e != 0; e = b.next[e-1] {
		t := b.types[b.offs[e-1]:]
		if !slices.Contains(kinds, BTFKind(b.u32(t[4:])>>btfKindShift&btfKindMask)) {
			continue
		}
		if s, _ := b.bytesAt(b.u32(t)); string(s) == name {
			ids = append(ids, b.first+e-1)
		}
	}
	slices.Reverse(ids)
	return ids
}

// Names calls yield with the number and name of each type of a kind that is
// not in the base, in ascending order, until it returns false.
func (b *BTF) Names(kind BTFKind, yield func(id uint32, name string) bool) {
	for i, off := range b.offs {
		t := b.types[off:]
		if BTFKind(b.u32(t[4:])>>btfKindShift&btfKindMask) != kind {
			continue
		}
		if s, ok := b.bytesAt(b.u32(t)); ok && !yield(b.first+uint32(i), string(s)) {
			return
		}
	}
}

// Vars returns the variables and functions of a data section, in the order
// of the BTF.
func (b *BTF) Vars(id uint32) (size uint32, vars []SecVar, err error) {
	r, ok := b.record(id)
	if !ok || r.kind != BTFDatasec {
		return 0, nil, fmt.Errorf("BTF: type %d is no data section", id)
	}
	for i := range r.vlen {
		v := r.extra[i*12:]
		vars = append(vars, SecVar{ID: b.u32(v), Offset: b.u32(v[4:]), Size: b.u32(v[8:])})
	}
	return r.size, vars, nil
}

// Var returns a variable's name, type and linkage.
func (b *BTF) Var(id uint32) (name string, t Type, link Linkage, err error) {
	r, ok := b.record(id)
	if !ok || r.kind != BTFVar {
		return "", nil, 0, fmt.Errorf("BTF: type %d is no variable", id)
	}
	if name, err = b.String(r.name); err != nil {
		return "", nil, 0, err
	}
	t, err = b.Type(r.size)
	return name, t, Linkage(b.u32(r.extra)), err
}

// FuncLinkage returns the linkage of a function.
func (b *BTF) FuncLinkage(id uint32) (Linkage, error) {
	r, ok := b.record(id)
	if !ok || r.kind != BTFFunc {
		return 0, fmt.Errorf("BTF: type %d is no function", id)
	}
	return Linkage(r.vlen), nil
}
