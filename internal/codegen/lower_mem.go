package codegen

import (
	"math/bits"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

// place is an address: a value or a frame area, and an offset.
type place struct {
	base *ir.Value
	area int32 // -1: base counts
	off  int64
}

// farthest bounds the offsets from a frame area that instructions get.
const farthest = 1 << 14

// place takes additions of constants to an address into the offset, as long
// as it fits an instruction.
func (l *lowerer) place(v *ir.Value, off int64) place {
	p := place{l.uses.rep(v), -1, off}
	for {
		v := p.base
		var c int64
		var ok bool
		switch v.Op {
		case ir.OpAdd:
			c, ok = constant(v.Args[1])
		case ir.OpSub:
			c, ok = constant(v.Args[1])
			c = -c
		case ir.OpAlloca:
			if p.off < -farthest || p.off > farthest {
				return p // the frame's place is still to be added
			}
			p.area = l.area(v)
			return p
		}
		if !ok || v.Type != ir.Ptr || v.Args[0].Type != ir.Ptr || !fits32(c) || !fits16(p.off+c) {
			return p
		}
		p = place{l.uses.rep(v.Args[0]), -1, p.off + c}
	}
}

// area returns the frame area of an alloca.
func (l *lowerer) area(v *ir.Value) int32 {
	if l.areas[v.ID] < 0 {
		l.areas[v.ID] = int32(len(l.fn.areas))
		l.fn.areas = append(l.fn.areas, area{v.Imm, v})
	}
	return l.areas[v.ID]
}

// mem is a place as instructions take it.
type mem struct {
	reg  vreg // noReg: the frame
	area int32
	off  int16
}

// mem returns the place of an access with offsets from off to off+span, all of
// which fit an instruction.
func (l *lowerer) mem(v *ir.Value, off, span int64) mem {
	p := l.place(v, off)
	switch {
	case p.area >= 0 && fits16(p.off+span):
		return mem{noReg, p.area, int16(p.off)}
	case fits16(p.off) && fits16(p.off+span):
		return mem{l.reg(p.base), -1, int16(p.off)}
	case fits16(off) && fits16(off+span):
		return mem{l.reg(v), -1, int16(off)}
	}
	// Too far: the address is computed.
	far := l.temp()
	if fits32(off) {
		l.unary(isa.ClassALU64|isa.Add, off, far, l.reg(v))
	} else {
		l.byReg(isa.ClassALU64|isa.Add, far, l.reg(v), l.number(off))
	}
	return mem{far, -1, 0}
}

// access makes an instruction with the given address in Dst, or in Src when
// load is set, and more registers as uses.
func access(op isa.Instruction, m mem, load bool, def vreg, more ...vreg) inst {
	op.Off = m.off
	base := roleFrame
	uses := more
	if m.reg != noReg {
		base = 0
		uses = append([]vreg{m.reg}, more...)
	}
	in := newInst(op, def, uses...)
	in.area = m.area
	if load {
		in.src = base
	} else {
		in.dst = base
	}
	return in
}

func (l *lowerer) load(v *ir.Value) {
	width, def := int(v.Width), noReg
	if l.regs[v.ID] != noReg {
		def = l.reg(v)
	} else {
		def = l.temp() // volatile: loaded for its own sake
	}
	if in, ok := l.loadCORE(v, def); ok {
		l.emit(in)
		return
	}
	m := l.mem(v.Args[0], v.Imm, 0)
	op := isa.ClassLDX | isa.ModeMEM | isa.SizeOf(width)
	extend := v.Signed && width*8 < v.Type.Bits()
	if extend && v.Type == ir.I64 && l.feat.LoadSX {
		op = isa.ClassLDX | isa.ModeMEMSX | isa.SizeOf(width)
		extend = false
	}
	loaded := def
	if extend {
		loaded = l.temp()
	}
	in := access(isa.Instruction{Op: op}, m, true, loaded)
	in.dst = roleDef
	l.emit(in)
	if extend {
		l.signExtend(v.Type, def, loaded, v.Width)
	}
}

// loadCORE makes a load at a field's offset that has no other use: the
// relocation then is on the load, which is how compilers write it. Loaders
// insist on the load being as wide as the field.
func (l *lowerer) loadCORE(v *ir.Value, def vreg) (inst, bool) {
	a := v.Args[0]
	if v.Imm != 0 || v.Signed || a.Op != ir.OpAdd || a.Args[1].Op != ir.OpCORE || l.uses.count[a.ID] != 1 {
		return inst{}, false
	}
	c := a.Args[1]
	if c.CORE.Kind != ir.COREFieldOffset || l.uses.count[c.ID] != 1 || !fits16(c.Imm) || fieldSize(c.CORE) != int(v.Width) {
		return inst{}, false
	}
	in := newInst(isa.Load(int(v.Width), 0, 0, int16(c.Imm)), def, l.reg(a.Args[0]))
	in.dst, in.src, in.core = roleDef, 0, c.CORE
	return in, true
}

func (l *lowerer) store(v *ir.Value) {
	width, x := int(v.Width), v.Args[1]
	m := l.mem(v.Args[0], v.Imm, 0)
	c, ok := constant(x)
	if ok && width < 8 {
		c = c << (64 - 8*width) >> (64 - 8*width)
	}
	if ok && fits32(c) && l.storesImm(v.Args[0]) {
		l.emit(access(isa.Instruction{Op: isa.ClassST | isa.ModeMEM | isa.SizeOf(width), Imm: c}, m, false, noReg))
		return
	}
	l.storeReg(m, width, l.reg(lowPart(x, v.Width)))
}

// lowPart returns a value with the same low width bytes as x, without the
// extensions and masks that only change the others.
func lowPart(x *ir.Value, width uint8) *ir.Value {
	for len(x.Args) > 0 && x.Args[0].Type != ir.Ptr {
		switch x.Op {
		case ir.OpTrunc:
			if width > 4 {
				return x
			}
		case ir.OpZExt, ir.OpSExt:
			if x.Width < width {
				return x
			}
		case ir.OpAnd:
			low := uint64(1)<<(8*width-1)<<1 - 1
			if c, ok := constant(x.Args[1]); !ok || uint64(c)&low != low {
				return x
			}
		default:
			return x
		}
		x = x.Args[0]
	}
	return x
}

func (l *lowerer) storeReg(m mem, width int, x vreg) {
	in := access(isa.Instruction{Op: isa.ClassSTX | isa.ModeMEM | isa.SizeOf(width)}, m, false, noReg, x)
	in.src = role(in.ra.NumUses - 1)
	l.emit(in)
}

// storesImm reports whether an immediate may be stored at an address. Before
// 6.4 the verifier refused that for the context, which comes as a parameter.
func (l *lowerer) storesImm(addr *ir.Value) bool {
	return l.feat.StoreImmCtx || l.place(addr, 0).base.Op != ir.OpParam
}

// inlineLimit is how many bytes are cleared or copied by a row of stores.
const inlineLimit = 1 << 15

// chunk returns how many bytes to move at once at an offset: up to 8, as many
// as the alignment of stack areas allows.
func chunk(m mem, left int64) int {
	n := int64(8)
	if m.area >= 0 {
		n = min(n, int64(1)<<min(3, bits.TrailingZeros16(uint16(m.off)|8)))
	}
	for n > left {
		n /= 2
	}
	return int(n)
}

func (l *lowerer) zero(v *ir.Value) {
	if v.Imm > inlineLimit {
		l.errs.Errorf(CodeSize, v.Span, "%d bytes are too many to be cleared, the limit is %d", v.Imm, inlineLimit)
		return
	}
	m := l.mem(v.Args[0], 0, v.Imm)
	size := v.Imm
	if m.area >= 0 && m.off&7 == 0 && int64(m.off)+size == l.fn.areas[m.area].size {
		size = (size + 7) &^ 7 // areas end at a multiple of 8
	}
	imm := l.storesImm(v.Args[0])
	none := noReg
	if !imm {
		none = l.number(0)
	}
	for size > 0 {
		n := chunk(m, size)
		if imm {
			l.emit(access(isa.Instruction{Op: isa.ClassST | isa.ModeMEM | isa.SizeOf(n)}, m, false, noReg))
		} else {
			l.storeReg(m, n, none)
		}
		m.off += int16(n)
		size -= int64(n)
	}
}

func (l *lowerer) copy(v *ir.Value) {
	if v.Imm > inlineLimit {
		l.errs.Errorf(CodeSize, v.Span, "%d bytes are too many to be copied, the limit is %d", v.Imm, inlineLimit)
		return
	}
	dst, src := l.mem(v.Args[0], 0, v.Imm), l.mem(v.Args[1], 0, v.Imm)
	for left := v.Imm; left > 0; {
		n := min(chunk(dst, left), chunk(src, left))
		t := l.temp()
		in := access(isa.Instruction{Op: isa.ClassLDX | isa.ModeMEM | isa.SizeOf(n)}, src, true, t)
		in.dst = roleDef
		l.emit(in)
		l.storeReg(dst, n, t)
		dst.off += int16(n)
		src.off += int16(n)
		left -= int64(n)
	}
}

var atomicOps = [...]int64{
	ir.AtomicAdd: isa.AtomicAdd, ir.AtomicOr: isa.AtomicOr, ir.AtomicAnd: isa.AtomicAnd, ir.AtomicXor: isa.AtomicXor,
	ir.AtomicFetchAdd: isa.AtomicAdd | isa.AtomicFetch, ir.AtomicFetchOr: isa.AtomicOr | isa.AtomicFetch,
	ir.AtomicFetchAnd: isa.AtomicAnd | isa.AtomicFetch, ir.AtomicFetchXor: isa.AtomicXor | isa.AtomicFetch,
	ir.AtomicXchg: isa.AtomicXchg, ir.AtomicCmpXchg: isa.AtomicCmpXchg,
}

func (l *lowerer) atomic(v *ir.Value) {
	l.need(l.feat.Atomics || v.Atomic == ir.AtomicAdd, "atomic operations other than add (Linux 5.12)")
	m := l.mem(v.Args[0], v.Imm, 0)
	op := isa.Instruction{Op: isa.ClassSTX | isa.ModeAtomic | isa.SizeOf(int(v.Width)), Imm: atomicOps[v.Atomic]}
	def := noReg
	if v.Atomic.Fetches() {
		if def = l.regs[v.ID]; def == noReg {
			def = l.temp()
		}
	}
	if v.Atomic == ir.AtomicCmpXchg {
		in := access(op, m, false, def, l.reg(v.Args[1]), l.reg(v.Args[2]))
		last := in.ra.NumUses - 1
		in.src, in.ra.UseRegs[last-1], in.ra.DefReg = role(last), 0, 0
		l.emit(in)
		return
	}
	in := access(op, m, false, def, l.reg(v.Args[1]))
	in.src = role(in.ra.NumUses - 1)
	if def != noReg {
		in.ra.Tied = int8(in.src)
	}
	l.emit(in)
}
