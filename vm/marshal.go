package vm

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

// marshal encodes a key or value of size bytes: a BinaryMarshaler, bytes, a
// string, or what encoding/binary encodes, through any pointer to it.
func marshal(data any, size int) ([]byte, error) {
	var b []byte
	var err error
	switch v := data.(type) {
	case nil:
		return nil, errors.New("can't encode nil")
	case encoding.BinaryMarshaler:
		b, err = v.MarshalBinary()
	case []byte:
		b = v
	case *[]byte:
		b = *v
	case string:
		b = []byte(v)
	default:
		b, err = binary.Append(nil, binary.LittleEndian, data)
	}
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("%T encodes to %d bytes, not %d", data, len(b), size)
	}
	return b, nil
}

// unmarshal decodes b into what out points to.
func unmarshal(out any, b []byte) error {
	switch v := out.(type) {
	case encoding.BinaryUnmarshaler:
		return v.UnmarshalBinary(b)
	case *[]byte:
		*v = append([]byte(nil), b...)
		return nil
	case []byte:
		if len(v) != len(b) {
			return fmt.Errorf("%d bytes for a value of %d", len(v), len(b))
		}
		copy(v, b)
		return nil
	case *string:
		*v = string(b)
		return nil
	}
	n, err := binary.Decode(b, binary.LittleEndian, out)
	if err != nil {
		return err
	}
	if n != len(b) {
		return fmt.Errorf("%T takes %d bytes, not %d", out, n, len(b))
	}
	return nil
}

// marshalPerCPU encodes a slice with a value for each CPU.
func marshalPerCPU(data any, size, cpus int) ([]byte, error) {
	v := reflect.ValueOf(data)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice {
		return nil, fmt.Errorf("per-CPU values need a slice, not %T", data)
	}
	if v.Len() > cpus {
		return nil, fmt.Errorf("%d values for %d CPUs", v.Len(), cpus)
	}
	stride := (size + 7) &^ 7
	out := make([]byte, stride*cpus)
	for i := range v.Len() {
		b, err := marshal(v.Index(i).Interface(), size)
		if err != nil {
			return nil, err
		}
		copy(out[i*stride:], b)
	}
	return out, nil
}

// unmarshalPerCPU decodes a value for each CPU into a slice, or into the one
// that out points to, which it makes long enough.
func unmarshalPerCPU(out any, b []byte, size, cpus int) error {
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Pointer {
		if v.Elem().Kind() != reflect.Slice {
			return fmt.Errorf("per-CPU values need a slice, not %T", out)
		}
		if v.Elem().Len() < cpus {
			v.Elem().Set(reflect.MakeSlice(v.Elem().Type(), cpus, cpus))
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice || v.Len() < cpus {
		return fmt.Errorf("per-CPU values need a slice of %d elements", cpus)
	}
	stride := (size + 7) &^ 7
	for i := range cpus {
		if err := unmarshal(v.Index(i).Addr().Interface(), b[i*stride:i*stride+size]); err != nil {
			return err
		}
	}
	return nil
}
