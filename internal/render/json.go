package render

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the json form of v, in bpftrace's spacing: none after
// the comma of an array, one after that of an object.
//
// Integers that a 64-bit floating point number can't hold are strings, since
// most readers would change them. Names of numbers are dropped.
func AppendJSON(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case nil, Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, bool(v))
	case Int:
		return jsonInt(dst, int64(v))
	case Uint:
		return jsonUint(dst, uint64(v))
	case String:
		return jsonString(dst, v)
	case Symbol:
		return jsonUint(dst, v.Number)
	case Buffer:
		return jsonBuffer(dst, v)
	case Array:
		return jsonList(dst, v)
	case Tuple:
		return jsonList(dst, v)
	case Record:
		return jsonRecord(dst, v)
	case *Stats:
		return AppendJSON(dst, v.Of)
	case *Map:
		return jsonMap(dst, v)
	case *Histogram:
		return jsonHistogram(dst, v)
	}
	return append(dst, "null"...)
}

// exact tells whether converting n to a float64 and back keeps it. The limits
// of the integer types themselves round out of range.
func exactInt(n int64) bool {
	f := float64(n)
	return f < 1<<63 && int64(f) == n
}

func exactUint(n uint64) bool {
	f := float64(n)
	return f < 1<<64 && uint64(f) == n
}

func jsonInt(dst []byte, n int64) []byte {
	if exactInt(n) {
		return strconv.AppendInt(dst, n, 10)
	}
	dst = strconv.AppendInt(append(dst, '"'), n, 10)
	return append(dst, '"')
}

func jsonUint(dst []byte, n uint64) []byte {
	if exactUint(n) {
		return strconv.AppendUint(dst, n, 10)
	}
	dst = strconv.AppendUint(append(dst, '"'), n, 10)
	return append(dst, '"')
}

// jsonBuffer writes bytes as signed numbers, as bpftrace does where char is
// signed.
func jsonBuffer(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(int8(c)), 10)
	}
	return append(dst, ']')
}

func jsonList(dst []byte, vs []Value) []byte {
	dst = append(dst, '[')
	for i, v := range vs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(dst, v)
	}
	return append(dst, ']')
}

func jsonRecord(dst []byte, r Record) []byte {
	dst = append(dst, '{')
	for i, m := range r {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = jsonString(dst, m.Name)
		dst = AppendJSON(append(dst, ": "...), m.Value)
	}
	return append(dst, '}')
}

// jsonMap writes keys as the strings of their text form, without the
// parentheses of a tuple and without any space.
func jsonMap(dst []byte, m *Map) []byte {
	dst = append(dst, '{')
	var key []byte
	for i, e := range m.Entries {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		key = AppendText(key[:0], e.Key)
		dst = jsonString(dst, bytes.ReplaceAll(bare(key), []byte(" "), nil))
		dst = AppendJSON(append(dst, ": "...), e.Value)
	}
	return append(dst, '}')
}

// jsonHistogram writes buckets with both limits included.
func jsonHistogram(dst []byte, h *Histogram) []byte {
	dst = append(dst, '[')
	for i, n := range h.Counts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		low := h.Lower
		if i > 0 && i-1 < len(h.Upper) {
			low = &h.Upper[i-1]
		}
		if low != nil {
			dst = append(dst, `"min": `...)
			dst = append(jsonInt(dst, low.N), ", "...)
		}
		if i < len(h.Upper) {
			dst = append(dst, `"max": `...)
			dst = append(jsonInt(dst, h.Upper[i].N-1), ", "...)
		}
		dst = append(dst, `"count": `...)
		dst = strconv.AppendUint(dst, n, 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// jsonString writes s as a json string. What is not UTF-8 becomes U+FFFD.
func jsonString[T string | String | []byte](dst []byte, s T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := decodeRune(s[i:min(len(s), i+utf8.UTFMax)])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, '"')
}

func decodeRune[T string | String | []byte](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], s)])
}
