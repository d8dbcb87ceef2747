package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// block is a part of a program that is only entered at its start and left at
// its end.
type block struct{ from, to int } // indices of instructions

// blocks splits the instructions at functions and jumps.
func blocks(insns []XlatedInsn) []block {
	at := make(map[int]int, len(insns)) // index by slot
	for i := range insns {
		at[insns[i].Slot] = i
	}
	starts := map[int]bool{0: true}
	for i := range insns {
		in := &insns[i]
		if in.Proto != "" {
			starts[i] = true
		}
		if in.Jump >= 0 {
			if to, ok := at[in.Jump]; ok {
				starts[to] = true
			}
		}
		if in.Jump >= 0 || !in.Falls {
			starts[i+1] = true
		}
	}
	var order []int
	for i := range starts {
		if i < len(insns) {
			order = append(order, i)
		}
	}
	slices.Sort(order)
	out := make([]block, len(order))
	for i, from := range order {
		out[i] = block{from, len(insns)}
		if i+1 < len(order) {
			out[i].to = order[i+1]
		}
	}
	return out
}

// WriteGraph writes the control flow of a translated program as a graph in the
// language of dot(1), a cluster for each function.
func WriteGraph(w io.Writer, insns []XlatedInsn) error {
	var b strings.Builder
	b.WriteString("digraph \"DOT graph for eBPF program\" {\n")
	all := blocks(insns)
	bySlot := map[int]int{}
	for i, k := range all {
		bySlot[insns[k.from].Slot] = i
	}
	fn := -1
	for i, k := range all {
		if first := &insns[k.from]; first.Proto != "" || i == 0 {
			if fn >= 0 {
				b.WriteString("}\n")
			}
			fn++
			fmt.Fprintf(&b, "subgraph \"cluster_%d\" {\n\tstyle=\"dashed\";\n\tcolor=\"black\";\n\tlabel=%q;\n", fn, first.Proto)
			fmt.Fprintf(&b, "\tfn_%d_entry [shape=Mdiamond,style=filled,label=\"ENTRY\"];\n", fn)
			fmt.Fprintf(&b, "\tfn_%d_exit [shape=Mdiamond,style=filled,label=\"EXIT\"];\n", fn)
			fmt.Fprintf(&b, "\tfn_%d_entry -> bb_%d [style=solid];\n", fn, i)
		}
		fmt.Fprintf(&b, "\tbb_%d [shape=record,style=filled,label=\"{", i)
		for n := k.from; n < k.to; n++ {
			if n > k.from {
				b.WriteString("|")
			}
			fmt.Fprintf(&b, "%d: %s\\l\\\n", insns[n].Slot, dotText(insns[n].Text))
		}
		b.WriteString("}\"];\n")
		last := &insns[k.to-1]
		if last.Falls && i+1 < len(all) {
			fmt.Fprintf(&b, "\tbb_%d -> bb_%d [style=\"solid,bold\"];\n", i, i+1)
		}
		if to, ok := bySlot[last.Jump]; ok {
			fmt.Fprintf(&b, "\tbb_%d -> bb_%d [style=solid];\n", i, to)
		}
		if !last.Falls && last.Jump < 0 {
			fmt.Fprintf(&b, "\tbb_%d -> fn_%d_exit [style=solid];\n", i, fn)
		}
	}
	if fn >= 0 {
		b.WriteString("}\n")
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotText escapes what has a meaning in a record's label.
func dotText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "{", `\{`, "}", `\}`, "<", `\<`, ">", `\>`, "|", `\|`).Replace(s)
}
