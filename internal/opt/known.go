package opt

import "github.com/skep-dev/skep/internal/ir"

// knownConditions settles branches that ask again whether a value is null or
// equals another, where the answer was given on every path: behind an edge
// that is the only way in. Only equality is settled. A bound is checked anew
// wherever the program says so, as the verifier may have forgotten it.
func knownConditions(w *work) {
	cfg := w.reachable()
	dom := cfg.Dominators()
	k := &conditions{dom: dom, numbers: newNumbers(w), known: map[equality][]answer{}}
	for _, b := range dom.Preorder() {
		k.arrive(b, cfg.Preds(b))
		t := &b.Term
		if t.Kind != ir.Branch || isConst(t.Cond) {
			continue
		}
		e, negated, ok := k.equality(t.Cond)
		if !ok {
			continue
		}
		if equal, found := k.find(e, b); found {
			truth := int64(1)
			if equal == negated {
				truth = 0
			}
			c := w.newConst(b, ir.I64, truth, t.Cond)
			b.Instrs = append(b.Instrs, c)
			t.Cond = c
		}
	}
}

// equality is a condition x == y by the numbers of the values.
type equality struct{ x, y int32 }

// answer says that in b, and wherever b dominates, an equality holds or not.
type answer struct {
	b     *ir.Block
	equal bool
}

// maxAnswers is how many answers to one question are kept.
const maxAnswers = 8

type conditions struct {
	dom     *ir.DomTree
	numbers *numbers
	known   map[equality][]answer
}

// equality reads a condition as x == y, or as its negation. A value alone
// stands for x != 0.
func (k *conditions) equality(cond *ir.Value) (e equality, negated, ok bool) {
	switch {
	case cond.Op == ir.OpEq || cond.Op == ir.OpNe:
		e = equality{k.numbers.of(cond.Args[0]), k.numbers.of(cond.Args[1])}
		if e.x > e.y {
			e.x, e.y = e.y, e.x
		}
		return e, cond.Op == ir.OpNe, true
	case cond.Op.IsCompare():
		return e, false, false
	}
	e = equality{k.numbers.of(cond), k.numbers.constant(cond.Type, 0)}
	if e.x > e.y {
		e.x, e.y = e.y, e.x
	}
	return e, true, true
}

// arrive notes what the only edge into b says.
func (k *conditions) arrive(b *ir.Block, preds []*ir.Block) {
	if len(preds) != 1 || preds[0].Term.Kind != ir.Branch {
		return
	}
	t := &preds[0].Term
	if isConst(t.Cond) {
		return
	}
	e, negated, ok := k.equality(t.Cond)
	if ok && len(k.known[e]) < maxAnswers {
		isTrue := t.Then.Block == b
		k.known[e] = append(k.known[e], answer{b, isTrue != negated})
	}
}

func (k *conditions) find(e equality, b *ir.Block) (equal, found bool) {
	for _, a := range k.known[e] {
		if k.dom.Dominates(a.b, b) {
			return a.equal, true
		}
	}
	return false, false
}
