package opt

import "github.com/skep-dev/skep/internal/ir"

// Bounds that keep the pass linear: how many facts about memory are kept at
// once, and how far back it looks where paths meet.
const (
	maxFacts  = 48
	maxBlocks = 32
	maxWrites = 128
)

// mergeLoads replaces a load by the value that an earlier load or store of
// the same bytes had, when nothing between may have changed them, and drops
// stores to the stack of what is there. A load is
// only ever replaced by what is there already on every path, so a value that
// was checked is the value that is used.
func mergeLoads(w *work) {
	cfg := w.reachable()
	l := &loads{
		cfg: cfg, dom: cfg.Dominators(),
		al:     &aliases{w: w, locals: w.findLocals()},
		bases:  map[baseKey]*ir.Value{},
		writes: make([][]*ir.Value, w.f.NumBlocks()),
		out:    make([][]fact, w.f.NumBlocks()),
	}
	for _, b := range cfg.Order {
		for _, v := range b.Instrs {
			if mayWrite(v) {
				l.writes[b.ID] = append(l.writes[b.ID], v)
			}
		}
	}
	for _, b := range l.dom.Preorder() {
		facts := l.atEntry(b)
		kept := b.Instrs[:0]
		for _, v := range b.Instrs {
			l.s.all(v.Args)
			if x := l.known(v, facts); x != nil && (isLookup(v) || asLoaded(v, x)) {
				l.s.set(v, x)
				continue
			}
			if l.idle(v, facts) {
				continue
			}
			facts = l.after(v, facts)
			kept = append(kept, v)
		}
		b.Instrs = kept
		l.out[b.ID] = facts
	}
	l.s.apply(w.f)
}

// fact says that size bytes of memory hold the low bytes of x; or, with the
// name of a map, that a lookup with the key in these bytes gives x.
type fact struct {
	at      address
	size    int64
	x       *ir.Value
	mapName string
}

type loads struct {
	cfg    *ir.CFG
	dom    *ir.DomTree
	al     *aliases
	s      subst
	bases  map[baseKey]*ir.Value
	writes [][]*ir.Value // by Block.ID: what may write, in order
	out    [][]fact      // by Block.ID: what is known at its end
}

// baseKey names an object that several instructions give the address of.
type baseKey struct {
	op  ir.Op
	sym string
}

// address returns base and offset of a pointer plus an offset. The same map
// value or data has one base wherever its address is taken.
func (l *loads) address(p *ir.Value, off int64) address {
	a := addressOf(p)
	a.off += off
	switch a.base.Op {
	case ir.OpMapVal, ir.OpData, ir.OpKsym:
		a.off += a.base.Imm
		key := baseKey{a.base.Op, a.base.Sym}
		if l.bases[key] == nil {
			l.bases[key] = a.base
		}
		a.base = l.bases[key]
	}
	return a
}

// known returns the value that a load or a lookup gives, when that is a fact.
func (l *loads) known(v *ir.Value, facts []fact) *ir.Value {
	var want fact
	switch {
	case v.Op == ir.OpLoad && !v.Volatile:
		want = fact{at: l.address(v.Args[0], v.Imm), size: int64(v.Width)}
	case isLookup(v):
		want = l.lookup(v)
	default:
		return nil
	}
	for i := len(facts) - 1; i >= 0; i-- {
		f := facts[i]
		if f.at == want.at && f.size == want.size && f.mapName == want.mapName && (f.x.Type == ir.Ptr) == (v.Type == ir.Ptr) {
			return f.x
		}
	}
	return nil
}

// isLookup reports whether v looks a key up in a map of the module.
func isLookup(v *ir.Value) bool {
	return v.Op == ir.OpHelper && v.Imm == helperMapLookup && v.Type == ir.Ptr && len(v.Args) == 2 &&
		v.Args[0].Op == ir.OpAddrMap && v.Args[1].Type == ir.Ptr
}

func (l *loads) lookup(v *ir.Value) fact {
	f := fact{at: l.address(v.Args[1], 0), x: v, mapName: v.Args[0].Sym}
	if m := l.al.w.m.Map(f.mapName); m != nil {
		f.size = int64(m.KeySize)
	}
	return f
}

// idle reports whether a store puts what is there already. Only the stack is
// sure not to have been changed by somebody else in between.
func (l *loads) idle(v *ir.Value, facts []fact) bool {
	if v.Op != ir.OpStore || v.Volatile || !l.al.locals.isLocal(v.Args[0]) {
		return false
	}
	at := l.address(v.Args[0], v.Imm)
	for i := len(facts) - 1; i >= 0; i-- {
		if f := facts[i]; f.at == at && f.size == int64(v.Width) && f.mapName == "" && sameValue(f.x, v.Args[1]) {
			return true
		}
	}
	return false
}

// after returns what is known after v.
func (l *loads) after(v *ir.Value, facts []fact) []fact {
	if mayWrite(v) {
		facts = l.forget(v, facts)
	}
	if v.Volatile {
		return facts
	}
	switch {
	case v.Op == ir.OpLoad:
		return remember(facts, fact{at: l.address(v.Args[0], v.Imm), size: int64(v.Width), x: v})
	case v.Op == ir.OpStore:
		return remember(facts, fact{at: l.address(v.Args[0], v.Imm), size: int64(v.Width), x: v.Args[1]})
	case isLookup(v):
		return remember(facts, l.lookup(v))
	}
	return facts
}

// remember appends a fact. Lists of facts may share memory, so the oldest is
// dropped by making a new list.
func remember(facts []fact, f fact) []fact {
	if len(facts) >= maxFacts {
		facts = append(make([]fact, 0, maxFacts), facts[maxFacts/4:]...)
	}
	return append(facts, f)
}

// forget drops the facts that a write may have changed.
func (l *loads) forget(v *ir.Value, facts []fact) []fact {
	for i := range facts {
		if l.changes(v, &facts[i]) {
			kept := append(make([]fact, 0, len(facts)), facts[:i]...)
			for j := i + 1; j < len(facts); j++ {
				if !l.changes(v, &facts[j]) {
					kept = append(kept, facts[j])
				}
			}
			return kept
		}
	}
	return facts
}

// changes reports whether a write may change the bytes of a fact, or which
// entries the map has.
func (l *loads) changes(v *ir.Value, f *fact) bool {
	if l.al.mayChange(v, l.address, f.at, f.size) {
		return true
	}
	if f.mapName == "" {
		return false
	}
	switch v.Op {
	case ir.OpHelper:
		if v.Imm == helperMapUpdate || v.Imm == helperMapDelete {
			return v.Args[0].Op != ir.OpAddrMap || v.Args[0].Sym == f.mapName
		}
		e := helperEffect(v.Imm)
		return e.writes || e.keeps
	case ir.OpCall, ir.OpKfunc:
		return true
	}
	return false
}

// atEntry returns what is known at the start of a block: what was known at
// the end of its immediate dominator, without what may change on the way.
func (l *loads) atEntry(b *ir.Block) []fact {
	dom := l.dom.IDom(b)
	if dom == nil {
		return nil
	}
	facts := l.out[dom.ID]
	facts = facts[:len(facts):len(facts)]
	preds := l.cfg.Preds(b)
	if len(facts) == 0 || len(preds) == 1 {
		return facts
	}
	region, ok := l.between(dom, b)
	if !ok {
		return nil
	}
	for _, r := range region {
		for _, v := range l.writes[r.ID] {
			facts = l.forget(v, facts)
		}
	}
	return facts
}

// between returns the blocks on the ways from dom to b, with b itself when it
// is in a loop; false when they are many.
func (l *loads) between(dom, b *ir.Block) (region []*ir.Block, ok bool) {
	writes := 0
	visit := func(list []*ir.Block) bool {
		for _, p := range list {
			if p == dom || contains(region, p) {
				continue
			}
			writes += len(l.writes[p.ID])
			if len(region) >= maxBlocks || writes > maxWrites {
				return false
			}
			region = append(region, p)
		}
		return true
	}
	if !visit(l.cfg.Preds(b)) {
		return nil, false
	}
	for i := 0; i < len(region); i++ {
		if !visit(l.cfg.Preds(region[i])) {
			return nil, false
		}
	}
	return region, true
}

func contains(list []*ir.Block, b *ir.Block) bool {
	for _, x := range list {
		if x == b {
			return true
		}
	}
	return false
}
