package eval_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/eval"
)

func machine(t *testing.T, text string, o eval.Options) *eval.Machine {
	t.Helper()
	m, dl := ir.Parse("test.ir", text)
	qt.Assert(t, qt.IsNil(dl.Err()))
	qt.Assert(t, qt.IsNil(ir.Check(m)))
	mc, err := eval.New(m, o)
	qt.Assert(t, qt.IsNil(err))
	return mc
}

const head = "func @f (v0 ptr, v1 i64) i64 {\nb0:\n"

func TestResults(t *testing.T) {
	tests := []struct {
		name, body string
		x, want    uint64
	}{
		{"constant", "v2 = const i64 -2 ; ret v2", 0, ^uint64(1)},
		{"narrow arithmetic", "v2 = trunc i32 v1 ; v3 = add i32 v2, v2 ; v4 = zext.32 i64 v3 ; ret v4", 0x80000001, 2},
		{"narrow comparison", "v2 = trunc i32 v1 ; v3 = const i32 0 ; v4 = slt i64 v2, v3 ; ret v4", 0x80000000, 1},
		{"extension", "v2 = sext.16 i64 v1 ; ret v2", 0x18000, 0xffffffffffff8000},
		{"swap", "v2 = bswap.32 i64 v1 ; ret v2", 0xff01020304, 0x04030201},
		{"negation", "v2 = neg i64 v1 ; ret v2", 5, ^uint64(4)},
		{"loads", "v2 = load.u16 i64 v0 ; v3 = load.s8 i64 v0+7 ; v4 = add i64 v2, v3 ; ret v4", 0, 0x0201 - 8},
		{"stores", "store.64 v0+8, v1 ; store.8 v0+9, v1 ; v2 = load.u64 i64 v0+8 ; ret v2", 0x1122334455667788, 0x1122334455668888},
		{"zero and copy", "v2 = alloca ptr 16 align 8 ; zero v2, 16 ; copy v2, v0, 3 ; v3 = load.u64 i64 v2 ; ret v3", 0, 0x030201},
		{"atomic add", "v2 = atomic.fetch_add.64 i64 v0, v1 ; v3 = load.u64 i64 v0 ; v4 = sub i64 v3, v2 ; ret v4", 9, 9},
		{"exchange", "v2 = const i64 1 ; v3 = atomic.cmpxchg.32 i64 v0, v1, v2 ; v4 = load.u32 i64 v0 ; ret v4", 0x04030201, 1},
		{"failed exchange", "v2 = const i64 1 ; v3 = atomic.cmpxchg.32 i64 v0, v1, v2 ; ret v3", 5, 0x04030201},
		{"pointer as integer", "v2 = const i64 8 ; v3 = add ptr v0, v2 ; v4 = zext.64 i64 v3 ; v5 = zext.64 i64 v0 ; v6 = sub i64 v4, v5 ; ret v6", 0, 8},
		{"relocation", "v2 = core.field_offset i64 struct s \"0:1\" = 12 ; ret v2", 0, 12},
		{"swapped parameters", "v2 = const i64 3 ; jump b1(v1, v2) \n b1(v3 i64, v4 i64): v5 = ugt i64 v3, v4 ; br v5, b1(v4, v3), b2 \n b2: v6 = sub i64 v4, v3 ; ret v6", 10, 7},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mc := machine(t, head+test.body+"\n}", eval.Options{})
			r := mc.AddRegion("memory", []byte{1, 2, 3, 4, 5, 6, 7, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0}, eval.ReadWrite)
			got, err := mc.Run("f", r.Addr, test.x)
			qt.Assert(t, qt.IsNil(err))
			qt.Assert(t, qt.Equals(got, test.want))
		})
	}
}

func TestFaults(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"outside", "v2 = load.u64 i64 v0+9 ; ret v2",
			`@f b0: v2 \(load\): access of 8 bytes at offset 9 of memory, which has 16`},
		{"before", "v2 = load.u8 i64 v0-1 ; ret v2", `.*: access of 1 bytes at offset -1 of memory, which has 16`},
		{"null", "v2 = const ptr 0 ; v3 = load.u8 i64 v2 ; ret v3", `.*: access of 1 bytes at 0x0, which is no memory`},
		{"read-only", "v2 = data ptr @text ; store.8 v2, v1 ; ret v1", `.*: write to data @text, which is read-only`},
		{"unwritten stack", "v2 = alloca ptr 8 align 8 ; store.32 v2, v1 ; v3 = load.u64 i64 v2 ; ret v3",
			`.*: read of 8 bytes at offset 0 of stack v2 of @f, of which byte 4 was never written`},
		{"unwritten copied out", "v2 = alloca ptr 8 align 8 ; copy v0, v2, 8 ; ret v1", `.*byte 0 was never written`},
		{"overlapping copy", "v2 = const i64 4 ; v3 = add ptr v0, v2 ; copy v3, v0, 8 ; ret v1", `.*the areas overlap`},
		{"stack of a function that returned", "v2 = call ptr @leak() ; v3 = load.u8 i64 v2 ; ret v3", `.*which is no memory`},
		{"unknown helper", "v2 = helper i64 @who#77() ; ret v2", `.*helper who \(77\) is not there`},
		{"unknown kfunc", "v2 = kfunc i64 @who() ; ret v2", `.*kfunc who \(0\) is not there`},
		{"unknown ksym", "v2 = ksym ptr @who ; v3 = load.u8 i64 v2 ; ret v3", `.*there is no ksym @who`},
		{"unreachable", "unreachable", `@f b0: the terminator: the end of the block is reached, which has no way on`},
		{"endless loop", "jump b1\nb1: jump b1", `@f b1: the terminator: too many steps`},
		{"deep calls", "v2 = call i64 @a() ; ret v2", `.*too many calls inside each other`},
	}
	const rest = `
data @text ".rodata" align 1 = "x"
func @leak static () ptr { b0: v0 = alloca ptr 8 align 8 ; zero v0, 8 ; ret v0 }
func @a static () i64 { b0: v0 = call i64 @b() ; ret v0 }
func @b static () i64 { b0: v0 = call i64 @c() ; ret v0 }
func @c static () i64 { b0: v0 = const i64 0 ; ret v0 }
`
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mc := machine(t, head+test.body+"\n}"+rest, eval.Options{Depth: 3, Steps: 1000})
			r := mc.AddRegion("memory", make([]byte, 16), eval.ReadWrite)
			_, err := mc.Run("f", r.Addr, 3)
			qt.Assert(t, qt.ErrorMatches(err, test.want))
			var fault *eval.Fault
			qt.Assert(t, qt.IsTrue(errors.As(err, &fault)))
		})
	}
	mc := machine(t, head+"ret v1\n}", eval.Options{})
	_, err := mc.Run("g")
	qt.Assert(t, qt.ErrorMatches(err, "there is no function @g"))
	_, err = mc.Run("f")
	qt.Assert(t, qt.ErrorMatches(err, "@f has 2 parameters, not 0"))
}

// A struct with padding may be copied within the stack.
func TestPaddingIsCopied(t *testing.T) {
	mc := machine(t, head+`
v2 = alloca ptr 8 align 8 ; v3 = alloca ptr 8 align 8
store.32 v2, v1 ; copy v3, v2, 8 ; v4 = load.u32 i64 v3 ; ret v4
}`, eval.Options{})
	got, err := mc.Run("f", 0, 7)
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(got, 7))
}

func TestMaps(t *testing.T) {
	const text = `
map @hash type 1 key 4 value 8 max 2 flags 0
map @array type 2 key 4 value 4 max 2 flags 0
map @single type 2 key 4 value 16 max 1 flags 0
map @ring type 27 key 0 value 0 max 4096 flags 0
func @update (v0 ptr, v1 i64, v2 i64, v3 i64) i64 {
b0:
    v4 = alloca ptr 4 align 4
    v5 = alloca ptr 8 align 8
    store.32 v4, v1
    store.64 v5, v2
    v6 = helper i64 @map_update_elem#2(v0, v4, v5, v3)
    ret v6
}
func @lookup (v0 ptr, v1 i64) i64 {
b0:
    v2 = alloca ptr 4 align 4
    store.32 v2, v1
    v3 = helper ptr @map_lookup_elem#1(v0, v2)
    v4 = const ptr 0
    v5 = eq i64 v3, v4
    br v5, b1, b2
b1:
    v6 = const i64 -1
    ret v6
b2:
    v7 = load.u32 i64 v3
    ret v7
}
func @delete (v0 ptr, v1 i64) i64 {
b0:
    v2 = alloca ptr 4 align 4
    store.32 v2, v1
    v3 = helper i64 @map_delete_elem#3(v0, v2)
    ret v3
}
func @hash () ptr { b0: v0 = map ptr @hash ; ret v0 }
func @array () ptr { b0: v0 = map ptr @array ; ret v0 }
func @ring () ptr { b0: v0 = map ptr @ring ; ret v0 }
func @single () i64 {
b0:
    v0 = mapval ptr @single+8
    v1 = const i64 5
    atomic.add.64 v0, v1
    v2 = load.u64 i64 v0
    ret v2
}
`
	mc := machine(t, text, eval.Options{Helpers: eval.MapHelpers()})
	run := func(f string, args ...uint64) int64 {
		t.Helper()
		x, err := mc.Run(f, args...)
		qt.Assert(t, qt.IsNil(err))
		return int64(x)
	}
	hash, array := uint64(run("hash")), uint64(run("array"))
	steps := []struct {
		name string
		got  int64
		want int64
	}{
		{"nothing there", run("lookup", hash, 1), -1},
		{"delete nothing", run("delete", hash, 1), -2},
		{"only existing", run("update", hash, 1, 9, 2), -2},
		{"new", run("update", hash, 1, 9, 1), 0},
		{"only new", run("update", hash, 1, 9, 1), -17},
		{"found", run("lookup", hash, 1), 9},
		{"changed", run("update", hash, 1, 8, 0), 0},
		{"found changed", run("lookup", hash, 1), 8},
		{"second", run("update", hash, 2, 8, 0), 0},
		{"full", run("update", hash, 3, 8, 0), -7},
		{"deleted", run("delete", hash, 1), 0},
		{"room again", run("update", hash, 3, 8, 0), 0},
		{"bad flags", run("update", hash, 3, 8, 3), -22},
		{"array has all", run("lookup", array, 1), 0},
		{"array outside", run("lookup", array, 2), -1},
		{"array new", run("update", array, 0, 4, 1), -17},
		{"array outside changed", run("update", array, 2, 4, 0), -7},
		{"array changed", run("update", array, 1, 4, 0), 0},
		{"array found", run("lookup", array, 1), 4},
		{"array deleted", run("delete", array, 1), -22},
		{"global", run("single"), 5},
		{"global again", run("single"), 10},
	}
	for _, s := range steps {
		if s.got != s.want {
			t.Errorf("%s: %d, want %d", s.name, s.got, s.want)
		}
	}
	values := mc.Map("hash").Values()
	qt.Assert(t, qt.HasLen(values, 2))
	qt.Assert(t, qt.Equals(binary.LittleEndian.Uint64(values["\x03\x00\x00\x00"]), 8))
	_, err := mc.Run("lookup", uint64(run("ring")), 1)
	qt.Assert(t, qt.ErrorMatches(err, ".*is not the address of a map with values"))
}

func TestCallsBack(t *testing.T) {
	const text = `
func @f (v0 ptr) i64 {
b0:
    v1 = func ptr @add
    v2 = const i64 5
    v3 = const i64 0
    v4 = helper i64 @loop#181(v2, v1, v0, v3)
    v5 = load.u64 i64 v0
    ret v5
}
func @add static (v0 i64, v1 ptr) i64 {
b0:
    v2 = load.u64 i64 v1
    v3 = add i64 v2, v0
    store.64 v1, v3
    v4 = const i64 0
    ret v4
}
`
	loop := func(c *eval.Call) (uint64, error) {
		for i := range c.Arg(0) {
			if r, err := c.Callback(c.Arg(1), i, c.Arg(2)); err != nil || r != 0 {
				return i, err
			}
		}
		return c.Arg(0), nil
	}
	mc := machine(t, text, eval.Options{Helpers: map[int64]eval.Helper{181: loop}})
	r := mc.AddRegion("sum", make([]byte, 8), eval.ReadWrite)
	got, err := mc.Run("f", r.Addr)
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.Equals(got, 10))
	_, err = mc.Callback(1234)
	qt.Assert(t, qt.ErrorMatches(err, "0x4d2 is not the address of a function"))
}

func TestLimits(t *testing.T) {
	m := &ir.Module{Maps: []*ir.Map{{Name: "big", Type: 2, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1 << 20}}}
	_, err := eval.New(m, eval.Options{})
	qt.Assert(t, qt.ErrorMatches(err, "map @big: 1099511627776 bytes are more than this evaluator holds"))
}

// Data is private to a machine, and bss is zero whatever the module says.
func TestData(t *testing.T) {
	m := &ir.Module{Data: []*ir.Data{
		{Name: "a", Section: ".data", Align: 1, Bytes: []byte{1, 2}},
		{Name: "b", Section: ".bss", Align: 1, Bytes: []byte{1, 2}},
	}}
	mc, err := eval.New(m, eval.Options{})
	qt.Assert(t, qt.IsNil(err))
	mc.Data("a")[0] = 9
	qt.Assert(t, qt.DeepEquals(m.Data[0].Bytes, []byte{1, 2}))
	qt.Assert(t, qt.DeepEquals(mc.Data("b"), []byte{0, 0}))
	qt.Assert(t, qt.IsNil(mc.Data("c")))
}
