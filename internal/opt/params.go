package opt

import "github.com/skep-dev/skep/internal/ir"

// paramRounds bounds how often dropParams starts over: a round may show that
// two parameters that passed each other around are one.
const paramRounds = 16

// dropParams replaces block parameters that get one value from all sides by
// that value.
func dropParams(w *work) {
	w.reachable()
	in := w.edges()
	var s subst
	for range paramRounds {
		changed := false
		for _, b := range w.f.Blocks[1:] {
			changed = w.dropParamsOf(b, in[b.ID], &s) || changed
		}
		if !changed {
			break
		}
	}
	s.apply(w.f)
}

// dropParamsOf does one block, given the edges into it. The arguments that it
// looks at may be values that s has replaced already.
func (w *work) dropParamsOf(b *ir.Block, in []inEdge, s *subst) bool {
	var consts []*ir.Value
	gone := make([]bool, len(b.Params))
	changed := false
	for i, p := range b.Params {
		one := onlyArgument(p, i, in, s)
		if one == nil {
			continue
		}
		gone[i], changed = true, true
		if isConst(one) {
			// One of several equal constants, so it need not be known here.
			one = w.newConst(b, one.Type, one.Imm, one)
			consts = append(consts, one)
		}
		s.set(p, one)
	}
	if changed {
		b.Params = without(b.Params, gone)
		for _, e := range in {
			e.Args = without(e.Args, gone)
		}
		b.Instrs = append(consts, b.Instrs...)
	}
	return changed
}

// without returns a new list of the values whose place is not gone. Lists may
// be shared, so they are not changed.
func without(list []*ir.Value, gone []bool) []*ir.Value {
	var kept []*ir.Value
	for i, v := range list {
		if !gone[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

// onlyArgument returns the value that parameter number i gets from all edges,
// not counting itself; nil when there are several.
func onlyArgument(p *ir.Value, i int, in []inEdge, s *subst) *ir.Value {
	var one *ir.Value
	for _, e := range in {
		a := s.get(e.Args[i])
		switch {
		case a == p:
		case one == nil:
			one = a
		case !sameValue(one, a):
			return nil
		}
	}
	return one
}
