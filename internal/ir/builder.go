package ir

import "github.com/skep-dev/skep/internal/source"

// Builder appends instructions to a block. At is the place in the source that
// each new instruction gets.
type Builder struct {
	Func  *Func
	Block *Block
	At    source.Span
}

// NewBuilder starts at the end of the function's entry block.
func NewBuilder(f *Func) *Builder { return &Builder{Func: f, Block: f.Entry()} }

func (b *Builder) emit(op Op, t Type, args ...*Value) *Value {
	v := b.Func.NewValue(op, t, args...)
	v.Span = b.At
	return b.Block.Append(v)
}

// NewBlock makes a block with parameters of the given types; building goes on
// where it was.
func (b *Builder) NewBlock(params ...Type) *Block {
	n := b.Func.NewBlock()
	for _, t := range params {
		n.AddParam(t)
	}
	return n
}

// SetBlock goes on at the end of another block.
func (b *Builder) SetBlock(n *Block) { b.Block = n }

// Terminated reports whether the current block has its terminator.
func (b *Builder) Terminated() bool { return b.Block.Term.Kind != NoTerm }

// Const is an I64 constant.
func (b *Builder) Const(x int64) *Value { return b.ConstOf(I64, x) }

// ConstOf is a constant of the given type. Of x for an I32 the low 32 bits
// count.
func (b *Builder) ConstOf(t Type, x int64) *Value {
	v := b.emit(OpConst, t)
	if t == I32 {
		x = int64(int32(x))
	}
	v.Imm = x
	return v
}

// Bin is binary arithmetic; the result has the type of x, except that the
// difference of two pointers is I64.
func (b *Builder) Bin(op Op, x, y *Value) *Value {
	t := x.Type
	if op == OpSub && y.Type == Ptr {
		t = I64
	}
	return b.emit(op, t, x, y)
}

// Neg is -x.
func (b *Builder) Neg(x *Value) *Value { return b.emit(OpNeg, x.Type, x) }

// Cmp compares two values of one type; the result is 0 or 1 as I64.
func (b *Builder) Cmp(op Op, x, y *Value) *Value { return b.emit(op, I64, x, y) }

// Ext extends the low width bytes of x to the type t, with the sign or zeros.
func (b *Builder) Ext(x *Value, t Type, width uint8, signed bool) *Value {
	op := OpZExt
	if signed {
		op = OpSExt
	}
	v := b.emit(op, t, x)
	v.Width = width
	return v
}

// Trunc takes the low 32 bits of an I64.
func (b *Builder) Trunc(x *Value) *Value { return b.emit(OpTrunc, I32, x) }

// Bswap reverses the low width bytes.
func (b *Builder) Bswap(x *Value, width uint8) *Value {
	v := b.emit(OpBswap, x.Type, x)
	v.Width = width
	return v
}

// Alloca reserves size bytes of stack in the entry block.
func (b *Builder) Alloca(size int64, align uint8) *Value {
	v := b.Func.NewValue(OpAlloca, Ptr)
	v.Imm, v.Width, v.Span, v.Block = size, align, b.At, b.Func.Entry()
	e := b.Func.Entry()
	e.Instrs = append([]*Value{v}, e.Instrs...)
	return v
}

// Load reads width bytes at p+off and extends them to the type t.
func (b *Builder) Load(t Type, p *Value, off int64, width uint8, signed bool) *Value {
	v := b.emit(OpLoad, t, p)
	v.Imm, v.Width, v.Signed = off, width, signed
	return v
}

// Store writes the low width bytes of x at p+off.
func (b *Builder) Store(p *Value, off int64, x *Value, width uint8) {
	v := b.emit(OpStore, Void, p, x)
	v.Imm, v.Width = off, width
}

// Zero sets size bytes at p to zero.
func (b *Builder) Zero(p *Value, size int64) {
	b.emit(OpZero, Void, p).Imm = size
}

// Copy copies size bytes from src to dst.
func (b *Builder) Copy(dst, src *Value, size int64) {
	b.emit(OpCopy, Void, dst, src).Imm = size
}

// Atomic changes width bytes at p+off; the result is the old value when the
// operation fetches, else it is Void.
func (b *Builder) Atomic(op AtomicOp, p *Value, off int64, width uint8, args ...*Value) *Value {
	t := Void
	if op.Fetches() {
		t = args[0].Type
	}
	v := b.emit(OpAtomic, t, append([]*Value{p}, args...)...)
	v.Atomic, v.Imm, v.Width = op, off, width
	return v
}

// Sym is an operation that names a map, data, function or kernel variable.
func (b *Builder) Sym(op Op, name string, off int64) *Value {
	v := b.emit(op, Ptr)
	v.Sym, v.Imm = name, off
	return v
}

// Helper calls the helper with the given number; t is Void, I64 or Ptr.
func (b *Builder) Helper(t Type, id int64, name string, args ...*Value) *Value {
	v := b.emit(OpHelper, t, args...)
	v.Imm, v.Sym = id, name
	return v
}

// Call calls a function of the module.
func (b *Builder) Call(t Type, name string, args ...*Value) *Value {
	v := b.emit(OpCall, t, args...)
	v.Sym = name
	return v
}

// Kfunc calls a kernel function.
func (b *Builder) Kfunc(t Type, name string, args ...*Value) *Value {
	v := b.emit(OpKfunc, t, args...)
	v.Sym = name
	return v
}

// CORE is a constant that is resolved when the object is loaded.
func (b *Builder) CORE(r *CORE, local int64) *Value {
	v := b.emit(OpCORE, I64)
	v.CORE, v.Imm = r, local
	return v
}

// Jump ends the block with a jump.
func (b *Builder) Jump(to *Block, args ...*Value) {
	b.Block.Term = Term{Kind: Jump, Then: Edge{to, args}, Span: b.At}
}

// Branch ends the block with a branch on cond != 0.
func (b *Builder) Branch(cond *Value, then, els *Block) {
	b.Block.Term = Term{Kind: Branch, Cond: cond, Then: Edge{Block: then}, Else: Edge{Block: els}, Span: b.At}
}

// Return ends the block with a return; x is nil in a void function.
func (b *Builder) Return(x *Value) {
	b.Block.Term = Term{Kind: Return, Cond: x, Span: b.At}
}
