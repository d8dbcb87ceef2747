package render

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skep-dev/skep/internal/plan"
)

// typeGen makes types out of bytes, mostly sensible ones.
type typeGen struct{ data []byte }

func (g *typeGen) next() int {
	if len(g.data) == 0 {
		return 0
	}
	n := int(g.data[0])
	g.data = g.data[1:]
	return n
}

func (g *typeGen) typ(depth int) plan.Type {
	kinds := [...]plan.TypeKind{plan.Int, plan.String, plan.Buffer, plan.Pointer, plan.Bool, plan.Enum, plan.Ksym,
		plan.Usym, plan.Username, plan.Inet, plan.MAC, plan.Strftime, plan.ProbeName, plan.Kstack, plan.Ustack, plan.None,
		plan.Tuple, plan.Record, plan.Array, "bogus"}
	k := g.next()
	t := plan.Type{Kind: kinds[k%len(kinds)], Size: 8, Signed: k&128 != 0}
	switch t.Kind {
	case plan.Int, plan.Enum, plan.Bool:
		t.Size = 1 << (g.next() % 4)
		t.Names = []plan.EnumValue{{Name: "ONE", Value: 1}}
	case plan.Tuple, plan.Record:
		t.Size = 0
		for range g.next() % 5 {
			if depth == 0 {
				break
			}
			f := plan.Field{Name: "f", Offset: t.Size, Type: g.typ(depth - 1)}
			if n := g.next(); n < 16 {
				f.BitOffset, f.BitSize = n%8, n
			}
			t.Fields = append(t.Fields, f)
			t.Size += f.Type.Size
		}
	case plan.Array:
		if depth > 0 {
			e := g.typ(depth - 1)
			t.Elem, t.Len = &e, g.next()%5
			t.Size = t.Len * e.Size
		}
	case plan.Strftime:
		t.Name = "%F %T.%f%"
	default:
		t.Size = g.next() % 64
		t.Truncates = t.Size%2 == 0
	}
	if n := g.next(); n > 250 {
		t.Size += n - 253
	}
	return t
}

// FuzzDecode checks that any bytes decode as any type, or fail, and that the
// value can be written, as valid json in one case.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 3, 0}, []byte("12345678"))
	f.Add([]byte{16, 4, 0, 0, 0, 1, 5, 0, 2, 20, 0, 18, 0, 2, 3, 0}, bytes.Repeat([]byte{1, 0, 0xff}, 50))
	f.Add([]byte{13, 40, 0}, bytes.Repeat([]byte{2}, 64))
	f.Fuzz(func(t *testing.T, kinds, data []byte) {
		g := typeGen{data: kinds}
		typ := g.typ(3)
		env := &Env{Settings: plan.Settings{TruncTrailer: ".."}, Boot: time.Unix(1e9, 0), Location: time.UTC}
		v, err := Decode(env, &typ, data)
		if err != nil {
			return
		}
		AppendText(nil, v)
		if out := AppendJSON(nil, v); !json.Valid(out) {
			t.Errorf("invalid json: %s", out)
		}
	})
}

// FuzzMapValue does the same for whole maps.
func FuzzMapValue(f *testing.F) {
	f.Add(byte(0), []byte{1, 4, 0}, bytes.Repeat([]byte("abc\x00"), 20), uint16(8), uint8(1))
	f.Add(byte(7), []byte{0, 3}, bytes.Repeat([]byte{1, 2, 3, 4}, 1000), uint16(8*65+8), uint8(0))
	f.Fuzz(func(t *testing.T, kind byte, kinds, data []byte, valueSize uint16, bits uint8) {
		aggs := [...]plan.Aggregate{plan.Plain, plan.Count, plan.Sum, plan.Min, plan.Max, plan.Avg, plan.Stats, plan.Hist, plan.Lhist}
		g := typeGen{data: kinds}
		view := &plan.Map{Name: "@", Agg: aggs[int(kind)%len(aggs)], Value: g.typ(2), PerCPU: kind&64 != 0,
			Bits: int(bits % 7), Min: int64(int8(bits)), Max: int64(valueSize), Step: int64(kind)}
		if kind&128 != 0 {
			k := g.typ(2)
			view.Key = &k
		}
		if kind&32 != 0 {
			view.Present = int(bits)
		}
		d := &Dump{ValueSize: int(valueSize)}
		for len(data) > 0 {
			n := min(len(data), 16)
			e := Element{Key: data[:n]}
			data = data[n:]
			n = min(len(data), 2*int(valueSize))
			e.Value = data[:n]
			data = data[n:]
			d.Elements = append(d.Elements, e)
		}
		v, err := MapValue(testEnv(), view, d, Selection{Top: int(bits % 4), Div: int(bits % 3)})
		if err != nil {
			return
		}
		for _, s := range []Sink{NewText(&bytes.Buffer{}, &bytes.Buffer{}), NewJSON(&bytes.Buffer{})} {
			s.Map(view.Name, v)
		}
		if out := AppendJSON(nil, v); !json.Valid(out) {
			t.Errorf("invalid json: %s", out)
		}
	})
}

type fakeSymbols struct{}

func (fakeSymbols) Kernel(addr uint64, offset bool) []string {
	switch {
	case addr == 0x1000 && offset:
		return []string{"[inlined] inner", "outer+16"}
	case addr == 0x1000:
		return []string{"outer"}
	}
	return nil
}

func (fakeSymbols) User(addr uint64, pid, probe uint32, offset bool) []string {
	if pid == 7 && probe == 1 && offset {
		return []string{"main+3"}
	}
	if pid == 7 {
		return []string{"main"}
	}
	return nil
}

type fakeUsers struct{}

func (fakeUsers) Username(uid uint64) string {
	if uid == 0 {
		return "root"
	}
	return ""
}

func words(ns ...uint64) []byte {
	var b []byte
	for _, n := range ns {
		b = binary.NativeEndian.AppendUint64(b, n)
	}
	return b
}

func halves(lo, hi uint32) uint64 {
	b := binary.NativeEndian.AppendUint32(nil, lo)
	return binary.NativeEndian.Uint64(binary.NativeEndian.AppendUint32(b, hi))
}

func TestSymbolic(t *testing.T) {
	full := &Env{Boot: time.Unix(1_700_000_000, 500_000), Location: time.UTC, Symbols: fakeSymbols{}, Users: fakeUsers{},
		Probes: []plan.Probe{{Name: "tracepoint:syscalls:sys_enter_open"}}}
	perf := &Env{Symbols: fakeSymbols{}, Settings: plan.Settings{StackMode: StackPerf}}
	raw := &Env{Symbols: fakeSymbols{}, Settings: plan.Settings{StackMode: StackRaw}}
	none := &Env{}
	stack := words(3, 0x1000, 0x2000, 0x1000, 0x9000)
	ustack := append(words(halves(7, 1)), words(2, 0x1000, ^uint64(0))...)
	v6 := append(words(10), 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	v4in6 := append(words(10), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)
	mapped := append(words(10), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4)
	for _, c := range []struct {
		kind plan.TypeKind
		name string
		env  *Env
		data []byte
		want string
	}{
		{plan.Ksym, "", full, words(0x1000), "outer"},
		{plan.Ksym, "", full, words(0x1234), "0x1234"},
		{plan.Ksym, "", none, words(0), "0"},
		{plan.Usym, "", full, words(5, halves(7, 1)), "main"},
		{plan.Usym, "", full, words(5, halves(8, 1)), "0x5"},
		{plan.Usym, "", none, words(5), "0x5"},
		{plan.Kstack, "", full, stack, "\n        [inlined] inner\n        outer+16\n        0x2000\n        [inlined] inner\n        outer+16\n"},
		{plan.Kstack, "", perf, stack[:24], "\n\t1000 [inlined] inner\n\t1000 outer+16\n\t2000 0x2000\n"},
		{plan.Kstack, "", raw, stack, "\n1000\n2000\n1000\n"},
		{plan.Kstack, "raw", full, stack[:16], "\n1000\n"},
		{plan.Kstack, "", none, words(0), "\n"},
		{plan.Ustack, "", full, ustack, "\n        main+3\n        <unwind failure>\n"},
		{plan.Username, "", full, words(0), "root"},
		{plan.Username, "", full, words(4), ""},
		{plan.Username, "", none, words(4), "4"},
		{plan.ProbeName, "", full, words(0), "tracepoint:syscalls:sys_enter_open"},
		{plan.ProbeName, "", full, words(1), "1"},
		{plan.Strftime, "%F %T %f %l %k", full, words(1_000_123_456), "2023-11-14 22:13:21 000623 000 000623456"},
		{plan.Strftime, "%F", none, words(1), "(?)"},
		{plan.Inet, "", none, append(words(2), 127, 0, 0, 1), "127.0.0.1"},
		{plan.Inet, "", none, v6, "2001:db8::1"},
		{plan.Inet, "", none, v4in6, "::1.2.3.4"},
		{plan.Inet, "", none, mapped, "::ffff:1.2.3.4"},
		{plan.Inet, "", none, append(words(10), make([]byte, 16)...), "::"},
		{plan.Inet, "", none, append(words(99), make([]byte, 16)...), ""},
		{plan.MAC, "", none, []byte{0xaa, 1, 2, 3, 4, 0xff}, "AA:01:02:03:04:FF"},
	} {
		v, err := Decode(c.env, &plan.Type{Kind: c.kind, Size: len(c.data), Name: c.name}, c.data)
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		if got := string(AppendText(nil, v)); got != c.want {
			t.Errorf("%s: %q, want %q", c.kind, got, c.want)
		}
	}
}

func TestPasswdFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	p := NewPasswdFile(path)
	if got := p.Username(0); got != "" || p.Err() == nil {
		t.Errorf("without a file: %q, %v", got, p.Err())
	}
	write := func(text string, at int64) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	write("root:x:0:0::/root:/bin/sh\n# no\n+\ntoor:x:0:0::/:/bin/sh\nme:x:1000:1000:::\n", 1000)
	for uid, want := range map[uint64]string{0: "root", 1000: "me", 5: ""} {
		if got := p.Username(uid); got != want || p.Err() != nil {
			t.Errorf("user %d: %q, %v; want %q", uid, got, p.Err(), want)
		}
	}
	write("you:x:5:5:::", 2000)
	if got := p.Username(5); got != "you" {
		t.Errorf("after a change: %q", got)
	}
}
