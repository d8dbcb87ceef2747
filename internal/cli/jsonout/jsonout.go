// Package jsonout writes JSON as it is produced, in a fixed order of keys,
// either on one line or indented by four spaces in the layout that bpftool's
// users know. It is made for listings of millions of elements: it keeps no
// tree and makes no garbage.
//
// It imports the standard library only.
package jsonout

import (
	"bufio"
	"io"
	"strconv"
	"unicode/utf8"
)

// Writer writes one JSON value, or several behind one another. Errors of the
// underlying writer show in Close.
type Writer struct {
	w      *bufio.Writer
	pretty bool
	depth  int
	sep    byte // what is due before the next element, 0 for nothing
	num    [32]byte
}

// New returns a writer; pretty asks for indented output.
func New(w io.Writer, pretty bool) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 1<<16), pretty: pretty}
}

// Reset begins anew on the same output, as for a further value that is not
// separated from the last one by a comma.
func (j *Writer) Reset() { j.sep, j.depth = 0, 0 }

// Empty reports whether nothing has been written since New or Reset.
func (j *Writer) Empty() bool { return j.sep == 0 && j.depth == 0 }

// Depth is the number of objects and arrays that are open.
func (j *Writer) Depth() int { return j.depth }

// Flush hands over what has been written so far.
func (j *Writer) Flush() error { return j.w.Flush() }

// Close ends the output with a newline.
func (j *Writer) Close() error {
	j.w.WriteByte('\n') // an error stays in the buffered writer until Flush
	return j.w.Flush()
}

func (j *Writer) newline() {
	if !j.pretty {
		return
	}
	j.w.WriteByte('\n')
	for range j.depth {
		j.w.WriteString("    ")
	}
}

func (j *Writer) separate() {
	if j.sep != 0 {
		j.w.WriteByte(j.sep)
	}
	j.sep = ','
}

func (j *Writer) begin(c byte) {
	j.separate()
	j.w.WriteByte(c)
	j.depth++
	j.sep = 0
}

func (j *Writer) end(c byte) {
	j.depth--
	if j.sep != 0 {
		j.newline()
	}
	j.w.WriteByte(c)
	j.sep = ','
}

// BeginObject opens an object.
func (j *Writer) BeginObject() { j.begin('{') }

// EndObject closes it.
func (j *Writer) EndObject() { j.end('}') }

// BeginArray opens an array.
func (j *Writer) BeginArray() { j.begin('[') }

// EndArray closes it.
func (j *Writer) EndArray() { j.end(']') }

// Name writes the name of an object's next member.
func (j *Writer) Name(s string) {
	j.separate()
	j.newline()
	j.quote(s)
	j.w.WriteByte(':')
	if j.pretty {
		j.w.WriteByte(' ')
	}
	j.sep = 0
}

// Raw writes text that is a JSON value already.
func (j *Writer) Raw(s []byte) {
	j.separate()
	j.w.Write(s)
}

// String writes a string.
func (j *Writer) String(s string) {
	j.separate()
	j.quote(s)
}

const hexDigits = "0123456789abcdef"

func (j *Writer) quote(s string) {
	j.w.WriteByte('"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		j.w.WriteString(s[start:i])
		switch c {
		case '"', '\\':
			j.w.WriteByte('\\')
			j.w.WriteByte(c)
		case '\n':
			j.w.WriteString(`\n`)
		case '\t':
			j.w.WriteString(`\t`)
		case '\r':
			j.w.WriteString(`\r`)
		default:
			j.w.WriteString(`\u00`)
			j.w.WriteByte(hexDigits[c>>4])
			j.w.WriteByte(hexDigits[c&15])
		}
		i++
		start = i
	}
	j.w.WriteString(s[start:])
	j.w.WriteByte('"')
}

// Uint writes an unsigned number.
func (j *Writer) Uint(v uint64) { j.Raw(strconv.AppendUint(j.num[:0], v, 10)) }

// Int writes a signed number.
func (j *Writer) Int(v int64) { j.Raw(strconv.AppendInt(j.num[:0], v, 10)) }

// Bool writes true or false.
func (j *Writer) Bool(v bool) { j.Raw(strconv.AppendBool(j.num[:0], v)) }

// Null writes null.
func (j *Writer) Null() { j.Raw([]byte("null")) }

// HexBytes writes bytes as an array of strings such as "0x0f".
func (j *Writer) HexBytes(b []byte) {
	j.begin('[')
	for _, c := range b {
		j.separate()
		buf := append(j.w.AvailableBuffer(), '"', '0', 'x', hexDigits[c>>4], hexDigits[c&15], '"')
		j.w.Write(buf)
	}
	j.end(']')
}

// Bytes writes bytes as an array of numbers.
func (j *Writer) Bytes(b []byte) {
	j.begin('[')
	for _, c := range b {
		j.Uint(uint64(c))
	}
	j.end(']')
}

// StringField writes a member with a string.
func (j *Writer) StringField(name, v string) { j.Name(name); j.String(v) }

// UintField writes a member with an unsigned number.
func (j *Writer) UintField(name string, v uint64) { j.Name(name); j.Uint(v) }

// IntField writes a member with a signed number.
func (j *Writer) IntField(name string, v int64) { j.Name(name); j.Int(v) }

// BoolField writes a member with a truth value.
func (j *Writer) BoolField(name string, v bool) { j.Name(name); j.Bool(v) }
