package ops

import "sort"

// joined gives every operation the code that stands for the longest useful
// sequence beginning there: the one that makes the straight way from it cheapest. The operations behind keep their own codes, for jumps
// that arrive at them, and lend their operands.
func joined(plain []Op) []Op {
	code := append([]Op(nil), plain...)
	left := make([]int, len(plain)+1) // cost from here to the end
	for i := len(plain) - 1; i >= 0; i-- {
		if plain[i].Code == JaI64 || plain[i].Code == Exit {
			continue
		}
		left[i] = dispatchCost + stepCost + left[min(i+slots(plain[i]), len(plain))]
		for _, j := range joinsOf(plain[i:]) {
			if !matches(plain[i:], j) {
				continue
			}
			if cost := j.cost() + left[i+len(j.parts)]; cost < left[i] {
				left[i] = cost
				code[i].Code = j.code
			}
		}
	}
	return code
}

// Rough costs, as ratios. A step that hands its result to the next one
// directly is cheaper than one that stores it in the registers first.
const (
	dispatchCost = 3
	stepCost     = 2
	directCost   = 1
)

func (j join) cost() int {
	if j.where != nil {
		return dispatchCost + stepCost + directCost*(len(j.parts)-1)
	}
	return dispatchCost + stepCost*len(j.parts)
}

// joinsOf returns the joins that begin with the first two operations of at.
func joinsOf(at []Op) []join {
	if len(at) < 2 {
		return nil
	}
	from := sort.Search(len(joins), func(i int) bool {
		p := joins[i].parts
		return p[0] > at[0].Code || p[0] == at[0].Code && p[1] >= at[1].Code
	})
	to := from
	for to < len(joins) && joins[to].parts[0] == at[0].Code && joins[to].parts[1] == at[1].Code {
		to++
	}
	return joins[from:to]
}

func slots(op Op) int {
	if op.Code == Lddw {
		return 2
	}
	return 1
}

func matches(at []Op, j join) bool {
	if len(at) < len(j.parts) {
		return false
	}
	for i, p := range j.parts {
		if at[i].Code != p {
			return false
		}
	}
	return j.where == nil || j.where(at)
}

// Width is the number of bytes that a load or store moves, and whether it is
// a load that extends the sign.
func Width(c Code) (bytes int, signed bool) {
	widths := [...]int{4, 2, 1, 8}
	switch {
	case c >= LdW && c <= LdDStack:
		return widths[(c-LdW)%4], false
	case c >= LdsW && c <= LdsDStack:
		return widths[(c-LdsW)%4], true
	case c >= StW && c <= StDStack:
		return widths[(c-StW)%4], false
	case c >= StIW && c <= StIDStack:
		return widths[(c-StIW)%4], false
	}
	return 0, false
}

// StoresImm reports whether a store writes its immediate and not a register.
func StoresImm(c Code) bool { return c >= StIW && c <= StIDStack }

// Conditions on the operands of joined operations.

// sameDst: the second operation changes the result of the first.
func sameDst(at []Op) bool { return at[0].Dst == at[1].Dst }

// sameDstOther: and takes another register as its second operand.
func sameDstOther(at []Op) bool { return at[0].Dst == at[1].Dst && at[1].Src != at[0].Dst }

// sameDstOther3: three operations build one result.
func sameDstOther3(at []Op) bool {
	return at[0].Dst == at[1].Dst && at[0].Dst == at[2].Dst && at[2].Src != at[0].Dst
}
