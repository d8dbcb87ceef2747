package ops

import (
	"fmt"
	"math"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
)

// Binder says what the numbers of a program's calls mean where it is to run.
type Binder interface {
	// Helper checks that programs may call a helper and returns its index
	// in the CPU's table.
	Helper(number uint32) (int, error)
	// Kfunc does the same for a kernel function, named by the reference of
	// the instruction.
	Kfunc(in isa.Instruction) (int, error)
}

// Decode makes a program of instructions whose references to maps and data
// are resolved to plain numbers. It checks all that the engine relies on:
// encodings, jump targets, registers; not what the program computes.
func Decode(name string, insns []isa.Instruction, b Binder) (*Program, error) {
	d := decoder{binder: b, insns: insns, at: make([]bool, isa.Slots(insns)+1)}
	d.prog = &Program{Name: name, Entries: map[int]string{0: name}}
	slot := 0
	for i := range insns {
		d.at[slot] = true
		slot += insns[i].Slots()
	}
	if slot == 0 {
		return nil, &Error{Reason: "the program is empty"}
	}
	d.prog.Plain = make([]Op, 0, slot+1)
	for i := range insns {
		op, err := d.decode(&insns[i])
		if err != nil {
			return nil, &Error{len(d.prog.Plain), insns[i], err.Error()}
		}
		d.prog.Stack = d.prog.Stack || insns[i].Dst == isa.R10 || insns[i].Src == isa.R10
		d.prog.Plain = append(d.prog.Plain, op)
		if insns[i].Slots() == 2 {
			d.prog.Plain = append(d.prog.Plain, Op{Code: Second})
		}
	}
	d.prog.Plain = append(d.prog.Plain, Op{Code: Past})
	d.prog.Code = joined(d.prog.Plain)
	return d.prog, nil
}

type decoder struct {
	binder Binder
	insns  []isa.Instruction
	at     []bool // slots where an instruction begins
	prog   *Program
}

func (d *decoder) decode(in *isa.Instruction) (Op, error) {
	if err := in.Check(); err != nil {
		return Op{}, err
	}
	if err := writesFrame(in); err != nil {
		return Op{}, err
	}
	op := Op{Dst: uint8(in.Dst), Src: uint8(in.Src), Off: int32(in.Off), Imm: uint64(in.Imm)}
	var err error
	switch in.Op.Form() {
	case facts.FormALUImm, facts.FormALUReg, facts.FormNeg:
		op.Code, err = aluCode(in)
	case facts.FormSwap:
		op.Code, op.Imm = swapCode(in)
	case facts.FormWide:
		err = d.wide(in, &op)
	case facts.FormAbs, facts.FormInd:
		op.Code, op.Off = Packet, int32(in.Op)
	case facts.FormLoad, facts.FormStoreReg, facts.FormStoreImm:
		op.Code = memoryCode(in)
	case facts.FormAtomic:
		op.Code, op.Src = Atomic, uint8(in.Src)
		op.Imm |= uint64(in.Op.Width()) << 32
	case facts.FormJumpImm, facts.FormJumpReg, facts.FormGoto, facts.FormGotoLong, facts.FormMayGoto:
		err = d.jump(in, &op)
	case facts.FormCall:
		err = d.call(in, &op)
	case facts.FormCallReg:
		op.Code = CallReg
	case facts.FormExit:
		op.Code = Exit
	default:
		err = fmt.Errorf("unknown opcode %#02x", uint8(in.Op))
	}
	return op, err
}

// writesFrame refuses instructions that change r10: the engine relies on it
// for access to the stack.
func writesFrame(in *isa.Instruction) error {
	dst := isa.Reg(0)
	switch in.Op.Form() {
	case facts.FormALUImm, facts.FormALUReg, facts.FormNeg, facts.FormSwap, facts.FormWide, facts.FormLoad:
		dst = in.Dst
	case facts.FormAtomic:
		switch {
		case in.Imm == isa.LoadAcquire:
			dst = in.Dst
		case in.Imm&isa.AtomicFetch != 0 && in.Imm != isa.AtomicCmpXchg:
			dst = in.Src
		}
	}
	if dst == isa.R10 {
		return fmt.Errorf("r10 is read-only")
	}
	return nil
}

func aluCode(in *isa.Instruction) (Code, error) {
	wide := in.Op.Class() == isa.ClassALU64
	block := AddI32
	switch {
	case wide && in.Op.FromReg():
		block = AddR64
	case wide:
		block = AddI64
	case in.Op.FromReg():
		block = AddR32
	}
	operation := in.Op.Operation()
	switch {
	case operation == isa.Neg && wide:
		return NegI64, nil
	case operation == isa.Neg:
		return NegI32, nil
	case operation == isa.Div && in.Off == 1:
		return block + SDivI64 - AddI64, nil
	case operation == isa.Mod && in.Off == 1:
		return block + SModI64 - AddI64, nil
	case operation == isa.Mov && in.Off != 0:
		return moveCode(in, wide)
	}
	return block + Code(operation>>4), nil
}

func moveCode(in *isa.Instruction, wide bool) (Code, error) {
	switch {
	case in.Off == 8 && wide:
		return MovS8R64, nil
	case in.Off == 16 && wide:
		return MovS16R64, nil
	case in.Off == 32 && wide:
		return MovS32R64, nil
	case in.Off == 8:
		return MovS8R32, nil
	case in.Off == 16:
		return MovS16R32, nil
	case in.Off == isa.AddrSpaceCast && in.Imm == 1<<16:
		return CastKernel, nil
	case in.Off == isa.AddrSpaceCast && in.Imm == 1:
		return CastUser, nil
	}
	return 0, fmt.Errorf("no variant %d of a move", in.Off)
}

// swapCode is for machines that store the low byte first, the only ones that
// the engine runs on: conversion to that order only cuts the number off.
func swapCode(in *isa.Instruction) (Code, uint64) {
	swap := in.Op != isa.OpToLE
	switch in.Imm {
	case 16:
		if swap {
			return Swap16, 0
		}
		return Zext16, 0
	case 32:
		if swap {
			return Swap32, 0
		}
		return AndI32, math.MaxUint32
	}
	if swap {
		return Swap64, 0
	}
	return Nop, 0
}

func (d *decoder) wide(in *isa.Instruction, op *Op) error {
	op.Code = Lddw
	switch {
	case in.Ref.Kind != isa.RefNone:
		return fmt.Errorf("reference to %s is not resolved", in.Ref.Name)
	case in.Src == isa.WideImm:
		return nil
	case in.Src == isa.WideFunc:
		target := len(d.prog.Plain) + 1 + int(int32(in.Imm))
		if err := d.function(target); err != nil {
			return err
		}
		op.Src, op.Imm = 0, FuncBase+uint64(target)
		return nil
	}
	return fmt.Errorf("map or variable by number: nothing is loaded here that it could mean")
}

func (d *decoder) function(target int) error {
	if target < 0 || target >= len(d.at) || !d.at[target] {
		return fmt.Errorf("there is no instruction %d to call", target)
	}
	if _, ok := d.prog.Entries[target]; !ok {
		d.prog.Entries[target] = ""
	}
	return nil
}

func memoryCode(in *isa.Instruction) Code {
	base, frame := LdW, in.Dst == isa.R10
	switch {
	case in.Op.Class() == isa.ClassLDX:
		frame = in.Src == isa.R10
		if in.Op.Mode() == isa.ModeMEMSX {
			base = LdsW
		}
	case in.Op.Class() == isa.ClassSTX:
		base = StW
	default:
		base = StIW
	}
	code := base + Code(in.Op>>3&3)
	// r10 never changes, so an access inside the frame needs no check.
	if frame && in.Off >= -StackSize && int(in.Off)+in.Op.Width() <= 0 {
		code += LdWStack - LdW
	}
	return code
}

func (d *decoder) jump(in *isa.Instruction, op *Op) error {
	off, _ := in.Target()
	target := len(d.prog.Plain) + 1 + off
	if target < 0 || target >= len(d.at)-1 || !d.at[target] {
		return fmt.Errorf("jump to %d, where no instruction begins", target)
	}
	op.Off = int32(off)
	switch in.Op {
	case isa.OpGoto, isa.OpGotoLong:
		op.Code = JaI64
		return nil
	case isa.OpMayGoto:
		op.Code = MayGoto
		return nil
	}
	block := JaI64
	switch {
	case in.Op.Class() == isa.ClassJMP && in.Op.FromReg():
		block = JaR64
	case in.Op.Class() == isa.ClassJMP32 && in.Op.FromReg():
		block = JaR32
	case in.Op.Class() == isa.ClassJMP32:
		block = JaI32
	}
	op.Code = block + Code(in.Op.Operation()>>4)
	return nil
}

func (d *decoder) call(in *isa.Instruction, op *Op) error {
	switch in.Src {
	case isa.CallFunc:
		target := len(d.prog.Plain) + 1 + int(in.Imm)
		op.Code, op.Off = CallFunc, int32(in.Imm)
		return d.function(target)
	case isa.CallKfunc:
		i, err := d.binder.Kfunc(*in)
		op.Code, op.Imm = Helper, uint64(i)
		return err
	}
	if in.Imm == facts.FnTailCall {
		op.Code = TailCall
	} else {
		op.Code = Helper
	}
	i, err := d.binder.Helper(uint32(in.Imm))
	op.Imm = uint64(i)
	return err
}
