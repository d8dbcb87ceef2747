package ir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/ir"
)

func parse(t testing.TB, text string) *ir.Module {
	t.Helper()
	m, dl := ir.Parse("test.ir", text)
	if err := dl.Err(); err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	return m
}

// TestText reads each module of testdata/text.txtar. The archive is in the
// printer's own form, so printing gives it back byte by byte.
func TestText(t *testing.T) {
	for _, file := range archive(t, "text.txtar") {
		t.Run(file.Name, func(t *testing.T) {
			text := string(file.Data)
			m := parse(t, text)
			qt.Assert(t, qt.Equals(ir.Print(m), text))
			qt.Assert(t, qt.IsNil(equalModules(m, parse(t, ir.Print(m)))))
			qt.Assert(t, qt.IsNil(ir.Check(m)))
		})
	}
}

func archive(t testing.TB, name string) []txtar.File {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(a.Files) > 0))
	return a.Files
}

// TestParseForms reads spellings that the printer does not write.
func TestParseForms(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"semicolons", `func @f () i64 { b0: v1 = const i64 0x10 ; ret v1 }`,
			"func @f () i64 {\nb0:\n    v1 = const i64 16\n    ret v1\n}\n"},
		{"entry parameters repeated", "func @f (v0 ptr) void {\nb0(v0 ptr):\nret\n}",
			"func @f (v0 ptr) void {\nb0:\n    ret\n}\n"},
		{"comments and places", "// all\nfunc @f () void { // head\nb0: // b\nret @3:4 // end\n}",
			"func @f () void {\nb0:\n    ret\n}\n"},
		{"greatest unsigned constant", "func @f () i64 {\nb0:\nv0 = const i64 0xffffffffffffffff\nret v0\n}",
			"func @f () i64 {\nb0:\n    v0 = const i64 -1\n    ret v0\n}\n"},
		{"type by name", "func @f () i64 {\nb0:\nv0 = core.field_offset i64 struct task_struct \"0:1\" = 8\nret v0\n}",
			"func @f () i64 {\nb0:\n    v0 = core.field_offset i64 struct task_struct \"0:1\" = 8\n    ret v0\n}\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, test.in)
			qt.Assert(t, qt.Equals(m.Text(ir.Style{}), test.want))
		})
	}
}

// TestParseErrors holds one text per line group: what is wrong, and where.
func TestParseErrors(t *testing.T) {
	const head = "func @f (v0 ptr) i64 {\nb0:\n"
	tests := []struct{ name, in, want string }{
		{"no module", "hello", `test.ir:1:1: want license, map, data, func or type, found "hello"`},
		{"licence", "license GPL", `test.ir:1:9: want the licence as a string, found "GPL"`},
		{"map field", "map @m type 1 value 4", `test.ir:1:15: want "key", found "value"`},
		{"map size", "map @m type 1 key 4294967296", `test.ir:1:19: key is at most 4294967295`},
		{"data size", `data @d ".bss" align 1 = zero 999999999999`, `test.ir:1:31: a size is at most 16777216`},
		{"open string", `license "GPL`, `test.ir:1:9: want the licence as a string, found "\"GPL"`},
		{"open function", "func @f () void {\nb0:\n", `test.ir:3:1: want '}', found the end`},
		{"no blocks", "func @f () void {\n}", `test.ir:1:6: function @f has no block`},
		{"no label", "func @f () void {\nret\n}", `test.ir:2:1: want a block label such as b0: first`},
		{"unknown operation", head + "v1 = frob i64 v0\nret v1\n}", `test.ir:3:6: there is no operation "frob"`},
		{"unknown suffix", head + "v1 = load.x32 i64 v0\nret v1\n}", `test.ir:3:6: load is not written like this`},
		{"odd width", head + "v1 = load.u33 i64 v0\nret v1\n}", `test.ir:3:6: load is not written like this`},
		{"no type", head + "v1 = load.u32 v0\nret v1\n}", `test.ir:3:6: an operation has a result type exactly when its result has a name`},
		{"type without name", head + "load.u32 i64 v0\nret v0\n}", `test.ir:3:1: an operation has a result type exactly when its result has a name`},
		{"undefined value", head + "ret v9\n}", `test.ir:3:5: v9 is not defined`},
		{"undefined block", head + "jump b7\n}", `test.ir:3:6: block b7 is not defined`},
		{"undefined type", head + "v1 = core.field_size i64 t4 \"0\" = 1\nret v1\n}", `test.ir:3:26: type t4 is not defined`},
		{"value twice", head + "v1 = const i64 1\nv1 = const i64 2\nret v1\n}", `test.ir:4:1: v1 is defined twice`},
		{"block twice", head + "ret v0\nb0:\nret v0\n}", `test.ir:4:1: block b0 is defined twice`},
		{"type twice", "type t0 = void\ntype t0 = void", `test.ir:2:6: type t0 is defined twice`},
		{"typedef of itself", "type t0 = typedef a t1\ntype t1 = qual const t0", `consists of itself`},
		{"proto is no function", "func @f () void proto t0 {\nb0:\nret\n}\ntype t0 = void", `test.ir:1:23: this kind of type does not fit here`},
		{"code after the end", head + "ret v0\nv1 = const i64 1\n}", `test.ir:4:1: b0 has its terminator already`},
		{"value number", head + "ret v99999999\n}", `test.ir:3:5: want a value such as v1, found "v99999999"`},
		{"other entry parameters", "func @f (v0 ptr) void {\nb0(v1 ptr):\nret\n}", `test.ir:2:4: the entry block's parameters differ from the function's`},
		{"trailing words", head + "ret v0 v0\n}", `test.ir:3:8: want the end of the line, found "v0"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, dl := ir.Parse("test.ir", test.in)
			qt.Assert(t, qt.IsNil(m))
			qt.Assert(t, qt.ErrorMatches(dl.Err(), "(?s).*"+regexpQuote(test.want)+".*"))
		})
	}
}

func regexpQuote(s string) string {
	const special = `\.+*?()|[]{}^$`
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// FuzzParse feeds any text to the parser: no panic; and what it accepts comes
// back the same after printing, and may be checked.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"text.txtar", "check.txtar"} {
		for _, file := range archive(f, name) {
			f.Add(string(file.Data))
		}
	}
	f.Add("type t0 = typedef a t1\ntype t1 = array t0 len 2")
	f.Add("func @\"\\x00\" section \"\" static (v0 i32, v1 ptr) void { b9: br v1, b9, b1 ; b1: unreachable }")
	f.Fuzz(func(t *testing.T, text string) {
		m, dl := ir.Parse("fuzz.ir", text)
		if (m == nil) != dl.HasErrors() {
			t.Fatalf("module %v, errors: %v", m, dl.Err())
		}
		if m == nil {
			return
		}
		printed := ir.Print(m)
		again, dl := ir.Parse("printed.ir", printed)
		if err := dl.Err(); err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, printed)
		}
		if err := equalModules(m, again); err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		if twice := ir.Print(again); twice != printed {
			t.Fatalf("printing differs:\n%s\n%s", printed, twice)
		}
		_ = ir.Check(m)
		_ = m.Text(ir.Style{Spans: true})
	})
}

// TestSpansAreSkipped prints places, which name the text that was parsed.
func TestSpansAreSkipped(t *testing.T) {
	m := parse(t, "func @f () i64 {\nb0:\n  v1 = const i64 4\n  ret v1\n}")
	text := m.Text(ir.Style{Spans: true})
	qt.Assert(t, qt.StringContains(text, "v1 = const i64 4 @3:3\n"))
	qt.Assert(t, qt.StringContains(text, "ret v1 @4:3\n"))
	qt.Assert(t, qt.IsNil(equalModules(m, parse(t, text))))
}

// TestDocExample keeps the example in the package comment true to the parser.
func TestDocExample(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	qt.Assert(t, qt.IsNil(err))
	var text strings.Builder
	for line := range strings.Lines(string(src)) {
		if rest, ok := strings.CutPrefix(line, "//\t"); ok {
			text.WriteString(rest)
		} else if line == "//\n" {
			text.WriteString("\n")
		}
	}
	m := parse(t, text.String())
	qt.Assert(t, qt.HasLen(m.Funcs, 1))
	qt.Assert(t, qt.IsNil(ir.Check(m)))
}
