package isa

import (
	"errors"
	"fmt"
	"math"

	"github.com/skep-dev/skep/internal/facts"
)

var errReserved = errors.New("a field that the instruction doesn't use is not 0")

// Check reports whether the instruction is one that RFC 9669 or Linux
// defines: a known opcode, registers that exist, unused fields 0 and a known
// variant in Off and Imm. It doesn't say whether a program may contain it.
func (i Instruction) Check() error {
	if i.Dst > R10 {
		return fmt.Errorf("there is no register r%d", i.Dst)
	}
	if form := i.Op.Form(); i.Src > R10 && form != facts.FormWide {
		return fmt.Errorf("there is no register r%d", i.Src)
	}
	if i.Op != OpLoadImm64 && (i.Imm < math.MinInt32 || i.Imm > math.MaxInt32) {
		return fmt.Errorf("immediate %d doesn't fit 32 bits", i.Imm)
	}
	uses, err := i.uses()
	if err != nil {
		return err
	}
	if !uses.dst && i.Dst != 0 || !uses.src && i.Src != 0 || !uses.off && i.Off != 0 || !uses.imm && i.Imm != 0 {
		return errReserved
	}
	return nil
}

type fields struct{ dst, src, off, imm bool }

// uses returns the fields that the instruction uses, or an error when one of
// them has an unknown value.
func (i Instruction) uses() (fields, error) {
	switch i.Op.Form() {
	case facts.FormALUImm, facts.FormALUReg:
		return i.aluFields()
	case facts.FormNeg, facts.FormCallReg:
		return fields{dst: true}, nil
	case facts.FormSwap:
		if i.Imm != 16 && i.Imm != 32 && i.Imm != 64 {
			return fields{}, fmt.Errorf("no byte swap of %d bits", i.Imm)
		}
		return fields{dst: true, imm: true}, nil
	case facts.FormWide:
		if i.Src > WideMapIdxValue {
			return fields{}, fmt.Errorf("lddw with unknown meaning %d of its immediate", i.Src)
		}
		return fields{dst: true, src: true, imm: true}, nil
	case facts.FormAbs:
		return fields{imm: true}, nil
	case facts.FormInd:
		return fields{src: true, imm: true}, nil
	case facts.FormLoad, facts.FormStoreReg:
		return fields{dst: true, src: true, off: true}, nil
	case facts.FormStoreImm:
		return fields{dst: true, off: true, imm: true}, nil
	case facts.FormAtomic:
		return i.atomicFields()
	case facts.FormJumpImm:
		return fields{dst: true, off: true, imm: true}, nil
	case facts.FormJumpReg:
		return fields{dst: true, src: true, off: true}, nil
	case facts.FormGoto, facts.FormMayGoto:
		return fields{off: true}, nil
	case facts.FormGotoLong:
		return fields{imm: true}, nil
	case facts.FormCall:
		if i.Src > CallKfunc {
			return fields{}, fmt.Errorf("call with unknown meaning %d of its immediate", i.Src)
		}
		return fields{src: true, imm: true, off: i.Src == CallKfunc}, nil
	case facts.FormExit:
		return fields{}, nil
	}
	return fields{}, fmt.Errorf("unknown opcode %#02x", uint8(i.Op))
}

func (i Instruction) aluFields() (fields, error) {
	use := fields{dst: true, src: i.Op.FromReg(), imm: !i.Op.FromReg()}
	switch i.Op.Operation() {
	case Div, Mod:
		if i.Off != 0 && i.Off != 1 {
			return use, fmt.Errorf("no variant %d of division", i.Off)
		}
		use.off = true
	case Mov:
		if !use.src || i.Off == 0 {
			break
		}
		wide := i.Op.Class() == ClassALU64
		if wide && i.Off == AddrSpaceCast {
			use.imm = true
		} else if i.Off != 8 && i.Off != 16 && (i.Off != 32 || !wide) {
			return use, fmt.Errorf("no variant %d of a move", i.Off)
		}
		use.off = true
	}
	return use, nil
}

func (i Instruction) atomicFields() (fields, error) {
	use := fields{dst: true, src: true, off: true, imm: true}
	switch i.Imm {
	case LoadAcquire, StoreRelease:
		return use, nil
	case AtomicAdd, AtomicOr, AtomicAnd, AtomicXor, AtomicXchg, AtomicCmpXchg,
		AtomicAdd | AtomicFetch, AtomicOr | AtomicFetch, AtomicAnd | AtomicFetch, AtomicXor | AtomicFetch:
		if i.Op.Width() >= 4 {
			return use, nil
		}
	}
	return use, fmt.Errorf("no atomic operation %#x of %d bytes", i.Imm, i.Op.Width())
}

// Version returns the version of the instruction set (1 to 4, as compilers
// count them in -mcpu) that first had the instruction.
func (i Instruction) Version() int {
	v := int(facts.Opcodes(uint8(i.Op)).Version)
	switch form := i.Op.Form(); {
	case (form == facts.FormALUImm || form == facts.FormALUReg) && i.Off != 0:
		return 4
	case form == facts.FormAtomic && (i.Imm == LoadAcquire || i.Imm == StoreRelease):
		return 4
	case form == facts.FormAtomic && i.Imm != AtomicAdd:
		return 3
	}
	return v
}
