package maps

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/skep-dev/skep/internal/vm/mem"
)

// lpm is a trie of prefixes. Nodes are never changed once they can be seen:
// a change makes new ones from the root down and then puts the new root in
// place, so lookups need no lock.
type lpm struct {
	base
	values *mem.Region
	stride uint64
	root   atomic.Pointer[lpmNode]
	free   []uint32
	used   uint32
	count  uint32
}

// lpmNode is a prefix. One without an element only joins two others.
type lpmNode struct {
	bits    uint32 // length of the prefix
	data    []byte
	element uint32 // counted from 1
	child   [2]*lpmNode
}

func newLPM(space *mem.Space, s Spec) (Map, error) {
	t := &lpm{base: newBase(space, s), stride: roundUp(s.ValueSize)}
	var err error
	t.values, err = t.alloc("values", t.stride*uint64(s.MaxEntries+1))
	return t, err
}

func (t *lpm) Release() { t.values.Free() }

func (t *lpm) valueAddr(e uint32) uint64 { return t.values.Addr + uint64(e-1)*t.stride }

func (t *lpm) maxBits() uint32 { return (t.spec.KeySize - 4) * 8 }

func splitLPM(key []byte) (uint32, []byte) { return binary.LittleEndian.Uint32(key), key[4:] }

func bitAt(data []byte, i uint32) int { return int(data[i/8]>>(7-i%8)) & 1 }

// common is how many bits two prefixes share at their beginning.
func common(a []byte, aBits uint32, b []byte, bBits uint32) uint32 {
	n := min(aBits, bBits)
	for i := uint32(0); i*8 < n; i++ {
		if x := a[i] ^ b[i]; x != 0 {
			return min(n, i*8+uint32(bits.LeadingZeros8(x)))
		}
	}
	return n
}

func (t *lpm) longest(key []byte) *lpmNode {
	n, data := splitLPM(key)
	if n > t.maxBits() {
		return nil
	}
	var best *lpmNode
	for node := t.root.Load(); node != nil; {
		if common(node.data, node.bits, data, n) < node.bits {
			break
		}
		if node.element != 0 {
			best = node
		}
		if node.bits == n || node.bits == t.maxBits() {
			break
		}
		node = node.child[bitAt(data, node.bits)]
	}
	return best
}

func (t *lpm) exact(n uint32, data []byte) *lpmNode {
	for node := t.root.Load(); node != nil && common(node.data, node.bits, data, n) == node.bits; {
		if node.bits == n {
			if node.element == 0 {
				return nil
			}
			return node
		}
		if node.bits > n {
			return nil
		}
		node = node.child[bitAt(data, node.bits)]
	}
	return nil
}

func (t *lpm) Lookup(_ int, key []byte) uint64 {
	if node := t.longest(key); node != nil {
		return t.valueAddr(node.element)
	}
	return 0
}

func (t *lpm) Update(_ int, key, value []byte, flags uint64) Errno { return t.Write(key, value, flags) }

func (t *lpm) Write(key, value []byte, flags uint64) Errno {
	n, data := splitLPM(key)
	if flags > Exist || n > t.maxBits() {
		return EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.exact(n, data)
	switch {
	case old != nil && flags == NoExist:
		return EEXIST
	case old == nil && t.count == t.spec.MaxEntries:
		return ENOSPC
	case old == nil && flags == Exist:
		return ENOENT
	}
	e := t.take()
	t.copyIn(t.valueAddr(e), value)
	t.root.Store(insertLPM(t.root.Load(), n, append([]byte(nil), data...), e))
	if old != nil {
		t.free = append(t.free, old.element)
	} else {
		t.count++
	}
	return OK
}

func (t *lpm) take() uint32 {
	if k := len(t.free); k > 0 {
		e := t.free[k-1]
		t.free = t.free[:k-1]
		return e
	}
	t.used++
	return t.used
}

func insertLPM(node *lpmNode, n uint32, data []byte, e uint32) *lpmNode {
	if node == nil {
		return &lpmNode{bits: n, data: data, element: e}
	}
	shared := common(node.data, node.bits, data, n)
	c := *node
	switch {
	case shared == node.bits && shared == n:
		c.element = e
		return &c
	case shared == node.bits:
		side := bitAt(data, shared)
		c.child[side] = insertLPM(node.child[side], n, data, e)
		return &c
	case shared == n:
		parent := &lpmNode{bits: n, data: data, element: e}
		parent.child[bitAt(node.data, n)] = node
		return parent
	}
	parent := &lpmNode{bits: shared, data: data}
	parent.child[bitAt(data, shared)] = &lpmNode{bits: n, data: data, element: e}
	parent.child[bitAt(node.data, shared)] = node
	return parent
}

func (t *lpm) Delete(key []byte) Errno {
	n, data := splitLPM(key)
	if n > t.maxBits() {
		return EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.exact(n, data)
	if old == nil {
		return ENOENT
	}
	t.root.Store(removeLPM(t.root.Load(), n, data))
	t.free = append(t.free, old.element)
	t.count--
	return OK
}

// removeLPM takes out a prefix that is there, and the joint above it when it
// has nothing left to join.
func removeLPM(node *lpmNode, n uint32, data []byte) *lpmNode {
	c := *node
	if node.bits == n {
		c.element = 0
	} else {
		side := bitAt(data, node.bits)
		c.child[side] = removeLPM(node.child[side], n, data)
	}
	switch {
	case c.element != 0 || c.child[0] != nil && c.child[1] != nil:
		return &c
	case c.child[0] != nil:
		return c.child[0]
	}
	return c.child[1]
}

func (t *lpm) Read(key, value []byte, flags uint64) Errno {
	if e := t.readFlags(flags); e != OK {
		return e
	}
	addr := t.Lookup(0, key)
	if addr == 0 {
		return ENOENT
	}
	t.copyOut(value, addr)
	return OK
}

// Next goes through the prefixes so that longer ones come before those that
// contain them, and a 0 bit before a 1.
func (t *lpm) Next(key, next []byte) Errno {
	root := t.root.Load()
	if root == nil {
		return ENOENT
	}
	found := key == nil
	if !found {
		n, data := splitLPM(key)
		found = n > t.maxBits() || t.exact(n, data) == nil
	}
	var answer *lpmNode
	walkLPM(root, func(node *lpmNode) bool {
		if found {
			answer = node
			return false
		}
		n, data := splitLPM(key)
		found = node.bits == n && common(node.data, n, data, n) == n
		return true
	})
	if answer == nil {
		return ENOENT
	}
	binary.LittleEndian.PutUint32(next, answer.bits)
	copy(next[4:], answer.data)
	return OK
}

func walkLPM(node *lpmNode, fn func(*lpmNode) bool) bool {
	if node == nil {
		return true
	}
	if !walkLPM(node.child[0], fn) || !walkLPM(node.child[1], fn) {
		return false
	}
	return node.element == 0 || fn(node)
}
