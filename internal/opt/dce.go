package opt

import "github.com/skep-dev/skep/internal/ir"

// removeDead drops what nothing needs: instructions without effect whose
// result is not used, block parameters without a use, and stack slots that
// are only written, with the writes.
func removeDead(w *work) {
	w.reachable()
	d := &liveness{
		w: w, locals: w.findLocals(), in: w.edges(),
		live:   make([]bool, w.f.NumValues()),
		writes: make([][]*ir.Value, w.f.NumValues()),
		index:  make([]int32, w.f.NumValues()),
	}
	d.roots()
	for len(d.todo) > 0 {
		v := d.todo[len(d.todo)-1]
		d.todo = d.todo[:len(d.todo)-1]
		d.spread(v)
	}
	d.sweep()
}

type liveness struct {
	w      *work
	locals *locals
	in     [][]inEdge
	live   []bool // by Value.ID
	todo   []*ir.Value
	// writes are, by Value.ID of a local stack slot, the writes to it that
	// count only when the slot is read.
	writes [][]*ir.Value
	index  []int32 // by Value.ID of a parameter: its place in the list
}

func (d *liveness) mark(v *ir.Value) {
	if !d.live[v.ID] {
		d.live[v.ID] = true
		d.todo = append(d.todo, v)
	}
}

// roots marks what has an effect, and sorts out the writes to local slots.
func (d *liveness) roots() {
	for _, b := range d.w.f.Blocks {
		for i, p := range b.Params {
			d.index[p.ID] = int32(i)
		}
		for _, v := range b.Instrs {
			switch slot := d.slotWritten(v); {
			case slot != nil:
				d.writes[slot.ID] = append(d.writes[slot.ID], v)
			case !isIdle(v):
				d.mark(v)
			}
		}
		if b.Term.Cond != nil {
			d.mark(b.Term.Cond)
		}
	}
}

// slotWritten returns the local stack slot that v does nothing but to write.
func (d *liveness) slotWritten(v *ir.Value) *ir.Value {
	switch v.Op {
	case ir.OpStore, ir.OpZero, ir.OpCopy:
		if !v.Volatile && d.locals.isLocal(v.Args[0]) {
			return rootOf(v.Args[0])
		}
	}
	return nil
}

// spread marks what a live value needs.
func (d *liveness) spread(v *ir.Value) {
	switch v.Op {
	case ir.OpParam:
		for _, e := range d.in[v.Block.ID] {
			d.mark(e.Args[d.index[v.ID]])
		}
		return
	case ir.OpAlloca:
		return
	}
	written := d.slotWritten(v)
	for i, a := range v.Args {
		d.mark(a)
		// An address that is computed is not read yet, and one that is
		// written through isn't either. Anything else may read the slot.
		computes := v.Type == ir.Ptr && (v.Op == ir.OpAdd || v.Op == ir.OpSub)
		if a.Type == ir.Ptr && !computes && (written == nil || i > 0) {
			d.read(rootOf(a))
		}
	}
}

// read marks the writes to a slot, of which some may be what is read.
func (d *liveness) read(slot *ir.Value) {
	list := d.writes[slot.ID]
	d.writes[slot.ID] = nil
	for _, v := range list {
		d.mark(v)
	}
}

func (d *liveness) sweep() {
	for _, b := range d.w.f.Blocks {
		kept := b.Instrs[:0]
		for _, v := range b.Instrs {
			if d.live[v.ID] {
				kept = append(kept, v)
			}
		}
		clear(b.Instrs[len(kept):])
		b.Instrs = kept
	}
	for _, b := range d.w.f.Blocks[1:] {
		gone := make([]bool, len(b.Params))
		any := false
		for i, p := range b.Params {
			gone[i] = !d.live[p.ID]
			any = any || gone[i]
		}
		if !any {
			continue
		}
		b.Params = without(b.Params, gone)
		for _, e := range d.in[b.ID] {
			e.Args = without(e.Args, gone)
		}
	}
}
