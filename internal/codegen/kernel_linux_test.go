package codegen

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-quicktest/qt"
	"golang.org/x/sys/unix"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/eval"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/opt"
	"github.com/skep-dev/skep/internal/testkit/kprog"
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

// link puts functions one after the other, @main first, and resolves calls and
// maps.
func link(t testing.TB, funcs []Func, maps map[string]int) []byte {
	t.Helper()
	// The kernel refuses functions that nobody calls.
	called := map[string]bool{}
	for _, in := range funcs[len(funcs)-1].Insns {
		called[in.Ref.Name] = called[in.Ref.Name] || in.Ref.Kind == isa.RefFunc
	}
	funcs = slices.DeleteFunc(slices.Clone(funcs), func(f Func) bool { return f.Name != "main" && !called[f.Name] })
	at, n := map[string]int{}, 0
	for i := len(funcs) - 1; i >= 0; i-- {
		at[funcs[i].Name] = n
		n += isa.Slots(funcs[i].Insns)
	}
	var all []isa.Instruction
	slot := 0
	for i := len(funcs) - 1; i >= 0; i-- {
		for _, in := range funcs[i].Insns {
			switch in.Ref.Kind {
			case isa.RefFunc:
				in.Imm = int64(at[in.Ref.Name] - slot - 1)
			case isa.RefMap, isa.RefMapValue:
				in.Imm |= int64(maps[in.Ref.Name])
			case isa.RefNone:
			default:
				t.Fatalf("unexpected reference %s", in)
			}
			slot += in.Slots()
			all = append(all, in)
		}
	}
	code, err := isa.Encode(nil, all, binary.LittleEndian)
	qt.Assert(t, qt.IsNil(err))
	return code
}

// outcome is what a program did.
type outcome struct {
	result uint32
	ctx    [ctxSize]byte
	array  [3 * valueSize]byte
	single [valueSize]byte
}

func inputs(s uint64) (o outcome) {
	rng := rand.New(rand.NewPCG(s, 9))
	fill := func(b []byte) {
		for i := 0; i < len(b); i += 8 {
			x := rng.Uint64()
			switch rng.IntN(4) {
			case 0:
				x = uint64(rng.IntN(5)) - 2
			case 1:
				x >>= rng.IntN(64)
			}
			binary.LittleEndian.PutUint64(b[i:], x)
		}
	}
	fill(o.ctx[:ctxInputs])
	fill(o.array[:])
	fill(o.single[:])
	return o
}

func (o outcome) eval(m *ir.Module) (outcome, error) {
	zero := func(*eval.Call) (uint64, error) { return 0, nil }
	mc, err := eval.New(m, eval.Options{Helpers: eval.With(eval.MapHelpers(), map[int64]eval.Helper{5: zero})})
	if err != nil {
		return o, err
	}
	values := func(store bool) error {
		for i := range 4 {
			b := o.single[:]
			if i < 3 {
				b = o.array[i*valueSize:][:valueSize]
			}
			addr, err := mc.Run("address", uint64(i))
			if err == nil && store {
				err = mc.Write(addr, b)
			} else if err == nil {
				var have []byte
				have, err = mc.Read(addr, valueSize)
				copy(b, have)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := values(true); err != nil {
		return o, err
	}
	r, err := mc.Run("main", mc.AddRegion("ctx", o.ctx[:], eval.ReadWrite).Addr)
	if err != nil {
		return o, err
	}
	o.result = uint32(r)
	return o, values(false)
}

// arena is the maps that programs share.
type arena struct{ maps map[string]int }

func newArena(t testing.TB) *arena {
	a := &arena{map[string]int{}}
	for name, n := range map[string]uint32{"array": 3, "single": 1} {
		fd, err := kprog.NewArray(valueSize, n)
		qt.Assert(t, qt.IsNil(err))
		t.Cleanup(func() { unix.Close(fd) })
		a.maps[name] = fd
	}
	return a
}

func (a *arena) values(o *outcome, store bool) error {
	for i := range uint32(3) {
		if err := kprog.Element(a.maps["array"], i, o.array[i*valueSize:][:valueSize], store); err != nil {
			return err
		}
	}
	return kprog.Element(a.maps["single"], 0, o.single[:], store)
}

func (a *arena) run(p *kprog.Prog, o outcome) (outcome, error) {
	if err := a.values(&o, true); err != nil {
		return o, err
	}
	r, _, err := p.Run(nil, o.ctx[:])
	if err != nil {
		return o, err
	}
	o.result = r
	return o, a.values(&o, false)
}

// variant is a way to compile the same module.
type variant struct {
	Features
	optimise bool
}

// Random IR does in the kernel what the evaluator says, with the features of
// the newest and of the oldest kernel, as it is and after the passes.
func TestKernelDifferential(t *testing.T) {
	kprog.Require(t)
	first := seed(t)
	n := 600
	if testing.Short() {
		n = 60
	}
	if env := os.Getenv("SKEP_COUNT"); env != "" {
		var err error
		n, err = strconv.Atoi(env)
		qt.Assert(t, qt.IsNil(err))
	}
	a := newArena(t)
	newest := kernel(t, "6.18")
	insns := 0
	for i := range n {
		s := first + uint64(i)
		for _, v := range []variant{{newest, false}, {Features{}, false}, {newest, true}, {Features{}, true}} {
			insns += a.differential(t, s, v)
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d programs, %d instructions", 4*n, insns)
}

func (a *arena) differential(t *testing.T, s uint64, v variant) int {
	rng := rand.New(rand.NewPCG(s, 0))
	m := generateModule(rng, 5+rng.IntN(60), v.Atomics)
	text := ir.Print(m)
	fail := func(format string, args ...any) int {
		funcs, _ := Generate(m, v.Features)
		t.Errorf("SKEP_SEED=%d %+v: %s\n%s\n%s", s, v, fmt.Sprintf(format, args...), ir.Print(m), listing(funcs))
		return 0
	}
	if err := ir.Check(m); err != nil {
		return fail("%v", err)
	}
	if v.optimise {
		if err := opt.Run(m, opt.Options{}); err != nil {
			return fail("%v", err)
		}
	}
	funcs, err := Generate(m, v.Features)
	if err != nil {
		return fail("%v", err)
	}
	code := link(t, funcs, a.maps)
	p, err := kprog.Load(kprog.Spec{Type: kprog.Syscall, Code: code, Flags: unix.BPF_F_SLEEPABLE})
	if err != nil {
		return fail("%v", err)
	}
	defer p.Close()
	reference := parse(t, "generated", text)
	for k := range uint64(3) {
		in := inputs(s + k)
		want, err := in.eval(reference)
		if err != nil {
			return fail("%v", err)
		}
		got, err := a.run(p, in)
		if err != nil {
			return fail("%v", err)
		}
		if got != want {
			return fail("input %d: got\n%x\nwant\n%x", k, got, want)
		}
	}
	return len(code) / 8
}

// Jumps over more than 16 bits lead where they should.
func TestKernelFarJumps(t *testing.T) {
	kprog.Require(t)
	m := long(40000)
	funcs, err := Generate(m, kernel(t, "6.18"))
	qt.Assert(t, qt.IsNil(err))
	p, err := kprog.Load(kprog.Spec{Type: kprog.Syscall, Code: link(t, funcs, nil), Flags: unix.BPF_F_SLEEPABLE})
	qt.Assert(t, qt.IsNil(err))
	defer p.Close()
	for x, want := range map[byte]uint32{2: 5, 3: 3} {
		ctx := make([]byte, 128)
		ctx[0] = x
		got, _, err := p.Run(nil, ctx)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(got, want))
		qt.Check(t, qt.Equals(ctx[8], map[byte]byte{2: 0, 3: 3}[x]))
	}
}
