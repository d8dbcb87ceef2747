package opt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/eval"
	"github.com/skep-dev/skep/internal/testkit"
)

// TestGolden runs the cases of testdata: the member NAME.in begins with a
// line "// passes: ..." (all for Run), and NAME.out is what they make of it.
// Both are then evaluated with the same inputs.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(files) > 0))
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			g := testkit.OpenGolden(t, path)
			for _, member := range g.Names() {
				name, isInput := strings.CutSuffix(member, ".in")
				if !isInput {
					continue
				}
				t.Run(name, func(t *testing.T) {
					text, _ := g.Get(member)
					before, after := reparse(t, text), reparse(t, text)
					qt.Assert(t, qt.IsNil(ir.Check(before)))
					runNamed(t, after, text)
					g.Check(t, name+".out", ir.Print(after))
					sameResults(t, before, after)
				})
			}
		})
	}
}

// runNamed runs the passes that the first line of the text names.
func runNamed(t *testing.T, m *ir.Module, text string) {
	t.Helper()
	line, _, _ := strings.Cut(text, "\n")
	list, ok := strings.CutPrefix(line, "// passes: ")
	if !ok {
		t.Fatalf("the first line is not // passes: ...")
	}
	if list == "all" {
		qt.Assert(t, qt.IsNil(Run(m, Options{Check: true})))
		return
	}
	for _, name := range strings.Fields(list) {
		i := indexOf(passes, name)
		if i < 0 {
			t.Fatalf("there is no pass %q", name)
		}
		qt.Assert(t, qt.IsNil(runPass(m, passes[i])))
	}
}

// sameResults evaluates all functions of two modules with the same arguments.
// What fails before (an access outside, say) may do anything after; but some
// run of each function must succeed, or nothing was tested.
func sameResults(t *testing.T, before, after *ir.Module) {
	t.Helper()
	for _, f := range before.Funcs {
		ran := false
		for _, args := range arguments(f) {
			want, err := outcomeOf(before, f, args)
			if err != nil {
				continue
			}
			ran = true
			got, err := outcomeOf(after, f, args)
			if err != nil || got != want {
				t.Fatalf("@%s%v: before %s, after %s, %v", f.Name, args, want, got, err)
			}
		}
		if !ran {
			_, err := outcomeOf(before, f, arguments(f)[0])
			t.Errorf("@%s ran with no arguments, such as with %v: %v", f.Name, arguments(f)[0], err)
		}
	}
}

// arguments are the values that each integer parameter takes in turn, with
// all others fixed, and some in all of them at once.
func arguments(f *ir.Func) [][]uint64 {
	special := []uint64{
		0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 65535, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63,
		^uint64(0), ^uint64(0) - 1, 0x123456789abcdef0, 0xfedcba9876543210,
	}
	var list [][]uint64
	for i := range special {
		same, mixed := make([]uint64, len(f.Params)), make([]uint64, len(f.Params))
		for j := range f.Params {
			same[j], mixed[j] = special[i], special[(i*(j+1)+j*5)%len(special)]
		}
		list = append(list, same, mixed)
	}
	return list
}

// outcomeOf runs one function on a fresh machine; a pointer parameter gets 64
// bytes that its argument fills.
func outcomeOf(m *ir.Module, f *ir.Func, args []uint64) (string, error) {
	var log strings.Builder
	show := func(c *eval.Call) (uint64, error) {
		fmt.Fprintf(&log, "%s", c.Name)
		for i, a := range c.Args {
			if r, off := c.RegionOf(a); r != nil {
				size := min(8, int64(len(r.Bytes))-off)
				b, err := c.Read(a, max(size, 0))
				if err != nil {
					return 0, err
				}
				fmt.Fprintf(&log, " %x", b)
			} else if i > 0 {
				fmt.Fprintf(&log, " %#x", a)
			}
		}
		log.WriteString("\n")
		return uint64(log.Len()), nil
	}
	fill := func(c *eval.Call) (uint64, error) {
		b := make([]byte, c.Arg(1))
		for i := range b {
			b[i] = byte(c.Arg(2)) + byte(i) + 1
		}
		return 0, c.Write(c.Arg(0), b)
	}
	mc, err := eval.New(m, eval.Options{
		Helpers: eval.With(eval.MapHelpers(), map[int64]eval.Helper{
			5: func(*eval.Call) (uint64, error) { return uint64(log.Len()), nil },
			6: show, 14: func(*eval.Call) (uint64, error) { return 77, nil }, 113: fill, 99: show,
			115: func(c *eval.Call) (uint64, error) { return 1, c.Write(c.Arg(0), []byte{0}) },
		}),
		Kfuncs: map[string]eval.Helper{"show": show},
		Ksyms:  map[string][]byte{"jiffies": {1, 2, 3, 4, 5, 6, 7, 8}},
		CORE:   func(_ *ir.CORE, local int64) (int64, error) { return local + 8, nil },
	})
	if err != nil {
		return "", err
	}
	var regions []*eval.Region
	values := slices.Clone(args)
	for i, p := range f.Params {
		if p.Type != ir.Ptr {
			continue
		}
		b := make([]byte, 64)
		for j := range b {
			b[j] = byte(args[i]>>(8*(j%8))) + byte(j/8)
		}
		r := mc.AddRegion(fmt.Sprintf("argument %d", i), b, eval.ReadWrite)
		regions, values[i] = append(regions, r), r.Addr
	}
	result, err := mc.Run(f.Name, values...)
	if err != nil {
		return "", err
	}
	if f.Result == ir.Ptr {
		result = 0 // addresses are not the same on two machines
	}
	fmt.Fprintf(&log, "result %#x\n", result)
	for _, r := range regions {
		fmt.Fprintf(&log, "%s: %x\n", r.Name, r.Bytes)
	}
	for _, d := range m.Data {
		fmt.Fprintf(&log, "@%s: %x\n", d.Name, mc.Data(d.Name))
	}
	for _, x := range m.Maps {
		fmt.Fprintf(&log, "@%s: %x\n", x.Name, mc.Map(x.Name).Values())
	}
	return log.String(), nil
}
