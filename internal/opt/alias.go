package opt

import "github.com/skep-dev/skep/internal/ir"

// mayWrite reports whether an instruction may change memory that the program
// can read.
func mayWrite(v *ir.Value) bool {
	if v.Op == ir.OpHelper {
		e := helperEffect(v.Imm)
		return e.writes || e.keeps || e.out != 0
	}
	return v.Op.Info().Writes
}

// object is what is known about where a pointer leads.
type object uint8

const (
	elsewhere object = iota // unknown: an argument's memory, or what a loaded pointer leads to
	returned                // what a helper gave: a map's value, a record, kernel memory
	stack                   // a stack slot whose address got out
	local                   // a stack slot that only this function's code knows
	context                 // a program's context
	mapValue                // a global that is a map's only value
	data                    // a global
	constant                // a global that nothing may write
)

// aliases answers whether two accesses may meet.
type aliases struct {
	w      *work
	locals *locals
}

func (al *aliases) object(root *ir.Value) object {
	switch root.Op {
	case ir.OpAlloca:
		if al.locals.isLocal(root) {
			return local
		}
		return stack
	case ir.OpMapVal:
		return mapValue
	case ir.OpData:
		if d := al.w.m.Datum(root.Sym); d != nil && d.ReadOnly() {
			return constant
		}
		return data
	case ir.OpParam:
		if f := al.w.f; f.Section != "" && root.Block == f.Entry() {
			return context
		}
	case ir.OpHelper:
		return returned
	}
	return elsewhere
}

// meet reports whether pointers into p and q, which are roots, may lead to
// the same bytes.
func (al *aliases) meet(p, q *ir.Value) bool {
	if p == q {
		return true
	}
	x, y := al.object(p), al.object(q)
	switch {
	case x == local || y == local || x == constant || y == constant:
		// Of one constant, or one global below, several instructions may
		// give the address.
		return x == y && x == constant && p.Sym == q.Sym
	case x == elsewhere || y == elsewhere:
		return true
	case x == returned || y == returned:
		// No helper returns a pointer to the stack or the context.
		return x != context && y != context && x != stack && y != stack
	case x != y:
		return false
	case x == mapValue || x == data:
		return p.Sym == q.Sym
	case x == stack:
		return false // two different slots
	}
	return true
}

// mayChange reports whether the write v may change size bytes at an address.
// addressOf brings v's pointers to the form that the address has.
func (al *aliases) mayChange(v *ir.Value, addressOf func(*ir.Value, int64) address, at address, size int64) bool {
	root := rootOf(at.base)
	if al.object(root) == constant {
		return false
	}
	hits := func(p *ir.Value, off, n int64) bool {
		a := addressOf(p, off)
		if a.base == at.base {
			return n < 0 || a.off < at.off+size && at.off < a.off+n
		}
		return al.meet(rootOf(a.base), root)
	}
	switch v.Op {
	case ir.OpStore, ir.OpAtomic:
		return hits(v.Args[0], v.Imm, int64(v.Width))
	case ir.OpZero, ir.OpCopy:
		return hits(v.Args[0], 0, v.Imm)
	case ir.OpHelper:
		e := helperEffect(v.Imm)
		for i, a := range v.Args {
			if e.out&(1<<i) != 0 && a.Type == ir.Ptr && hits(a, 0, -1) {
				return true
			}
		}
		return (e.writes || e.keeps) && al.object(root) != local
	}
	return al.object(root) != local
}
