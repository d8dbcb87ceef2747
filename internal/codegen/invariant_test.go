package codegen

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/irtest"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/opt"
	"github.com/skep-dev/skep/internal/source"
)

// The code of any module consists of instructions that exist, in the version
// of the instruction set that the target has; jumps stay inside their
// function, every CO-RE operation has one relocation, and making it changes
// nothing in the module.
func TestInvariants(t *testing.T) {
	newest := kernel(t, "6.18")
	oldest := kernel(t, "5.13") // the modules have callbacks
	oldest.Atomics = true
	for s := range uint64(600) {
		m := irtest.Generate(rand.New(rand.NewPCG(s, 5)), 5+int(s%90))
		if s%2 == 0 {
			qt.Assert(t, qt.IsNil(opt.Run(m, opt.Options{})))
		}
		before := ir.Print(m)
		for _, feat := range []Features{newest, oldest} {
			funcs, err := Generate(m, feat)
			if err != nil {
				// Some need more stack than there is.
				qt.Assert(t, qt.ErrorMatches(err, ".*bytes of stack.*"), qt.Commentf("seed %d", s))
				continue
			}
			qt.Assert(t, qt.HasLen(funcs, len(m.Funcs)))
			for i := range funcs {
				checkFunc(t, &funcs[i], feat)
			}
		}
		qt.Assert(t, qt.Equals(ir.Print(m), before))
	}
}

func checkFunc(t *testing.T, f *Func, feat Features) {
	t.Helper()
	starts := map[int]bool{}
	slot := 0
	for _, in := range f.Insns {
		starts[slot] = true
		slot += in.Slots()
	}
	slot = 0
	for _, in := range f.Insns {
		qt.Assert(t, qt.IsNil(in.Check()), qt.Commentf("%s", in))
		qt.Assert(t, qt.IsTrue(in.Dst != isa.R10 || !in.Op.IsALU()), qt.Commentf("%s", in))
		if !feat.SDiv {
			qt.Assert(t, qt.IsTrue(in.Version() <= 3), qt.Commentf("%s", in))
		}
		if off, ok := in.Target(); ok {
			qt.Assert(t, qt.IsTrue(starts[slot+1+off]), qt.Commentf("%s", in))
		}
		slot += in.Slots()
	}
	if n := len(f.Insns); f.Insns[n-1].Op != isa.OpExit && f.Insns[n-1].Op != isa.OpGoto {
		t.Errorf("%s ends with %s", f.Name, f.Insns[n-1])
	}
	seen := map[*ir.CORE]bool{}
	for _, r := range f.CORE {
		qt.Assert(t, qt.IsFalse(seen[r.Reloc]))
		seen[r.Reloc] = true
		qt.Assert(t, qt.IsTrue(r.Insn < len(f.Insns)))
	}
}

// Every instruction has the place in the source that it was made for.
func TestSpans(t *testing.T) {
	m := irtest.Generate(rand.New(rand.NewPCG(1, 5)), 80)
	file := source.NewFile("t", strings.Repeat("x", 10000))
	for _, f := range m.Funcs {
		for _, b := range f.Blocks {
			for _, v := range b.Instrs {
				v.Span = source.Span{File: file, Start: v.ID, End: v.ID + 1}
			}
			b.Term.Span = source.Span{File: file, Start: 5000 + b.ID, End: 5001 + b.ID}
		}
	}
	funcs, err := Generate(m, kernel(t, "6.18"))
	qt.Assert(t, qt.IsNil(err))
	for _, f := range funcs {
		for _, in := range f.Insns {
			qt.Check(t, qt.IsTrue(in.Span.IsValid()), qt.Commentf("%s", in))
		}
	}
}

// A one-line script: the first case of testdata/shapes.txtar.
func BenchmarkOneLiner(b *testing.B) {
	ar, err := txtar.ParseFile("testdata/shapes.txtar")
	qt.Assert(b, qt.IsNil(err))
	m := parse(b, ar.Files[0].Name, string(ar.Files[0].Data))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Generate(m, Features{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, tt := range []struct {
		name string
		size int
	}{{"small", 5}, {"medium", 50}, {"large", 150}} {
		m := generateModule(rand.New(rand.NewPCG(1, 6)), tt.size, true)
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			slots := 0
			for b.Loop() {
				funcs, err := Generate(m, Features{Atomics: true})
				if err != nil {
					b.Fatal(err)
				}
				slots = 0
				for i := range funcs {
					slots += len(funcs[i].Insns)
				}
			}
			b.ReportMetric(float64(slots), "insns")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(slots), "ns/insn")
		})
	}
}
