package helpers

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/maps"
	"github.com/skep-dev/skep/internal/vm/mem"
)

func textHelpers() []entry {
	return []entry{
		{facts.FnTracePrintk, Base, tracePrintk, true},
		{facts.FnTraceVprintk, Base, traceVprintk, true},
		{facts.FnSnprintf, Base, snprintf, true},
		{facts.FnStrncmp, Base, strncmp, false},
		{facts.FnStrtol, Base, func(c *cpu.CPU) uint64 { return parseNumber(c, true) }, false},
		{facts.FnStrtoul, Base, func(c *cpu.CPU) uint64 { return parseNumber(c, false) }, false},
	}
}

// tracePrintk is bpf_trace_printk: a format and up to three numbers.
func tracePrintk(c *cpu.CPU) uint64 {
	format, ok := c.Bytes(c.R[1], uint64(uint32(c.R[2])), mem.Read)
	if !ok {
		return 0
	}
	return emit(c, format, c.R[3:6])
}

// traceVprintk takes its numbers from memory.
func traceVprintk(c *cpu.CPU) uint64 {
	format, ok := c.Bytes(c.R[1], uint64(uint32(c.R[2])), mem.Read)
	if !ok {
		return 0
	}
	args, e := argWords(c, c.R[3], uint64(uint32(c.R[4])))
	if e != maps.OK {
		return fails(e)
	}
	return emit(c, format, args)
}

func emit(c *cpu.CPU, format []byte, args []uint64) uint64 {
	text, e := formatText(c, format, args)
	if e != maps.OK {
		return fails(e)
	}
	env(c).Print(c.ID, string(text))
	return uint64(len(text))
}

const maxFormatArgs = 12

func argWords(c *cpu.CPU, addr, size uint64) ([]uint64, maps.Errno) {
	if size%8 != 0 || size > maxFormatArgs*8 {
		return nil, maps.EINVAL
	}
	b, ok := c.Bytes(addr, size, mem.Read)
	if !ok {
		return nil, maps.EFAULT
	}
	words := make([]uint64, size/8)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return words, maps.OK
}

// snprintf is bpf_snprintf: it returns the length that the whole text has with
// its zero, also when only a part of it fitted.
func snprintf(c *cpu.CPU) uint64 {
	size := uint64(uint32(c.R[2]))
	out, ok := c.Bytes(c.R[1], size, mem.Write)
	if !ok {
		return 0
	}
	format, _, err := c.Mem.String(c.R[3], 4096)
	if err != nil {
		c.Stop(err)
		return 0
	}
	c.Charge(64 * uint64(len(format)))
	args, e := argWords(c, c.R[4], uint64(uint32(c.R[5])))
	if e != maps.OK {
		return fails(e)
	}
	text, e := formatText(c, format, args)
	if e != maps.OK {
		return fails(e)
	}
	if size > 0 {
		n := copy(out[:size-1], text)
		out[n] = 0
	}
	return uint64(len(text)) + 1
}

// formatText writes a format of the kernel's kind. The verbs are the ones that
// BPF programs may use.
func formatText(c *cpu.CPU, format []byte, args []uint64) ([]byte, maps.Errno) {
	if i := bytes.IndexByte(format, 0); i >= 0 {
		format = format[:i]
	}
	var out []byte
	for len(format) > 0 {
		if format[0] != '%' {
			out = append(out, format[0])
			format = format[1:]
			continue
		}
		v, rest, ok := parseVerb(format[1:])
		if !ok {
			return nil, maps.EINVAL
		}
		format = rest
		c.Charge(64 * 4)
		if v.verb == '%' {
			out = append(out, '%')
			continue
		}
		if len(args) == 0 {
			return nil, maps.EINVAL
		}
		var e maps.Errno
		if out, e = v.append(c, out, args[0]); e != maps.OK {
			return nil, e
		}
		args = args[1:]
	}
	return out, maps.OK
}

// verb is a conversion of a format.
type verb struct {
	zero, left, alt bool
	width           int
	bits            int    // of the number
	verb            byte   // d, u, x, X, c, s, p, %
	pointer         string // what follows %p
}

func parseVerb(f []byte) (v verb, rest []byte, ok bool) {
	v.bits = 32
	for len(f) > 0 && bytes.IndexByte([]byte("0-#+ "), f[0]) >= 0 {
		v.zero, v.left, v.alt = v.zero || f[0] == '0', v.left || f[0] == '-', v.alt || f[0] == '#'
		f = f[1:]
	}
	for len(f) > 0 && f[0] >= '0' && f[0] <= '9' {
		v.width = min(v.width*10+int(f[0]-'0'), 512)
		f = f[1:]
	}
	for len(f) > 0 && f[0] == 'l' {
		v.bits = 64
		f = f[1:]
	}
	if len(f) == 0 {
		return v, nil, false
	}
	v.verb, rest = f[0], f[1:]
	switch v.verb {
	case 'd', 'i', 'u', 'x', 'X', 's', 'c', '%':
		return v, rest, true
	case 'p':
		for _, kind := range []string{"ks", "us", "I4", "i4", "I6", "i6", "K", "x", "B", "S", "s"} {
			if bytes.HasPrefix(rest, []byte(kind)) {
				v.pointer = kind
				return v, rest[len(kind):], true
			}
		}
		return v, rest, len(rest) == 0 || !isAlnum(rest[0])
	}
	return v, rest, false
}

func isAlnum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

func (v verb) append(c *cpu.CPU, out []byte, arg uint64) ([]byte, maps.Errno) {
	var text []byte
	switch v.verb {
	case 'd', 'i':
		n := int64(arg)
		if v.bits == 32 {
			n = int64(int32(arg))
		}
		text = strconv.AppendInt(nil, n, 10)
	case 'u', 'x', 'X':
		text = v.unsigned(arg)
	case 'c':
		text = []byte{byte(arg)}
	case 's':
		text = stringAt(c, arg, readKernel)
	case 'p':
		var e maps.Errno
		if text, e = v.address(c, arg); e != maps.OK {
			return nil, e
		}
	}
	return v.pad(out, text), maps.OK
}

func (v verb) unsigned(arg uint64) []byte {
	if v.bits == 32 {
		arg = uint64(uint32(arg))
	}
	switch v.verb {
	case 'u':
		return strconv.AppendUint(nil, arg, 10)
	case 'X':
		return bytes.ToUpper(strconv.AppendUint(nil, arg, 16))
	}
	if v.alt {
		return strconv.AppendUint([]byte("0x"), arg, 16)
	}
	return strconv.AppendUint(nil, arg, 16)
}

func (v verb) pad(out, text []byte) []byte {
	fill := byte(' ')
	if v.zero && !v.left && v.verb != 's' && v.verb != 'c' {
		fill = '0'
		if len(text) > 0 && text[0] == '-' {
			out, text = append(out, '-'), text[1:]
			v.width--
		}
	}
	missing := bytes.Repeat([]byte{fill}, max(v.width-len(text), 0))
	if v.left {
		return append(append(out, text...), missing...)
	}
	return append(append(out, missing...), text...)
}

// address is what %p and its variants write.
func (v verb) address(c *cpu.CPU, arg uint64) ([]byte, maps.Errno) {
	switch v.pointer {
	case "ks", "s":
		return stringAt(c, arg, readKernel), maps.OK
	case "us":
		return stringAt(c, arg, readUser), maps.OK
	case "I4", "i4":
		var b [4]byte
		if !readKernel(c, arg, b[:]) {
			return nil, maps.EFAULT
		}
		var out []byte
		for i, x := range b {
			if i > 0 {
				out = append(out, '.')
			}
			if v.pointer == "i4" && x < 100 {
				out = append(out, "00"[:2-len(strconv.Itoa(int(x)))+1]...)
			}
			out = strconv.AppendUint(out, uint64(x), 10)
		}
		return out, maps.OK
	case "I6", "i6":
		var b [16]byte
		if !readKernel(c, arg, b[:]) {
			return nil, maps.EFAULT
		}
		var out []byte
		for i, x := range b {
			if i > 0 && i%2 == 0 && v.pointer == "I6" {
				out = append(out, ':')
			}
			out = append(out, "0123456789abcdef"[x>>4], "0123456789abcdef"[x&15])
		}
		return out, maps.OK
	case "B", "S":
		return strconv.AppendUint([]byte("0x"), arg, 16), maps.OK
	}
	text := strconv.AppendUint(nil, arg, 16)
	return append(bytes.Repeat([]byte{'0'}, 16-len(text)), text...), maps.OK
}

// stringAt reads a string for a format. One that can't be read is empty.
func stringAt(c *cpu.CPU, addr uint64, read reader) []byte {
	var out []byte
	var b [1]byte
	c.Charge(64 * 16)
	for len(out) < 512 && read(c, addr+uint64(len(out)), b[:]) && b[0] != 0 {
		out = append(out, b[0])
	}
	return out
}

// strncmp compares r1, of at most r2 bytes, with the string in r3.
func strncmp(c *cpu.CPU) uint64 {
	for i := range uint64(uint32(c.R[2])) {
		c.Charge(64)
		a, ok := c.Bytes(c.R[1]+i, 1, mem.Read)
		if !ok {
			return 0
		}
		b, ok := c.Bytes(c.R[3]+i, 1, mem.Read)
		if !ok {
			return 0
		}
		if a[0] != b[0] {
			if a[0] < b[0] {
				return math.MaxUint64
			}
			return 1
		}
		if a[0] == 0 {
			return 0
		}
	}
	return 0
}

// parseNumber is bpf_strtol and bpf_strtoul: r1 points to r2 bytes of text,
// r3 is the base or 0, the number goes to r4. It returns how many bytes the
// number had.
func parseNumber(c *cpu.CPU, signed bool) uint64 {
	text, ok := c.Bytes(c.R[1], c.R[2], mem.Read)
	if !ok {
		return 0
	}
	result, ok := c.Bytes(c.R[4], 8, mem.Write)
	if !ok {
		return 0
	}
	base := c.R[3]
	if len(text) == 0 || base&^0x1f != 0 || base != 0 && base != 8 && base != 10 && base != 16 {
		return fails(maps.EINVAL)
	}
	n := 0
	for n < len(text) && (text[n] == ' ' || text[n] >= '\t' && text[n] <= '\r') {
		n++
	}
	negative := n < len(text) && text[n] == '-'
	if negative {
		if !signed {
			return fails(maps.EINVAL)
		}
		n++
	}
	base, prefix := detectBase(text[n:], int(base))
	n += prefix
	value, digits, overflow := digitsOf(text[n:], base)
	limit := uint64(math.MaxUint64)
	if signed {
		limit = math.MaxInt64
		if negative {
			limit++
		}
	}
	switch {
	case digits == 0:
		return fails(maps.EINVAL)
	case overflow || value > limit:
		return fails(maps.ERANGE)
	}
	if negative {
		value = -value
	}
	binary.LittleEndian.PutUint64(result, value)
	return uint64(n + digits)
}

func detectBase(text []byte, base int) (uint64, int) {
	hex := len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit(text[2]) < 16
	switch {
	case hex && (base == 0 || base == 16):
		return 16, 2
	case base == 0 && len(text) > 0 && text[0] == '0':
		return 8, 0
	case base == 0:
		return 10, 0
	}
	return uint64(base), 0
}

func digit(b byte) uint64 {
	switch {
	case b >= '0' && b <= '9':
		return uint64(b - '0')
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return uint64(b|0x20-'a') + 10
	}
	return 255
}

func digitsOf(text []byte, base uint64) (value uint64, n int, overflow bool) {
	for ; n < len(text) && digit(text[n]) < base; n++ {
		next := value*base + digit(text[n])
		overflow = overflow || value > math.MaxUint64/base || next < value*base
		value = next
	}
	return value, n, overflow
}
