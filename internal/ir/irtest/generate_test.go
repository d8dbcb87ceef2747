package irtest

import (
	"math/rand/v2"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
)

// TestGenerate holds generated modules to what Generate promises.
func TestGenerate(t *testing.T) {
	ops := map[ir.Op]int{}
	for seed := range uint64(400) {
		m := Generate(rand.New(rand.NewPCG(seed, 1)), 5+int(seed%80))
		if err := ir.Check(m); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(m))
		}
		text := ir.Print(m)
		again, dl := ir.Parse("generated", text)
		qt.Assert(t, qt.IsNil(dl.Err()))
		qt.Assert(t, qt.Equals(ir.Print(again), text))
		want, err := Observe(m, seed)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		got, err := Observe(again, seed)
		qt.Assert(t, qt.IsNil(err))
		qt.Assert(t, qt.Equals(got, want))
		for _, f := range m.Funcs {
			for _, b := range f.Blocks {
				for _, v := range b.Instrs {
					ops[v.Op]++
				}
			}
		}
	}
	for op := ir.OpConst; op <= ir.OpCORE; op++ {
		if ops[op] == 0 && op != ir.OpKfunc && op != ir.OpKsym {
			t.Errorf("%s is never generated", op)
		}
	}
}
