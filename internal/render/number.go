package render

import "strconv"

// verb says how one conversion of a format is to be written. The zero verb
// writes plain decimal numbers and text.
//
// The rules are those of C++ streams, which bpftrace formats with: the fill
// character goes before a sign or a base prefix, and a plus sign shows on
// signed decimal numbers only.
type verb struct {
	width   int
	left    bool // pad on the right
	zero    bool // pad with '0'
	plus    bool // sign on positive numbers
	base    int8 // 8, 16, or 0 for decimal
	upper   bool
	showAlt bool // base prefix on numbers other than 0
}

func (v *verb) fill() byte {
	if v.zero {
		return '0'
	}
	return ' '
}

// pad widens what was appended to dst from start on.
func (v *verb) pad(dst []byte, start int) []byte {
	missing := v.width - (len(dst) - start)
	if missing <= 0 {
		return dst
	}
	c := v.fill()
	for range missing {
		dst = append(dst, c)
	}
	if v.left {
		return dst
	}
	text := len(dst) - missing
	copy(dst[start+missing:], dst[start:text])
	for i := range missing {
		dst[start+i] = c
	}
	return dst
}

func (v *verb) appendInt(dst []byte, n int64) []byte {
	start := len(dst)
	if v.plus && n >= 0 {
		dst = append(dst, '+')
	}
	dst = strconv.AppendInt(dst, n, 10)
	return v.pad(dst, start)
}

func (v *verb) appendUint(dst []byte, n uint64) []byte {
	start := len(dst)
	switch v.base {
	case 8:
		if v.showAlt && n != 0 {
			dst = append(dst, '0')
		}
		dst = strconv.AppendUint(dst, n, 8)
	case 16:
		dst = v.appendHex(dst, n)
	default:
		dst = strconv.AppendUint(dst, n, 10)
	}
	return v.pad(dst, start)
}

func (v *verb) appendHex(dst []byte, n uint64) []byte {
	prefix := "0x"
	if v.upper {
		prefix = "0X"
	}
	if v.showAlt && n != 0 {
		dst = append(dst, prefix...)
	}
	start := len(dst)
	dst = strconv.AppendUint(dst, n, 16)
	if v.upper {
		for i := start; i < len(dst); i++ {
			if c := dst[i]; c >= 'a' {
				dst[i] = c - 'a' + 'A'
			}
		}
	}
	return dst
}

func (v *verb) appendString(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, s...)
	return v.pad(dst, start)
}

func (v *verb) appendBytes(dst, s []byte) []byte {
	start := len(dst)
	dst = append(dst, s...)
	return v.pad(dst, start)
}

// appendBuffer writes bytes by the rules of %r (printable ones as they are,
// others as \xNN), %rx (all as \xNN) and %rh (hex digits, a space between).
func appendBuffer(dst, b []byte, keepPrintable, escape bool) []byte {
	const digits = "0123456789abcdef"
	for i, c := range b {
		switch {
		case keepPrintable && c >= 32 && c <= 126:
			dst = append(dst, c)
			continue
		case escape:
			dst = append(dst, '\\', 'x')
		case i > 0:
			dst = append(dst, ' ')
		}
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// appendAddress writes an address as C++ streams write a pointer: "0x1f", but
// "0" for zero.
func appendAddress(dst []byte, n uint64) []byte {
	if n != 0 {
		dst = append(dst, "0x"...)
	}
	return strconv.AppendUint(dst, n, 16)
}
