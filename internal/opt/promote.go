package opt

import (
	"cmp"
	"slices"

	"github.com/skep-dev/skep/internal/ir"
)

// promote turns stack memory into values: each piece of a stack slot that is
// only ever loaded and stored as a whole, at one offset with one width, and
// set to zero. Where paths meet, blocks get parameters.
func promote(w *work) {
	p := &promoter{w: w}
	if !p.findPieces() {
		return
	}
	cfg := w.reachable()
	p.in = w.edges()
	p.out = map[pieceAt]*ir.Value{}
	p.entry = map[pieceAt]*ir.Value{}
	for _, b := range cfg.Order {
		p.stores(b)
	}
	for _, b := range cfg.Order {
		p.loads(b)
	}
	p.s.apply(w.f)
	w.f.Entry().Instrs = append(p.undefined, w.f.Entry().Instrs...)
}

// piece is a run of bytes of a stack slot that becomes a value.
type piece struct {
	slot  *ir.Value // the alloca
	off   int64
	width uint8
	typ   ir.Type
}

// slotUse is one way in which a stack slot is used.
type slotUse struct {
	slot *ir.Value
	off  int64
	size int64
	typ  ir.Type // of the value loaded or stored; Void: not as a value
	zero bool    // set to zero
}

type pieceAt struct {
	piece int32
	block int32
}

type promoter struct {
	w  *work
	in [][]inEdge

	pieces []piece
	// first is, by Value.ID of an alloca, its first piece in pieces, which
	// are in the order of slots and offsets; -1 for none.
	first []int32
	// out is what a piece is at the end of a block that stores it, and
	// entry what it is at a block's start, once that was asked for.
	out, entry map[pieceAt]*ir.Value
	undefined  []*ir.Value // what pieces are before they are stored
	s          subst
}

// findPieces decides what is promoted and reports whether anything is.
func (p *promoter) findPieces() bool {
	f := p.w.f
	if !hasSlots(f.Entry()) {
		return false
	}
	var uses []slotUse
	spoiled := make([]bool, f.NumValues()) // allocas that are used in other ways
	spoil := func(a *ir.Value) {
		if r := rootOf(a); r.Op == ir.OpAlloca {
			spoiled[r.ID] = true
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Instrs {
			uses = usesOfSlots(v, uses, spoil)
		}
		for _, e := range b.Succs() {
			for _, a := range e.Args {
				spoil(a)
			}
		}
		if b.Term.Cond != nil {
			spoil(b.Term.Cond)
		}
	}
	uses = slices.DeleteFunc(uses, func(u slotUse) bool { return spoiled[u.slot.ID] })
	slices.SortStableFunc(uses, func(a, b slotUse) int {
		return cmp.Or(cmp.Compare(a.slot.ID, b.slot.ID), cmp.Compare(a.off, b.off))
	})
	p.cut(uses)
	p.first = make([]int32, f.NumValues())
	for i := range p.first {
		p.first[i] = -1
	}
	for i := len(p.pieces) - 1; i >= 0; i-- {
		p.first[p.pieces[i].slot.ID] = int32(i)
	}
	return len(p.pieces) > 0
}

// usesOfSlots appends the uses of stack slots by v, and calls spoil for
// pointers whose further way is not followed.
func usesOfSlots(v *ir.Value, uses []slotUse, spoil func(*ir.Value)) []slotUse {
	add := func(i int, off, size int64, typ ir.Type, zero bool) {
		if a := addressOf(v.Args[i]); a.base.Op == ir.OpAlloca {
			uses = append(uses, slotUse{a.base, a.off + off, size, typ, zero})
		} else {
			spoil(a.base)
		}
	}
	switch v.Op {
	case ir.OpLoad:
		typ := v.Type
		if v.Volatile {
			typ = ir.Void
		}
		add(0, v.Imm, int64(v.Width), typ, false)
	case ir.OpStore:
		typ := v.Args[1].Type
		if v.Volatile {
			typ = ir.Void
		}
		add(0, v.Imm, int64(v.Width), typ, false)
		spoil(v.Args[1])
	case ir.OpZero:
		add(0, 0, v.Imm, ir.Void, true)
	case ir.OpCopy:
		add(0, 0, v.Imm, ir.Void, false)
		add(1, 0, v.Imm, ir.Void, false)
	case ir.OpAtomic:
		add(0, v.Imm, int64(v.Width), ir.Void, false)
	case ir.OpAdd, ir.OpSub:
		// A sum with a constant is looked at where it is used.
		if _, _, ok := constSum(v); !ok || v.Type != ir.Ptr {
			for _, a := range v.Args {
				spoil(a)
			}
		}
	default:
		for _, a := range v.Args {
			spoil(a)
		}
	}
	return uses
}

// cut finds the pieces among the uses, which are in the order of slots and
// offsets: a group of uses that overlap is a piece when all are alike.
func (p *promoter) cut(uses []slotUse) {
	for i := 0; i < len(uses); {
		first := uses[i]
		if first.zero { // zeroing never joins groups
			i++
			continue
		}
		end, alike := first.off+first.size, first.typ != ir.Void
		typ := first.typ
		j := i + 1
		for ; j < len(uses) && uses[j].slot == first.slot && uses[j].off < end; j++ {
			u := uses[j]
			if u.zero {
				continue
			}
			end = max(end, u.off+u.size)
			alike = alike && u.typ != ir.Void && u.off == first.off && u.size == first.size && (u.typ == ir.Ptr) == (typ == ir.Ptr)
			typ = max(typ, u.typ) // I64 holds what an I32 does
		}
		if alike && first.off >= 0 && end <= first.slot.Imm {
			p.pieces = append(p.pieces, piece{first.slot, first.off, uint8(first.size), typ})
		}
		i = j
	}
	p.pieces = slices.DeleteFunc(p.pieces, func(c piece) bool { return partlyZeroed(c, uses) })
}

// partlyZeroed reports whether some zeroing covers only a part of c.
func partlyZeroed(c piece, uses []slotUse) bool {
	i, _ := slices.BinarySearchFunc(uses, c.slot.ID, func(u slotUse, id int) int { return cmp.Compare(u.slot.ID, id) })
	start, end := c.off, c.off+int64(c.width)
	for ; i < len(uses) && uses[i].slot == c.slot && uses[i].off < end; i++ {
		u := uses[i]
		if u.zero && u.off+u.size > start && (u.off > start || u.off+u.size < end) {
			return true
		}
	}
	return false
}

// find returns the piece at a pointer plus an offset, or -1.
func (p *promoter) find(ptr *ir.Value, off int64) int32 {
	a := addressOf(ptr)
	if a.base.Op != ir.OpAlloca {
		return -1
	}
	i := p.first[a.base.ID]
	if i < 0 {
		return -1
	}
	for ; int(i) < len(p.pieces) && p.pieces[i].slot == a.base; i++ {
		if p.pieces[i].off == a.off+off {
			return i
		}
	}
	return -1
}

// stores replaces the stores of a block by the values that pieces have then,
// and notes those that they have at its end. What loads need inside the
// block is left as a store until loads sees it.
func (p *promoter) stores(b *ir.Block) {
	out := make([]*ir.Value, 0, len(b.Instrs))
	for _, v := range b.Instrs {
		switch v.Op {
		case ir.OpStore:
			if i := p.find(v.Args[0], v.Imm); i >= 0 {
				x := v.Args[1]
				if t := p.pieces[i].typ; x.Type != t { // an I32 into an I64
					wide := p.w.f.NewValue(ir.OpZExt, t, x)
					wide.Width, wide.Block, wide.Span = 4, b, v.Span
					out = append(out, wide)
					v.Args = []*ir.Value{v.Args[0], wide}
					x = wide
				}
				p.out[pieceAt{i, int32(b.ID)}] = x
			}
		case ir.OpZero:
			for _, i := range p.zeroed(v) {
				zero := p.w.newConst(b, p.pieces[i].typ, 0, v)
				out = append(out, zero)
				// A store stands for it until loads has seen it.
				st := p.w.f.NewValue(ir.OpStore, ir.Void, p.pieces[i].slot, zero)
				st.Imm, st.Width, st.Block, st.Span = p.pieces[i].off, p.pieces[i].width, b, v.Span
				out = append(out, st)
				p.out[pieceAt{i, int32(b.ID)}] = zero
			}
		}
		out = append(out, v)
	}
	b.Instrs = out
}

// zeroed returns the pieces inside the bytes that v sets to zero.
func (p *promoter) zeroed(v *ir.Value) (list []int32) {
	a := addressOf(v.Args[0])
	if a.base.Op != ir.OpAlloca || p.first[a.base.ID] < 0 {
		return nil
	}
	for i := p.first[a.base.ID]; int(i) < len(p.pieces) && p.pieces[i].slot == a.base; i++ {
		c := p.pieces[i]
		if c.off >= a.off && c.off+int64(c.width) <= a.off+v.Imm {
			list = append(list, i)
		}
	}
	return list
}

// loads replaces the loads of a block and drops the stores.
func (p *promoter) loads(b *ir.Block) {
	now := map[int32]*ir.Value{}
	kept := b.Instrs[:0]
	for _, v := range b.Instrs {
		if v.Op == ir.OpLoad || v.Op == ir.OpStore {
			if i := p.find(v.Args[0], v.Imm); i >= 0 {
				if v.Op == ir.OpStore {
					now[i] = v.Args[1]
					continue
				}
				x := now[i]
				if x == nil {
					x = p.atEntry(i, b)
					now[i] = x
				}
				if asLoaded(v, x) {
					p.s.set(v, x)
					continue
				}
			}
		}
		kept = append(kept, v)
	}
	b.Instrs = kept
}

// asLoaded reports whether a load of memory that holds the low v.Width bytes
// of x gives x itself; else it turns the load into the extension that gives
// its value.
func asLoaded(v, x *ir.Value) bool {
	switch {
	case x.Type == v.Type && isExtended(x, v.Width, v.Signed):
		return true
	case v.Type == ir.I32 && v.Width == 4:
		v.Op, v.Args, v.Imm, v.Width, v.Signed = ir.OpTrunc, []*ir.Value{x}, 0, 0, false
	default:
		setExt(v, x, v.Width, v.Signed)
	}
	return false
}

// atExit returns what a piece is at the end of a block.
func (p *promoter) atExit(i int32, b *ir.Block) *ir.Value {
	if v := p.out[pieceAt{i, int32(b.ID)}]; v != nil {
		return v
	}
	return p.atEntry(i, b)
}

// atEntry returns what a piece is at the start of a block, and gives the
// block a parameter when several edges lead to it (Braun et al., "Simple and
// Efficient Construction of Static Single Assignment Form", 2013). dropParams
// takes away the parameters that turn out to be one value.
func (p *promoter) atEntry(i int32, b *ir.Block) *ir.Value {
	at := pieceAt{i, int32(b.ID)}
	if v := p.entry[at]; v != nil {
		return v
	}
	in := p.in[b.ID]
	var v *ir.Value
	switch {
	case len(in) == 0:
		// Nothing was stored yet: any value will do.
		v = p.w.newConst(b, p.pieces[i].typ, 0, nil)
		p.undefined = append(p.undefined, v)
	case len(in) == 1:
		v = p.atExit(i, in[0].from)
	default:
		v = b.AddParam(p.pieces[i].typ)
		p.entry[at] = v
		for _, e := range in {
			e.Args = append(slices.Clip(e.Args), p.atExit(i, e.from))
		}
	}
	p.entry[at] = v
	return v
}
