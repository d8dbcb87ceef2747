package regalloc

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-quicktest/qt"
)

// seed returns the seed of a random test: SKEP_SEED, or the time. It is logged.
func seed(t testing.TB) uint64 {
	s := uint64(time.Now().UnixNano())
	if env := os.Getenv("SKEP_SEED"); env != "" {
		n, err := strconv.ParseUint(env, 10, 64)
		qt.Assert(t, qt.IsNil(err))
		s = n
	}
	t.Logf("SKEP_SEED=%d", s)
	return s
}

func TestRandom(t *testing.T) {
	first := seed(t)
	n := 20000
	if testing.Short() {
		n = 2000
	}
	for i := range n {
		s := first + uint64(i)
		rng := rand.New(rand.NewPCG(s, 0))
		f := randomFunc(rng, 2+rng.IntN(14), 1+rng.IntN(20))
		if err := check(f, Allocate(f)); err != nil {
			t.Fatalf("SKEP_SEED=%d: %v\n%s", s, err, dump(f, Allocate(f)))
		}
	}
}

// dump writes a function with its allocation.
func dump(f *Func, res *Result) string {
	var w strings.Builder
	for b := range f.Blocks {
		blk := &f.Blocks[b]
		fmt.Fprintf(&w, "b%d%v:\n", b, blk.Params)
		edits := res.Edits[b]
		until := func(pos int32) {
			for len(edits) > 0 && edits[0].Pos <= pos {
				e := edits[0]
				edits = edits[1:]
				switch e.Kind {
				case Move:
					fmt.Fprintf(&w, "\t\tr%d = r%d\n", e.To, e.From)
				case Load:
					fmt.Fprintf(&w, "\t\tr%d = slot%d\n", e.To, e.Slot)
				case Store:
					fmt.Fprintf(&w, "\t\tslot%d = r%d\n", e.Slot, e.From)
				case Remat:
					fmt.Fprintf(&w, "\t\tr%d = const%d\n", e.To, e.Value)
				}
			}
		}
		for i, in := range blk.Insts {
			until(int32(2 * i))
			as := res.Insts[b][i]
			fmt.Fprintf(&w, "\t%d(r%d) =", in.Def, as.Def)
			for k, v := range in.Uses[:in.NumUses] {
				fmt.Fprintf(&w, " %d(r%d)", v, as.Uses[k])
			}
			fmt.Fprintf(&w, " tied %d clobbers %#x\n", in.Tied, in.Clobbers)
			until(int32(2*i + 1))
		}
		until(1 << 30)
		for _, e := range blk.Succs {
			fmt.Fprintf(&w, "\t-> b%d%v\n", e.Block, e.Args)
		}
	}
	return w.String()
}

// The checker is worth something: an allocation with one edit missing, or with
// two registers exchanged in it, is found to be wrong.
func TestCheckerNotices(t *testing.T) {
	rng := rand.New(rand.NewPCG(seed(t), 1))
	missed, tried := 0, 0
	for range 300 {
		f := randomFunc(rng, 2+rng.IntN(8), 1+rng.IntN(12))
		res := Allocate(f)
		b := rng.IntN(len(f.Blocks))
		if len(res.Edits[b]) == 0 {
			continue
		}
		tried++
		i := rng.IntN(len(res.Edits[b]))
		if e := &res.Edits[b][i]; rng.IntN(2) == 0 && e.Kind == Move && e.To != e.From {
			e.To, e.From = e.From, e.To
		} else {
			res.Edits[b] = append(res.Edits[b][:i:i], res.Edits[b][i+1:]...)
		}
		if check(f, res) == nil {
			missed++
		}
	}
	t.Logf("%d of %d wrong allocations missed", missed, tried)
	qt.Check(t, qt.IsTrue(tried > 50 && missed*5 < tried))
}

// Larger functions with long runs of values.
func TestRandomLarge(t *testing.T) {
	first := seed(t)
	for i := range 200 {
		s := first + uint64(i)
		rng := rand.New(rand.NewPCG(s, 2))
		f := randomFunc(rng, 2+rng.IntN(80), 1+rng.IntN(60))
		if err := check(f, Allocate(f)); err != nil {
			t.Fatalf("SKEP_SEED=%d: %v", s, err)
		}
	}
}

func BenchmarkAllocate(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		f := randomFunc(rand.New(rand.NewPCG(1, 3)), 2*n, 20)
		insts := 0
		for i := range f.Blocks {
			insts += len(f.Blocks[i].Insts)
		}
		b.Run(strconv.Itoa(insts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Allocate(f)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(insts), "ns/insn")
		})
	}
}
