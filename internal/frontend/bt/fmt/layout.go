package btfmt

import (
	"strings"
	"unicode/utf8"
)

// A doc is text with places where lines may break. It follows Wadler's
// "prettier printer": a group is printed on one line if it fits, and
// otherwise all of its own break points become newlines.
type doc interface{ isDoc() }

type (
	// text is printed as it is; it holds no newline.
	text string
	// verbatim is printed as it is, newlines included, without indentation.
	verbatim string
	// comment is like verbatim and must end its line.
	comment string
	// cat is a sequence.
	cat []doc
	// line is a space, or a newline when its group is broken.
	line struct{}
	// hardLine always is a newline and breaks the groups around it.
	hardLine struct{}
	// blankLine is an empty line.
	blankLine struct{}
	// fillLine is a space, or a newline when what follows does not fit.
	fillLine struct{ next doc }
	// nest indents the lines of its content by one step more.
	nest struct{ d doc }
	// align indents the lines of its content to where it begins.
	align struct{ d doc }
	// group is printed on one line if it fits.
	group struct{ d doc }
)

func (text) isDoc()      {}
func (verbatim) isDoc()  {}
func (comment) isDoc()   {}
func (cat) isDoc()       {}
func (line) isDoc()      {}
func (hardLine) isDoc()  {}
func (blankLine) isDoc() {}
func (fillLine) isDoc()  {}
func (nest) isDoc()      {}
func (align) isDoc()     {}
func (group) isDoc()     {}

const (
	step  = 2  // columns of one step of indentation
	width = 80 // columns that a line should not exceed
)

// tooWide is the width of what can't be printed on one line.
const tooWide = 1 << 20

// flatWidth is how many columns d takes on one line, tooWide if it can't be
// printed on one. Counting stops at limit.
func flatWidth(d doc, limit int) int {
	switch d := d.(type) {
	case text:
		return utf8.RuneCountInString(string(d))
	case verbatim:
		if strings.Contains(string(d), "\n") {
			return tooWide
		}
		return utf8.RuneCountInString(string(d))
	case cat:
		w := 0
		for _, e := range d {
			if w += flatWidth(e, limit-w); w > limit {
				return tooWide
			}
		}
		return w
	case line, fillLine:
		return 1
	case comment, hardLine, blankLine:
		return tooWide
	case nest:
		return flatWidth(d.d, limit)
	case align:
		return flatWidth(d.d, limit)
	case group:
		return flatWidth(d.d, limit)
	}
	return 0
}

type layout struct {
	out strings.Builder
	col int // of the next character
}

func render(d doc) string {
	var l layout
	l.print(d, 0, true)
	return l.out.String()
}

// print prints d; broken tells whether the group around it is broken.
func (l *layout) print(d doc, indent int, broken bool) {
	switch d := d.(type) {
	case text:
		l.write(string(d), indent)
	case verbatim:
		l.verbatim(string(d), indent)
	case comment:
		l.verbatim(string(d), indent)
	case cat:
		for _, e := range d {
			l.print(e, indent, broken)
		}
	case line:
		if broken {
			l.newline()
		} else {
			l.write(" ", indent)
		}
	case hardLine:
		l.newline()
	case blankLine:
		l.newline()
		l.out.WriteByte('\n')
	case fillLine:
		if l.col+1+flatWidth(d.next, width) > width {
			l.newline()
		} else {
			l.write(" ", indent)
		}
	case nest:
		l.print(d.d, indent+step, broken)
	case align:
		l.print(d.d, max(l.col, indent), broken)
	case group:
		l.print(d.d, indent, max(l.col, indent)+flatWidth(d.d, width) > width)
	}
}

func (l *layout) verbatim(s string, indent int) {
	l.write(s, indent)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		l.col = utf8.RuneCountInString(s[i+1:])
	}
}

func (l *layout) newline() {
	l.out.WriteByte('\n')
	l.col = 0
}

// write writes text, after the indentation when it is the first of its line.
func (l *layout) write(s string, indent int) {
	if s == "" {
		return
	}
	if l.col == 0 {
		l.out.WriteString(strings.Repeat(" ", indent))
		l.col = indent
	}
	l.out.WriteString(s)
	l.col += utf8.RuneCountInString(s)
}
