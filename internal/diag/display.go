package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// displayLine is a source line as a terminal shows it: tabs are expanded, and
// what would not be shown, or would steer the terminal, is replaced.
type displayLine struct {
	cells []cell
	size  int // bytes of the source line
}

// cell is one character of a line.
type cell struct {
	text   string
	offset int // in the source line
	column int
	width  int
}

func newDisplayLine(line string, tabWidth int) displayLine {
	l := displayLine{size: len(line)}
	column := 0
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRuneInString(line[i:])
		c := cell{offset: i, column: column}
		switch {
		case r == '\t':
			c.width = tabWidth - column%tabWidth
			c.text = strings.Repeat(" ", c.width)
		case r == '\r' && i+n == len(line): // of a CRLF file
		case r == utf8.RuneError && n == 1:
			c.text, c.width = string(utf8.RuneError), 1
		default:
			c.text = string(cleanRune(r))
			c.width = runeWidth(cleanRune(r))
		}
		l.cells = append(l.cells, c)
		column += c.width
		i += n
	}
	return l
}

// width is how many columns the line takes.
func (l displayLine) width() int {
	if len(l.cells) == 0 {
		return 0
	}
	last := l.cells[len(l.cells)-1]
	return last.column + last.width
}

// column is where the character at a byte offset is shown; past the end it is
// the column after the line.
func (l displayLine) column(offset int) int {
	if offset >= l.size {
		return l.width()
	}
	column := 0
	for _, c := range l.cells {
		if c.offset > offset {
			break
		}
		column = c.column
	}
	return column
}

// columns returns the columns [from, to) of the bytes [start, end), which may
// lie outside of the line.
func (l displayLine) columns(start, end int) (from, to int) {
	return l.column(max(start, 0)), l.column(max(end, 0))
}

// indent is the column of the first character that is not white space.
func (l displayLine) indent() int {
	for _, c := range l.cells {
		if strings.TrimSpace(c.text) != "" {
			return c.column
		}
	}
	return l.width()
}

// cut returns the text of the line and the columns [left, right) that it is.
// It is shortened to width columns around column at if it is longer and width
// is sensible.
func (l displayLine) cut(at, width int) (text string, left, right int) {
	const mark, least = "...", 20
	right = l.width()
	if width >= least && right > width {
		left = max(0, min(at-width/4, right-width)) // some context comes before
		right = left + width
	}
	var b strings.Builder
	start, end := left, right
	if left > 0 {
		b.WriteString(mark)
		start += len(mark)
	}
	if right < l.width() {
		end -= len(mark)
	}
	column := start
	for _, c := range l.cells {
		if c.column < start || c.column+c.width > end {
			continue
		}
		b.WriteString(strings.Repeat(" ", c.column-column)) // half of a wide one
		b.WriteString(c.text)
		column = c.column + c.width
	}
	if right < l.width() {
		b.WriteString(strings.Repeat(" ", end-column) + mark)
	}
	return b.String(), left, right
}

// cleanText replaces the characters of a message that would steer the
// terminal; newlines stay.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\n':
			return r
		case '\t':
			return ' '
		}
		return cleanRune(r)
	}, s)
}

// cleanRune replaces control characters by the symbols that Unicode has for
// them, and what reorders or hides text by the replacement character.
func cleanRune(r rune) rune {
	switch {
	case r < 0x20:
		return 0x2400 + r // SYMBOL FOR NULL and following
	case r == 0x7f:
		return 0x2421 // SYMBOL FOR DELETE
	case r >= 0x80 && r < 0xa0, isBidiControl(r), r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xad:
		return utf8.RuneError
	}
	return r
}

func isBidiControl(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r)
}

// runeWidth is how many columns a terminal gives to a character: 0 for marks
// that combine with the one before and for invisible ones, 2 for those that are wide in East Asian
// typography and for most pictographs, 1 for all others.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff:
		return 0
	case isWide(r):
		return 2
	}
	return 1
}

// isWide reports whether Unicode's EastAsianWidth.txt gives the character the
// property W or F, to the accuracy of blocks.
func isWide(r rune) bool {
	for _, b := range [...][2]rune{
		{0x1100, 0x115f},   // Hangul Jamo, initial consonants
		{0x231a, 0x231b},   // watch, hourglass
		{0x2329, 0x232a},   // angle brackets
		{0x23e9, 0x23ec},   // player symbols
		{0x23f0, 0x23f0},   // alarm clock
		{0x23f3, 0x23f3},   // hourglass with flowing sand
		{0x25fd, 0x25fe},   // small squares
		{0x2614, 0x2615},   // umbrella, hot beverage
		{0x2648, 0x2653},   // zodiac
		{0x267f, 0x267f},   // wheelchair
		{0x26a1, 0x26a1},   // high voltage
		{0x26aa, 0x26ab},   // circles
		{0x26bd, 0x26be},   // balls
		{0x26d4, 0x26d4},   // no entry
		{0x2705, 0x2705},   // check mark
		{0x270a, 0x270b},   // hands
		{0x2728, 0x2728},   // sparkles
		{0x274c, 0x274c},   // cross mark
		{0x2753, 0x2755},   // question marks
		{0x2757, 0x2757},   // exclamation mark
		{0x2795, 0x2797},   // heavy plus, minus, division
		{0x2b1b, 0x2b1c},   // large squares
		{0x2b50, 0x2b50},   // star
		{0x2b55, 0x2b55},   // large circle
		{0x2e80, 0x303e},   // CJK radicals, symbols and punctuation
		{0x3041, 0x33ff},   // Hiragana, Katakana, compatibility
		{0x3400, 0x4dbf},   // CJK extension A
		{0x4e00, 0x9fff},   // CJK unified ideographs
		{0xa000, 0xa4cf},   // Yi
		{0xa960, 0xa97f},   // Hangul Jamo extended A
		{0xac00, 0xd7a3},   // Hangul syllables
		{0xf900, 0xfaff},   // CJK compatibility ideographs
		{0xfe30, 0xfe6f},   // CJK compatibility and small forms
		{0xff01, 0xff60},   // fullwidth forms
		{0xffe0, 0xffe6},   // fullwidth signs
		{0x16fe0, 0x18aff}, // Tangut, Khitan
		{0x1b000, 0x1b2ff}, // Kana supplement and extensions
		{0x1f300, 0x1f320}, // weather, food, ...
		{0x1f32d, 0x1f335},
		{0x1f337, 0x1f37c},
		{0x1f37e, 0x1f393},
		{0x1f3a0, 0x1f3ca},
		{0x1f3e0, 0x1f3f0},
		{0x1f400, 0x1f43e},
		{0x1f442, 0x1f4fc},
		{0x1f4ff, 0x1f53d},
		{0x1f550, 0x1f567},
		{0x1f5fb, 0x1f64f},
		{0x1f680, 0x1f6c5},
		{0x1f6d0, 0x1f6d2},
		{0x1f6eb, 0x1f6ec},
		{0x1f6f4, 0x1f6fc},
		{0x1f7e0, 0x1f7eb},
		{0x1f90c, 0x1f9ff},
		{0x1fa70, 0x1faff},
		{0x20000, 0x3fffd}, // CJK extensions B and later
	} {
		if r < b[0] {
			return false
		}
		if r <= b[1] {
			return true
		}
	}
	return false
}
