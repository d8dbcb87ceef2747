package render

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/skep-dev/skep/internal/plan"
)

// record lays arguments out one after the other, at multiples of 8 from 8 on.
type record struct {
	fields []plan.Field
	data   []byte
}

func newRecord() *record { return &record{data: make([]byte, 8)} }

func (r *record) add(t plan.Type, b []byte) *record {
	r.fields = append(r.fields, plan.Field{Offset: len(r.data), Type: t})
	r.data = append(r.data, b...)
	for len(r.data)%8 != 0 {
		r.data = append(r.data, 0xaa)
	}
	return r
}

func (r *record) int(size int, signed bool, n int64) *record {
	return r.add(plan.Type{Kind: plan.Int, Size: size, Signed: signed}, intBytes(size, uint64(n)))
}

func intBytes(size int, n uint64) []byte {
	var b [8]byte
	switch size {
	case 1:
		b[0] = byte(n)
	case 2:
		binary.NativeEndian.PutUint16(b[:], uint16(n))
	case 4:
		binary.NativeEndian.PutUint32(b[:], uint32(n))
	default:
		binary.NativeEndian.PutUint64(b[:], n)
	}
	return b[:size]
}

func (r *record) str(size int, s string) *record {
	b := make([]byte, size)
	copy(b, s)
	return r.add(plan.Type{Kind: plan.String, Size: size}, b)
}

func (r *record) buf(s string) *record {
	b := binary.NativeEndian.AppendUint32(nil, uint32(len(s)))
	return r.add(plan.Type{Kind: plan.Buffer, Size: 4 + len(s)}, append(b, s...))
}

func testEnv() *Env { return &Env{Settings: plan.Settings{TruncTrailer: ".."}} }

func TestFormat(t *testing.T) {
	i64 := func(n int64) *record { return newRecord().int(8, true, n) }
	u64 := func(n uint64) *record { return newRecord().int(8, false, int64(n)) }
	str := func(s string) *record { return newRecord().str(16, s) }
	color := plan.Type{Kind: plan.Enum, Size: 4, Name: "color", Names: []plan.EnumValue{{Name: "RED", Value: 1}, {Name: "NONE", Value: -1}}}
	pointer := plan.Type{Kind: plan.Pointer, Size: 8}
	boolean := plan.Type{Kind: plan.Bool, Size: 1}
	pair := plan.Type{Kind: plan.Tuple, Size: 16, Fields: []plan.Field{
		{Type: plan.Type{Kind: plan.Int, Size: 8, Signed: true}}, {Offset: 8, Type: plan.Type{Kind: plan.Int, Size: 8}}}}
	for _, c := range []struct {
		format string
		rec    *record
		want   string
	}{
		{"no arguments, 100%\n", newRecord(), "no arguments, 100%\n"},
		{"%%|%5%|%!|%", newRecord(), "%|%|%!|%"},
		{"%0-5d %", newRecord(), "%0-5d %"}, // flags out of order are text
		{"%5.d", newRecord(), "%5.d"},

		// Without a modifier 32 bits are left of an integer.
		{"%d", i64(-1), "-1"}, {"%i", i64(1 << 32), "0"}, {"%ld", i64(1 << 32), "4294967296"},
		{"%d", i64(1<<31 + 5), "-2147483643"},
		{"%u", i64(-1), "4294967295"}, {"%lu", i64(-1), "18446744073709551615"},
		{"%lld|", i64(math.MinInt64), "-9223372036854775808|"},
		{"%hhd", i64(511), "-1"}, {"%hd", i64(65535), "-1"}, {"%hhu", i64(511), "255"},
		{"%jd", i64(-5), "-5"}, {"%zu", u64(math.MaxUint64), "18446744073709551615"}, {"%td", i64(-5), "-5"},
		{"%lllu", u64(math.MaxUint64), "4294967295"}, // no such modifier
		{"%d", newRecord().int(4, false, -1), "-1"}, {"%ld", newRecord().int(4, false, -1), "4294967295"},
		{"%ld", newRecord().int(4, true, -1), "-1"}, {"%lu", newRecord().int(1, true, -2), "18446744073709551614"},
		{"%d", newRecord().int(2, true, -3), "-3"}, {"%d", newRecord().int(2, false, -3), "65533"},

		{"%x", u64(0x12345678abcdef), "78abcdef"}, {"%hhx", u64(0x12345678abcdef), "ef"},
		{"%hx", u64(0x12345678abcdef), "cdef"}, {"%jx", u64(0x12345678abcdef), "12345678abcdef"},
		{"%X", u64(0xbeef), "BEEF"}, {"%#x", u64(0xbeef), "0xbeef"}, {"%#X", u64(0xbeef), "0XBEEF"}, {"%#x", u64(0), "0"},
		{"%o", u64(8), "10"}, {"%#o", u64(8), "010"}, {"%x", i64(-1), "ffffffff"},
		{"%p", u64(0xffffffff81000000), "0xffffffff81000000"}, {"%p", u64(0), "0"}, {"%20p|", u64(0xabc), "               0xabc|"},

		// Widths; the fill goes before sign and prefix.
		{"%6d|", i64(-42), "   -42|"}, {"%-6d|", i64(-42), "-42   |"}, {"%06d|", i64(-42), "000-42|"},
		{"%08x|", u64(0xab), "000000ab|"}, {"%#06x|", u64(0xab), "000xab|"}, {"%-05d|", i64(7), "70000|"},
		{"%+d", i64(7), "+7"}, {"%+d", i64(-7), "-7"}, {"%+d", i64(0), "+0"}, {"%+u", u64(7), "7"}, {"% d", i64(7), "7"},
		{"%-+ #08.3lld|", i64(7), "+7000000|"}, {"%.3d", i64(7), "7"}, {"%*d", i64(7), "7"}, {"%*.*d", i64(7), "7"},
		{"%d%%|", i64(7), "7%|"},

		{"%c%c", newRecord().int(8, true, 'A').int(1, false, 'b'), "Ab"}, {"%3c|", i64('x'), "  x|"}, {"%c", i64(0), "\x00"},

		{"%s", str("hello"), "hello"}, {"%8s|", str("hello"), "   hello|"}, {"%-8s|", str("hello"), "hello   |"},
		{"%.2s", str("hello"), "hello"}, {"%3s", str("hello"), "hello"}, {"%08s|", str("hello"), "000hello|"},
		{"%s", str(""), ""}, {"%2s|", str(""), "  |"},
		{"%s", newRecord().str(4, "abcdef"), "abcd.."}, // no NUL in it
		{"%s", newRecord().add(plan.Type{Kind: plan.String, Size: 4, Truncates: true}, []byte("abc\x00")), "abc.."},
		{"%s", newRecord().add(plan.Type{Kind: plan.String, Size: 4, Truncates: true}, []byte("ab\x00c")), "ab"},
		{"%7s|", newRecord().add(plan.Type{Kind: plan.String, Size: 4, Truncates: true}, []byte("abc\x00")), "  abc..|"},
		{"%s", i64(-1 << 40), "-1099511627776"}, {"%s", u64(math.MaxUint64), "18446744073709551615"},
		{"%+s %s", newRecord().int(1, true, 5).int(1, true, -5), "+5 -5"},

		{"%d %s %u %lx", newRecord().add(boolean, []byte{2}).add(boolean, []byte{1}).add(boolean, []byte{0}).add(boolean, []byte{9}), "1 true 0 1"},
		{"%-6s|%6s|", newRecord().add(boolean, []byte{1}).add(boolean, []byte{0}), "true  | false|"},
		{"%s %d %-5s| %x", newRecord().add(color, intBytes(4, 1)).add(color, intBytes(4, 1)).add(color, intBytes(4, 1)).add(color, intBytes(4, 1)), "RED 1 RED  | 1"},
		{"%s %d", newRecord().add(color, intBytes(4, 77)).add(color, intBytes(4, 77)), "77 77"},
		{"%s %d %ld", newRecord().add(color, intBytes(4, math.MaxUint32)).add(color, intBytes(4, math.MaxUint32)).add(color, intBytes(4, math.MaxUint32)), "NONE -1 4294967295"},
		{"%s %p %lx", newRecord().add(pointer, intBytes(8, 0x10)).add(pointer, intBytes(8, 0x10)).add(pointer, intBytes(8, 0x10)), "0x10 0x10 10"},
		{"%s", newRecord().add(pointer, intBytes(8, 0)), "0x0"},
		{"%s", newRecord().add(pair, append(intBytes(8, 1), intBytes(8, 2)...)), "(1, 2)"},
		{"%4s|%-4s|", newRecord().add(pair, append(intBytes(8, 1), intBytes(8, 2)...)).add(pair, append(intBytes(8, 1), intBytes(8, 2)...)), "   (1, 2)|(   1, 2)|"},

		{"%r", newRecord().buf("ok\x00\xff~\x7f"), `ok\x00\xff~\x7f`}, {"%rx", newRecord().buf("Hello\x00"), `\x48\x65\x6c\x6c\x6f\x00`},
		{"%rh|", newRecord().buf("Hello\x00"), "48 65 6c 6c 6f 00|"}, {"%rh|", newRecord().buf(""), "|"}, {"%s", newRecord().buf("a\n"), `a\x0a`},
		{"%8r|%-8rh|", newRecord().buf("ab").buf("c"), "      ab|63      |"}, {"%rxyz", newRecord().buf("a"), `\x61yz`},

		{"%gr", u64(0), "0"}, {"%gr", u64(1), "GFP_DMA"}, {"%gr", u64(0xcc0), "GFP_KERNEL"}, {"%gr", u64(0x820 | 2), "GFP_ATOMIC|__GFP_HIGHMEM"},
		{"%gr", u64(0x4c0), "__GFP_IO|__GFP_FS|__GFP_DIRECT_RECLAIM"}, {"%gr", u64(0x200 | 1<<40), "0x10000000200"}, {"%grow", u64(1), "GFP_DMAow"},
	} {
		f, err := NewFormat(c.format, c.rec.fields, len(c.rec.data), testEnv())
		if err != nil {
			t.Errorf("%q: %v", c.format, err)
			continue
		}
		got, err := f.Append([]byte("+"), c.rec.data)
		if err != nil || string(got) != "+"+c.want {
			t.Errorf("%q: %q, %v; want %q", c.format, got, err, "+"+c.want)
		}
	}
}

func TestCheckFormat(t *testing.T) {
	i := plan.Type{Kind: plan.Int, Size: 8, Signed: true}
	s := plan.Type{Kind: plan.String, Size: 64}
	for _, c := range []struct {
		format string
		args   []plan.Type
		at     string // the part of the format that is meant
		arg    int
		want   string
	}{
		{"%d %d", []plan.Type{i}, "%d", -1, "not enough arguments for format string (1 supplied, 2 expected)"},
		{"%d", []plan.Type{i, s}, "%d", 1, "too many arguments for format string (2 supplied, 1 expected)"},
		{"100% done", nil, "% d", -1, "not enough arguments for format string (0 supplied, 1 expected)"},
		{"a %-5d", []plan.Type{s}, "%-5d", 0, "unsupported format specifier for type 'string[64]': d"},
		{"%d %rx", []plan.Type{i, i}, "%rx", 1, "unsupported format specifier for type 'int64': rx"},
		{"%f", []plan.Type{i}, "%f", 0, "unsupported format specifier: f"},
		{"%n", []plan.Type{i}, "%n", 0, "unsupported format specifier: n"},
		{"%s", []plan.Type{{Kind: plan.None}}, "%s", 0, "unable to print none type for specifier: s"},
		{"%x", []plan.Type{{Kind: plan.Ksym, Size: 8}}, "%x", 0, "unsupported format specifier for type 'ksym_t': x"},
		{"%gr", []plan.Type{{Kind: plan.Buffer, Size: 12}}, "%gr", 0, "unsupported format specifier for type 'buffer[12]': gr"},
		{"%u", []plan.Type{{Kind: plan.Tuple, Fields: []plan.Field{{Type: i}, {Type: s}}}}, "%u", 0, "unsupported format specifier for type '(int64,string[64])': u"},
		{"%u", []plan.Type{{Kind: plan.Array, Len: 3, Elem: &i}}, "%u", 0, "unsupported format specifier for type 'int64[3]': u"},
		{"%70000d", []plan.Type{i}, "%70000d", -1, "width or precision of more than 65536 in format specifier: %70000d"},
		{"%.99999999999999999999d", []plan.Type{i}, "%.99999999999999999999d", -1,
			"width or precision of more than 65536 in format specifier: %.99999999999999999999d"},
	} {
		err := CheckFormat(c.format, c.args)
		var fe *FormatError
		if !errors.As(err, &fe) {
			t.Errorf("%q: %v", c.format, err)
			continue
		}
		if fe.Message != c.want || fe.Arg != c.arg || c.format[fe.Start:fe.End] != c.at && fe.Start != len(c.format) {
			t.Errorf("%q: %q at %q (argument %d); want %q at %q (%d)", c.format, fe.Message, c.format[fe.Start:fe.End], fe.Arg, c.want, c.at, c.arg)
		}
	}
	if err := CheckFormat("%s %d %c %p %gr %s", []plan.Type{s, {Kind: plan.Enum}, {Kind: plan.Bool}, {Kind: plan.Pointer}, i, {Kind: plan.Kstack}}); err != nil {
		t.Error(err)
	}
}

func TestFormatBounds(t *testing.T) {
	field := plan.Field{Offset: 8, Type: plan.Type{Kind: plan.Int, Size: 8}}
	if _, err := NewFormat("%d", []plan.Field{field}, 15, testEnv()); err == nil {
		t.Error("an argument beyond the record was accepted")
	}
	f, err := NewFormat("%d", []plan.Field{field}, 16, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Append(nil, make([]byte, 15)); err == nil {
		t.Errorf("a short record gave %q", got)
	}
	field.Type.Size = 3
	if f, err = NewFormat("%d", []plan.Field{field}, 16, testEnv()); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Append(nil, make([]byte, 16)); err == nil {
		t.Errorf("an integer of 3 bytes gave %q", got)
	}
}

func TestFormatBitField(t *testing.T) {
	r := newRecord().int(4, true, 0b1011_0110)
	r.fields[0].BitOffset, r.fields[0].BitSize = 1, 3
	for _, c := range []struct {
		signed bool
		format string
		want   string
	}{{true, "%d", "3"}, {false, "%s", "3"}} {
		r.fields[0].Type.Signed = c.signed
		f, err := NewFormat(c.format, r.fields, len(r.data), testEnv())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Append(nil, r.data); err != nil || string(got) != c.want {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}
	r.fields[0].BitOffset, r.fields[0].Type.Signed = 4, true
	r.fields[0].BitSize = 4
	f, err := NewFormat("%s", r.fields, len(r.data), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Append(nil, r.data); err != nil || string(got) != "-5" {
		t.Errorf("%q, %v; want -5", got, err)
	}
}

// TestFormatAllocs checks that writing a line allocates nothing.
func TestFormatAllocs(t *testing.T) {
	f, r := benchFormat(t)
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf, _ = f.Append(buf[:0], r.data) }); n != 0 {
		t.Errorf("%v allocations per line", n)
	}
	if want := "4711   loads            -1 0xffffffff81000000 \\x01A 88\n"; string(buf) != want {
		t.Errorf("%q, want %q", buf, want)
	}
}

func benchFormat(tb testing.TB) (*Format, *record) {
	r := newRecord().int(4, false, 4711).str(16, "loads").int(8, true, -1).int(8, false, -0x7f000000).buf("\x01A").int(8, false, 0x88)
	f, err := NewFormat("%-6d %-16s %d %p %r %x\n", r.fields, len(r.data), testEnv())
	if err != nil {
		tb.Fatal(err)
	}
	return f, r
}

func BenchmarkFormatSimple(b *testing.B) {
	r := newRecord().int(4, false, 4711).str(16, "loads").int(8, true, 4096)
	f, err := NewFormat("%d %s %d\n", r.fields, len(r.data), testEnv())
	if err != nil {
		b.Fatal(err)
	}
	benchmarkSink(b, f, r, NewText(io.Discard, io.Discard))
}

func BenchmarkFormatMany(b *testing.B) {
	f, r := benchFormat(b)
	benchmarkSink(b, f, r, NewText(io.Discard, io.Discard))
}

func BenchmarkFormatJSON(b *testing.B) {
	r := newRecord().int(4, false, 4711).str(16, "loads").int(8, true, 4096)
	f, err := NewFormat("%d %s %d\n", r.fields, len(r.data), testEnv())
	if err != nil {
		b.Fatal(err)
	}
	benchmarkSink(b, f, r, NewJSON(io.Discard))
}

func benchmarkSink(b *testing.B, f *Format, r *record, s Sink) {
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if line, err = f.Append(line[:0], r.data); err != nil {
			b.Fatal(err)
		}
		s.Text(Printf, line)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// FuzzFormat checks that any format parses, that what it checks for compiles,
// and that it prints any record.
func FuzzFormat(f *testing.F) {
	f.Add("%d %s %-16s %#08llx %rx%%", []byte{0, 1, 2, 3, 4, 5}, []byte("0123456789012345678901234567890123456789"))
	f.Add("%5%|%.*gr|%rh|%c%p%", []byte{7, 6, 5}, []byte{})
	f.Fuzz(func(t *testing.T, format string, kinds, data []byte) {
		segs, err := parseFormat(format)
		if err != nil {
			return
		}
		last := 0
		for _, sp := range segs.specs {
			if sp.start < last || sp.end <= sp.start || sp.end > len(format) || format[sp.start] != '%' {
				t.Fatalf("%q: conversion at %d to %d after %d", format, sp.start, sp.end, last)
			}
			last = sp.end
		}
		g := typeGen{data: kinds}
		var args []plan.Field
		size := 8
		for range segs.specs {
			field := plan.Field{Offset: size, Type: g.typ(3)}
			args = append(args, field)
			size += field.Type.Size
		}
		p, err := NewFormat(format, args, size, testEnv())
		if err != nil {
			return
		}
		rec := make([]byte, size)
		if len(data) > 0 {
			for n := 8; n < size; n += copy(rec[n:], data) {
			}
		}
		if _, err := p.Append(nil, rec); err != nil && size < 1<<16 {
			t.Logf("%q: %v", format, err)
		}
		if _, err := p.Append(nil, rec[:size/2]); err == nil && len(args) > 0 && p.size > size/2 {
			t.Errorf("%q printed half a record", format)
		}
	})
}
