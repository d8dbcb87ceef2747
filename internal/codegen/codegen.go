package codegen

import (
	"github.com/skep-dev/skep/internal/codegen/regalloc"
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

// The codes of what can go wrong.
const (
	CodeStack   diag.Code = "stack-limit"  // too much stack
	CodeFeature diag.Code = "kernel-lacks" // the target kernel lacks something
	CodeSize    diag.Code = "code-size"    // a jump or an access is too long
)

// Func is the code of one function.
type Func struct {
	Name    string
	Section string // ELF section; empty for a subprogram
	Static  bool   // local binding
	// Insns have their spans; maps, data, functions and kernel symbols are
	// references by name.
	Insns []isa.Instruction
	CORE  []CORE
	Stack int // bytes of stack
	Proto *ctypes.Func
	Span  source.Span
}

// CORE is a CO-RE relocation of an instruction.
type CORE struct {
	Insn  int // index in Func.Insns
	Reloc *ir.CORE
}

// Generate makes the code of all functions of a module, which must be well
// formed (ir.Check). The error is a *diag.List of what the target kernel
// can't have.
func Generate(m *ir.Module, feat Features) ([]Func, error) {
	var errs diag.List
	funcs := make([]Func, 0, len(m.Funcs))
	for _, f := range m.Funcs {
		if code, ok := generate(f, feat, &errs); ok {
			funcs = append(funcs, code)
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return funcs, nil
}

func generate(f *ir.Func, feat Features, errs *diag.List) (Func, bool) {
	out := Func{Name: f.Name, Section: f.Section, Static: f.Static, Proto: f.Proto, Span: f.Span}
	before := len(errs.Items)
	mf := lower(f, feat, errs)
	if len(errs.Items) > before {
		return out, false
	}
	res := regalloc.Allocate(mf.regallocFunc())
	fr := newFrame(mf, res)
	if fr.size > stackLimit {
		fr.tooLarge(f, errs)
		return out, false
	}
	out.Stack = fr.size
	e := newEmitter(mf, res, fr)
	e.blocks()
	l := newLayout(e.out)
	out.Insns, out.CORE = l.code(feat, f, errs)
	return out, len(errs.Items) == before
}

// machine is the registers of BPF: r0 to r5 are lost at calls, r6 to r9 are
// kept. r10 is never allocated.
func machine() *regalloc.Machine {
	return &regalloc.Machine{Regs: 0x3ff, Saved: 0x3c0, Order: []regalloc.Reg{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
}

// clobbered is what a call destroys.
const clobbered regalloc.RegSet = 0x3f
