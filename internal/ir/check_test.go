package ir_test

import (
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
)

// TestCheck holds Check to the problems of testdata/check.txtar, one by one.
func TestCheck(t *testing.T) {
	for _, file := range archive(t, "check.txtar") {
		t.Run(file.Name, func(t *testing.T) {
			var want []string
			for line := range strings.Lines(string(file.Data)) {
				if w, ok := strings.CutPrefix(line, "// want: "); ok {
					want = append(want, strings.TrimSpace(w))
				}
			}
			err := ir.Check(parse(t, string(file.Data)))
			broken, ok := err.(*ir.CheckError)
			if !ok {
				t.Fatalf("Check returned %v", err)
			}
			problems := broken.Problems
			for _, w := range want {
				found := false
				for i, p := range problems {
					if found = strings.Contains(p.String(), w); found {
						problems = append(problems[:i:i], problems[i+1:]...)
						break
					}
				}
				if !found {
					t.Errorf("no problem %q", w)
				}
			}
			for _, p := range problems {
				t.Errorf("also found: %s", p)
			}
		})
	}
}

// good builds a small module that Check accepts.
func good() (*ir.Module, *ir.Func, *ir.Block) {
	m := &ir.Module{}
	f := m.NewFunc("f", "", ir.I64, ir.I64, ir.Ptr)
	b := ir.NewBuilder(f)
	next := b.NewBlock(ir.I64)
	x := b.Bin(ir.OpAdd, f.Params[0], b.Const(1))
	b.Jump(next, x)
	b.SetBlock(next)
	b.Store(f.Params[1], 0, next.Params[0], 8)
	b.Return(next.Params[0])
	return m, f, next
}

// TestCheckLinks breaks what text can't express.
func TestCheckLinks(t *testing.T) {
	tests := []struct {
		name string
		edit func(m *ir.Module, f *ir.Func, next *ir.Block)
		want string
	}{
		{"nothing", func(*ir.Module, *ir.Func, *ir.Block) {}, ""},
		{"no blocks", func(m *ir.Module, f *ir.Func, next *ir.Block) { f.Blocks = nil }, "no blocks"},
		{"no name", func(m *ir.Module, f *ir.Func, next *ir.Block) { f.Name = "" }, "a function has no name"},
		{"parameters", func(m *ir.Module, f *ir.Func, next *ir.Block) { f.Params = f.Params[:1] },
			"the function's parameters are not those of its entry block"},
		{"block ID", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.ID = 0 }, "two blocks have this ID"},
		{"block ID range", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.ID = -3 }, "the block's ID is not below 2"},
		{"block of another function", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Func = &ir.Func{} },
			"belongs to another function"},
		{"value ID", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].ID = 0 }, "two values have the ID of v0"},
		{"value ID range", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].ID = 1 << 30 }, "the value's ID is not below"},
		{"value twice", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs = append(next.Instrs, next.Instrs[0]) },
			"the value is in the function twice"},
		{"value's block", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].Block = f.Entry() },
			"the value says that it is in another block"},
		{"nil value", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs = append(next.Instrs, nil) }, "there is a nil value"},
		{"nil argument", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].Args[1] = nil }, "an argument is nil"},
		{"foreign argument", func(m *ir.Module, f *ir.Func, next *ir.Block) {
			_, g, _ := good()
			next.Instrs[0].Args[1] = g.Params[0]
		}, "v0 is not in the function"},
		{"void argument", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Term.Cond = next.Instrs[0] }, "has no result"},
		{"edge nowhere", func(m *ir.Module, f *ir.Func, next *ir.Block) { f.Entry().Term.Then.Block = nil }, "an edge leads nowhere"},
		{"edge elsewhere", func(m *ir.Module, f *ir.Func, next *ir.Block) {
			_, _, other := good()
			f.Entry().Term.Then.Block = other
		}, "an edge leads to b1, which is not in the function"},
		{"branch without condition", func(m *ir.Module, f *ir.Func, next *ir.Block) {
			f.Entry().Term.Kind, f.Entry().Term.Else = ir.Branch, f.Entry().Term.Then
		}, "br without a condition"},
		{"terminator", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Term.Kind = 99 }, "invalid terminator"},
		{"instruction as parameter", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Params[0].Op = ir.OpAdd },
			"a block parameter is not a param operation"},
		{"parameter as instruction", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].Op = ir.OpParam },
			"a parameter is among the instructions"},
		{"parameter's type", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Params[0].Type = ir.Void }, "a block parameter has no type"},
		{"operation", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].Op = 250 }, "invalid operation"},
		{"type", func(m *ir.Module, f *ir.Func, next *ir.Block) { next.Instrs[0].Type = 77 }, "invalid type"},
		{"result type", func(m *ir.Module, f *ir.Func, next *ir.Block) { f.Result = 77 }, "invalid result type"},
		{"core", func(m *ir.Module, f *ir.Func, next *ir.Block) {
			f.Entry().Instrs[0].Op = ir.OpCORE
		}, "the relocation has a kind and a type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, f, next := good()
			test.edit(m, f, next)
			err := ir.Check(m)
			if test.want == "" {
				qt.Assert(t, qt.IsNil(err))
				return
			}
			qt.Assert(t, qt.IsNotNil(err))
			qt.Assert(t, qt.StringContains(err.Error(), test.want))
			_ = ir.Print(m) // what is broken can still be looked at
		})
	}
}

// TestCheckFunc looks up symbols in the module without checking the rest.
func TestCheckFunc(t *testing.T) {
	m, f, _ := good()
	m.NewFunc("broken", "", ir.I64)
	qt.Assert(t, qt.IsNil(ir.CheckFunc(m, f)))
	qt.Assert(t, qt.IsNotNil(ir.CheckFunc(m, m.Funcs[1])))
}
