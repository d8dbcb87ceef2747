package codegen

import (
	"math"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

// layout orders finished blocks and makes their jumps.
type layout struct {
	blocks []outBlock
	order  []int  // the blocks that are emitted, first to last
	place  []int  // by block: its place in order, or -1
	start  []int  // by place: the slot where the block begins; one more for the end
	far    []bool // by place: a jump of the block needs more than 16 bits
}

func newLayout(blocks []outBlock) *layout {
	l := &layout{blocks: blocks, place: make([]int, len(blocks))}
	for b := range blocks {
		l.thread(&blocks[b])
	}
	l.reach()
	l.rotate()
	for b := range l.place {
		l.place[b] = -1
	}
	for i, b := range l.order {
		l.place[b] = i
	}
	return l
}

// thread leads jumps past blocks that only jump on, and turns a jump to a
// bare exit into one.
func (l *layout) thread(blk *outBlock) {
	for i := range blk.succs[:blk.ways()] {
		blk.succs[i] = l.target(blk.succs[i])
	}
	if blk.term == termBranch && blk.succs[0] == blk.succs[1] {
		blk.term = termJump
	}
	if blk.term == termJump {
		if to := &l.blocks[blk.succs[0]]; to.term == termExit && len(to.code) == 1 {
			blk.term = termExit
			exit := to.code[0]
			if blk.span.IsValid() {
				exit.Span = blk.span
			}
			blk.code = append(blk.code, exit)
		}
	}
}

// ways returns how many successors the block has.
func (blk *outBlock) ways() int {
	return [...]int{termJump: 1, termBranch: 2, termExit: 0}[blk.term]
}

// target follows empty blocks. A loop of empty blocks ends the search.
func (l *layout) target(b int) int {
	for range l.blocks {
		if to := &l.blocks[b]; to.term != termJump || len(to.code) > 0 {
			return b
		}
		b = l.blocks[b].succs[0]
	}
	return b
}

// reach orders the blocks that can be reached: as they are, the cold ones
// last.
func (l *layout) reach() {
	seen := make([]bool, len(l.blocks))
	seen[0] = true
	work := []int{0}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		blk := &l.blocks[b]
		for _, s := range blk.succs[:blk.ways()] {
			if !seen[s] {
				seen[s] = true
				work = append(work, s)
			}
		}
	}
	for _, cold := range []bool{false, true} {
		for b := range l.blocks {
			if seen[b] && (l.blocks[b].cold && b != 0) == cold {
				l.order = append(l.order, b)
			}
		}
	}
}

// rotate moves the head of a loop behind its last block when that saves a jump
// in every round: the head leaves the loop on one way, the last block does
// nothing but jump back to it.
func (l *layout) rotate() {
	for i := 1; i < len(l.order); i++ {
		h := l.order[i]
		head := &l.blocks[h]
		if head.term != termBranch {
			continue
		}
		last := -1
		for j := i + 1; j < len(l.order); j++ {
			if b := &l.blocks[l.order[j]]; b.term == termJump && b.succs[0] == h && !b.cold {
				last = j
			}
		}
		if last < 0 {
			continue
		}
		inside := func(b int) bool {
			for _, x := range l.order[i+1 : last+1] {
				if x == b {
					return true
				}
			}
			return false
		}
		// What follows the loop should be what the head falls into.
		if inside(head.succs[0]) == inside(head.succs[1]) {
			continue
		}
		copy(l.order[i:], l.order[i+1:last+1])
		l.order[last] = h
		i-- // the block that is here now may be the head of an inner loop
	}
}

// code returns the instructions of the function.
func (l *layout) code(feat Features, f *ir.Func, errs *diag.List) ([]isa.Instruction, []CORE) {
	l.relax()
	n := 0
	for i := range l.order {
		if l.far[i] && !feat.Gotol {
			errs.Errorf(CodeSize, f.Span, "function %s has %d instructions and a jump over more than 32767, which needs Linux 6.6", f.Name, l.start[len(l.order)]).
				WithHint("divide it into functions")
			return nil, nil
		}
		n += len(l.blocks[l.order[i]].code) + 3
	}
	code := make([]isa.Instruction, 0, n)
	var relocs []CORE
	for i, b := range l.order {
		for _, in := range l.blocks[b].code {
			if in.core != nil {
				relocs = append(relocs, CORE{len(code), in.core})
			}
			code = append(code, in.Instruction)
		}
		code = l.jumps(code, i)
	}
	return code, relocs
}

// relax finds out which blocks need far jumps.
func (l *layout) relax() {
	l.far = make([]bool, len(l.order))
	l.start = make([]int, len(l.order)+1)
	for changed := true; changed; {
		changed = false
		for i, b := range l.order {
			size := 0
			for k := range l.blocks[b].code {
				size += l.blocks[b].code[k].Slots()
			}
			l.start[i+1] = l.start[i] + size + len(l.jumps(nil, i))
		}
		for i, b := range l.order {
			blk := &l.blocks[b]
			for _, s := range blk.succs[:blk.ways()] {
				// A few slots to spare for the jumps themselves.
				if d := l.start[l.place[s]] - l.start[i+1]; !l.far[i] && (d > math.MaxInt16-8 || d < math.MinInt16+8) {
					l.far[i], changed = true, true
				}
			}
		}
	}
}

// jumps appends the jumps at the end of the block at place i.
func (l *layout) jumps(code []isa.Instruction, i int) []isa.Instruction {
	blk := &l.blocks[l.order[i]]
	base := len(code)
	end := l.start[i+1]
	var out [3]isa.Instruction
	n := 0
	add := func(in isa.Instruction) {
		in.Span = blk.span
		out[n] = in
		n++
	}
	next := func(b int) bool { return l.place[b] == i+1 }
	long := func(b int) isa.Instruction {
		if l.far[i] {
			return isa.Instruction{Op: isa.OpGotoLong, Imm: int64(b)}
		}
		return isa.Instruction{Op: isa.OpGoto, Imm: int64(b)}
	}
	switch blk.term {
	case termJump:
		if !next(blk.succs[0]) {
			add(long(blk.succs[0]))
		}
	case termBranch:
		l.branch(blk, next, add, l.far[i], long)
	}
	// Imm holds the block that a jump leads to; now it becomes a distance.
	for k := 0; k < n; k++ {
		in := &out[k]
		switch {
		case in.Op == isa.OpGotoLong:
			in.Imm = int64(l.start[l.place[in.Imm]] - (end - n + k + 1))
		case in.Op == isa.OpGoto:
			in.Off, in.Imm = int16(l.start[l.place[in.Imm]]-(end-n+k+1)), 0
		case in.Off == 0: // a conditional jump to succs[0] or succs[1]
			to := blk.succs[0]
			if in.Op.Operation() != blk.jump.Op.Operation() {
				to = blk.succs[1]
			}
			in.Off = int16(l.start[l.place[to]] - (end - n + k + 1))
		}
	}
	return append(code[:base], out[:n]...)
}

// branch makes the conditional jump of a block, and a jump after it when
// neither successor is next.
func (l *layout) branch(blk *outBlock, next func(int) bool, add func(isa.Instruction), far bool, long func(int) isa.Instruction) {
	yes, no, jump := blk.succs[0], blk.succs[1], blk.jump
	if next(yes) && !next(no) {
		if op, ok := isa.Negate(jump.Op.Operation()); ok {
			jump.Op = jump.Op&^0xf0 | op
			yes, no = no, yes
		}
	}
	if far {
		// The condition only chooses between two jumps that reach all.
		jump.Off = 1
		add(jump)
		add(long(no))
		add(long(yes))
		return
	}
	add(jump)
	if !next(no) {
		add(long(no))
	}
}
