package isa

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/facts"
)

func TestCodecBytes(t *testing.T) {
	for _, tt := range []struct {
		text        string
		little, big string // bytes
	}{
		{"r1 += -5", "\x07\x01\x00\x00\xfb\xff\xff\xff", "\x07\x10\x00\x00\xff\xff\xff\xfb"},
		{"r2 = *(u16 *)(r3 -2)", "\x69\x32\xfe\xff\x00\x00\x00\x00", "\x69\x23\xff\xfe\x00\x00\x00\x00"},
		{"r9 = 0x1122334455667788 ll", "\x18\x09\x00\x00\x88\x77\x66\x55\x00\x00\x00\x00\x44\x33\x22\x11",
			"\x18\x90\x00\x00\x55\x66\x77\x88\x00\x00\x00\x00\x11\x22\x33\x44"},
	} {
		insns, err := assemble(tt.text)
		qt.Assert(t, qt.IsNil(err))
		little, err := Encode(nil, insns, binary.LittleEndian)
		qt.Assert(t, qt.IsNil(err))
		big, err := Encode(nil, insns, binary.BigEndian)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(string(little), tt.little), qt.Commentf("%s", tt.text))
		qt.Check(t, qt.Equals(string(big), tt.big), qt.Commentf("%s", tt.text))
		for order, code := range map[binary.ByteOrder][]byte{binary.LittleEndian: little, binary.BigEndian: big} {
			back, err := Decode(code, order)
			qt.Assert(t, qt.IsNil(err))
			qt.Check(t, qt.Equals(text(back), "\t"+strings.TrimSuffix(tt.text, " ll")+"\n"))
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for code, want := range map[string]string{
		"\x95":                             "no whole number",
		"\x18\x00\x00\x00\x00\x00\x00\x00": "without a second slot",
		"\x18\x00\x00\x00\x00\x00\x00\x00\x95\x00\x00\x00\x00\x00\x00\x00": "second slot",
	} {
		_, err := Decode([]byte(code), binary.LittleEndian)
		qt.Check(t, qt.ErrorMatches(err, ".*"+want+".*"))
	}
	_, err := Encode(nil, []Instruction{{Op: OpExit}, {Op: ClassALU64 | Mov, Imm: 1 << 31}}, binary.LittleEndian)
	qt.Check(t, qt.ErrorMatches(err, "instruction 1: .*doesn't fit 32 bits"))
	_, err = Encode(nil, []Instruction{{Op: OpExit, Dst: 16}}, binary.LittleEndian)
	qt.Check(t, qt.ErrorMatches(err, ".*4 bits"))
}

// valid returns one instruction for every encoding that Check accepts, with
// operands that leave no field 0 where it may be something else.
func valid() []Instruction {
	var out []Instruction
	for code := 0; code < 256; code++ {
		for _, src := range []Reg{0, 1, 2, 3, 4, 5, 6, 7} {
			for _, off := range []int16{0, 1, 8, 16, 32, -3} {
				for _, imm := range []int64{0, 7, -9, 16, 32, 64, 1, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110, 1 << 16, 5<<32 | 7} {
					for _, dst := range []Reg{0, 2} {
						in := Instruction{Op: Op(code), Dst: dst, Src: src, Off: off, Imm: imm}
						if in.Check() == nil {
							out = append(out, in)
						}
					}
				}
			}
		}
	}
	return out
}

func TestValidRoundTrip(t *testing.T) {
	forms := map[facts.Form]bool{}
	for _, in := range valid() {
		forms[in.Op.Form()] = true
		s := in.String()
		back, err := assemble(s)
		qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", s))
		qt.Assert(t, qt.HasLen(back, 1))
		back[0].Span = in.Span
		qt.Assert(t, qt.Equals(back[0], in), qt.Commentf("%s", s))
		raw := in.Op == OpCall && in.Src == CallKfunc && in.Off != 0
		qt.Assert(t, qt.Equals(strings.HasPrefix(s, ".8byte"), raw), qt.Commentf("%s", s))
	}
	for f := facts.FormALUImm; f <= facts.FormExit; f++ {
		qt.Check(t, qt.IsTrue(forms[f]), qt.Commentf("form %d has no instruction", f))
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, in := range []Instruction{
		{Op: 0xff}, {Op: OpExit, Imm: 1}, {Op: OpExit, Dst: 1}, {Op: ClassALU64 | Mov, Dst: 11},
		{Op: ClassALU64 | Mov, Src: 1}, {Op: ClassALU64 | Mov | SrcReg, Imm: 1}, {Op: ClassALU64 | Add, Off: 1},
		{Op: ClassALU64 | Mov | SrcReg, Off: 7}, {Op: ClassALU32 | Mov | SrcReg, Off: 32}, {Op: ClassALU32 | Mov | SrcReg, Off: 1},
		{Op: OpToBE, Imm: 8}, {Op: OpSwap | SrcReg, Imm: 16}, {Op: ClassSTX | ModeAtomic | SizeB, Imm: AtomicAdd},
		{Op: ClassSTX | ModeAtomic | SizeW, Imm: 0x99}, {Op: OpLoadImm64, Src: 7}, {Op: OpCall, Src: 3},
		{Op: ClassLDX | ModeMEM, Imm: 1}, {Op: ClassLDX | ModeMEMSX | SizeDW}, {Op: ClassALU64 | Mov, Imm: 1 << 40},
	} {
		qt.Check(t, qt.IsNotNil(in.Check()), qt.Commentf("%+v", in))
	}
}

// seeds returns two valid instructions of each opcode.
func seeds() []Instruction {
	var out []Instruction
	seen := map[Op]int{}
	for _, in := range valid() {
		if seen[in.Op]++; seen[in.Op] == 1 || seen[in.Op] == 40 {
			out = append(out, in)
		}
	}
	return out
}

func FuzzDecode(f *testing.F) {
	for _, in := range seeds() {
		b, _ := Encode(nil, []Instruction{in}, binary.LittleEndian)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, code []byte, big bool) {
		order := binary.ByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		insns, err := Decode(code, order)
		if err != nil {
			return
		}
		back, err := Encode(nil, insns, order)
		qt.Assert(t, qt.IsNil(err))
		qt.Assert(t, qt.IsTrue(bytes.Equal(back, code)))
		for _, style := range []Style{{}, {Bare: true, Labels: true}} {
			listing := format(insns, style)
			again, err := assemble(listing)
			qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", listing))
			back, err = Encode(nil, again, order)
			qt.Assert(t, qt.IsNil(err))
			qt.Assert(t, qt.IsTrue(bytes.Equal(back, code)), qt.Commentf("%s", listing))
		}
	})
}
