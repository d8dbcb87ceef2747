package opt

import "github.com/skep-dev/skep/internal/ir"

// address is a pointer as a base and a constant offset.
type address struct {
	base *ir.Value
	off  int64
}

// addressOf takes constant additions off a pointer.
func addressOf(p *ir.Value) address {
	a := address{base: p}
	for {
		next, off, ok := constSum(a.base)
		if !ok {
			return a
		}
		a.base, a.off = next, a.off+off
	}
}

// constSum reports whether v is x plus a constant.
func constSum(v *ir.Value) (x *ir.Value, c int64, ok bool) {
	if len(v.Args) != 2 || !isConst(v.Args[1]) {
		return nil, 0, false
	}
	switch v.Op {
	case ir.OpAdd:
		return v.Args[0], v.Args[1].Imm, true
	case ir.OpSub:
		return v.Args[0], -v.Args[1].Imm, true
	}
	return nil, 0, false
}

// rootOf takes all additions off a pointer, so that what is left is the object
// that it points into, as far as that is known. A pointer that is computed
// from another one stays inside the same object: the verifier knows no other.
func rootOf(p *ir.Value) *ir.Value {
	for p.Type == ir.Ptr && (p.Op == ir.OpAdd || p.Op == ir.OpSub) {
		p = p.Args[0]
	}
	return p
}

// locals knows the stack slots whose address stays inside the function: it is
// used to load and store, and by helpers that forget it when they return.
type locals struct {
	escaped []bool // by Value.ID of the alloca
}

// findLocals looks at all uses of pointers into the stack.
func (w *work) findLocals() *locals {
	l := &locals{escaped: make([]bool, w.f.NumValues())}
	for _, b := range w.f.Blocks {
		for _, v := range b.Instrs {
			for i, a := range v.Args {
				if a.Type == ir.Ptr && !keepsInside(v, i) {
					l.escape(a)
				}
			}
		}
		for _, e := range b.Succs() {
			for _, a := range e.Args {
				l.escape(a)
			}
		}
		if b.Term.Kind == ir.Return && b.Term.Cond != nil {
			l.escape(b.Term.Cond)
		}
	}
	return l
}

func (l *locals) escape(p *ir.Value) {
	if r := rootOf(p); r.Op == ir.OpAlloca {
		l.escaped[r.ID] = true
	}
}

// keepsInside reports whether v, given a pointer as argument i, leaves no copy
// of it where this pass doesn't see it.
func keepsInside(v *ir.Value, i int) bool {
	switch v.Op {
	case ir.OpLoad, ir.OpZero, ir.OpCopy:
		return true
	case ir.OpStore, ir.OpAtomic:
		return i == 0
	case ir.OpAdd:
		return true
	case ir.OpSub:
		return v.Type == ir.Ptr
	case ir.OpHelper:
		return !helperEffect(v.Imm).keeps
	}
	return v.Op.IsCompare()
}

// isLocal reports whether p points into a stack slot that nothing outside of
// the function's own code knows.
func (l *locals) isLocal(p *ir.Value) bool {
	r := rootOf(p)
	return r.Op == ir.OpAlloca && !l.escaped[r.ID]
}

// hasSlots reports whether a function's entry block reserves stack.
func hasSlots(entry *ir.Block) bool {
	for _, v := range entry.Instrs {
		if v.Op == ir.OpAlloca {
			return true
		}
	}
	return false
}
