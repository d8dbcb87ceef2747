package opt

import "github.com/skep-dev/skep/internal/ir"

// work is a function while passes go over it.
type work struct {
	m *ir.Module
	f *ir.Func
}

// reachable drops the blocks that can't be reached and returns the graph of
// the others. Passes that look at all edges into a block start with it.
func (w *work) reachable() *ir.CFG {
	cfg := ir.NewCFG(w.f)
	if len(cfg.Order) < len(w.f.Blocks) {
		w.keepBlocks(cfg.Reachable)
	}
	return cfg
}

// keepBlocks drops the blocks that keep refuses.
func (w *work) keepBlocks(keep func(*ir.Block) bool) {
	kept := w.f.Blocks[:0]
	for _, b := range w.f.Blocks {
		if keep(b) {
			kept = append(kept, b)
		}
	}
	clear(w.f.Blocks[len(kept):])
	w.f.Blocks = kept
}

// inEdge is an edge and the block that it comes from.
type inEdge struct {
	*ir.Edge
	from *ir.Block
}

// edges returns the edges into each block, by Block.ID.
func (w *work) edges() [][]inEdge {
	in := make([][]inEdge, w.f.NumBlocks())
	for _, b := range w.f.Blocks {
		for _, e := range b.Succs() {
			in[e.Block.ID] = append(in[e.Block.ID], inEdge{e, b})
		}
	}
	return in
}

// subst says which values stand in for others that go away.
type subst struct {
	to []*ir.Value // by Value.ID; nil stands for itself
}

func (s *subst) set(old, new *ir.Value) {
	if n := old.ID + 1 - len(s.to); n > 0 {
		s.to = append(s.to, make([]*ir.Value, n+len(s.to)/2)...)
	}
	s.to[old.ID] = new
}

// get returns what stands in for v in the end, and shortens the way there.
func (s *subst) get(v *ir.Value) *ir.Value {
	if v == nil || v.ID >= len(s.to) || s.to[v.ID] == nil {
		return v
	}
	end := v
	for end.ID < len(s.to) && s.to[end.ID] != nil {
		end = s.to[end.ID]
	}
	for v != end {
		v, s.to[v.ID] = s.to[v.ID], end
	}
	return end
}

func (s *subst) all(list []*ir.Value) {
	for i, v := range list {
		list[i] = s.get(v)
	}
}

func (s *subst) term(t *ir.Term) {
	t.Cond = s.get(t.Cond)
	s.all(t.Then.Args)
	s.all(t.Else.Args)
}

// apply replaces all uses in the function.
func (s *subst) apply(f *ir.Func) {
	if len(s.to) == 0 {
		return
	}
	for _, b := range f.Blocks {
		for _, v := range b.Instrs {
			s.all(v.Args)
		}
		s.term(&b.Term)
	}
}

func isConst(v *ir.Value) bool { return v.Op == ir.OpConst }

// sameValue reports whether two values are the same on every run.
func sameValue(v, w *ir.Value) bool {
	return v == w || isConst(v) && isConst(w) && v.Type == w.Type && v.Imm == w.Imm
}

// newConst makes a constant for a place in b next to the value like; the
// caller puts it into the block.
func (w *work) newConst(b *ir.Block, t ir.Type, x int64, like *ir.Value) *ir.Value {
	c := w.f.NewValue(ir.OpConst, t)
	if t == ir.I32 {
		x = int64(int32(x))
	}
	c.Imm, c.Block = x, b
	if like != nil {
		c.Span = like.Span
	}
	return c
}

// setConst turns an instruction into a constant.
func setConst(v *ir.Value, x int64) {
	if v.Type == ir.I32 {
		x = int64(int32(x))
	}
	v.Op, v.Args, v.Imm = ir.OpConst, nil, x
	v.Width, v.Signed, v.Sym, v.CORE = 0, false, "", nil
}

// setExt turns an instruction into an extension of the low width bytes of x.
func setExt(v, x *ir.Value, width uint8, signed bool) {
	v.Op, v.Args, v.Imm = ir.OpZExt, []*ir.Value{x}, 0
	v.Width, v.Signed, v.Sym, v.CORE = width, false, "", nil
	if signed {
		v.Op = ir.OpSExt
	}
}

// setBinary turns an instruction into arithmetic on x and y.
func setBinary(v *ir.Value, op ir.Op, x, y *ir.Value) {
	v.Op, v.Args, v.Imm = op, []*ir.Value{x, y}, 0
	v.Width, v.Signed = 0, false
}
