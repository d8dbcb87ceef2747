package lower

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// access is how memory is reached.
type access uint8

const (
	direct access = iota // memory that the program may address: stack, map value, record
	ctxMem               // the program's context: direct at constant offsets, else by helper
	kernelMem
	userMem
	anyMem // the address tells whether it is a kernel or a user one
)

// place is a piece of memory that an expression names.
type place struct {
	access access
	base   *ir.Value // Ptr for direct and ctxMem, else I64
	off    int64
}

func (p place) plus(off int64) place {
	p.off += off
	return p
}

func accessOf(s types.Space) access {
	switch s {
	case types.Kernel:
		return kernelMem
	case types.User:
		return userMem
	}
	return anyMem
}

// addr is the place's address as a value.
func (f *function) addr(p place) *ir.Value {
	if p.off == 0 {
		return p.base
	}
	return f.b.Bin(ir.OpAdd, p.base, f.b.Const(p.off))
}

// placeOf finds where the value of an expression lies in memory. An expression
// that names no memory is evaluated into a temporary.
func (f *function) placeOf(e ast.Expr) place {
	t := f.in.Type(e)
	switch x := e.(type) {
	case *ast.Ident:
		if x.Name == "args" {
			return place{access: ctxMem, base: f.ctx}
		}
	case *ast.Unary:
		if x.Op == ast.Deref {
			if f.in.Type(x.X).Ctx {
				return f.placeOf(x.X)
			}
			return place{access: accessOf(f.in.Type(x.X).Space), base: f.scalar(x.X)}
		}
	case *ast.Field:
		return f.fieldPlace(x)
	case *ast.TupleField:
		return f.placeOf(x.X).plus(int64(f.in.Type(x.X).Fields[x.Index].Offset))
	case *ast.Index:
		return f.indexPlace(x)
	case *ast.Var:
		if s := f.variable(f.in.Var(x)); !s.typ.IsScalar() {
			return place{base: s.ptr}
		}
	}
	tmp := f.temp(int64(t.Size))
	f.into(e, tmp, 0, t)
	return place{base: tmp}
}

// structOf is the struct that a field is taken of, and where it lies.
func (f *function) structOf(e ast.Expr) (*types.Type, place) {
	t := f.in.Type(e)
	if t.Kind == types.Pointer {
		p := t.Pointee()
		if s, ok := p.C.(*ctypes.Struct); ok && s.Fields == nil {
			if full, err := f.l.opts.Env.Resolver.Type(tag(s) + s.Name); err == nil {
				p = types.FromC(full, t.Space)
			}
		}
		return p, place{access: accessOf(t.Space), base: f.scalar(e)}
	}
	return t, f.placeOf(e)
}

func tag(s *ctypes.Struct) string {
	if s.Union {
		return "union "
	}
	return "struct "
}

func (f *function) fieldPlace(x *ast.Field) place {
	t, p := f.structOf(x.X)
	if t.Kind == types.Record {
		fd, _ := t.Field(x.Name.Text)
		return p.plus(int64(fd.Offset))
	}
	fd, bits, _ := t.C.(*ctypes.Struct).Lookup(x.Name.Text)
	if fd.DataLoc || fd.RelLoc {
		return f.dataLoc(p, fd, int64(bits/8))
	}
	return p.plus(int64(bits / 8))
}

// dataLoc is where the data of a __data_loc field lies: the field holds the
// offset from the record's start (or, for __rel_loc, from the field's end).
func (f *function) dataLoc(p place, fd ctypes.Field, off int64) place {
	loc := f.b.Load(ir.I64, p.base, p.off+off, 4, false)
	at := f.b.Bin(ir.OpAnd, loc, f.b.Const(0xffff))
	if fd.RelLoc {
		at = f.b.Bin(ir.OpAdd, at, f.b.Const(off+4))
	}
	// The verifier allows no variable offset into the context for loads, but
	// any address for the helpers that read kernel memory.
	return place{access: kernelMem, base: f.b.Bin(ir.OpAdd, f.ctx, at)}
}

func (f *function) indexPlace(x *ast.Index) place {
	t := f.in.Type(x.X)
	var p place
	var size int64
	if t.Kind == types.Pointer {
		p = place{access: accessOf(t.Space), base: f.scalar(x.X)}
		size = int64(t.Pointee().Size)
	} else {
		p, size = f.placeOf(x.X), 1
		if t.Elem != nil {
			size = int64(t.Elem.Size)
		}
	}
	if n, ok := f.constant(x.Index); ok {
		if t.Kind == types.Tuple {
			return p.plus(int64(t.Fields[n].Offset))
		}
		return p.plus(n * size)
	}
	i := f.b.Bin(ir.OpMul, f.scalar(x.Index), f.b.Const(size))
	switch p.access {
	case ctxMem:
		p.access = kernelMem
	case direct:
		// Copy out by helper as well: the index is not known to lie inside.
		p.access = kernelMem
	}
	p.base = f.b.Bin(ir.OpAdd, p.base, i)
	return p
}

// load reads an integer or pointer of type t at a place.
func (f *function) load(p place, t *types.Type) *ir.Value {
	switch p.access {
	case direct:
		return f.b.Load(ir.I64, p.base, p.off, uint8(t.Size), t.Signed)
	case ctxMem:
		if f.in.Points[0].Kind == plan.RawTracepoint {
			// The arguments are whole words.
			v := f.b.Load(ir.I64, p.base, p.off, 8, false)
			return f.extend(v, t)
		}
		if p.off%int64(t.Size) == 0 {
			return f.b.Load(ir.I64, p.base, p.off, uint8(t.Size), t.Signed)
		}
	}
	tmp := f.b.Alloca(8, 8)
	f.read(tmp, p, int64(t.Size))
	return f.b.Load(ir.I64, tmp, 0, uint8(t.Size), t.Signed)
}

// extend brings a value into the 64-bit form of the type.
func (f *function) extend(v *ir.Value, t *types.Type) *ir.Value {
	if t.Size >= 8 || t.Size == 0 {
		return v
	}
	return f.b.Ext(v, ir.I64, uint8(t.Size), t.Signed)
}

// inlineCopy is how many bytes are copied with loads and stores; more is a
// call of a helper.
const inlineCopy = 64

// read copies size bytes from a place to dst. What can't be read is zero.
func (f *function) read(dst *ir.Value, p place, size int64) {
	switch {
	case size == 0:
		return
	case p.access == direct && size <= inlineCopy:
		f.b.Copy(dst, f.addr(p), size)
		return
	case p.access == ctxMem && f.readContext(dst, p, size):
		return
	}
	h := readKernel
	switch p.access {
	case userMem:
		h = readUser
	case anyMem:
		h = probeRead
	}
	f.call(h, dst, f.b.Const(size), f.addr(p))
}

// commonSize is the bytes of a trace event's record before its own fields.
const commonSize = 8

// readContext copies from the context with aligned loads, if it is short.
func (f *function) readContext(dst *ir.Value, p place, size int64) bool {
	if f.in.Points[0].Kind == plan.Tracepoint && p.off < commonSize {
		return false // only helpers may read the fields that all events have
	}
	width := int64(8)
	for (p.off|size)%width != 0 {
		width /= 2
	}
	if size/width > 8 {
		return false
	}
	for i := int64(0); i < size; i += width {
		f.b.Store(dst, i, f.b.Load(ir.I64, p.base, p.off+i, uint8(width), false), uint8(width))
	}
	return true
}

// readString copies a string of at most size bytes, its NUL included, from a
// place to dst. The rest of dst's size bytes is zero.
func (f *function) readString(dst *ir.Value, p place, size int64, limit *ir.Value) {
	f.zero(dst, size)
	h := readKernelStr
	switch p.access {
	case userMem:
		h = readUserStr
	case anyMem:
		h = probeReadStr
	}
	if limit == nil {
		limit = f.b.Const(size)
	}
	f.call(h, dst, limit, f.addr(p))
}

// zero clears memory. Large areas are cleared by reading from the null
// address, which fails at once and then fills its destination with zeros.
func (f *function) zero(dst *ir.Value, size int64) {
	if size == 0 {
		return
	}
	if size <= 2*inlineCopy {
		f.b.Zero(dst, size)
		return
	}
	f.call(readKernel, dst, f.b.Const(size), f.b.Const(0))
}
