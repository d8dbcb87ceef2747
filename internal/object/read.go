package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/plan"
)

// Object is an object that has been read, ours or clang's. The byte slices in
// it are parts of the bytes that were read, and must not be changed.
type Object struct {
	Order    binary.ByteOrder
	Sections []*Section
	Symbols  []Symbol
	License  string
	// Version is the number in the section "version" of old objects.
	Version uint32
	// Funcs are the programs and subprograms, in the order of the sections
	// and of their places there.
	Funcs   []*Function
	Maps    []*MapDef
	Data    []*DataSection
	Externs []*ExternRef
	// BTF is nil when the object has none. It is of the object's byte order.
	BTF *ctypes.BTF
	// PlanData is the content of the section plan.Section, nil without one.
	PlanData []byte

	funcAt map[place]*Function
	kinds  map[string]*ExternRef
}

// Function is a program, or a subprogram of the section .text.
type Function struct {
	Name    string
	Section string
	Offset  int // bytes from the start of the section
	Static  bool
	Weak    bool
	// Insns are the instructions. What relocations stand for is in their
	// Ref: RefMap names a map, RefFunc a function, RefKfunc and RefKsym an
	// extern, RefData a data section, with the offset in the high half of
	// the immediate.
	Insns []isa.Instruction
	Lines []Line
	CORE  []CORE
	// Proto is nil when the object has no BTF for the function; TypeID is
	// then 0.
	Proto  *ctypes.Func
	TypeID uint32

	section int // index
}

// Line is the place in the source that an instruction comes from; it holds
// up to the next one.
type Line struct {
	Insn   int // index in Function.Insns
	File   string
	Text   string // the source line
	Line   int    // 0 when unknown
	Column int
}

// DataSection is a section that becomes a map of its own.
type DataSection struct {
	Name  string
	Size  int
	Align int
	Bytes []byte // nil for a section of zeros
	Vars  []DataVar
}

// DataVar is a variable of a data section. Type is nil without BTF.
type DataVar struct {
	Name   string
	Offset int
	Size   int
	Static bool
	Type   ctypes.Type
}

// ExternKind says where an extern comes from.
type ExternKind uint8

// The kinds of externs. ExternUnknown is a symbol of which the BTF says
// nothing.
const (
	ExternUnknown ExternKind = iota
	ExternKfunc              // a kernel function
	ExternKsym               // a kernel variable
	ExternKconfig            // a value of the kernel's configuration
)

// ExternRef is a name that the object leaves to the kernel.
type ExternRef struct {
	Extern
	Kind ExternKind
}

// place is a function's place.
type place struct {
	section int
	offset  uint64
}

// maxObject bounds the size of an object in bytes.
const maxObject = 256 << 20

// Open reads an object from a file.
func Open(path string) (*Object, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	if st.Size() > maxObject {
		return nil, fmt.Errorf("object: %s has %d bytes, more than %d", path, st.Size(), maxObject)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	o, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// Read reads an object. The error for a broken one is a *FormatError.
func Read(data []byte) (*Object, error) {
	r, err := readELF(data)
	if err != nil {
		return nil, err
	}
	o := &Object{
		Order: r.order, Sections: r.sections, Symbols: r.symbols,
		funcAt: map[place]*Function{}, kinds: map[string]*ExternRef{},
	}
	for _, step := range []func(*elfReader) error{
		o.readSmall, o.readBTF, o.readFuncs, o.readMaps, o.readData, o.readExterns, o.readRelocations, o.readExt,
	} {
		if err := step(r); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Plan decodes the plan of a compiled script. It is nil without an error when
// the object has none.
func (o *Object) Plan() (*plan.Plan, error) {
	if o.PlanData == nil {
		return nil, nil
	}
	p, err := plan.Decode(o.PlanData)
	if err != nil {
		return nil, fmt.Errorf("object: section %s: %w", plan.Section, err)
	}
	return p, nil
}

// Func returns the function with a name, or nil.
func (o *Object) Func(name string) *Function {
	for _, f := range o.Funcs {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Map returns the map with a name, or nil.
func (o *Object) Map(name string) *MapDef {
	for _, m := range o.Maps {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Programs returns the functions that can be loaded: those of all sections
// but .text, and those of .text when there is no other section of code.
func (o *Object) Programs() []*Function {
	var list []*Function
	for _, f := range o.Funcs {
		if f.Section != textSection {
			list = append(list, f)
		}
	}
	if list == nil {
		return o.Funcs
	}
	return list
}

// readSmall reads the sections of one value.
func (o *Object) readSmall(r *elfReader) error {
	if s := r.section(licenseSection); s != nil {
		o.License = cString(s.Data)
	}
	if s := r.section("version"); s != nil {
		if len(s.Data) != 4 {
			return broken(s.Name, -1, "%d bytes are no version number", len(s.Data))
		}
		o.Version = o.Order.Uint32(s.Data)
	}
	if s := r.section(plan.Section); s != nil {
		o.PlanData = s.Data
	}
	return nil
}

func (o *Object) readBTF(r *elfReader) error {
	s := r.section(".BTF")
	if s == nil {
		return nil
	}
	b, err := ctypes.OpenBTF(s.Data, nil)
	if err != nil {
		return broken(s.Name, -1, "%v", err)
	}
	b.ShareStrings()
	o.BTF = b
	return nil
}

// isCode reports whether a section holds instructions.
func isCode(s *Section) bool {
	return s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0
}

// isData reports whether a section becomes a map.
func isData(s *Section) bool {
	if s.Type != elf.SHT_PROGBITS && s.Type != elf.SHT_NOBITS {
		return false
	}
	for _, base := range []string{".data", ".rodata", ".bss"} {
		if s.Name == base || strings.HasPrefix(s.Name, base+".") {
			return true
		}
	}
	return false
}

// readData reads the data sections and their variables.
func (o *Object) readData(r *elfReader) error {
	for _, s := range r.sections {
		if !isData(s) {
			continue
		}
		if s.Size > maxObject {
			return broken(s.Name, -1, "%d bytes of data", s.Size)
		}
		d := &DataSection{Name: s.Name, Size: int(s.Size), Align: int(min(max(s.Align, 1), 1<<16)), Bytes: s.Data}
		if s.Type == elf.SHT_NOBITS {
			d.Bytes = nil
		}
		types, err := o.varTypes(s)
		if err != nil {
			return err
		}
		for _, sym := range r.inside[s.Index] {
			if sym.Type != elf.STT_OBJECT && sym.Type != elf.STT_NOTYPE {
				continue
			}
			if sym.Value > s.Size || sym.Size > s.Size-sym.Value {
				return broken(s.Name, -1, "variable %s at %#x with %d bytes is outside of its %d bytes", sym.Name, sym.Value, sym.Size, s.Size)
			}
			d.Vars = append(d.Vars, DataVar{
				Name: sym.Name, Offset: int(sym.Value), Size: int(sym.Size),
				Static: sym.Bind == elf.STB_LOCAL, Type: types[sym.Name],
			})
		}
		slices.SortStableFunc(d.Vars, func(a, b DataVar) int { return a.Offset - b.Offset })
		o.Data = append(o.Data, d)
	}
	return nil
}

// varTypes returns the types of a section's variables by their names.
func (o *Object) varTypes(s *Section) (map[string]ctypes.Type, error) {
	types := map[string]ctypes.Type{}
	err := o.eachVar(s.Name, func(id uint32) error {
		name, t, _, err := o.BTF.Var(id)
		types[name] = t
		return err
	})
	return types, err
}

// eachVar calls f for what a data section of the BTF lists.
func (o *Object) eachVar(section string, f func(id uint32) error) error {
	if o.BTF == nil {
		return nil
	}
	for _, id := range o.BTF.Find(section, ctypes.BTFDatasec) {
		_, vars, err := o.BTF.Vars(id)
		if err != nil {
			return broken(".BTF", -1, "%v", err)
		}
		for _, v := range vars {
			if err := f(v.ID); err != nil {
				return wrapBTF(section, err)
			}
		}
	}
	return nil
}

// wrapBTF makes a *FormatError of an error about a section's BTF.
func wrapBTF(section string, err error) error {
	var fe *FormatError
	if errors.As(err, &fe) {
		return err
	}
	return broken(".BTF", -1, "section %s: %v", section, err)
}

// readExterns reads the undefined symbols, and what BTF says of them.
func (o *Object) readExterns(r *elfReader) error {
	for i := range r.symbols {
		sym := &r.symbols[i]
		if sym.Index != elf.SHN_UNDEF || sym.Name == "" || o.kinds[sym.Name] != nil {
			continue
		}
		x := &ExternRef{Extern: Extern{Name: sym.Name, Weak: sym.Bind == elf.STB_WEAK}}
		o.Externs = append(o.Externs, x)
		o.kinds[sym.Name] = x
	}
	for _, section := range []struct {
		name string
		kind ExternKind
	}{{".ksyms", ExternKsym}, {".kconfig", ExternKconfig}} {
		if err := o.eachVar(section.name, func(id uint32) error {
			return o.describeExtern(id, section.kind)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (o *Object) describeExtern(id uint32, kind ExternKind) error {
	if k, name := o.BTF.Kind(id); k == ctypes.BTFFunc {
		x := o.kinds[name]
		if x == nil {
			return nil
		}
		t, err := o.BTF.Type(id)
		if err != nil {
			return err
		}
		x.Kind = ExternKfunc
		x.Func, _ = t.(*ctypes.Func)
		return nil
	}
	name, t, _, err := o.BTF.Var(id)
	if err != nil {
		return err
	}
	if x := o.kinds[name]; x != nil {
		x.Kind, x.Type = kind, t
	}
	return nil
}

// Content returns a copy of the section's initial bytes.
func (d *DataSection) Content() []byte {
	if d.Bytes == nil {
		return make([]byte, d.Size)
	}
	return bytes.Clone(d.Bytes)
}
