package opt

import "github.com/skep-dev/skep/internal/ir"

// mergeCells joins stack slots that hold the same: a key that is needed for
// several map operations is stored once. A cell is a slot that one store
// fills and that is only read besides. The store of the one that stays
// dominates the store of the one that goes, which dominates all its reads; so
// when a read happens both would hold what was stored last, in loops too.
func mergeCells(w *work) {
	cells := w.findCells()
	if len(cells) < 2 {
		return
	}
	m := &cellMerger{dom: w.reachable().Dominators(), kept: map[cellKey][]*cell{}, place: make([]int32, w.f.NumValues())}
	for _, b := range w.f.Blocks {
		for i, v := range b.Instrs {
			m.place[v.ID] = int32(i)
		}
	}
	var s subst
	gone := make([]bool, w.f.NumValues())
	merged := false
	for _, b := range m.dom.Preorder() {
		for _, v := range b.Instrs {
			c := cells[v.ID]
			if c == nil {
				continue
			}
			if keep := m.find(c); keep != nil {
				s.set(c.slot, keep.slot)
				gone[c.store.ID], gone[c.slot.ID], merged = true, true, true
			}
		}
	}
	if !merged {
		return
	}
	for _, b := range w.f.Blocks {
		kept := b.Instrs[:0]
		for _, v := range b.Instrs {
			if !gone[v.ID] {
				kept = append(kept, v)
			}
		}
		b.Instrs = kept
	}
	s.apply(w.f)
}

// cell is a stack slot with its only store and its reads.
type cell struct {
	slot, store *ir.Value
	reads       []*ir.Value
}

// cellKey is what two cells must have in common: size, alignment, where the
// store goes and what it stores, a constant being its type and value.
type cellKey struct {
	size, off    int64
	align, width uint8
	value        *ir.Value
	constant     constKey
}

type cellMerger struct {
	dom   *ir.DomTree
	kept  map[cellKey][]*cell
	place []int32 // by Value.ID: the place in the block
}

// maxCells is how many cells of one content are compared with a new one.
const maxCells = 8

// find returns the cell that c may be replaced by, or notes c.
func (m *cellMerger) find(c *cell) *cell {
	x := c.store.Args[1]
	key := cellKey{size: c.slot.Imm, align: c.slot.Width, width: c.store.Width}
	key.off = addressOf(c.store.Args[0]).off + c.store.Imm
	if isConst(x) {
		key.constant = constKey{x.Type, x.Imm}
	} else {
		key.value = x
	}
	list := m.kept[key]
	for _, k := range list {
		if m.dominates(k.store, c.store) && m.dominatesAll(c.store, c.reads) {
			return k
		}
	}
	if len(list) < maxCells {
		m.kept[key] = append(list, c)
	}
	return nil
}

func (m *cellMerger) dominates(v, later *ir.Value) bool {
	if v.Block == later.Block {
		return m.place[v.ID] < m.place[later.ID]
	}
	return m.dom.Dominates(v.Block, later.Block)
}

func (m *cellMerger) dominatesAll(v *ir.Value, list []*ir.Value) bool {
	for _, later := range list {
		if !m.dominates(v, later) {
			return false
		}
	}
	return true
}

// findCells returns the cells by the Value.ID of their store.
func (w *work) findCells() map[int]*cell {
	if !hasSlots(w.f.Entry()) {
		return nil
	}
	locals := w.findLocals()
	bySlot := map[int]*cell{}
	spoiled := map[int]bool{}
	for _, b := range w.f.Blocks {
		for _, v := range b.Instrs {
			for i, a := range v.Args {
				if a.Type != ir.Ptr || !locals.isLocal(a) {
					continue
				}
				slot := rootOf(a)
				c := bySlot[slot.ID]
				if c == nil {
					c = &cell{slot: slot}
					bySlot[slot.ID] = c
				}
				spoiled[slot.ID] = spoiled[slot.ID] || !c.use(v, i)
			}
		}
	}
	cells := map[int]*cell{}
	for id, c := range bySlot {
		if !spoiled[id] && c.store != nil {
			cells[c.store.ID] = c
		}
	}
	return cells
}

// use notes the use of the slot by v as argument i, and reports whether the
// slot can still be a cell.
func (c *cell) use(v *ir.Value, i int) bool {
	switch v.Op {
	case ir.OpStore:
		exact := addressOf(v.Args[0]).base == c.slot
		if c.store != nil || v.Volatile || !exact {
			return false
		}
		c.store = v
		return true
	case ir.OpAdd, ir.OpSub:
		return true // its uses count
	case ir.OpHelper:
		if helperEffect(v.Imm).out&(1<<i) != 0 {
			return false
		}
	case ir.OpCopy:
		if i == 0 {
			return false
		}
	case ir.OpLoad:
		if v.Volatile {
			return false
		}
	default:
		return false
	}
	c.reads = append(c.reads, v)
	return true
}
