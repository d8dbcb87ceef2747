package opt

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/irtest"
)

// BenchmarkRun measures all passes over random modules of growing size; the
// time per value says whether they take linear time.
func BenchmarkRun(b *testing.B) {
	for _, size := range []int{30, 300, 3000} {
		text := ir.Print(irtest.Generate(rand.New(rand.NewPCG(4, 7)), size))
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			values := 0
			for b.Loop() {
				b.StopTimer()
				m := reparse(b, text)
				values = sizeOf(m)
				b.StartTimer()
				if err := Run(m, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(values), "ns/value")
			b.ReportMetric(float64(values), "values")
		})
	}
}

// BenchmarkPass measures each pass over the same module, as it is when the
// pass has its turn.
func BenchmarkPass(b *testing.B) {
	text := ir.Print(irtest.Generate(rand.New(rand.NewPCG(4, 7)), 1000))
	for i, p := range passes {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m := reparse(b, text)
				for _, f := range m.Funcs {
					w := &work{m: m, f: f}
					for _, earlier := range passes[:i] {
						earlier.run(w)
					}
				}
				b.StartTimer()
				for _, f := range m.Funcs {
					p.run(&work{m: m, f: f})
				}
			}
		})
	}
}

func sizeOf(m *ir.Module) (n int) {
	for _, f := range m.Funcs {
		for _, b := range f.Blocks {
			n += len(b.Instrs) + 1
		}
	}
	return n
}
