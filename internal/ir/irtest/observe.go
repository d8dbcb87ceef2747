package irtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/eval"
)

// Observe runs @main of a module over a context made from seed and returns
// all that can be seen of it as text: the result, the calls of helpers in
// order, and the contents of context, data and maps. It knows the helpers
// that Generate uses.
func Observe(m *ir.Module, seed uint64) (string, error) {
	o := &observer{seed: seed}
	mc, err := eval.New(m, eval.Options{Helpers: o.helpers(), CORE: func(_ *ir.CORE, local int64) (int64, error) {
		return local + 8, nil // as if the kernel's layout differed
	}})
	if err != nil {
		return "", err
	}
	ctx := make([]byte, ContextSize)
	for i := range ctx {
		ctx[i] = byte(mix(seed + uint64(i)/3))
	}
	r, err := mc.Run("main", mc.AddRegion("ctx", ctx, eval.ReadWrite).Addr)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&o.log, "result %#x\nctx %x\n", r, ctx)
	for _, d := range m.Data {
		fmt.Fprintf(&o.log, "data %s %x\n", d.Name, mc.Data(d.Name))
	}
	for _, x := range m.Maps {
		values := mc.Map(x.Name).Values()
		for _, k := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(&o.log, "map %s %x: %x\n", x.Name, k, values[k])
		}
	}
	return o.log.String(), nil
}

// mix scatters the bits of x (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

type observer struct {
	seed   uint64
	log    strings.Builder
	events uint64
}

// note writes a line about a call that has an effect. Time stands still
// between two of them, so calls that only read the clock may disappear.
func (o *observer) note(format string, args ...any) {
	o.events++
	fmt.Fprintf(&o.log, format+"\n", args...)
}

func (o *observer) helpers() map[int64]eval.Helper {
	fixed := func(x uint64) eval.Helper { return func(*eval.Call) (uint64, error) { return x, nil } }
	table := eval.MapHelpers()
	for id, h := range table {
		if id == 1 { // what a lookup gives shows; that it was made doesn't
			continue
		}
		table[id] = func(c *eval.Call) (uint64, error) {
			key, err := c.Read(c.Arg(1), 4)
			o.note("%s %x", c.Name, key)
			if err != nil {
				return 0, err
			}
			return h(c)
		}
	}
	return eval.With(table, map[int64]eval.Helper{
		5:   func(*eval.Call) (uint64, error) { return mix(o.seed ^ o.events), nil },
		6:   o.show,
		8:   fixed(3),
		14:  fixed(mix(o.seed)),
		113: o.fill,
		181: o.loop,
	})
}

func (o *observer) show(c *eval.Call) (uint64, error) {
	b, err := c.Read(c.Arg(0), int64(c.Arg(1)))
	o.note("%s %x %#x %#x", c.Name, b, c.Arg(2), c.Arg(3))
	return 0, err
}

func (o *observer) fill(c *eval.Call) (uint64, error) {
	o.note("%s %#x", c.Name, c.Arg(2))
	b := make([]byte, c.Arg(1))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], mix(c.Arg(2)+uint64(i)))
	}
	return 0, c.Write(c.Arg(0), b)
}

var errLoops = errors.New("too many rounds")

func (o *observer) loop(c *eval.Call) (uint64, error) {
	o.note("%s %d", c.Name, c.Arg(0))
	if c.Arg(0) > 1<<23 { // BPF_MAX_LOOPS
		return 0, errLoops
	}
	for i := range c.Arg(0) {
		stop, err := c.Callback(c.Arg(1), i, c.Arg(2))
		if err != nil || stop != 0 {
			return i + 1, err
		}
	}
	return c.Arg(0), nil
}
