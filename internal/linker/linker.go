package linker

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-dev/skep/internal/isa"
)

// Options says what programs are linked against.
type Options struct {
	// Types are the types of the kernel that CO-RE relocations are for. Nil
	// means the running one's.
	Types *btf.Spec
	// Cache saves reading the running kernel's types again. May be nil.
	Cache *btf.Cache
}

// Program is a linked program.
type Program struct {
	Insns []isa.Instruction
	// Lines are the places in the source by slot, as `file:line`.
	Lines map[int]string
	// Funcs are the functions by slot.
	Funcs map[int]string
}

// Link links a program. References to maps stay in the instructions, by name;
// everything else is resolved.
func Link(spec *ebpf.ProgramSpec, o Options) (*Program, error) {
	insns := append(asm.Instructions(nil), spec.Instructions...)
	if spec.ByteOrder != nil && spec.ByteOrder != binary.ByteOrder(binary.LittleEndian) {
		return nil, fmt.Errorf("program %s: compiled for machines with the high byte first", spec.Name)
	}
	if err := relocate(insns, o); err != nil {
		return nil, fmt.Errorf("program %s: %w", spec.Name, err)
	}
	offsets, err := insns.SymbolOffsets()
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", spec.Name, err)
	}
	p := &Program{Lines: map[int]string{}, Funcs: map[int]string{}}
	// SymbolOffsets counts instructions; jumps count slots.
	slots := make([]int, len(insns)+1)
	for i := range insns {
		slots[i+1] = slots[i] + int(insns[i].Size()/asm.InstructionSize)
	}
	for name, i := range offsets {
		p.Funcs[slots[i]] = name
	}
	line := ""
	for i := range insns {
		in, err := convert(&insns[i], slots[i], func(symbol string) (int, bool) {
			at, ok := offsets[symbol]
			return slots[at], ok
		})
		if err != nil {
			return nil, fmt.Errorf("program %s: instruction %d: %w", spec.Name, slots[i], err)
		}
		if l, ok := insns[i].Source().(*btf.Line); ok && l != nil {
			line = fmt.Sprintf("%s:%d", l.FileName(), l.LineNumber())
		}
		p.Lines[slots[i]] = line
		p.Insns = append(p.Insns, in)
	}
	return p, nil
}

// relocate applies the CO-RE relocations.
func relocate(insns asm.Instructions, o Options) error {
	var relos []*btf.CORERelocation
	var at []int
	for i := range insns {
		if r := btf.CORERelocationMetadata(&insns[i]); r != nil {
			relos, at = append(relos, r), append(at, i)
		}
	}
	if len(relos) == 0 {
		return nil
	}
	types := o.Types
	if types == nil {
		var err error
		if o.Cache != nil {
			types, err = o.Cache.Kernel()
		} else {
			types, err = btf.LoadKernelSpec()
		}
		if err != nil {
			return fmt.Errorf("CO-RE relocations need a kernel's types (name a BTF file): %w", err)
		}
	}
	b, err := btf.NewBuilder(nil, nil)
	if err != nil {
		return err
	}
	fixups, err := btf.CORERelocate(relos, []*btf.Spec{types}, binary.LittleEndian, b.Add)
	if err != nil {
		return err
	}
	for i, f := range fixups {
		if err := f.Apply(&insns[at[i]]); err != nil {
			return fmt.Errorf("relocation %s: %w", relos[i], err)
		}
	}
	return nil
}

// convert makes one of our instructions, which begins in the given slot.
func convert(ins *asm.Instruction, slot int, find func(string) (int, bool)) (isa.Instruction, error) {
	ref := ins.Reference()
	switch {
	case ins.IsBuiltinCall():
		return isa.Instruction{Op: isa.OpCall, Imm: int64(uint32(ins.Constant))}, nil
	case ins.IsKfuncCall():
		return isa.Instruction{Op: isa.OpCall, Src: isa.CallKfunc, Ref: isa.Ref{Kind: isa.RefKfunc, Name: kfuncName(ins)}}, nil
	case ins.IsLoadFromMap():
		return mapReference(ins, ref)
	case ref != "" && (ins.IsFunctionCall() || ins.IsLoadOfFunctionPointer() || ins.OpCode.Class().IsJump()):
		return symbolReference(ins, slot, ref, find)
	case ref != "":
		return isa.Instruction{}, fmt.Errorf("reference to %s: only maps and functions can be resolved from a CollectionSpec", ref)
	}
	return encode(*ins)
}

func kfuncName(ins *asm.Instruction) string {
	if ref := ins.Reference(); ref != "" {
		return ref
	}
	return fmt.Sprintf("kernel function %d", ins.Constant)
}

func mapReference(ins *asm.Instruction, ref string) (isa.Instruction, error) {
	if ref == "" {
		return isa.Instruction{}, fmt.Errorf("load of a map that has no name")
	}
	in := isa.Instruction{Op: isa.OpLoadImm64, Dst: isa.Reg(ins.Dst), Src: isa.WideMapFD, Ref: isa.Ref{Kind: isa.RefMap, Name: ref}}
	if ins.Src == asm.PseudoMapValue {
		in.Src, in.Ref.Kind = isa.WideMapValue, isa.RefMapValue
		in.Imm = int64(uint64(ins.Constant) >> 32 << 32)
	}
	return in, nil
}

func symbolReference(ins *asm.Instruction, slot int, ref string, find func(string) (int, bool)) (isa.Instruction, error) {
	target, ok := find(ref)
	if !ok {
		return isa.Instruction{}, fmt.Errorf("there is no function or label %s", ref)
	}
	distance := target - slot - 1
	c := *ins
	switch {
	case ins.IsFunctionCall(), ins.IsLoadOfFunctionPointer():
		c.Constant = int64(int32(distance))
		if ins.IsLoadOfFunctionPointer() {
			c.Constant = int64(uint32(distance))
		}
	case c.OpCode.Class() == asm.Jump32Class && c.OpCode.JumpOp() == asm.Ja:
		c.Constant = int64(distance)
	case distance != int(int16(distance)):
		return isa.Instruction{}, fmt.Errorf("jump to %s is too far", ref)
	default:
		c.Offset = int16(distance)
	}
	return encode(c)
}

// encode goes through the encoded form, which both libraries know.
func encode(ins asm.Instruction) (isa.Instruction, error) {
	var b bytes.Buffer
	if _, err := ins.Marshal(&b, binary.LittleEndian); err != nil {
		return isa.Instruction{}, err
	}
	if op := ins.OpCode.AtomicOp(); op != asm.InvalidAtomic {
		binary.LittleEndian.PutUint32(b.Bytes()[4:], uint32(op>>8))
	}
	out, err := isa.Decode(b.Bytes(), binary.LittleEndian)
	if err != nil {
		return isa.Instruction{}, err
	}
	return out[0], nil
}
