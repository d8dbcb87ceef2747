package mem

import (
	"encoding/binary"
	"fmt"
)

// Load reads a number of 1, 2, 4 or 8 bytes, asking the region's device where
// it has one.
func (s *Space) Load(addr uint64, size int) (uint64, error) {
	if b, err := s.Bytes(addr, uint64(size), Read); err == nil {
		switch size {
		case 1:
			return uint64(b[0]), nil
		case 2:
			return uint64(binary.LittleEndian.Uint16(b)), nil
		case 4:
			return uint64(binary.LittleEndian.Uint32(b)), nil
		default:
			return binary.LittleEndian.Uint64(b), nil
		}
	}
	if r, inside := s.Find(addr); inside && r.device != nil {
		if v, ok := r.device.Load(addr-r.Addr, size); ok {
			return v, nil
		}
	}
	return 0, s.Fault(addr, uint64(size), Read)
}

// Store writes a number of 1, 2, 4 or 8 bytes, handing it to the region's
// device where it has one.
func (s *Space) Store(addr uint64, size int, v uint64) error {
	if b, err := s.Bytes(addr, uint64(size), Write); err == nil {
		switch size {
		case 1:
			b[0] = uint8(v)
		case 2:
			binary.LittleEndian.PutUint16(b, uint16(v))
		case 4:
			binary.LittleEndian.PutUint32(b, uint32(v))
		default:
			binary.LittleEndian.PutUint64(b, v)
		}
		return nil
	}
	if r, inside := s.Find(addr); inside && r.device != nil && r.device.Store(addr-r.Addr, size, v) {
		return nil
	}
	return s.Fault(addr, uint64(size), Write)
}

// String reads bytes from addr up to a zero, at most max of them; found says
// whether the zero was there.
func (s *Space) String(addr, max uint64) (b []byte, found bool, err error) {
	for n := uint64(0); n < max; n++ {
		c, err := s.Bytes(addr+n, 1, Read)
		if err != nil {
			return b, false, err
		}
		if c[0] == 0 {
			return b, true, nil
		}
		b = append(b, c[0])
	}
	return b, false, nil
}

// Fault is an access to memory that a program may not make.
type Fault struct {
	Addr   uint64
	Size   uint64 // of the access, in bytes
	Access Access
	// Region names the region that the address lies in or is nearest to, ""
	// when none is near. Offset counts from where its accessible part
	// begins, which has RegionSize bytes.
	Region     string
	Offset     int64
	RegionSize uint64
	Misaligned bool // the access would be allowed if it were aligned
}

func (f *Fault) Error() string {
	what := fmt.Sprintf("%s of %d bytes at %#x", f.Access, f.Size, f.Addr)
	switch {
	case f.Misaligned:
		return what + " is not aligned"
	case f.Region == "" && f.Addr < firstSlot<<SlotShift:
		return what + " is near the null address"
	case f.Region == "":
		return what + " is outside all memory"
	}
	if f.Offset >= 0 && uint64(f.Offset)+f.Size <= f.RegionSize {
		return fmt.Sprintf("%s: not allowed at offset %d of %s", what, f.Offset, f.Region)
	}
	return fmt.Sprintf("%s is at offset %d of %s, which has %d bytes", what, f.Offset, f.Region, f.RegionSize)
}
