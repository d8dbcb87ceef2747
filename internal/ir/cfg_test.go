package ir_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
)

// graph makes a function whose block i leads to the blocks of edges[i]: none,
// one or two.
func graph(edges [][]int) *ir.Func {
	m := &ir.Module{}
	f := m.NewFunc("f", "", ir.Void, ir.I64)
	for range len(edges) - 1 {
		f.NewBlock()
	}
	for i, to := range edges {
		t := &f.Blocks[i].Term
		switch len(to) {
		case 0:
			t.Kind = ir.Return
		case 1:
			t.Kind, t.Then.Block = ir.Jump, f.Blocks[to[0]]
		default:
			t.Kind, t.Cond = ir.Branch, f.Params[0]
			t.Then.Block, t.Else.Block = f.Blocks[to[0]], f.Blocks[to[1]]
		}
	}
	return f
}

// reached returns the blocks that can be reached without going through skip.
func reached(f *ir.Func, skip *ir.Block) map[*ir.Block]bool {
	seen := map[*ir.Block]bool{}
	var walk func(b *ir.Block)
	walk = func(b *ir.Block) {
		if b == skip || seen[b] {
			return
		}
		seen[b] = true
		for _, e := range b.Succs() {
			walk(e.Block)
		}
	}
	walk(f.Entry())
	return seen
}

// checkCFG holds the graph and its dominators to their definitions.
func checkCFG(f *ir.Func) error {
	cfg := ir.NewCFG(f)
	dom := cfg.Dominators()
	live := reached(f, nil)
	if len(cfg.Order) != len(live) || cfg.Order[0] != f.Entry() || len(dom.Preorder()) != len(live) {
		return fmt.Errorf("order of %d blocks, %d can be reached", len(cfg.Order), len(live))
	}
	preds := map[*ir.Block]int{}
	for b := range live {
		for _, e := range b.Succs() {
			preds[e.Block]++
		}
	}
	visited := map[*ir.Block]bool{}
	for _, b := range dom.Preorder() {
		if d := dom.IDom(b); d != nil && !visited[d] {
			return fmt.Errorf("%s comes before %s, which dominates it", b, d)
		}
		visited[b] = true
	}
	for _, a := range f.Blocks {
		if cfg.Reachable(a) != live[a] || len(cfg.Preds(a)) != preds[a] {
			return fmt.Errorf("%s: reachable %v, %d predecessors", a, cfg.Reachable(a), len(cfg.Preds(a)))
		}
		without := reached(f, a)
		for _, b := range f.Blocks {
			want := live[a] && live[b] && !without[b]
			if dom.Dominates(a, b) != want {
				return fmt.Errorf("%s dominates %s: %v", a, b, !want)
			}
			if want && a != b && cfg.Index(a) >= cfg.Index(b) {
				return fmt.Errorf("%s is not before %s", a, b)
			}
		}
	}
	for _, b := range cfg.Order[1:] {
		// The immediate dominator is the one that all others dominate.
		d := dom.IDom(b)
		for _, a := range cfg.Order {
			if a != b && dom.Dominates(a, b) && !dom.Dominates(a, d) {
				return fmt.Errorf("%s, not %s, is the nearest dominator of %s", a, d, b)
			}
			if m := dom.Meet(a, b); !dom.Dominates(m, a) || !dom.Dominates(m, b) {
				return fmt.Errorf("%s does not dominate both %s and %s", m, a, b)
			}
		}
	}
	return nil
}

func TestCFG(t *testing.T) {
	tests := []struct {
		name  string
		edges [][]int
	}{
		{"one block", [][]int{{}}},
		{"line", [][]int{{1}, {2}, {}}},
		{"diamond", [][]int{{1, 2}, {3}, {3}, {}}},
		{"both edges to one block", [][]int{{1, 1}, {}}},
		{"loop", [][]int{{1}, {2, 3}, {1}, {}}},
		{"loop in a loop", [][]int{{1}, {2, 5}, {3, 4}, {2}, {1}, {}}},
		{"two ways into a loop", [][]int{{1, 2}, {2}, {1, 3}, {}}},
		{"unreachable", [][]int{{3}, {3}, {1, 2}, {}}},
		{"own successor", [][]int{{1}, {1, 2}, {}}},
		{"no end", [][]int{{1}, {1}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			qt.Assert(t, qt.IsNil(checkCFG(graph(test.edges))))
		})
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		n := 1 + rng.IntN(12)
		edges := make([][]int, n)
		for i := range edges {
			for range rng.IntN(3) {
				if n > 1 {
					edges[i] = append(edges[i], 1+rng.IntN(n-1))
				}
			}
		}
		if err := checkCFG(graph(edges)); err != nil {
			t.Fatalf("%v: %v", edges, err)
		}
	}
}

// TestLongFunction has no limit on depth to run into.
func TestLongFunction(t *testing.T) {
	const n = 200_000
	edges := make([][]int, n)
	for i := range n - 1 {
		edges[i] = []int{i + 1}
	}
	f := graph(edges)
	cfg := ir.NewCFG(f)
	qt.Assert(t, qt.HasLen(cfg.Order, n))
	dom := cfg.Dominators()
	qt.Assert(t, qt.Equals(dom.IDom(f.Blocks[n-1]), f.Blocks[n-2]))
	qt.Assert(t, qt.IsTrue(dom.Dominates(f.Blocks[5], f.Blocks[n-1])))
}
