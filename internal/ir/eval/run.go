package eval

import (
	"fmt"

	"github.com/skep-dev/skep/internal/ir"
)

// frame is an active function.
type frame struct {
	mc     *Machine
	f      *ir.Func
	regs   []uint64 // by Value.ID; the upper half of an I32 is zero
	stack  []*Region
	block  *ir.Block
	value  *ir.Value
	result uint64
}

func (mc *Machine) call(f *ir.Func, args []uint64) (uint64, error) {
	if len(args) != len(f.Params) {
		return 0, fmt.Errorf("@%s has %d parameters, not %d", f.Name, len(f.Params), len(args))
	}
	if mc.depth >= mc.o.Depth {
		return 0, fmt.Errorf("@%s: %w", f.Name, ErrDepth)
	}
	mc.depth++
	fr := &frame{mc: mc, f: f, regs: make([]uint64, f.NumValues()), block: f.Entry()}
	for i, p := range f.Params {
		fr.set(p, args[i])
	}
	err := fr.run()
	for _, r := range fr.stack {
		mc.mem.remove(r)
	}
	mc.depth--
	if err != nil {
		if _, inner := err.(*Fault); inner {
			return 0, err
		}
		return 0, &Fault{f, fr.block, fr.value, err}
	}
	return fr.result, nil
}

func (fr *frame) set(v *ir.Value, x uint64) {
	if v.Type == ir.I32 {
		x = uint64(uint32(x))
	}
	fr.regs[v.ID] = x
}

func (fr *frame) get(v *ir.Value) uint64 { return fr.regs[v.ID] }

func (fr *frame) run() error {
	for {
		for _, v := range fr.block.Instrs {
			if fr.value = v; !fr.step() {
				return ErrSteps
			}
			x, err := fr.eval(v)
			if err != nil {
				return err
			}
			if v.Type != ir.Void {
				fr.set(v, x)
			}
		}
		if fr.value = nil; !fr.step() {
			return ErrSteps
		}
		t := &fr.block.Term
		switch t.Kind {
		case ir.Jump:
			fr.follow(&t.Then)
		case ir.Branch:
			if fr.get(t.Cond) != 0 {
				fr.follow(&t.Then)
			} else {
				fr.follow(&t.Else)
			}
		case ir.Return:
			if t.Cond != nil {
				fr.result = fr.get(t.Cond)
			}
			return nil
		default:
			return fmt.Errorf("the end of the block is reached, which has no way on")
		}
	}
}

func (fr *frame) step() bool {
	fr.mc.steps++
	return fr.mc.steps <= fr.mc.o.Steps
}

// follow takes an edge. All arguments are read before a parameter changes.
func (fr *frame) follow(e *ir.Edge) {
	var few [8]uint64
	args := few[:0]
	for _, a := range e.Args {
		args = append(args, fr.get(a))
	}
	for i, p := range e.Block.Params {
		fr.set(p, args[i])
	}
	fr.block = e.Block
}

func (fr *frame) eval(v *ir.Value) (uint64, error) {
	arg := func(i int) uint64 { return fr.get(v.Args[i]) }
	switch {
	case v.Op.IsBinary() || v.Op.IsCompare():
		x, _ := ir.Arith(v.Op, v.Args[0].Type, arg(0), arg(1))
		return x, nil
	}
	switch v.Op {
	case ir.OpConst:
		return uint64(v.Imm), nil
	case ir.OpNeg:
		x, _ := ir.Arith(v.Op, v.Type, arg(0), 0)
		return x, nil
	case ir.OpSExt, ir.OpZExt:
		return ir.Extend(v.Type, arg(0), v.Width, v.Op == ir.OpSExt), nil
	case ir.OpTrunc:
		return arg(0), nil
	case ir.OpBswap:
		return ir.Swap(arg(0), v.Width), nil
	case ir.OpCORE:
		return fr.core(v)
	case ir.OpHelper, ir.OpKfunc, ir.OpCall:
		return fr.calls(v)
	case ir.OpAddrMap, ir.OpMapVal, ir.OpData, ir.OpFuncPtr, ir.OpKsym:
		return fr.mc.symbol(v)
	}
	return fr.memory(v)
}

func (fr *frame) memory(v *ir.Value) (uint64, error) {
	mem := fr.mc.mem
	if v.Op == ir.OpAlloca {
		r := mem.addStack(fmt.Sprintf("stack %s of @%s", v, fr.f.Name), v.Imm)
		fr.stack = append(fr.stack, r)
		return r.Addr, nil
	}
	if len(v.Args) == 0 {
		return 0, fmt.Errorf("no operation")
	}
	addr := fr.get(v.Args[0])
	switch v.Op {
	case ir.OpLoad:
		x, err := mem.load(addr+uint64(v.Imm), v.Width)
		return ir.Extend(v.Type, x, v.Width, v.Signed), err
	case ir.OpStore:
		return 0, mem.store(addr+uint64(v.Imm), fr.get(v.Args[1]), v.Width)
	case ir.OpZero:
		return 0, mem.zero(addr, v.Imm)
	case ir.OpCopy:
		return 0, mem.copy(addr, fr.get(v.Args[1]), v.Imm)
	case ir.OpAtomic:
		addr += uint64(v.Imm)
		old, err := mem.load(addr, v.Width)
		if err != nil {
			return 0, err
		}
		args := make([]uint64, 0, 2)
		for _, a := range v.Args[1:] {
			args = append(args, fr.get(a))
		}
		return old, mem.store(addr, v.Atomic.Apply(v.Width, old, args...), v.Width)
	}
	return 0, fmt.Errorf("no operation")
}

func (fr *frame) core(v *ir.Value) (uint64, error) {
	if fr.mc.o.CORE == nil {
		return uint64(v.Imm), nil
	}
	x, err := fr.mc.o.CORE(v.CORE, v.Imm)
	return uint64(x), err
}

func (fr *frame) calls(v *ir.Value) (uint64, error) {
	args := make([]uint64, 0, 5)
	for _, a := range v.Args {
		args = append(args, fr.get(a))
	}
	if v.Op == ir.OpCall {
		f := fr.mc.m.Func(v.Sym)
		if f == nil {
			return 0, fmt.Errorf("there is no function @%s", v.Sym)
		}
		return fr.mc.call(f, args)
	}
	c := &Call{Machine: fr.mc, Name: v.Sym, Args: args}
	h := fr.mc.o.Kfuncs[v.Sym]
	if v.Op == ir.OpHelper {
		c.ID, h = v.Imm, fr.mc.o.Helpers[v.Imm]
	}
	if h == nil {
		return 0, fmt.Errorf("%s %s (%d) is not there", v.Op, c.Name, c.ID)
	}
	return h(c)
}

func (mc *Machine) symbol(v *ir.Value) (uint64, error) {
	var r *Region
	switch v.Op {
	case ir.OpAddrMap:
		if x := mc.maps[v.Sym]; x != nil {
			return x.handle.Addr, nil
		}
	case ir.OpMapVal:
		if x := mc.maps[v.Sym]; x != nil {
			r = x.array
		}
	case ir.OpData:
		r = mc.data[v.Sym]
	case ir.OpFuncPtr:
		r = mc.funcs[v.Sym]
	case ir.OpKsym:
		r = mc.ksyms[v.Sym]
	}
	if r == nil {
		return 0, fmt.Errorf("there is no %s @%s", v.Op, v.Sym)
	}
	return r.Addr + uint64(v.Imm), nil
}
