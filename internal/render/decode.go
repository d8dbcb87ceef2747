package render

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/skep-dev/skep/internal/plan"
)

// Address families of the Inet kind, as Linux numbers them.
const (
	afINET  = 2
	afINET6 = 10
)

// Decode reads a value of type t from the start of b. It fails when b is too
// short or the type makes no sense.
func Decode(env *Env, t *plan.Type, b []byte) (Value, error) {
	return decode(env, t, b, 1)
}

// DecodeField reads a part of a record.
func DecodeField(env *Env, f *plan.Field, record []byte) (Value, error) {
	return decodeField(env, f, record, 1)
}

// decode also divides the integers in the value by div.
func decode(env *Env, t *plan.Type, b []byte, div int64) (Value, error) {
	if t.Size < 0 || t.Size > len(b) {
		return nil, fmt.Errorf("%s of %d bytes in %d", t.Kind, t.Size, len(b))
	}
	b = b[:t.Size]
	switch t.Kind {
	case plan.None:
		return Null{}, nil
	case plan.Int, plan.Bool, plan.Enum, plan.Pointer, plan.Ksym, plan.Username, plan.ProbeName, plan.Strftime:
		n, err := loadInt(b, t.Signed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Kind, err)
		}
		return number(env, t, n, div), nil
	case plan.String:
		text, trailer := cutString(b, t, env)
		return String(string(text) + trailer), nil
	case plan.Buffer:
		data, err := bufferBytes(b)
		if err != nil {
			return nil, err
		}
		return Buffer(append([]byte(nil), data...)), nil
	case plan.Tuple, plan.Record:
		return decodeFields(env, t, b, div)
	case plan.Array:
		return decodeArray(env, t, b, div)
	case plan.Usym:
		return decodeUsym(env, b)
	case plan.Kstack, plan.Ustack:
		return decodeStack(env, t, b)
	case plan.Inet:
		return decodeInet(b)
	case plan.MAC:
		return decodeMAC(b)
	}
	return nil, fmt.Errorf("unknown type %q", t.Kind)
}

// number gives an integer the meaning of its type.
func number(env *Env, t *plan.Type, n uint64, div int64) Value {
	switch t.Kind {
	case plan.Bool:
		return Bool(n != 0)
	case plan.Enum:
		return Symbol{enumName(t, n), n}
	case plan.Pointer:
		return Symbol{"0x" + strconv.FormatUint(n, 16), n}
	case plan.Ksym:
		return String(env.kernelSymbol(n))
	case plan.Username:
		return String(env.username(n))
	case plan.ProbeName:
		return String(env.probeName(n))
	case plan.Strftime:
		return String(env.timestamp(n, t.Name))
	}
	return integer(n, t.Signed, div)
}

func integer(n uint64, signed bool, div int64) Value {
	if signed {
		return Int(divide(int64(n), div))
	}
	return Uint(divideUint(n, div))
}

func divide(n, div int64) int64 {
	if div > 1 {
		return n / div
	}
	return n
}

func divideUint(n uint64, div int64) uint64 {
	if div > 1 {
		return n / uint64(div)
	}
	return n
}

// enumName finds the name of n, which is zero-extended from the type's size.
func enumName(t *plan.Type, n uint64) string {
	mask := ^uint64(0)
	if t.Size > 0 && t.Size < 8 {
		mask = 1<<(8*t.Size) - 1
	}
	for i := range t.Names {
		if uint64(t.Names[i].Value)&mask == n&mask {
			return t.Names[i].Name
		}
	}
	return strconv.FormatUint(n, 10)
}

// loadInt reads an integer of 1 to 8 bytes and extends it to 64 bits.
func loadInt(b []byte, signed bool) (uint64, error) {
	switch len(b) {
	case 1:
		if signed {
			return uint64(int8(b[0])), nil
		}
		return uint64(b[0]), nil
	case 2:
		n := binary.NativeEndian.Uint16(b)
		if signed {
			return uint64(int16(n)), nil
		}
		return uint64(n), nil
	case 4:
		n := binary.NativeEndian.Uint32(b)
		if signed {
			return uint64(int32(n)), nil
		}
		return uint64(n), nil
	case 8:
		return binary.NativeEndian.Uint64(b), nil
	}
	return 0, fmt.Errorf("integer of %d bytes", len(b))
}

// bitField reads a bit-field from the bytes of its type.
func bitField(b []byte, f *plan.Field) (uint64, error) {
	n, err := loadInt(b, false)
	if err != nil {
		return 0, err
	}
	if f.BitOffset < 0 || f.BitSize < 0 || f.BitSize > 64 || f.BitOffset > 64 || f.BitOffset+f.BitSize > 8*len(b) {
		return 0, fmt.Errorf("bits %d to %d in %d bytes", f.BitOffset, f.BitOffset+f.BitSize, len(b))
	}
	shift := f.BitOffset
	if isBigEndian() {
		shift = 8*len(b) - f.BitOffset - f.BitSize
	}
	up := 64 - f.BitSize
	if f.Type.Signed {
		return uint64(int64(n>>shift<<up) >> up), nil
	}
	return n >> shift << up >> up, nil
}

func isBigEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) != 1 }

// decodeField reads a part of b.
func decodeField(env *Env, f *plan.Field, b []byte, div int64) (Value, error) {
	if f.Offset < 0 || f.Offset > len(b) {
		return nil, fmt.Errorf("field at %d in %d bytes", f.Offset, len(b))
	}
	b = b[f.Offset:]
	if f.BitSize == 0 {
		return decode(env, &f.Type, b, div)
	}
	if f.Type.Size < 0 || f.Type.Size > len(b) {
		return nil, fmt.Errorf("bit-field in %d bytes of %d", f.Type.Size, len(b))
	}
	switch f.Type.Kind {
	case plan.Int, plan.Bool, plan.Enum:
	default:
		return nil, fmt.Errorf("bit-field of type %s", f.Type.Kind)
	}
	n, err := bitField(b[:f.Type.Size], f)
	if err != nil {
		return nil, err
	}
	return number(env, &f.Type, n, div), nil
}

func decodeFields(env *Env, t *plan.Type, b []byte, div int64) (Value, error) {
	values := make([]Value, len(t.Fields))
	for i := range t.Fields {
		v, err := decodeField(env, &t.Fields[i], b, div)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	if t.Kind == plan.Tuple {
		return Tuple(values), nil
	}
	r := make(Record, len(values))
	for i, v := range values {
		r[i] = Member{t.Fields[i].Name, v}
	}
	return r, nil
}

func decodeArray(env *Env, t *plan.Type, b []byte, div int64) (Value, error) {
	if t.Elem == nil || t.Elem.Size <= 0 || t.Len < 0 || t.Len > len(b)/t.Elem.Size {
		return nil, fmt.Errorf("array of %d elements in %d bytes", t.Len, len(b))
	}
	a := make(Array, t.Len)
	for i := range a {
		v, err := decode(env, t.Elem, b[i*t.Elem.Size:], div)
		if err != nil {
			return nil, err
		}
		a[i] = v
	}
	return a, nil
}

// bufferBytes returns the bytes of a buffer: as many as its length word says,
// but no more than there are.
func bufferBytes(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("buffer of %d bytes", len(b))
	}
	n := binary.NativeEndian.Uint32(b)
	b = b[4:]
	return b[:min(uint64(n), uint64(len(b)))], nil
}

// decodeInet reads a family and an address, and writes the address as
// inet_ntop does. Other families have no text.
func decodeInet(b []byte) (Value, error) {
	if len(b) < 12 {
		return nil, fmt.Errorf("address of %d bytes", len(b))
	}
	family, b := binary.NativeEndian.Uint64(b), b[8:]
	switch family {
	case afINET:
		return String(netip.AddrFrom4([4]byte(b)).String()), nil
	case afINET6:
		if len(b) < 16 {
			return nil, fmt.Errorf("IPv6 address of %d bytes", len(b))
		}
		return String(inet6Text([16]byte(b))), nil
	}
	return String(""), nil
}

func inet6Text(a [16]byte) string {
	// An address whose first 96 bits alone are zero shows as embedded IPv4.
	if [12]byte(a[:12]) == [12]byte{} && (a[12] != 0 || a[13] != 0) {
		return "::" + netip.AddrFrom4([4]byte(a[12:])).String()
	}
	return netip.AddrFrom16(a).String()
}

func decodeMAC(b []byte) (Value, error) {
	if len(b) < 6 {
		return nil, fmt.Errorf("MAC address of %d bytes", len(b))
	}
	return String(fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", b[0], b[1], b[2], b[3], b[4], b[5])), nil
}

// decodeUsym reads an address and, where the type has room for them, the
// process and the probe (u32 each) that it was seen in.
func decodeUsym(env *Env, b []byte) (Value, error) {
	if len(b) < 8 {
		return nil, errors.New("user symbol without an address")
	}
	addr := binary.NativeEndian.Uint64(b)
	var pid, probe uint32
	if len(b) >= 16 {
		pid, probe = binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:])
	}
	return String(env.userSymbol(addr, pid, probe)), nil
}

// decodeStack reads a stack: for the user's, the process and the probe (u32
// each); the number of frames (u64); the addresses of the frames.
func decodeStack(env *Env, t *plan.Type, b []byte) (Value, error) {
	user := t.Kind == plan.Ustack
	var pid, probe uint32
	if user && len(b) >= 8 {
		pid, probe = binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:])
		b = b[8:]
	}
	if len(b) < 8 {
		return nil, fmt.Errorf("stack of %d bytes", len(b))
	}
	n := binary.NativeEndian.Uint64(b)
	b = b[8:]
	frames := make([]uint64, min(n, uint64(len(b)/8)))
	for i := range frames {
		frames[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	mode := t.Name
	if mode == "" {
		mode = env.Settings.StackMode
	}
	return String(env.stack(frames, mode, func(addr uint64) []string {
		if user {
			return env.userNames(addr, pid, probe)
		}
		return env.kernelNames(addr)
	})), nil
}
