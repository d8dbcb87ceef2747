package object

import (
	"cmp"
	"debug/elf"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/skep-dev/skep/internal/isa"
)

// readFuncs finds the functions of each section of code and decodes them.
func (o *Object) readFuncs(r *elfReader) error {
	names := map[string]bool{}
	for _, s := range r.sections {
		if !isCode(s) {
			continue
		}
		if names[s.Name] {
			return broken(s.Name, -1, "a second section of code with this name")
		}
		names[s.Name] = true
		if len(s.Data)%8 != 0 {
			return broken(s.Name, -1, "%d bytes are no whole number of instructions", len(s.Data))
		}
		if err := o.readSection(r, s); err != nil {
			return err
		}
	}
	return nil
}

// funcSymbols returns the symbols of a section's functions by their places.
// Local labels, which old compilers leave in, and second names of a function
// are left out.
func funcSymbols(r *elfReader, s *Section) []*Symbol {
	var syms []*Symbol
	for _, sym := range r.inside[s.Index] {
		if sym.Type == elf.STT_FUNC || sym.Type == elf.STT_NOTYPE && sym.Bind != elf.STB_LOCAL && !strings.HasPrefix(sym.Name, "LBB") {
			syms = append(syms, sym)
		}
	}
	slices.SortStableFunc(syms, func(a, b *Symbol) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(b.Size, a.Size))
	})
	return slices.CompactFunc(syms, func(a, b *Symbol) bool { return a.Value == b.Value })
}

func (o *Object) readSection(r *elfReader, s *Section) error {
	syms := funcSymbols(r, s)
	for i, sym := range syms {
		end := s.Size
		if i+1 < len(syms) {
			end = min(syms[i+1].Value, s.Size)
		}
		if sym.Value%8 != 0 || sym.Value >= end || sym.Size > end-sym.Value {
			return broken(s.Name, int(min(sym.Value, s.Size)), "function %s with %d bytes does not fit before %#x", sym.Name, sym.Size, end)
		}
		if sym.Size != 0 { // hand-written assembly may give no size
			end = sym.Value + sym.Size
		}
		insns, err := isa.Decode(s.Data[sym.Value:end], o.Order)
		if err != nil {
			at := int(sym.Value)
			var ie *isa.Error
			if errors.As(err, &ie) {
				at += ie.Slot * 8
			}
			return broken(s.Name, at, "function %s: %v", sym.Name, err)
		}
		f := &Function{
			Name: sym.Name, Section: s.Name, Offset: int(sym.Value),
			Static: sym.Bind == elf.STB_LOCAL, Weak: sym.Bind == elf.STB_WEAK,
			Insns: insns, section: s.Index,
		}
		o.Funcs = append(o.Funcs, f)
		o.funcAt[place{s.Index, sym.Value}] = f
	}
	return nil
}

// offsets returns the byte offset in its section of each instruction.
func (f *Function) offsets() []int {
	offs := make([]int, len(f.Insns))
	at := f.Offset
	for i := range f.Insns {
		offs[i] = at
		at += f.Insns[i].Slots() * 8
	}
	return offs
}

// insnAt returns the index of the instruction at a byte offset.
func insnAt(offs []int, at int) (int, bool) {
	i := sort.SearchInts(offs, at)
	return i, i < len(offs) && offs[i] == at
}

// readRelocations turns relocations, and calls within a section, into
// references by name. Relocations of code that no function claims are left
// alone: a linker that drops a weak function leaves its code and them behind.
func (o *Object) readRelocations(r *elfReader) error {
	byIndex := map[int]map[uint64]rel{}
	for _, s := range r.sections {
		if !isCode(s) {
			continue
		}
		rels, err := r.relocations(s)
		if err != nil {
			return err
		}
		for at, rl := range rels {
			if at%8 != 0 || at >= s.Size {
				return broken(s.Name, int(min(at, s.Size)), "relocation of %q at %#x, where no instruction begins", rl.sym.Name, at)
			}
		}
		byIndex[s.Index] = rels
	}
	for _, f := range o.Funcs {
		if err := o.resolveFunc(f, byIndex[f.section]); err != nil {
			return err
		}
	}
	return nil
}

// resolveFunc resolves the references of one function.
func (o *Object) resolveFunc(f *Function, rels map[uint64]rel) error {
	off := uint64(f.Offset)
	for i := range f.Insns {
		in := &f.Insns[i]
		rl, ok := rels[off]
		var err error
		if ok {
			err = o.relocate(in, rl)
		} else if in.Op == isa.OpCall && in.Src == isa.CallFunc || in.Op == isa.OpLoadImm64 && in.Src == isa.WideFunc {
			err = o.localFunc(in, f.section, off)
		}
		if err == nil && in.Slots() == 2 {
			if rl, ok := rels[off+8]; ok {
				err = refError("a relocation of %q at the second slot of an lddw", rl.sym.Name)
			}
		}
		if err != nil {
			return broken(f.Section, int(off), "function %s: %v", f.Name, err)
		}
		off += uint64(in.Slots() * 8)
	}
	return nil
}

// localFunc resolves a call or an address of a function relative to the
// instruction.
func (o *Object) localFunc(in *isa.Instruction, section int, off uint64) error {
	to := int64(off) + 8 + int64(int32(in.Imm))*8
	f := o.funcAt[place{section, uint64(to)}]
	if f == nil {
		return refError("it leads to byte %#x, where no function begins", to)
	}
	in.Ref, in.Src, in.Imm = isa.Ref{Kind: isa.RefFunc, Name: f.Name}, 0, 0
	return nil
}

// relocate makes a reference of a relocation.
func (o *Object) relocate(in *isa.Instruction, rl rel) error {
	call, wide := in.Op == isa.OpCall, in.Op == isa.OpLoadImm64
	if !call && !wide {
		return refError("a relocation of an instruction that has none (opcode %#02x)", uint8(in.Op))
	}
	if call && rl.typ != relCall || wide && rl.typ != relWide {
		return refError("relocation type %d for opcode %#02x", rl.typ, uint8(in.Op))
	}
	sym := rl.sym
	switch {
	case sym.Index == elf.SHN_UNDEF:
		return o.relocateExtern(in, sym)
	case sym.Section == nil:
		return refError("symbol %q is in no section", sym.Name)
	case isCode(sym.Section):
		return o.relocateFunc(in, sym)
	case call:
		return refError("a call of %q, which is no function", sym.Name)
	case sym.Section.Name == mapsSection || isLegacyMaps(sym.Section):
		if sym.Type == elf.STT_SECTION || o.Map(sym.Name) == nil {
			return refError("symbol %q in %s is no map", sym.Name, sym.Section.Name)
		}
		in.Ref, in.Src, in.Imm = isa.Ref{Kind: isa.RefMap, Name: sym.Name}, 0, 0
		return nil
	case isData(sym.Section):
		// A section's symbol has the offset in the instruction, an object's
		// own symbol may have one too.
		at := int64(sym.Value) + int64(int32(in.Imm))
		if at < 0 || uint64(at) > sym.Section.Size {
			return refError("byte %d of %s, which has %d", at, sym.Section.Name, sym.Section.Size)
		}
		in.Ref, in.Src, in.Imm = isa.Ref{Kind: isa.RefData, Name: sym.Section.Name}, 0, at<<32
		return nil
	}
	return refError("a reference to section %s", sym.Section.Name)
}

// relocateFunc resolves a reference to a function, by its own symbol or by
// its section's. In a call the offset counts in slots from the next one.
func (o *Object) relocateFunc(in *isa.Instruction, sym *Symbol) error {
	at := int64(sym.Value) + int64(int32(in.Imm))
	if in.Op == isa.OpCall {
		at = int64(sym.Value) + (int64(int32(in.Imm))+1)*8
	}
	f := o.funcAt[place{sym.Section.Index, uint64(at)}]
	if f == nil {
		return refError("it leads to byte %#x of %s, where no function begins", at, sym.Section.Name)
	}
	in.Ref, in.Src, in.Imm = isa.Ref{Kind: isa.RefFunc, Name: f.Name}, 0, 0
	return nil
}

func (o *Object) relocateExtern(in *isa.Instruction, sym *Symbol) error {
	x := o.kinds[sym.Name]
	if x == nil {
		return refError("a reference to a symbol without a name")
	}
	kind := isa.RefKsym
	if x.Kind == ExternKfunc || in.Op == isa.OpCall {
		kind = isa.RefKfunc
	}
	in.Ref, in.Src, in.Imm = isa.Ref{Kind: kind, Name: sym.Name}, 0, 0
	return nil
}
