package object

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/plan"
)

// textSection holds the subprograms.
const textSection = ".text"

// builder makes one object.
type builder struct {
	in    Input
	order binary.ByteOrder
	elf   elfWriter
	btf   *ctypes.BTFBuilder

	code     []*codeSection
	data     []*dataSection
	secSyms  map[*outSection]*outSymbol
	syms     map[string]*target // everything that has a name
	ext      extInfo
	mapsVars []mapVar
	mapsSec  *outSection
	externs  []*target
}

// target is what a reference by name leads to.
type target struct {
	kind   isa.RefKind
	sym    *outSymbol
	offset int // within the symbol's section
	extern *Extern
	static bool
	slots  int  // of a function
	used   bool // of an extern
}

// codeSection is a section of functions.
type codeSection struct {
	out   *outSection
	funcs []*Func
	at    []int // byte offset of each
	rels  *relSection
}

// Build writes an object. An error names the function, map or data that is
// at fault.
func Build(in Input) ([]byte, error) {
	b := &builder{in: in, order: in.Order, secSyms: map[*outSection]*outSymbol{}, syms: map[string]*target{}}
	var appendOrder binary.AppendByteOrder = binary.LittleEndian
	if b.order == nil {
		b.order = binary.LittleEndian
	}
	if b.order == binary.ByteOrder(binary.BigEndian) {
		appendOrder = binary.BigEndian
	}
	b.elf.order = b.order
	b.btf = ctypes.NewBTFBuilder(appendOrder)
	out, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	return out, nil
}

func (b *builder) build() ([]byte, error) {
	for _, step := range []func() error{
		b.layoutCode, b.layoutMaps, b.layoutData, b.layoutLicense, b.addExterns, b.encodeCode, b.describe,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b.elf.section(outSection{name: ".BTF", typ: elf.SHT_PROGBITS, data: b.btf.Bytes(), align: 8})
	if len(b.ext.sections) > 0 {
		b.elf.section(outSection{name: ".BTF.ext", typ: elf.SHT_PROGBITS, data: b.ext.bytes(b), align: 8})
	}
	if b.in.Plan != nil {
		b.elf.section(outSection{name: plan.Section, typ: elf.SHT_PROGBITS, data: b.in.Plan})
	}
	return b.elf.bytes()
}

// define enters a name.
func (b *builder) define(name string, t *target) error {
	if !ctypes.IsIdentifier(name) {
		return fmt.Errorf("the name %q is no C identifier", name)
	}
	if b.syms[name] != nil {
		return fmt.Errorf("%s is defined twice", name)
	}
	b.syms[name] = t
	return nil
}

// layoutCode gives each function its place.
func (b *builder) layoutCode() error {
	bySection := map[string]*codeSection{}
	for i := range b.in.Funcs {
		f := &b.in.Funcs[i]
		name := f.Section
		if name == "" {
			name = textSection
		}
		if err := checkSection(name); err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
		cs := bySection[name]
		if cs == nil {
			cs = &codeSection{out: b.elf.section(outSection{
				name: name, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, align: 8,
			})}
			bySection[name] = cs
			b.code = append(b.code, cs)
		}
		at, n := cs.out.size, isa.Slots(f.Insns)
		if n == 0 {
			return fmt.Errorf("function %s has no instructions", f.Name)
		}
		cs.funcs, cs.at = append(cs.funcs, f), append(cs.at, at)
		cs.out.size += n * 8
		bind := elf.STB_GLOBAL
		if f.Static {
			bind = elf.STB_LOCAL
		}
		sym := b.elf.symbol(outSymbol{name: f.Name, bind: bind, typ: elf.STT_FUNC, section: cs.out, value: at, size: n * 8})
		if err := b.define(f.Name, &target{kind: isa.RefFunc, sym: sym, offset: at, static: f.Static, slots: n}); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	return nil
}

// reserved are the names that sections of code can't have.
var reserved = []string{".maps", "maps", "license", "version", ".BTF", ".BTF.ext", ".symtab", ".strtab", plan.Section}

func checkSection(name string) error {
	for _, r := range reserved {
		if name == r {
			return fmt.Errorf("a section of code can't be named %q", name)
		}
	}
	for _, prefix := range []string{".rel", ".data", ".rodata", ".bss"} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("a section of code can't be named %q", name)
		}
	}
	if strings.ContainsRune(name, 0) {
		return fmt.Errorf("the section name %q holds a zero byte", name)
	}
	return nil
}

// sectionSymbol returns the symbol that stands for a section.
func (b *builder) sectionSymbol(s *outSection) *outSymbol {
	sym := b.secSyms[s]
	if sym == nil {
		sym = b.elf.symbol(outSymbol{bind: elf.STB_LOCAL, typ: elf.STT_SECTION, section: s})
		b.secSyms[s] = sym
	}
	return sym
}

// addExterns enters the kernel functions and variables.
func (b *builder) addExterns() error {
	for i := range b.in.Externs {
		x := &b.in.Externs[i]
		bind := elf.STB_GLOBAL
		if x.Weak {
			bind = elf.STB_WEAK
		}
		t := &target{kind: isa.RefKsym, extern: x, sym: &outSymbol{name: x.Name, bind: bind, typ: elf.STT_NOTYPE}}
		if x.Func != nil {
			t.kind = isa.RefKfunc
		}
		if err := b.define(x.Name, t); err != nil {
			return fmt.Errorf("extern: %w", err)
		}
		b.externs = append(b.externs, t)
	}
	return nil
}

// encodeCode encodes the functions and their relocations.
func (b *builder) encodeCode() error {
	for _, cs := range b.code {
		cs.rels = &relSection{target: cs.out}
		for i, f := range cs.funcs {
			if err := b.encodeFunc(cs, f, cs.at[i]); err != nil {
				return fmt.Errorf("function %s: %w", f.Name, err)
			}
		}
		if len(cs.rels.list) > 0 {
			b.elf.rels = append(b.elf.rels, cs.rels)
		}
	}
	// The externs that nothing refers to are left out: a loader would look
	// for them.
	for _, t := range b.externs {
		if t.used {
			b.elf.symbols = append(b.elf.symbols, t.sym)
		}
	}
	return nil
}

func (b *builder) encodeFunc(cs *codeSection, f *Func, at int) error {
	insns := make([]isa.Instruction, len(f.Insns))
	copy(insns, f.Insns)
	off := at
	for i := range insns {
		in := &insns[i]
		if in.Ref.Kind != isa.RefNone {
			if err := b.resolve(cs, in, off); err != nil {
				return fmt.Errorf("instruction %d: %w", (off-at)/8, err)
			}
		}
		off += in.Slots() * 8
	}
	var err error
	cs.out.data, err = isa.Encode(cs.out.data, insns, b.order)
	return err
}

var errRefForm = errors.New("a reference stands in an instruction that can't hold one")

// resolve writes what a reference makes of its instruction, which is at a
// byte offset of the section, and the relocation that goes with it.
func (b *builder) resolve(cs *codeSection, in *isa.Instruction, off int) error {
	t := b.syms[in.Ref.Name]
	if t == nil {
		return fmt.Errorf("%q is not defined", in.Ref.Name)
	}
	call := in.Op == isa.OpCall
	if !call && in.Op != isa.OpLoadImm64 {
		return errRefForm
	}
	if t.kind != in.Ref.Kind {
		return fmt.Errorf("%s is %s, and referred to as %s", in.Ref.Name, kindNames[t.kind], kindNames[in.Ref.Kind])
	}
	wide := func(sym *outSymbol) { cs.rels.list = append(cs.rels.list, outRel{off, sym, relWide}) }
	switch t.kind {
	case isa.RefFunc:
		return b.resolveFunc(cs, in, off, t)
	case isa.RefKfunc:
		t.used = true
		if call {
			in.Src, in.Imm = isa.CallFunc, -1
			cs.rels.list = append(cs.rels.list, outRel{off, t.sym, relCall})
			return nil
		}
	}
	if call {
		return errRefForm
	}
	switch t.kind {
	case isa.RefMap:
		if in.Imm != 0 {
			return errRefForm
		}
		wide(t.sym)
	case isa.RefKsym, isa.RefKfunc:
		if in.Imm != 0 {
			return errRefForm
		}
		t.used = true
		wide(t.sym)
	case isa.RefMapValue, isa.RefData:
		// The offset is in the high half; in an object it stands in the
		// first slot. A symbol in the middle can't be used with an offset
		// by all loaders, the section's can.
		addend := in.Imm >> 32
		in.Imm = 0
		if addend == 0 {
			wide(t.sym)
			return nil
		}
		in.Imm = int64(uint32(int64(t.offset) + addend))
		wide(b.sectionSymbol(t.sym.section))
	}
	in.Src = 0
	return nil
}

var kindNames = map[isa.RefKind]string{
	isa.RefMap: "a map", isa.RefMapValue: "a map's value", isa.RefData: "data", isa.RefFunc: "a function",
	isa.RefKfunc: "a kernel function", isa.RefKsym: "a kernel variable",
}

// resolveFunc makes a call, or the address of a callback. Loaders look for
// subprograms in .text only.
func (b *builder) resolveFunc(cs *codeSection, in *isa.Instruction, off int, t *target) error {
	if t.sym.section.name != textSection {
		return fmt.Errorf("%s is a program and can't be called", in.Ref.Name)
	}
	if in.Op == isa.OpLoadImm64 {
		in.Src, in.Imm = 0, int64(t.offset)
		cs.rels.list = append(cs.rels.list, outRel{off, b.sectionSymbol(t.sym.section), relWide})
		return nil
	}
	in.Src = isa.CallFunc
	switch {
	case !t.static:
		in.Imm = -1
		cs.rels.list = append(cs.rels.list, outRel{off, t.sym, relCall})
	case t.sym.section == cs.out:
		in.Imm = int64(t.offset-off)/8 - 1
	default:
		in.Imm = int64(t.offset)/8 - 1
		cs.rels.list = append(cs.rels.list, outRel{off, b.sectionSymbol(t.sym.section), relCall})
	}
	return nil
}
