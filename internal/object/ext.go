package object

import (
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

type (
	insn = isa.Instruction
	span = source.Span
)

// The format of .BTF.ext (Documentation/bpf/btf.rst of Linux).
const (
	extHeader   = 32 // bytes of the header
	extFuncSize = 8  // bytes of a record of each kind
	extLineSize = 16
	extCORESize = 16
)

// extInfo is .BTF.ext in the making.
type extInfo struct {
	sections []*extSection
}

// extSection is what .BTF.ext says of one section. All offsets of
// instructions are in bytes.
type extSection struct {
	name  uint32 // string offset
	title string
	funcs [][2]uint32 // offset, type
	lines []lineInfo
	core  [][4]uint32 // offset, type, access string, kind
}

// lineInfo is a line record.
type lineInfo struct {
	insn, file, text, place uint32
}

// section returns the part about a section.
func (x *extInfo) section(b *builder, name string) (*extSection, error) {
	for _, s := range x.sections {
		if s.title == name {
			return s, nil
		}
	}
	off, err := b.btf.String(name)
	if err != nil {
		return nil, err
	}
	s := &extSection{name: off, title: name}
	x.sections = append(x.sections, s)
	return s, nil
}

// bytes encodes .BTF.ext.
func (x *extInfo) bytes(b *builder) []byte {
	u32 := func(out []byte, vs ...uint32) []byte {
		for _, v := range vs {
			out = b.elf.u32(out, int(v))
		}
		return out
	}
	var funcs, lines, core []byte
	part := func(out []byte, size int, n func(*extSection) int, record func([]byte, *extSection, int) []byte) []byte {
		for _, s := range x.sections {
			count := n(s)
			if count == 0 {
				continue
			}
			if out == nil {
				out = u32(nil, uint32(size))
			}
			out = u32(out, s.name, uint32(count))
			for i := range count {
				out = record(out, s, i)
			}
		}
		return out
	}
	funcs = part(funcs, extFuncSize, func(s *extSection) int { return len(s.funcs) },
		func(out []byte, s *extSection, i int) []byte { return u32(out, s.funcs[i][:]...) })
	lines = part(lines, extLineSize, func(s *extSection) int { return len(s.lines) },
		func(out []byte, s *extSection, i int) []byte {
			l := &s.lines[i]
			return u32(out, l.insn, l.file, l.text, l.place)
		})
	core = part(core, extCORESize, func(s *extSection) int { return len(s.core) },
		func(out []byte, s *extSection, i int) []byte { return u32(out, s.core[i][:]...) })
	out := b.elf.u16(nil, 0xeB9F)
	out = append(out, 1, 0)
	out = u32(out, extHeader)
	at := 0
	for _, p := range [][]byte{funcs, lines, core} {
		out = u32(out, uint32(at), uint32(len(p)))
		at += len(p)
	}
	out = append(out, funcs...)
	out = append(out, lines...)
	return append(out, core...)
}
