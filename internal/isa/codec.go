package isa

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Error says which slot of a program can't be encoded or decoded.
type Error struct {
	Slot   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("instruction %d: %s", e.Slot, e.Reason) }

// Encode appends the instructions to b in the given byte order. References
// are not resolved: what they name is encoded as 0. An error is an *Error.
func Encode(b []byte, insns []Instruction, order binary.ByteOrder) ([]byte, error) {
	slot := 0
	for i := range insns {
		in := &insns[i]
		if in.Dst > 15 || in.Src > 15 {
			return b, &Error{slot, fmt.Sprintf("register %d doesn't fit 4 bits", max(in.Dst, in.Src))}
		}
		if in.Op != OpLoadImm64 && (in.Imm < math.MinInt32 || in.Imm > math.MaxInt32) {
			return b, &Error{slot, fmt.Sprintf("immediate %d doesn't fit 32 bits", in.Imm)}
		}
		b = appendSlot(b, in.Op, in.Dst, in.Src, in.Off, uint32(in.Imm), order)
		if in.Op == OpLoadImm64 {
			b = appendSlot(b, 0, 0, 0, 0, uint32(in.Imm>>32), order)
		}
		slot += in.Slots()
	}
	return b, nil
}

func appendSlot(b []byte, op Op, dst, src Reg, off int16, imm uint32, order binary.ByteOrder) []byte {
	regs := uint8(src)<<4 | uint8(dst)
	if order == binary.ByteOrder(binary.BigEndian) {
		regs = uint8(dst)<<4 | uint8(src)
	}
	var s [8]byte
	s[0], s[1] = uint8(op), regs
	order.PutUint16(s[2:], uint16(off))
	order.PutUint32(s[4:], imm)
	return append(b, s[:]...)
}

// Decode reads a whole program. It takes every opcode and operand, known or
// not, so that what it returns encodes to the same bytes; only a length that
// is no multiple of 8 and an lddw without a proper second slot are errors
// (an *Error). The instructions before the error are returned with it.
func Decode(b []byte, order binary.ByteOrder) ([]Instruction, error) {
	insns := make([]Instruction, 0, len(b)/8)
	if len(b)%8 != 0 {
		return nil, &Error{len(b) / 8, fmt.Sprintf("%d bytes are no whole number of 8-byte slots", len(b))}
	}
	for at := 0; at < len(b); at += 8 {
		s := b[at : at+8]
		in := Instruction{
			Op: Op(s[0]), Dst: Reg(s[1] & 15), Src: Reg(s[1] >> 4),
			Off: int16(order.Uint16(s[2:])), Imm: int64(int32(order.Uint32(s[4:]))),
		}
		if order == binary.ByteOrder(binary.BigEndian) {
			in.Dst, in.Src = in.Src, in.Dst
		}
		if in.Op == OpLoadImm64 {
			at += 8
			if at >= len(b) {
				return insns, &Error{at/8 - 1, "lddw without a second slot"}
			}
			if s = b[at : at+8]; s[0] != 0 || s[1] != 0 || s[2] != 0 || s[3] != 0 {
				return insns, &Error{at / 8, "second slot of lddw has fields other than its immediate"}
			}
			in.Imm = int64(uint32(in.Imm)) | int64(order.Uint32(s[4:]))<<32
		}
		insns = append(insns, in)
	}
	return insns, nil
}

// fromSlots decodes slots given as little-endian numbers.
func fromSlots(slots []uint64) ([]Instruction, error) {
	b := make([]byte, 0, 8*len(slots))
	for _, s := range slots {
		b = binary.LittleEndian.AppendUint64(b, s)
	}
	return Decode(b, binary.LittleEndian)
}
