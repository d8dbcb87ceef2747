package codegen

import (
	"cmp"
	"slices"

	"github.com/skep-dev/skep/internal/codegen/regalloc"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/ir"
)

// stackLimit is how many bytes of stack a function may have (the kernel's
// MAX_BPF_STACK).
const stackLimit = 512

// frame is where areas and spilled values are, as negative offsets from r10.
type frame struct {
	areas []int16 // by area
	slots []int16 // by slot of the register allocator
	size  int
	big   *ir.Value // the largest alloca
}

// extent is something that needs a place while instructions from start to end
// run, in the allocator's numbering.
type extent struct {
	size, start, end int
	place            *int16
}

// newFrame packs areas and slots: those that are never in use together share
// their place. All begin at a multiple of 8, because the verifier tracks
// spilled values in whole 8-byte slots.
func newFrame(f *function, res *regalloc.Result) *frame {
	fr := &frame{areas: make([]int16, len(f.areas)), slots: make([]int16, len(res.Slots))}
	extents := areaExtents(f, res, fr)
	for i, s := range res.Slots {
		extents = append(extents, extent{8, s.Start, s.End, &fr.slots[i]})
	}
	slices.SortStableFunc(extents, func(a, b extent) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.start, b.start))
	})
	ends := make([]int, len(extents)) // the distance from r10 to the lower end of each
	for i, x := range extents {
		top := 0
		for moved := true; moved; {
			moved = false
			for j, y := range extents[:i] {
				apart := x.end < y.start || y.end < x.start
				if !apart && top < ends[j] && ends[j]-y.size < top+x.size {
					top, moved = ends[j], true
				}
			}
		}
		ends[i] = top + x.size
		fr.size = max(fr.size, ends[i])
		*x.place = int16(-min(ends[i], 1<<15))
	}
	return fr
}

// areaExtents finds out where each alloca's memory is used: from the first to
// the last instruction that has an address in it, around the whole of every
// loop that contains one, since memory outlives a round. Where an address
// gets out of sight, the memory is in use all the time.
func areaExtents(f *function, res *regalloc.Result, fr *frame) []extent {
	if len(f.areas) == 0 {
		return nil
	}
	o := newOrigins(f)
	last := res.Pos(len(f.blocks)-1, len(f.blocks[len(f.blocks)-1].insts))
	extents := make([]extent, len(f.areas))
	for i, a := range f.areas {
		extents[i] = extent{size: int(min(a.size+7, 1<<20)) &^ 7, start: last, end: -1, place: &fr.areas[i]}
		if o.escapes[i] {
			extents[i].start, extents[i].end = 0, last
		}
		if fr.big == nil || a.size > fr.big.Imm {
			fr.big = a.value
		}
	}
	for b := range f.blocks {
		for k := range f.blocks[b].insts {
			v := f.blocks[b].insts[k].from
			if v == nil {
				continue
			}
			at := res.Pos(b, k)
			for _, arg := range v.Args {
				if i := o.of[arg.ID]; i >= 0 {
					extents[i].start, extents[i].end = min(extents[i].start, at), max(extents[i].end, at)
				}
			}
		}
	}
	for i := range extents {
		if x := &extents[i]; x.end >= 0 {
			x.start, x.end = res.Around(x.start, x.end)
		}
	}
	return extents
}

// origins tells which alloca the addresses of a function point into.
type origins struct {
	of      []int32 // by Value.ID: an area, or -1
	escapes []bool  // by area
}

func newOrigins(f *function) *origins {
	o := &origins{of: make([]int32, f.ir.NumValues()), escapes: make([]bool, len(f.areas))}
	for i := range o.of {
		o.of[i] = -1
	}
	for i, a := range f.areas {
		o.of[a.value.ID] = int32(i)
	}
	for changed := true; changed; {
		changed = false
		for b := range f.blocks {
			if blk := f.blocks[b].ir; blk != nil {
				changed = o.block(blk) || changed
			}
		}
	}
	return o
}

// derive lets v point where x does. A value that may point into two areas
// makes both escape.
func (o *origins) derive(v, x *ir.Value) (changed bool) {
	i := o.of[x.ID]
	switch {
	case i < 0 || o.of[v.ID] == i:
		return false
	case o.of[v.ID] < 0:
		o.of[v.ID] = i
		return true
	}
	j := o.of[v.ID]
	changed = !o.escapes[i] || !o.escapes[j]
	o.escapes[i], o.escapes[j] = true, true
	return changed
}

func (o *origins) block(blk *ir.Block) (changed bool) {
	for _, v := range blk.Instrs {
		for k, arg := range v.Args {
			i := o.of[arg.ID]
			if i < 0 {
				continue
			}
			switch v.Op {
			case ir.OpAdd, ir.OpSub, ir.OpZExt:
				changed = o.derive(v, arg) || changed
			case ir.OpKfunc, ir.OpCall:
				if v.Type != ir.Void {
					changed = o.derive(v, arg) || changed
				}
			case ir.OpStore, ir.OpAtomic:
				if k > 0 && !o.escapes[i] {
					o.escapes[i], changed = true, true
				}
			case ir.OpLoad, ir.OpZero, ir.OpCopy, ir.OpHelper:
			default:
				if !v.Op.IsCompare() && !o.escapes[i] {
					o.escapes[i], changed = true, true
				}
			}
		}
	}
	for _, e := range blk.Succs() {
		for j, arg := range e.Args {
			changed = o.derive(e.Block.Params[j], arg) || changed
		}
	}
	return changed
}

// tooLarge reports that the frame exceeds the limit.
func (fr *frame) tooLarge(f *ir.Func, errs *diag.List) {
	d := errs.Errorf(CodeStack, f.Span, "function %s needs %d bytes of stack, BPF has %d", f.Name, fr.size, stackLimit)
	if fr.big != nil {
		d.Note(fr.big.Span, "%d bytes of them are for this", fr.big.Imm)
		if fr.big.Span.IsValid() {
			d.Span = fr.big.Span
		}
	}
}
