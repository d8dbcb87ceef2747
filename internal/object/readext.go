package object

import (
	"encoding/binary"
	"sort"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
)

// extReader reads .BTF.ext.
type extReader struct {
	o     *Object
	data  []byte
	order binary.ByteOrder
	funcs map[string][]extFunc // by section, ascending
}

// extFunc is a function and where its instructions are.
type extFunc struct {
	*Function
	offs []int
	end  int
}

// readExt reads .BTF.ext: prototypes, lines and CO-RE relocations.
func (o *Object) readExt(r *elfReader) error {
	s := r.section(".BTF.ext")
	if s == nil || o.BTF == nil {
		return nil
	}
	x := &extReader{o: o, data: s.Data, order: o.Order, funcs: map[string][]extFunc{}}
	for _, f := range o.Funcs {
		end := f.Offset + 8*isa.Slots(f.Insns)
		x.funcs[f.Section] = append(x.funcs[f.Section], extFunc{f, f.offsets(), end})
	}
	return x.read()
}

func (x *extReader) fail(at int, format string, args ...any) error {
	return broken(".BTF.ext", at, format, args...)
}

func (x *extReader) u32(at int) uint32 { return x.order.Uint32(x.data[at:]) }

func (x *extReader) read() error {
	d := x.data
	if len(d) < extHeader-8 {
		return x.fail(0, "%d bytes are no header", len(d))
	}
	if m := x.order.Uint16(d); m != 0xeB9F {
		return x.fail(0, "magic number %#04x", m)
	}
	if d[2] != 1 {
		return x.fail(2, "version %d", d[2])
	}
	hdr := uint64(x.u32(4))
	if hdr < extHeader-8 || hdr > uint64(len(d)) {
		return x.fail(4, "header length %d", hdr)
	}
	parts := []struct {
		at     int // of offset and length in the header
		record int
		read   func(f *Function, insn, at int) error
	}{
		{8, extFuncSize, x.funcInfo}, {16, extLineSize, x.lineInfo}, {24, extCORESize, x.coreInfo},
	}
	for _, p := range parts {
		if uint64(p.at+8) > hdr {
			break // older than CO-RE relocations
		}
		off, n := hdr+uint64(x.u32(p.at)), uint64(x.u32(p.at+4))
		if n == 0 {
			continue
		}
		if off+n > uint64(len(d)) {
			return x.fail(p.at, "%d bytes at %#x end after the %d bytes there are", n, off, len(d))
		}
		if err := x.part(int(off), int(off+n), p.record, p.read); err != nil {
			return err
		}
	}
	return nil
}

// part reads one of the three parts: a record size, then for each section its
// name, a count and the records.
func (x *extReader) part(at, end, record int, read func(f *Function, insn, at int) error) error {
	if end-at < 4 {
		return x.fail(at, "no record size")
	}
	size := x.u32(at)
	if size < uint32(record) || size%4 != 0 || size > 1<<16 {
		return x.fail(at, "records of %d bytes, at least %d are needed", size, record)
	}
	for at += 4; at < end; {
		if end-at < 8 {
			return x.fail(at, "a section's head is cut off")
		}
		name, err := x.o.BTF.String(x.u32(at))
		if err != nil {
			return x.fail(at, "the section's name: %v", err)
		}
		n := uint64(x.u32(at + 4))
		if at += 8; n == 0 || n*uint64(size) > uint64(end-at) {
			return x.fail(at-4, "%d records of %d bytes in %d bytes", n, size, end-at)
		}
		if err := x.section(name, at, int(n), int(size), read); err != nil {
			return err
		}
		at += int(n) * int(size)
	}
	return nil
}

// section reads the records of one section and finds the function and the
// instruction that each is about. Records about bytes of no function, as dead
// code leaves them, are skipped.
func (x *extReader) section(name string, at, n, size int, read func(f *Function, insn, at int) error) error {
	funcs := x.funcs[name]
	for i := range n {
		rec := at + i*size
		off := int(x.u32(rec))
		if off%8 != 0 {
			return x.fail(rec, "byte %#x of section %s begins no instruction", off, name)
		}
		next := sort.Search(len(funcs), func(i int) bool { return off < funcs[i].end })
		if next == len(funcs) || off < funcs[next].Offset {
			continue
		}
		insn, ok := insnAt(funcs[next].offs, off)
		if !ok {
			return x.fail(rec, "byte %#x of section %s is in the middle of an instruction", off, name)
		}
		if err := read(funcs[next].Function, insn, rec); err != nil {
			return err
		}
	}
	return nil
}

func (x *extReader) funcInfo(f *Function, insn, at int) error {
	if insn != 0 {
		return x.fail(at, "a function begins at instruction %d of %s", insn, f.Name)
	}
	id := x.u32(at + 4)
	t, err := x.o.BTF.Type(id)
	if err != nil {
		return x.fail(at+4, "%v", err)
	}
	fn, ok := t.(*ctypes.Func)
	if kind, _ := x.o.BTF.Kind(id); !ok || kind != ctypes.BTFFunc {
		return x.fail(at+4, "type %d of %s is no function", id, f.Name)
	}
	f.Proto, f.TypeID = fn, id
	return nil
}

func (x *extReader) lineInfo(f *Function, insn, at int) error {
	file, err := x.o.BTF.String(x.u32(at + 4))
	if err != nil {
		return x.fail(at+4, "the file's name: %v", err)
	}
	text, err := x.o.BTF.String(x.u32(at + 8))
	if err != nil {
		return x.fail(at+8, "the line's text: %v", err)
	}
	place := x.u32(at + 12)
	f.Lines = append(f.Lines, Line{Insn: insn, File: file, Text: text, Line: int(place >> 10), Column: int(place & maxColumn)})
	return nil
}

func (x *extReader) coreInfo(f *Function, insn, at int) error {
	t, err := x.o.BTF.Type(x.u32(at + 4))
	if err != nil {
		return x.fail(at+4, "%v", err)
	}
	access, err := x.o.BTF.String(x.u32(at + 8))
	if err != nil {
		return x.fail(at+8, "the access path: %v", err)
	}
	f.CORE = append(f.CORE, CORE{Insn: insn, Kind: COREKind(x.u32(at + 12)), Type: t, Access: access})
	return nil
}
