package btfraw

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/skep-dev/skep/internal/ctypes"
)

// Sink takes a value apart as JSON does. jsonout.Writer is one.
type Sink interface {
	BeginObject()
	EndObject()
	BeginArray()
	EndArray()
	Name(string)
	String(string)
	Raw([]byte)
	Bool(bool)
	Uint(uint64)
	Int(int64)
}

// Values writes values of this machine's byte order by their types.
type Values struct {
	BTF  *BTF
	Sink Sink
	// Plain writes for people: pointers and bit-fields as bare hexadecimal
	// numbers, which JSON does not have.
	Plain bool
	// FuncPtr, when set, may say what a pointer to a function stands for.
	FuncPtr func(proto Type, value uint64) (string, bool)

	steps int
}

// maxDepth bounds the nesting of types; BTF from outside can be a cycle.
const maxDepth = 64

// maxSteps bounds the parts of one value: a few types that each contain the
// next one twice make more than any memory holds.
const maxSteps = 1 << 20

// Write writes the value of a type. The error says which type the data does
// not fit, or which has no values; what was written up to there is complete
// JSON.
func (v *Values) Write(id uint32, data []byte) error {
	v.steps = maxSteps + len(data)
	return v.write(id, 0, data, 0)
}

func (v *Values) write(id uint32, bit uint32, data []byte, depth int) error {
	t, ok := v.BTF.Type(id)
	if !ok && id == 0 {
		v.Sink.String("void")
		return nil
	}
	if v.steps--; v.steps < 0 {
		v.Sink.String("(too much)")
		return fmt.Errorf("BTF type %d: the value has more than %d parts", id, maxSteps)
	}
	if !ok || depth > maxDepth {
		v.Sink.String("(unknown)")
		return fmt.Errorf("BTF type %d: there is no such type", id)
	}
	switch t.Kind {
	case ctypes.BTFTypedef, ctypes.BTFVolatile, ctypes.BTFConst, ctypes.BTFRestrict, ctypes.BTFTypeTag:
		return v.write(t.Size, bit, data, depth+1)
	case ctypes.BTFStruct, ctypes.BTFUnion:
		return v.writeStruct(t, data, depth)
	case ctypes.BTFDatasec:
		return v.writeDatasec(t, data, depth)
	case ctypes.BTFVar:
		v.Sink.BeginObject()
		v.Sink.Name(t.Name)
		err := v.write(t.Size, bit, data, depth+1)
		v.Sink.EndObject()
		return err
	case ctypes.BTFArray:
		return v.writeArray(t, data, depth)
	}
	if n, ok := v.BTF.SizeOf(id); ok && n > len(data) {
		v.Sink.String("(cut off)")
		return fmt.Errorf("BTF type %d '%s' has %d bytes, %d are left", id, t.Name, n, len(data))
	}
	return v.writeScalar(t, bit, data)
}

func (v *Values) writeScalar(t Type, bit uint32, data []byte) error {
	switch t.Kind {
	case ctypes.BTFInt:
		return v.writeInt(t, bit, data)
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		return v.writeEnum(t, data)
	case ctypes.BTFPtr:
		v.writePointer(t, binary.NativeEndian.Uint64(data))
		return nil
	case ctypes.BTFFloat:
		return v.writeFloat(t, data)
	}
	v.Sink.String("(" + KindName(t.Kind) + ")")
	return fmt.Errorf("BTF type %d is a %s, which has no values", t.ID, KindName(t.Kind))
}

func (v *Values) writeStruct(t Type, data []byte, depth int) error {
	v.Sink.BeginObject()
	defer v.Sink.EndObject()
	for _, m := range t.Members() {
		v.Sink.Name(m.Name)
		at := int(m.Offset / 8)
		if at > len(data) {
			v.Sink.String("(cut off)")
			return fmt.Errorf("BTF type %d '%s': member '%s' lies at %d of %d bytes", t.ID, t.Name, m.Name, at, len(data))
		}
		if m.BitSize != 0 {
			if err := v.writeBits(m.BitSize, m.Offset%8, data[at:]); err != nil {
				return fmt.Errorf("member '%s': %w", m.Name, err)
			}
			continue
		}
		if err := v.write(m.Type, m.Offset%8, data[at:], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *Values) writeDatasec(t Type, data []byte, depth int) error {
	v.Sink.BeginObject()
	defer v.Sink.EndObject()
	v.Sink.Name(t.Name)
	v.Sink.BeginArray()
	defer v.Sink.EndArray()
	for _, x := range t.Vars() {
		if uint64(x.Offset)+uint64(x.Size) > uint64(len(data)) {
			return fmt.Errorf("BTF section '%s': a variable at %d of %d bytes ends behind the %d there are", t.Name, x.Offset, x.Size, len(data))
		}
		if err := v.write(x.Type, 0, data[x.Offset:x.Offset+x.Size], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *Values) writeArray(t Type, data []byte, depth int) error {
	elem, _, count := t.Array()
	if text, ok := v.text(elem, count, data); ok {
		v.Sink.String(text)
		return nil
	}
	size, ok := v.BTF.SizeOf(elem)
	if !ok || uint64(size)*uint64(count) > uint64(len(data)) {
		v.Sink.String("(cut off)")
		return fmt.Errorf("BTF array %d of %d elements of %d bytes does not fit %d bytes", t.ID, count, size, len(data))
	}
	v.Sink.BeginArray()
	defer v.Sink.EndArray()
	if size == 0 {
		return nil
	}
	for i := range int(count) {
		if err := v.write(elem, 0, data[i*size:(i+1)*size], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// text returns the string in an array of char: printable characters up to a
// zero byte. A typedef of char is no char here, as with bpftool.
func (v *Values) text(elem, count uint32, data []byte) (string, bool) {
	if count == 0 {
		return "", false
	}
	t, ok := v.BTF.Type(elem)
	for range maxDepth {
		if !ok || t.Kind != ctypes.BTFConst && t.Kind != ctypes.BTFVolatile && t.Kind != ctypes.BTFRestrict && t.Kind != ctypes.BTFTypeTag {
			break
		}
		t, ok = v.BTF.Type(t.Size)
	}
	if !ok || t.Kind != ctypes.BTFInt || t.Size != 1 {
		return "", false
	}
	if enc, _, _ := t.Int(); enc != IntChar && t.Name != "char" {
		return "", false
	}
	for i, c := range data[:min(int(count), len(data))] {
		if c == 0 {
			return string(data[:i]), true
		}
		if c <= 0x1f || c >= 0x7f {
			return "", false
		}
	}
	return "", false
}

func (v *Values) writeEnum(t Type, data []byte) error {
	if t.Size != 1 && t.Size != 2 && t.Size != 4 && t.Size != 8 {
		v.Sink.String("(unknown)")
		return fmt.Errorf("BTF enum %d has %d bytes", t.ID, t.Size)
	}
	var word [8]byte
	at := 0
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		at = 8 - int(t.Size)
	}
	copy(word[at:], data[:t.Size])
	shift := 64 - 8*t.Size
	signed := int64(binary.NativeEndian.Uint64(word[:])<<shift) >> shift
	n := signed
	if !t.Flag {
		n = int64(uint64(signed) << shift >> shift)
	}
	for _, e := range t.Enums() {
		if e.Value == n {
			v.Sink.String(e.Name)
			return nil
		}
	}
	v.Sink.Int(signed) // as bpftool takes all values without a name
	return nil
}

func (v *Values) writePointer(t Type, p uint64) {
	if v.FuncPtr != nil {
		if to, ok := v.BTF.Skip(t.Size); ok && to.Kind == ctypes.BTFFuncProto {
			if text, ok := v.FuncPtr(to, p); ok {
				v.Sink.String(text)
				return
			}
		}
	}
	switch {
	case !v.Plain:
		v.Sink.Uint(p)
	case p == 0:
		v.Sink.Raw([]byte("(nil)"))
	default:
		v.Sink.Raw(fmt.Appendf(nil, "%#x", p))
	}
}

func (v *Values) writeFloat(t Type, data []byte) error {
	var f float64
	bits := 64
	switch t.Size {
	case 4:
		f, bits = float64(math.Float32frombits(binary.NativeEndian.Uint32(data))), 32
	case 8:
		f = math.Float64frombits(binary.NativeEndian.Uint64(data))
	default:
		v.Sink.String(fmt.Sprintf("%x", data[:t.Size]))
		return nil
	}
	text := strconv.AppendFloat(nil, f, 'g', -1, bits)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		v.Sink.String(string(text)) // JSON has no such numbers
		return nil
	}
	v.Sink.Raw(text)
	return nil
}

// hex writes a number in hexadecimal, quoted for machines.
func (v *Values) hex(n *big.Int) {
	if v.Plain {
		v.Sink.Raw(fmt.Appendf(nil, "%#x", n))
		return
	}
	v.Sink.String(fmt.Sprintf("%#x", n))
}

// writeBits writes a field of some bits, from a bit on that counts from the
// end of data that comes first in memory.
func (v *Values) writeBits(bits, bit uint32, data []byte) error {
	n := int(bit+bits+7) / 8
	if bits == 0 || bits > 128 || n > len(data) {
		v.Sink.String("(cut off)")
		return fmt.Errorf("a field of %d bits does not fit %d bytes", bits, len(data))
	}
	order := make([]byte, n) // most significant byte first
	copy(order, data[:n])
	shift := uint(bit)
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			order[i], order[j] = order[j], order[i]
		}
	} else {
		shift = uint(n)*8 - uint(bit) - uint(bits)
	}
	x := new(big.Int).SetBytes(order)
	x.Rsh(x, shift)
	x.And(x, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)))
	v.hex(x)
	return nil
}

func (v *Values) writeInt(t Type, bit uint32, data []byte) error {
	enc, off, bits := t.Int()
	if bit != 0 || off != 0 || bits%8 != 0 || bits == 128 {
		bit += off
		return v.writeBits(bits, bit%8, data[min(int(bit/8), len(data)):])
	}
	var u uint64
	switch {
	case bits == 8 && len(data) >= 1:
		u = uint64(data[0])
	case bits == 16 && len(data) >= 2:
		u = uint64(binary.NativeEndian.Uint16(data))
	case bits == 32 && len(data) >= 4:
		u = uint64(binary.NativeEndian.Uint32(data))
	case bits == 64 && len(data) >= 8:
		u = binary.NativeEndian.Uint64(data)
	default:
		return v.writeBits(bits, 0, data)
	}
	switch enc {
	case 0:
		v.Sink.Uint(u)
	case IntBool:
		v.Sink.Bool(u != 0)
	case IntChar:
		switch c := byte(u); {
		case c >= ' ' && c < 0x7f, !v.Plain:
			v.Sink.String(string(rune(c)))
		default:
			v.Sink.Raw(fmt.Appendf(nil, "%#x", c))
		}
	default:
		shift := 64 - bits
		v.Sink.Int(int64(u<<shift) >> shift)
	}
	return nil
}
