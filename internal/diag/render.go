package diag

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/source"
)

// RenderOptions say how diagnostics are drawn. Whether the output is a
// terminal, and how wide, is the caller's to find out.
type RenderOptions struct {
	Color bool // use ANSI colours
	// Base is a directory; the names of files below it are shown relative
	// to it. Empty: names are shown as they are.
	Base string
	// Width is the number of columns to keep to by leaving out parts of long
	// source lines. 0: lines are shown whole.
	Width int
	// TabWidth is the number of columns between tab stops. 0: 8.
	TabWidth int
}

// Render draws all diagnostics of a list in its order, an empty line between
// them:
//
//	error: expected ')' or ',' after an argument, found ';'
//	 --> script.bt:3:14
//	  |
//	3 |   print(@x, 5;
//	  |              ^
//	note: this '(' is not closed
//	 --> script.bt:3:8
//	  |
//	3 |   print(@x, 5;
//	  |        ^
//	hint: ...
//
// The error is that of writing to w.
func Render(w io.Writer, l *List, o RenderOptions) error {
	r := newRenderer(o)
	for i, d := range l.Items {
		if i > 0 {
			r.out.WriteByte('\n')
		}
		r.diagnostic(d)
	}
	_, err := w.Write(r.out.Bytes())
	return err
}

// RenderOne draws a single diagnostic as Render does.
func RenderOne(w io.Writer, d *Diagnostic, o RenderOptions) error {
	return Render(w, &List{Items: []*Diagnostic{d}}, o)
}

// renderer draws into a buffer. Its methods (headline, snippet) are the parts
// that every form of report is made of.
type renderer struct {
	out  bytes.Buffer
	opts RenderOptions
}

func newRenderer(o RenderOptions) *renderer {
	if o.TabWidth <= 0 {
		o.TabWidth = 8
	}
	return &renderer{opts: o}
}

// style is an ANSI graphic rendition.
type style string

const (
	styleError   style = "1;31"
	styleWarning style = "1;33"
	styleInfo    style = "1;36"
	styleNote    style = "1;36"
	styleHint    style = "1;32"
	styleFrame   style = "1;34"
	styleBold    style = "1"
)

func (r *renderer) paint(s style, text string) string {
	if !r.opts.Color || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func severityStyle(s Severity) style {
	switch s {
	case Warning:
		return styleWarning
	case Info:
		return styleInfo
	}
	return styleError
}

func (r *renderer) diagnostic(d *Diagnostic) {
	st := severityStyle(d.Severity)
	r.headline(d.Severity.String(), st, r.paint(styleBold, cleanText(d.Message)))
	gutter := r.gutter(d)
	r.snippet(d.Span, st, gutter)
	for _, n := range d.Notes {
		r.headline("note", styleNote, cleanText(n.Message))
		r.snippet(n.Span, styleNote, gutter)
	}
	if d.Hint != "" {
		r.headline("hint", styleHint, cleanText(d.Hint))
	}
}

// headline draws a labelled message. Further lines of the message are
// indented to below its first.
func (r *renderer) headline(label string, st style, message string) {
	indent := "\n" + strings.Repeat(" ", len(label)+2)
	fmt.Fprintf(&r.out, "%s %s\n", r.paint(st, label+":"), strings.ReplaceAll(message, "\n", indent))
}

// gutter is the width of the line numbers of all places of a diagnostic.
func (r *renderer) gutter(d *Diagnostic) int {
	spans := []source.Span{d.Span}
	for _, n := range d.Notes {
		spans = append(spans, n.Span)
	}
	width := 1
	for _, s := range spans {
		if s.IsValid() {
			_, last := lineRange(s)
			width = max(width, len(strconv.Itoa(last)))
		}
	}
	return width
}

// lineRange is the first and last line that a span covers. A span that ends
// with a newline does not cover the next line.
func lineRange(s source.Span) (first, last int) {
	first, _ = s.File.Position(s.Start)
	last, column := s.File.Position(s.End)
	if last > first && column == 1 {
		last--
	}
	return first, max(first, last)
}

// maxLines is how many lines of a span are drawn; of a longer one the first
// and the last.
const maxLines = 4

// snippet draws the place and the source lines of a span with a marker below
// what it covers.
func (r *renderer) snippet(s source.Span, st style, gutter int) {
	if !s.IsValid() {
		return
	}
	line, column := s.File.Position(s.Start)
	pad := strings.Repeat(" ", gutter)
	fmt.Fprintf(&r.out, "%s%s %s:%d:%d\n", pad, r.paint(styleFrame, "-->"), r.fileName(s.File.Name), line, column)
	first, last := lineRange(s)
	if s.File.Content == "" {
		return
	}
	fmt.Fprintf(&r.out, "%s %s\n", pad, r.paint(styleFrame, "|"))
	for n := first; n <= last; n++ {
		if last-first >= maxLines && n == first+1 {
			fmt.Fprintf(&r.out, "%s\n", r.paint(styleFrame, strings.Repeat(".", max(gutter, 3))))
			n = last
		}
		r.line(s, n, st, gutter)
	}
}

// line draws source line n and the marker below the part of it that s covers.
func (r *renderer) line(s source.Span, n int, st style, gutter int) {
	l := newDisplayLine(s.File.Line(n), r.opts.TabWidth)
	begin := s.File.LineStart(n)
	from, to := l.columns(s.Start-begin, s.End-begin)
	if s.Start < begin {
		from = min(l.indent(), to) // a further line: not below the white space
	}
	first := s.Start >= begin
	text, left, right := l.cut(from, r.opts.Width-gutter-3)
	from, to = max(from, left)-left, min(to, right)-left

	number := strconv.Itoa(n)
	prefix := strings.Repeat(" ", gutter-len(number)) + number
	fmt.Fprintf(&r.out, "%s\n", strings.TrimRight(r.paint(styleFrame, prefix+" |")+" "+text, " "))
	marker := "^" + strings.Repeat("~", max(to-from-1, 0))
	if !first {
		marker = strings.Repeat("~", to-from)
	}
	if marker != "" {
		fmt.Fprintf(&r.out, "%s %s %s%s\n", strings.Repeat(" ", gutter), r.paint(styleFrame, "|"),
			strings.Repeat(" ", from), r.paint(st, marker))
	}
}

func (r *renderer) fileName(name string) string {
	if r.opts.Base != "" && filepath.IsAbs(name) {
		if rel, err := filepath.Rel(r.opts.Base, name); err == nil && !slices.Contains(strings.Split(rel, string(filepath.Separator)), "..") {
			name = rel
		}
	}
	return cleanText(name)
}
