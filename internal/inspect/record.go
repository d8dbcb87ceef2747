package inspect

import (
	"bytes"
	"encoding/binary"
)

// record is an info record of the kernel in this machine's byte order. What
// lies behind its end reads as zero, so that records of older kernels do.
type record []byte

func (r record) u32(off int) uint32 {
	if off+4 > len(r) {
		return 0
	}
	return binary.NativeEndian.Uint32(r[off:])
}

func (r record) u64(off int) uint64 {
	if off+8 > len(r) {
		return 0
	}
	return binary.NativeEndian.Uint64(r[off:])
}

func (r record) put32(off int, v uint32) { binary.NativeEndian.PutUint32(r[off:], v) }

// text is a string of at most n bytes that ends with a zero byte.
func (r record) text(off, n int) string {
	if off > len(r) {
		return ""
	}
	b := r[off:min(off+n, len(r))]
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

func words32(b []byte) []uint32 {
	w := make([]uint32, len(b)/4)
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return w
}

func words64(b []byte) []uint64 {
	w := make([]uint64, len(b)/8)
	for i := range w {
		w[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return w
}
