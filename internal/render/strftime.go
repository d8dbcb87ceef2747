package render

import (
	"time"
)

// AppendTime appends t by a strftime(3) format in the C locale. It knows the
// conversions of glibc with their flags (- _ 0 ^ #) and widths; one that does
// not exist is copied.
func AppendTime(dst []byte, format string, t time.Time) []byte {
	f := timeFormatter{buf: dst, t: t}
	f.format(format)
	return f.buf
}

// AppendTimestamp is AppendTime with the extensions of the strftime() of the
// language: %f is the microsecond in 6 digits, %l the millisecond in 3, %k the
// nanosecond in 9.
func AppendTimestamp(dst []byte, format string, t time.Time) []byte {
	f := timeFormatter{buf: dst, t: t, fractions: true}
	f.format(format)
	return f.buf
}

type timeFormatter struct {
	buf       []byte
	t         time.Time
	fractions bool

	// Of the conversion at hand.
	flag  byte // '-', '_', '0' or 0: how numbers are padded
	upper bool // '^'
	swap  bool // '#'
	width int
}

func (f *timeFormatter) format(format string) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			f.buf = append(f.buf, format[i])
			continue
		}
		start := i
		f.flag, f.upper, f.swap, f.width = 0, false, false, 0
		i = f.options(format, i+1)
		if i >= len(format) || !f.conversion(format[i]) {
			f.buf = append(f.buf, format[start:min(i+1, len(format))]...)
		}
	}
}

// options reads flags, width and the modifiers E and O, and returns the offset
// of the conversion.
func (f *timeFormatter) options(format string, i int) int {
	for ; i < len(format); i++ {
		switch c := format[i]; {
		case c == '-' || c == '_' || c == '0':
			f.flag = c
		case c == '^':
			f.upper = true
		case c == '#':
			f.swap = true
		case c >= '1' && c <= '9':
			for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
				f.width = min(f.width*10+int(format[i]-'0'), maxWidth)
			}
			if i < len(format) && (format[i] == 'E' || format[i] == 'O') {
				i++
			}
			return i
		case c == 'E' || c == 'O':
			return i + 1
		default:
			return i
		}
	}
	return i
}

// conversion writes one conversion, or returns false when there is none of
// this letter.
func (f *timeFormatter) conversion(c byte) bool {
	return f.fraction(c) || f.name(c) || f.composite(c) || f.numeric(c)
}

func (f *timeFormatter) fraction(c byte) bool {
	if !f.fractions {
		return false
	}
	ns := f.t.Nanosecond()
	switch c {
	case 'f':
		f.digits(ns/1000, 6)
	case 'l':
		f.digits(ns/1000000, 3)
	case 'k':
		f.digits(ns, 9)
	default:
		return false
	}
	return true
}

func (f *timeFormatter) digits(n, width int) {
	v := verb{width: width, zero: true}
	f.buf = v.appendInt(f.buf, int64(n))
}

func (f *timeFormatter) name(c byte) bool {
	t := f.t
	switch c {
	case '%':
		f.text("%")
	case 'n':
		f.text("\n")
	case 't':
		f.text("\t")
	case 'a':
		f.text(t.Weekday().String()[:3])
	case 'A':
		f.text(t.Weekday().String())
	case 'b', 'h':
		f.text(t.Month().String()[:3])
	case 'B':
		f.text(t.Month().String())
	case 'p':
		if f.swap { // lower case, by an old convention
			f.text(lower(f.noon()))
		} else {
			f.text(f.noon())
		}
	case 'P':
		f.text(lower(f.noon()))
	case 'Z':
		zone, _ := t.Zone()
		if f.swap {
			zone = lower(zone)
		}
		f.text(zone)
	default:
		return false
	}
	return true
}

func (f *timeFormatter) noon() string {
	if f.t.Hour() < 12 {
		return "AM"
	}
	return "PM"
}

// text writes a word, padded with spaces on the left to the width.
func (f *timeFormatter) text(s string) {
	v := verb{width: f.width, zero: f.flag == '0'}
	start := len(f.buf)
	f.buf = v.appendString(f.buf, s)
	if !f.upper && !f.swap || f.swap && isLower(s) {
		return
	}
	for i := start; i < len(f.buf); i++ {
		if c := f.buf[i]; c >= 'a' && c <= 'z' {
			f.buf[i] = c - 'a' + 'A'
		}
	}
}

func isLower(s string) bool { return s == lower(s) }

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

// composite writes the conversions that stand for a format.
func (f *timeFormatter) composite(c byte) bool {
	var format string
	switch c {
	case 'c':
		format = "%a %b %e %H:%M:%S %Y"
	case 'D', 'x':
		format = "%m/%d/%y"
	case 'F':
		format = "%Y-%m-%d"
	case 'r':
		format = "%I:%M:%S %p"
	case 'R':
		format = "%H:%M"
	case 'T', 'X':
		format = "%H:%M:%S"
	case '+':
		format = "%a %b %e %H:%M:%S %Z %Y"
	default:
		return false
	}
	part := timeFormatter{t: f.t}
	part.format(format)
	f.text(string(part.buf))
	return true
}

// numeric writes the conversions that are numbers.
func (f *timeFormatter) numeric(c byte) bool {
	t := f.t
	isoYear, isoWeek := t.ISOWeek()
	switch c {
	case 'C':
		f.number(floorDiv(t.Year(), 100), 2, '0')
	case 'd':
		f.number(t.Day(), 2, '0')
	case 'e':
		f.number(t.Day(), 2, '_')
	case 'g':
		f.number(isoYear-100*floorDiv(isoYear, 100), 2, '0')
	case 'G':
		f.number(isoYear, 1, '0')
	case 'H':
		f.number(t.Hour(), 2, '0')
	case 'k':
		f.number(t.Hour(), 2, '_')
	case 'I':
		f.number((t.Hour()+11)%12+1, 2, '0')
	case 'l':
		f.number((t.Hour()+11)%12+1, 2, '_')
	case 'j':
		f.number(t.YearDay(), 3, '0')
	case 'm':
		f.number(int(t.Month()), 2, '0')
	case 'M':
		f.number(t.Minute(), 2, '0')
	case 's':
		f.number(int(t.Unix()), 1, '0')
	case 'S':
		f.number(t.Second(), 2, '0')
	case 'u':
		f.number((int(t.Weekday())+6)%7+1, 1, '0')
	case 'w':
		f.number(int(t.Weekday()), 1, '0')
	case 'U': // weeks from the first Sunday on
		f.number((t.YearDay()+6-int(t.Weekday()))/7, 2, '0')
	case 'V':
		f.number(isoWeek, 2, '0')
	case 'W': // weeks from the first Monday on
		f.number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0')
	case 'y':
		f.number(t.Year()-100*floorDiv(t.Year(), 100), 2, '0')
	case 'Y':
		f.number(t.Year(), 1, '0')
	case 'z':
		f.zone()
	default:
		return false
	}
	return true
}

func floorDiv(a, b int) int {
	if a < 0 {
		return (a - b + 1) / b
	}
	return a / b
}

// number writes n in at least digits places, padded as the conversion has it
// ('0' or '_') unless a flag says otherwise.
func (f *timeFormatter) number(n, digits int, padding byte) {
	if f.flag != 0 {
		padding = f.flag
	}
	width := max(digits, f.width)
	if padding == '-' {
		width = f.width
	}
	if padding == '0' && n < 0 {
		f.buf = append(f.buf, '-')
		n, width = -n, width-1
	}
	v := verb{width: width, zero: padding == '0'}
	f.buf = v.appendInt(f.buf, int64(n))
}

// zone writes the offset from UTC as +hhmm.
func (f *timeFormatter) zone() {
	_, offset := f.t.Zone()
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	v := verb{width: 4, zero: true}
	text := v.appendInt([]byte{sign}, int64(offset/3600*100+offset/60%60))
	w := verb{width: f.width}
	start := len(f.buf)
	f.buf = append(f.buf, text...)
	f.buf = w.pad(f.buf, start)
}
