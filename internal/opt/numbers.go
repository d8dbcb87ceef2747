package opt

import "github.com/skep-dev/skep/internal/ir"

// numbers gives equal constants one number. Other values have their ID, which
// is not negative.
type numbers struct {
	byID   []int32 // by Value.ID of a constant: its number, or 0 for not yet
	consts map[constKey]int32
}

type constKey struct {
	typ ir.Type
	imm int64
}

func newNumbers(w *work) *numbers {
	return &numbers{byID: make([]int32, w.f.NumValues()), consts: map[constKey]int32{}}
}

func (n *numbers) of(v *ir.Value) int32 {
	if !isConst(v) {
		return int32(v.ID)
	}
	if v.ID >= len(n.byID) {
		return n.constant(v.Type, v.Imm)
	}
	if n.byID[v.ID] == 0 {
		n.byID[v.ID] = n.constant(v.Type, v.Imm)
	}
	return n.byID[v.ID]
}

func (n *numbers) constant(t ir.Type, x int64) int32 {
	k := constKey{t, x}
	if n.consts[k] == 0 {
		n.consts[k] = -int32(len(n.consts)) - 1
	}
	return n.consts[k]
}
