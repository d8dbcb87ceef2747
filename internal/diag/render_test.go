package diag

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/source"
)

// mark makes a diagnostic for the text between « and » in content, which may
// hold several such pairs: the further ones become notes.
func mark(content string) (*Diagnostic, *source.File) {
	var spans [][2]int
	var b strings.Builder
	for content != "" {
		i := strings.Index(content, "«")
		if i < 0 {
			break
		}
		j := strings.Index(content, "»")
		b.WriteString(content[:i])
		start := b.Len()
		b.WriteString(content[i+len("«") : j])
		spans = append(spans, [2]int{start, b.Len()})
		content = content[j+len("»"):]
	}
	b.WriteString(content)
	f := source.NewFile("t.bt", b.String())
	d := Errorf("test", source.Span{File: f, Start: spans[0][0], End: spans[0][1]}, "message")
	for _, s := range spans[1:] {
		d.Note(source.Span{File: f, Start: s[0], End: s[1]}, "note text")
	}
	return d, f
}

func draw(t *testing.T, o RenderOptions, items ...*Diagnostic) string {
	t.Helper()
	var b strings.Builder
	qt.Assert(t, qt.IsNil(Render(&b, &List{Items: items}, o)))
	return b.String()
}

func TestRenderPlaces(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"one character", "a «b» c\n", `
error: message
 --> t.bt:1:3
  |
1 | a b c
  |   ^
`},
		{"several", "x\n  «foo» bar", `
error: message
 --> t.bt:2:3
  |
2 |   foo bar
  |   ^~~
`},
		{"nothing, at the end", "f()«»\nx", `
error: message
 --> t.bt:1:4
  |
1 | f()
  |    ^
`},
		{"end of the file", "f()\n«»", `
error: message
 --> t.bt:2:1
  |
2 |
  | ^
`},
		{"empty file", "«»", `
error: message
 --> t.bt:1:1
`},
		{"tabs", "\ta\t«b\tc»;", `
error: message
 --> t.bt:1:4
  |
1 |         a       b       c;
  |                 ^~~~~~~~~
`},
		{"wide and combining", "日本 é«x»", `
error: message
 --> t.bt:1:5
  |
1 | 日本 éx
  |       ^
`},
		{"within wide", "a«日本»b", `
error: message
 --> t.bt:1:2
  |
1 | a日本b
  |  ^~~~
`},
		{"combining mark", "e\u0301«x»", `
error: message
 --> t.bt:1:3
  |
1 | ` + "e\u0301x" + `
  |  ^
`},
		{"emoji", "🐝 «x»", `
error: message
 --> t.bt:1:3
  |
1 | 🐝 x
  |    ^
`},
		{"carriage return", "ab «c»\r\nd", `
error: message
 --> t.bt:1:4
  |
1 | ab c
  |    ^
`},
		{"control characters", "a\x1b[31m«\x00b»\xff\u202e", `
error: message
 --> t.bt:1:7
  |
1 | a␛[31m␀b` + "\ufffd\ufffd" + `
  |       ^~
`},
		{"two lines", "a «b\n\tc» d", `
error: message
 --> t.bt:1:3
  |
1 | a b
  |   ^
2 |         c d
  |         ~
`},
		{"many lines", "a «b\nc\n\n d\n e\n  f» g", `
error: message
 --> t.bt:1:3
  |
1 | a b
  |   ^
...
6 |   f g
  |   ~
`},
		{"ends with a newline", "«ab\n»c", `
error: message
 --> t.bt:1:1
  |
1 | ab
  | ^~
`},
		{"note", "a\n\n\n\n\n\n\n\n\n«x»\n«y»", `
error: message
  --> t.bt:10:1
   |
10 | x
   | ^
note: note text
  --> t.bt:11:1
   |
11 | y
   | ^
`},
		{"gutter of a note", "«x»\n\n\n\n\n\n\n\n\n«y»", `
error: message
  --> t.bt:1:1
   |
 1 | x
   | ^
note: note text
  --> t.bt:10:1
   |
10 | y
   | ^
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _ := mark(test.content)
			qt.Check(t, qt.Equals(draw(t, RenderOptions{}, d), strings.TrimPrefix(test.want, "\n")))
		})
	}
}

func TestRenderParts(t *testing.T) {
	var l List
	l.Errorf("a", source.Span{}, "no place").Note(source.Span{}, "a fact\non two lines").WithHint("do it")
	l.Warnf("b", source.Span{}, "steer\x1b[2J\tit")
	info := Errorf("c", source.Span{}, "known")
	info.Severity = Info
	l.Add(info)
	qt.Check(t, qt.Equals(draw(t, RenderOptions{}, l.Items...), `error: no place
note: a fact
      on two lines
hint: do it

warning: steer␛[2J it

info: known
`))
}

func TestRenderColor(t *testing.T) {
	d, _ := mark("a «b»")
	d.WithHint("do it")
	qt.Check(t, qt.Equals(draw(t, RenderOptions{Color: true}, d),
		"\x1b[1;31merror:\x1b[0m \x1b[1mmessage\x1b[0m\n"+
			" \x1b[1;34m-->\x1b[0m t.bt:1:3\n"+
			"  \x1b[1;34m|\x1b[0m\n"+
			"\x1b[1;34m1 |\x1b[0m a b\n"+
			"  \x1b[1;34m|\x1b[0m   \x1b[1;31m^\x1b[0m\n"+
			"\x1b[1;32mhint:\x1b[0m do it\n"))
	plain := draw(t, RenderOptions{}, d)
	colored := draw(t, RenderOptions{Color: true}, d)
	for _, s := range []string{"0", "1", "1;31", "1;32", "1;34"} {
		colored = strings.ReplaceAll(colored, "\x1b["+s+"m", "")
	}
	qt.Check(t, qt.Equals(colored, plain))
}

func TestRenderTabWidth(t *testing.T) {
	d, _ := mark("\t«b»")
	qt.Check(t, qt.StringContains(draw(t, RenderOptions{TabWidth: 4}, d), "1 |     b\n  |     ^\n"))
}

func TestRenderWidth(t *testing.T) {
	long := strings.Repeat("0123456789", 10)
	for _, test := range []struct{ name, content, want string }{
		{"start", "«01»" + long, `
1 | 0101234567890123456789012...
  | ^~
`},
		{"middle", long + "«ab»" + long, `
1 | ...6789ab0123456789012345...
  |        ^~
`},
		{"end", long + "«ab»", `
1 | ...78901234567890123456789ab
  |                           ^~
`},
		{"longer than the line", "x«" + long + long + "»", `
1 | x012345678901234567890123...
  |  ^~~~~~~~~~~~~~~~~~~~~~~~~~~
`},
		{"behind the end", long + "«»", `
1 | ...5678901234567890123456789
  |                             ^
`},
		{"wide", strings.Repeat("日本", 20) + "«語»" + strings.Repeat("日本", 20), `
1 | ...日本語日本日本日本日本...
  |        ^~
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _ := mark(test.content)
			out := draw(t, RenderOptions{Width: 32}, d)
			_, lines, _ := strings.Cut(out, "  |\n")
			qt.Check(t, qt.Equals(lines, strings.TrimPrefix(test.want, "\n")))
		})
	}
}

func TestRenderBase(t *testing.T) {
	base := t.TempDir()
	for name, want := range map[string]string{
		filepath.Join(base, "x", "a.bt"):  filepath.Join("x", "a.bt"),
		filepath.Join(base, "..", "a.bt"): filepath.Join(base, "..", "a.bt"),
		"stdin":                           "stdin",
	} {
		f := source.NewFile(name, "x")
		d := Errorf("test", source.Span{File: f, Start: 0, End: 1}, "m")
		qt.Check(t, qt.StringContains(draw(t, RenderOptions{Base: base}, d), "--> "+want+":1:1\n"))
	}
}

type badWriter struct{}

var errFull = errors.New("full")

func (badWriter) Write([]byte) (int, error) { return 0, errFull }

func TestRenderWriteError(t *testing.T) {
	d, _ := mark("«x»")
	qt.Check(t, qt.ErrorIs(RenderOne(badWriter{}, d, RenderOptions{}), errFull))
}

// FuzzRender draws any span of any text: it neither panics nor lets control
// characters through, and its lines keep to the width.
func FuzzRender(f *testing.F) {
	f.Add("begin {\n\tx = 1;\n}", 8, 12, 40)
	f.Add("日本\t語\x1b[0m\xff\r\n", 2, 9, 25)
	f.Add(strings.Repeat("x", 300), 250, 290, 80)
	f.Fuzz(func(t *testing.T, text string, start, end, width int) {
		file := source.NewFile("f", text)
		at := source.Span{File: file, Start: start, End: end}
		var b strings.Builder
		if err := RenderOne(&b, Errorf("c", at, "m"), RenderOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			for _, r := range line {
				if r < 0x20 || r == 0x7f {
					t.Fatalf("control character in %q", line)
				}
			}
			if w := newDisplayLine(line, 8).width(); width >= 40 && width < 1000 && w > width+1 && !strings.Contains(line, "-->") {
				t.Fatalf("%d columns, not %d: %q", w, width, line)
			}
		}
	})
}
