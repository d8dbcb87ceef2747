package lower

import (
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// builtin evaluates a builtin whose type fits a register.
func (f *function) builtin(name string) *ir.Value {
	b := f.b
	switch name {
	case "pid":
		return b.Bin(ir.OpLShr, f.call(pidTgid), b.Const(32))
	case "tid":
		return b.Ext(f.call(pidTgid), ir.I64, 4, false)
	case "uid", "username":
		return b.Ext(f.call(uidGid), ir.I64, 4, false)
	case "gid":
		return b.Bin(ir.OpLShr, f.call(uidGid), b.Const(32))
	case "cpu":
		return f.call(processorID)
	case "nsecs":
		return f.call(ktimeBoot)
	case "elapsed":
		return b.Bin(ir.OpSub, f.call(ktimeBoot), b.Load(ir.I64, b.Sym(ir.OpData, f.l.start(), 0), 0, 8, false))
	case "rand":
		return b.Ext(f.call(prandom), ir.I64, 4, false)
	case "numaid":
		return b.Ext(f.call(numaNode), ir.I64, 4, false)
	case "cgroup":
		return f.call(cgroupID)
	case "jiffies":
		return f.call(jiffies)
	case "curtask":
		return f.call(currentTask)
	case "ncpus":
		return b.Const(int64(f.l.opts.CPUs))
	case "cpid":
		return b.Const(int64(f.l.opts.ChildPID))
	case "ctx":
		return b.Bin(ir.OpAdd, f.ctx, b.Const(0))
	}
	// What remains is argN of a raw tracepoint.
	n, _ := strconv.ParseInt(name[len("arg"):], 10, 64)
	return b.Load(ir.I64, f.ctx, 8*n, 8, false)
}

// start makes the data that holds the time at which the probes were attached.
func (l *lowerer) start() string {
	name := strings.TrimPrefix(plan.Start, plan.DataPrefix)
	if l.mod.Datum(name) == nil {
		l.mod.Data = append(l.mod.Data, &ir.Data{Name: name, Section: plan.Start, Bytes: make([]byte, 8), Align: 8, Type: u64})
	}
	return name
}

// identInto writes a builtin that lives in memory.
func (f *function) identInto(name string, at *ir.Value, t *types.Type) bool {
	switch name {
	case "comm":
		// Older kernels leave what is behind the NUL as it was.
		f.zero(at, int64(t.Size))
		f.call(currentComm, at, f.b.Const(check.CommSize))
	case "probe":
		f.storeString(at, f.in.Points[0].Name, int64(t.Size))
	case "probetype":
		f.storeString(at, string(f.in.Points[0].Kind), int64(t.Size))
	default:
		return false
	}
	return true
}

// bitFieldOf returns the bit-field that an expression names and the place of
// the struct that it is in.
func (f *function) bitFieldOf(x *ast.Field) (fd ctypes.Field, bits int64, p place, ok bool) {
	t := f.in.Type(x.X)
	if t.Kind == types.Pointer {
		t = t.Pointee()
	}
	s, isC := t.C.(*ctypes.Struct)
	if t.Kind != types.Struct || !isC {
		return fd, 0, p, false
	}
	fd, off, found := s.Lookup(x.Name.Text)
	if !found || fd.BitSize == 0 {
		return fd, 0, p, false
	}
	_, p = f.structOf(x.X)
	return fd, int64(off), p, true
}

// bitField reads a bit-field: the smallest aligned piece of memory that holds
// it, shifted so that its sign is kept.
func (f *function) bitField(fd ctypes.Field, bits int64, p place, t *types.Type) *ir.Value {
	size := int64(t.Size)
	start := bits / 8 / size * size
	shift := bits - start*8
	if shift+int64(fd.BitSize) > size*8 {
		start, size, shift = bits/8, 8, bits%8
	}
	v := f.load(p.plus(start), types.IntOf(int(size), false))
	left := 64 - shift - int64(fd.BitSize)
	v = f.b.Bin(ir.OpShl, v, f.b.Const(left))
	op := ir.OpLShr
	if t.Signed {
		op = ir.OpAShr
	}
	return f.b.Bin(op, v, f.b.Const(64-int64(fd.BitSize)))
}

// isDataLoc reports whether the expression is a tracepoint field whose value
// is the address of data in the record.
func (f *function) isDataLoc(e ast.Expr) bool {
	x, ok := e.(*ast.Field)
	if !ok {
		return false
	}
	s, ok := f.in.Type(x.X).C.(*ctypes.Struct)
	if !ok || f.in.Type(x.X).Kind != types.Struct {
		return false
	}
	fd, _, found := s.Lookup(x.Name.Text)
	return found && (fd.DataLoc || fd.RelLoc)
}
