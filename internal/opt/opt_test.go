package opt

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/irtest"
)

const sum = `
func @f (v0 i64) i64 {
b0:
    v1 = const i64 2
    v2 = const i64 3
    v3 = mul i64 v1, v2
    v4 = add i64 v0, v3
    ret v4
}
`

func TestOrder(t *testing.T) {
	qt.Assert(t, qt.IsNil(checkOrder(passes, order)))
	a, b := pass{"a", fold}, pass{"b", fold}
	tests := []struct {
		name  string
		list  []pass
		rules []constraint
		want  string
	}{
		{"kept", []pass{a, b}, []constraint{{"a", "b", "x"}}, ""},
		{"broken", []pass{b, a}, []constraint{{"a", "b", "b needs a"}}, `pass "a" must come before "b": b needs a`},
		{"twice", []pass{a, b, a}, nil, `there are two passes "a"`},
		{"missing", []pass{a}, []constraint{{"a", "b", "x"}}, `the order of passes "a" and "b" is fixed, but not both are there`},
		{"itself", []pass{a}, []constraint{{"a", "a", "x"}}, `pass "a" must come before "a": x`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := checkOrder(test.list, test.rules)
			if test.want == "" {
				qt.Assert(t, qt.IsNil(err))
				return
			}
			qt.Assert(t, qt.ErrorMatches(err, test.want))
		})
	}
	for _, c := range order {
		qt.Check(t, qt.IsTrue(len(c.reason) > 10), qt.Commentf("%s before %s", c.before, c.after))
	}
}

func TestOptions(t *testing.T) {
	m := reparse(t, sum)
	var seen []string
	err := Run(m, Options{
		Check:   true,
		Disable: map[string]bool{"fold": true, "late-fold": true},
		Dump:    func(pass string, f *ir.Func) { seen = append(seen, pass+" "+f.Name) },
	})
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.StringContains(ir.Print(m), "mul"))
	qt.Assert(t, qt.HasLen(seen, len(passes)-2))
	qt.Assert(t, qt.Equals(seen[0], "cfg f"))

	m = reparse(t, sum)
	qt.Assert(t, qt.IsNil(Run(m, Options{})))
	qt.Assert(t, qt.Not(qt.StringContains(ir.Print(m), "mul")))

	err = Run(m, Options{Disable: map[string]bool{"flod": true}})
	qt.Assert(t, qt.ErrorMatches(err, `there is no pass "flod"; the passes are cfg, promote, .*`))
	qt.Assert(t, qt.IsTrue(slices.Contains(Passes(), "cse")))
}

func TestBadModule(t *testing.T) {
	m := reparse(t, sum)
	m.Funcs[0].Blocks[0].Instrs[3].Args[1] = nil
	err := Run(m, Options{Check: true})
	qt.Assert(t, qt.ErrorMatches(err, "before the passes: malformed IR: .*an argument is nil"))

	// Without the check a pass runs into it; that is an error too.
	err = Run(m, Options{})
	var failed *Error
	qt.Assert(t, qt.IsTrue(errors.As(err, &failed)))
	qt.Assert(t, qt.Equals(failed.Func, "f"))
	qt.Assert(t, qt.ErrorMatches(err, "internal error in pass .* over @f: panic: .*"))
}

// A pass that breaks the module is found right behind it.
func TestCheckNamesThePass(t *testing.T) {
	m := reparse(t, sum)
	w := &work{m: m, f: m.Funcs[0]}
	err := w.pass(pass{"breaker", func(w *work) { w.f.Entry().Term = ir.Term{} }}, Options{Check: true})
	qt.Assert(t, qt.ErrorMatches(err, "internal error in pass breaker over @f: malformed IR: .*no terminator"))
}

// The same module gives the same code each time.
func TestDeterminism(t *testing.T) {
	for seed := range uint64(20) {
		text := ir.Print(irtest.Generate(rand.New(rand.NewPCG(seed, 3)), 80))
		var first string
		for range 5 {
			m := reparse(t, text)
			qt.Assert(t, qt.IsNil(Run(m, Options{})))
			got := ir.Print(m)
			if first == "" {
				first = got
			}
			if got != first {
				t.Fatalf("seed %d: two results:\n%s\n%s", seed, first, got)
			}
		}
	}
}

// Running all passes again finds little to do: what is left over after one
// run is a sign of a wrong order.
func TestSettles(t *testing.T) {
	before, after := 0, 0
	for seed := range uint64(60) {
		m := irtest.Generate(rand.New(rand.NewPCG(seed, 5)), 60)
		qt.Assert(t, qt.IsNil(Run(m, Options{})))
		before += sizeOf(m)
		qt.Assert(t, qt.IsNil(Run(m, Options{})))
		after += sizeOf(m)
	}
	if after*100 < before*97 {
		t.Errorf("a second run makes %d instructions of %d", after, before)
	}
}

// shapes are functions of some thousand values that only grow in one way.
func shapes() map[string]func(b *ir.Builder) {
	const n = 4000
	return map[string]func(b *ir.Builder){
		"one long block": func(b *ir.Builder) {
			p := b.Func.Params[0]
			x := b.Load(ir.I64, p, 0, 8, false)
			for i := range n {
				x = b.Bin(ir.OpAdd, x, b.Load(ir.I64, p, int64(i%500*8), 8, false))
				b.Store(p, int64(i%300*8), x, 8)
			}
			b.Return(x)
		},
		"a row of ifs": func(b *ir.Builder) {
			cell := b.Alloca(8, 8)
			b.Zero(cell, 8)
			for range n {
				x := b.Load(ir.I64, cell, 0, 8, false)
				yes, next := b.NewBlock(), b.NewBlock()
				b.Branch(b.Cmp(ir.OpUGt, x, b.Const(9)), yes, next)
				b.SetBlock(yes)
				b.Store(cell, 0, b.Bin(ir.OpAdd, x, b.Helper(ir.I64, 5, "ktime_get_ns")), 8)
				b.Jump(next)
				b.SetBlock(next)
			}
			b.Return(b.Load(ir.I64, cell, 0, 8, false))
		},
		"ifs inside each other": func(b *ir.Builder) {
			p := b.Func.Params[0]
			end := b.NewBlock(ir.I64)
			for i := range n {
				yes := b.NewBlock()
				x := b.Load(ir.I64, p, int64(i%8*8), 8, false)
				b.Branch(b.Cmp(ir.OpUGt, x, b.Const(int64(i))), yes, end)
				b.Block.Term.Else.Args = []*ir.Value{x}
				b.SetBlock(yes)
				b.Store(p, 64, x, 8)
			}
			b.Jump(end, b.Const(0))
			b.SetBlock(end)
			b.Return(end.Params[0])
		},
		"many slots": func(b *ir.Builder) {
			var slots []*ir.Value
			for range n {
				s := b.Alloca(8, 8)
				b.Store(s, 0, b.Load(ir.I64, b.Func.Params[0], 0, 8, false), 8)
				slots = append(slots, s)
			}
			next := b.NewBlock()
			b.Jump(next)
			b.SetBlock(next)
			x := b.Const(0)
			for i, s := range slots {
				if i%2 == 0 {
					b.Helper(ir.I64, 6, "trace_printk", s, b.Const(8))
				}
				x = b.Bin(ir.OpXor, x, b.Load(ir.I64, s, 0, 8, false))
			}
			b.Return(x)
		},
		"a chain of empty blocks": func(b *ir.Builder) {
			for range n {
				next := b.NewBlock(ir.Ptr)
				b.Jump(next, b.Func.Params[0])
				b.SetBlock(next)
			}
			b.Return(b.Const(0))
		},
	}
}

// TestLinear runs all passes over shapes that punish what is not linear. They
// take some hundredths of a second each; what is quadratic takes many.
func TestLinear(t *testing.T) {
	for name, build := range shapes() {
		t.Run(name, func(t *testing.T) {
			m := &ir.Module{}
			build(ir.NewBuilder(m.NewFunc("f", "tracepoint/a/b", ir.I64, ir.Ptr)))
			qt.Assert(t, qt.IsNil(ir.Check(m)))
			size := sizeOf(m)
			start := time.Now()
			qt.Assert(t, qt.IsNil(Run(m, Options{})))
			took := time.Since(start)
			t.Logf("%d values, %d ns per value", size, took.Nanoseconds()/int64(size))
			if took > 5*time.Second {
				t.Errorf("%d values took %s", size, took)
			}
		})
	}
}

// Spans survive: what a pass changes in place or makes keeps a place in the
// source, so that line information stays.
func TestSpansSurvive(t *testing.T) {
	m := reparse(t, sum)
	qt.Assert(t, qt.IsNil(Run(m, Options{})))
	for _, v := range m.Funcs[0].Entry().Instrs {
		qt.Check(t, qt.IsTrue(v.Span.IsValid()), qt.Commentf("%s", v))
	}
	text := m.Text(ir.Style{Spans: true})
	qt.Assert(t, qt.IsTrue(strings.Contains(text, "@")))
}
