package render

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/skep-dev/skep/internal/plan"
)

// Format is a printf format compiled against the layout of a record. It
// writes straight from the record's bytes, without allocating for integers,
// strings and buffers. It is safe for concurrent use.
type Format struct {
	pieces []piece
	tail   string
	size   int // bytes of a record that are read
	env    *Env
}

// piece is a text and the conversion after it.
type piece struct {
	text   string
	op     op
	verb   verb
	bits   uint8 // what the length modifier leaves of an integer
	signed bool  // of the argument
	size   int   // of the argument
	off    int
	arg    *plan.Field
}

type op uint8

const (
	opValue    op = iota // by way of a Value: %s of what is not an integer or a string
	opString             // NUL-terminated
	opSigned             // %d
	opUnsigned           // %u %o %x
	opChar
	opAddress // %p
	opFlags   // %gr
	opBuffer  // %r
	opEscaped // %rx
	opHex     // %rh
)

// NewFormat compiles a format for records whose arguments lie at args. It
// fails where CheckFormat does, and when an argument lies outside of the size
// bytes of a record.
func NewFormat(format string, args []plan.Field, size int, env *Env) (*Format, error) {
	segs, err := parseFormat(format)
	if err != nil {
		return nil, err
	}
	types := make([]plan.Type, len(args))
	for i := range args {
		types[i] = args[i].Type
	}
	if err := segs.check(format, types); err != nil {
		return nil, err
	}
	f := &Format{pieces: make([]piece, len(args)), tail: segs.texts[len(args)], env: env}
	for i := range args {
		p := &f.pieces[i]
		*p = newPiece(segs.texts[i], &segs.specs[i], &args[i])
		end := p.off + p.size
		if p.off < 0 || p.size < 0 || end > size || end < p.off {
			return nil, fmt.Errorf("argument %d lies at bytes %d to %d of a record of %d", i+1, p.off, end, size)
		}
		f.size = max(f.size, end)
	}
	return f, nil
}

func newPiece(text string, sp *spec, arg *plan.Field) piece {
	t := &arg.Type
	p := piece{text: text, verb: sp.verb, signed: t.Signed, size: t.Size, off: arg.Offset, arg: arg, bits: 32}
	switch sp.length {
	case "hh":
		p.bits = 8
	case "h":
		p.bits = 16
	case "l", "ll", "j", "z", "t":
		p.bits = 64
	}
	if t.Kind == plan.Enum {
		p.signed = false
	}
	switch sp.conv {
	case "d", "i":
		p.op = opSigned
	case "u", "o", "x", "X":
		p.op = opUnsigned
	case "c":
		p.op = opChar
	case "p":
		p.op = opAddress
	case "gr":
		p.op = opFlags
	case "r":
		p.op = opBuffer
	case "rx":
		p.op = opEscaped
	case "rh":
		p.op = opHex
	default:
		p.op = opValue
		if t.Kind == plan.String {
			p.op = opString
		}
		if t.Kind == plan.Int && arg.BitSize == 0 {
			p.op, p.bits = opUnsigned, 64
			if t.Signed {
				p.op = opSigned
			}
		}
	}
	return p
}

// Append appends the text of one record. It fails when the record is too
// short or an argument can't be decoded.
func (f *Format) Append(dst, record []byte) ([]byte, error) {
	if len(record) < f.size {
		return dst, fmt.Errorf("record of %d bytes, want %d", len(record), f.size)
	}
	var err error
	for i := range f.pieces {
		p := &f.pieces[i]
		dst = append(dst, p.text...)
		b := record[p.off : p.off+p.size]
		switch p.op {
		case opString:
			dst = p.appendText(dst, b, f.env)
		case opSigned, opUnsigned, opChar, opAddress, opFlags:
			var n uint64
			if n, err = p.integer(b); err != nil {
				return dst, err
			}
			dst = p.appendInteger(dst, n)
		case opValue:
			if dst, err = p.appendValue(dst, record, f.env); err != nil {
				return dst, err
			}
		default:
			if dst, err = p.appendBuffer(dst, b); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, f.tail...), nil
}

// integer reads an argument, extended to 64 bits by its own sign.
func (p *piece) integer(b []byte) (uint64, error) {
	if p.arg.BitSize != 0 {
		return bitField(b, p.arg)
	}
	if p.arg.Type.Kind == plan.Bool {
		n, err := loadInt(b, false)
		return min(n, 1), err
	}
	switch len(b) {
	case 8:
		return binary.NativeEndian.Uint64(b), nil
	case 4:
		n := binary.NativeEndian.Uint32(b)
		if p.signed {
			return uint64(int32(n)), nil
		}
		return uint64(n), nil
	}
	return loadInt(b, p.signed)
}

func (p *piece) appendInteger(dst []byte, n uint64) []byte {
	switch p.op {
	case opSigned:
		s := int64(n)
		switch p.bits {
		case 8:
			s = int64(int8(n))
		case 16:
			s = int64(int16(n))
		case 32:
			s = int64(int32(n))
		}
		return p.verb.appendInt(dst, s)
	case opUnsigned:
		return p.verb.appendUint(dst, n&(1<<(p.bits-1)<<1-1))
	case opChar:
		start := len(dst)
		return p.verb.pad(append(dst, byte(n)), start)
	case opAddress:
		start := len(dst)
		return p.verb.pad(appendAddress(dst, n), start)
	}
	start := len(dst)
	return p.verb.pad(appendGFPFlags(dst, n), start)
}

func (p *piece) appendText(dst, b []byte, env *Env) []byte {
	text, trailer := cutString(b, &p.arg.Type, env)
	if trailer == "" {
		return p.verb.appendBytes(dst, text)
	}
	start := len(dst)
	dst = append(append(dst, text...), trailer...)
	return p.verb.pad(dst, start)
}

func (p *piece) appendBuffer(dst, b []byte) ([]byte, error) {
	b, err := bufferBytes(b)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = appendBuffer(dst, b, p.op == opBuffer, p.op != opHex)
	return p.verb.pad(dst, start), nil
}

func (p *piece) appendValue(dst, record []byte, env *Env) ([]byte, error) {
	v, err := decodeField(env, p.arg, record, 1)
	if err != nil {
		return dst, err
	}
	w := textWriter{buf: dst, verb: p.verb}
	w.value(v)
	return w.buf, nil
}

// cutString returns the text in b up to its NUL, and what to show after it
// when it was cut short. Text that fills b without a NUL counts as cut.
func cutString(b []byte, t *plan.Type, env *Env) (text []byte, trailer string) {
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		n = len(b)
	}
	if n > 0 && (n == len(b) || t.Truncates && n == len(b)-1) {
		trailer = env.trailer()
	}
	return b[:n], trailer
}
