package opt

import "github.com/skep-dev/skep/internal/ir"

// dropStores drops writes to local stack slots that are overwritten in the
// same block before anything reads them, and cuts a zeroing down to the bytes
// that count: a key is zeroed for its padding, then filled.
func dropStores(w *work) {
	if !hasSlots(w.f.Entry()) {
		return
	}
	d := &deadStores{w: w, locals: w.findLocals()}
	for _, b := range w.f.Blocks {
		d.block(b)
	}
}

// maxSlot is the size of the largest slot that is looked at: BPF has no more
// stack.
const maxSlot = 512

type deadStores struct {
	w      *work
	locals *locals
	b      *ir.Block
	// over says which bytes of a slot are overwritten before they are read,
	// from the place in hand on.
	over map[*ir.Value]*[maxSlot]bool
	out  []*ir.Value // the block's instructions, last one first
}

// block goes through a block from its end.
func (d *deadStores) block(b *ir.Block) {
	writes := false
	for _, v := range b.Instrs {
		writes = writes || v.Op == ir.OpStore || v.Op == ir.OpZero || v.Op == ir.OpCopy
	}
	if !writes {
		return
	}
	d.b, d.over, d.out = b, map[*ir.Value]*[maxSlot]bool{}, make([]*ir.Value, 0, len(b.Instrs))
	for i := len(b.Instrs) - 1; i >= 0; i-- {
		v := b.Instrs[i]
		if !d.dead(v) {
			d.out = append(d.out, v)
		}
	}
	b.Instrs = b.Instrs[:0]
	for i := len(d.out) - 1; i >= 0; i-- {
		b.Instrs = append(b.Instrs, d.out[i])
	}
}

// bytes is a part of a slot.
type bytes struct {
	slot       *ir.Value
	start, end int64
}

// part returns the part of a local slot that size bytes at p+off are. exact
// is false when it is not known which bytes those are; then the whole slot is
// returned.
func (d *deadStores) part(p *ir.Value, off, size int64) (r bytes, exact, ok bool) {
	root := rootOf(p)
	if p.Type != ir.Ptr || root.Op != ir.OpAlloca || root.Imm > maxSlot || d.locals.escaped[root.ID] {
		return r, false, false
	}
	a := addressOf(p)
	r = bytes{root, a.off + off, a.off + off + size}
	if a.base != root || size < 0 || r.start < 0 || r.end > root.Imm {
		return bytes{root, 0, root.Imm}, false, true
	}
	return r, true, true
}

func (d *deadStores) bytesOf(slot *ir.Value) *[maxSlot]bool {
	m := d.over[slot]
	if m == nil {
		// At the end of a function's life nobody reads its stack.
		m = &[maxSlot]bool{}
		for i := range m {
			m[i] = d.b.Term.Kind == ir.Return
		}
		d.over[slot] = m
	}
	return m
}

func (d *deadStores) set(r bytes, over bool) {
	m := d.bytesOf(r.slot)
	for i := r.start; i < r.end; i++ {
		m[i] = over
	}
}

func (d *deadStores) allOver(r bytes) bool {
	m := d.bytesOf(r.slot)
	for i := r.start; i < r.end; i++ {
		if !m[i] {
			return false
		}
	}
	return true
}

func (d *deadStores) noneOver(r bytes) bool {
	m := d.bytesOf(r.slot)
	for i := r.start; i < r.end; i++ {
		if m[i] {
			return false
		}
	}
	return true
}

// dead reports whether v is a write that does nothing, and notes what v reads
// and overwrites.
func (d *deadStores) dead(v *ir.Value) bool {
	switch v.Op {
	case ir.OpStore:
		d.reads(v.Args[1], 0, -1)
		return d.write(v, int64(v.Width))
	case ir.OpZero:
		return d.write(v, v.Imm)
	case ir.OpCopy:
		if d.write(v, v.Imm) {
			return true
		}
		d.reads(v.Args[1], 0, v.Imm)
	case ir.OpLoad, ir.OpAtomic:
		d.reads(v.Args[0], v.Imm, int64(v.Width))
	case ir.OpAdd, ir.OpSub:
	case ir.OpHelper:
		if helperEffect(v.Imm).fills && isConst(v.Args[1]) {
			if r, exact, ok := d.part(v.Args[0], 0, v.Args[1].Imm); ok && exact {
				d.set(r, true)
				for _, a := range v.Args[1:] {
					d.reads(a, 0, -1)
				}
				return false
			}
		}
		fallthrough
	default:
		for _, a := range v.Args {
			d.reads(a, 0, -1)
		}
	}
	return false
}

// reads notes that size bytes at p+off may be read; -1 stands for any bytes.
func (d *deadStores) reads(p *ir.Value, off, size int64) {
	if r, _, ok := d.part(p, off, size); ok {
		d.set(r, false)
	}
}

// write reports whether a write is dead.
func (d *deadStores) write(v *ir.Value, size int64) bool {
	off := int64(0)
	if v.Op == ir.OpStore {
		off = v.Imm
	}
	r, exact, ok := d.part(v.Args[0], off, size)
	if !ok || !exact || v.Volatile {
		return false
	}
	switch {
	case d.allOver(r):
		return true
	case v.Op == ir.OpZero && !d.noneOver(r):
		d.shrink(v, r)
		d.set(r, true)
		return true
	}
	d.set(r, true)
	return false
}

// shrink puts zeroings in the place of v that write what counts of it, in
// whole words where more than one piece of a word does.
func (d *deadStores) shrink(v *ir.Value, r bytes) {
	m := d.bytesOf(r.slot)
	var run bytes // of what is to be zeroed, that has not been put out
	for at := r.start; at < r.end; {
		next := min((at|7)+1, r.end)
		if piece := counting(m, bytes{r.slot, at, next}); piece.start < piece.end {
			if run.end == piece.start && run.slot != nil {
				run.end = piece.end
			} else {
				d.zero(v, run)
				run = piece
			}
		}
		at = next
	}
	d.zero(v, run)
}

// counting returns the smallest aligned piece of a word that has all the bytes
// that are not overwritten; it is empty when all are.
func counting(m *[maxSlot]bool, word bytes) bytes {
	first, last := word.end, word.start-1
	for i := word.start; i < word.end; i++ {
		if !m[i] {
			first, last = min(first, i), i
		}
	}
	if last < first {
		return bytes{word.slot, word.start, word.start}
	}
	for size := int64(1); size < 8; size *= 2 {
		start := first &^ (size - 1)
		if start >= word.start && last < start+size && start+size <= word.end {
			return bytes{word.slot, start, start + size}
		}
	}
	return word
}

// zero puts out a zeroing. Instructions are put out last one first, so the
// address comes after its use.
func (d *deadStores) zero(like *ir.Value, r bytes) {
	if r.slot == nil {
		return
	}
	z := d.w.f.NewValue(ir.OpZero, ir.Void, r.slot)
	z.Imm, z.Block, z.Span = r.end-r.start, d.b, like.Span
	d.out = append(d.out, z)
	if r.start == 0 {
		return
	}
	off := d.w.newConst(d.b, ir.I64, r.start, like)
	p := d.w.f.NewValue(ir.OpAdd, ir.Ptr, r.slot, off)
	p.Block, p.Span = d.b, like.Span
	z.Args[0] = p
	d.out = append(d.out, p, off)
}
