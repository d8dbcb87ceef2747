// Package objview takes an object file apart for people and scripts: header,
// sections, symbols, relocations, maps, programs, globals and what .BTF.ext
// says, as data that encodes to JSON, and the disassembly of each function
// with labels, source lines and CO-RE notes.
//
// It imports object, isa, ctypes, facts and inspect's BTF records.
package objview

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/object"
)

// View is an object. The keys of its JSON are an interface.
type View struct {
	Header      Header       `json:"header"`
	License     string       `json:"license,omitempty"`
	Version     uint32       `json:"version,omitempty"` // of old objects
	Sections    []Section    `json:"sections"`
	Symbols     []Symbol     `json:"symbols"`
	Relocations []Relocation `json:"relocations"`
	CORE        []CORE       `json:"core_relocations"`
	Maps        []Map        `json:"maps"`
	Programs    []Function   `json:"programs"`
	Subprograms []Function   `json:"subprograms"`
	Globals     []Global     `json:"globals"`
	Externs     []Extern     `json:"externs"`
	BTF         *BTF         `json:"btf,omitempty"`

	Object *object.Object `json:"-"`
	Raw    *btfraw.BTF    `json:"-"` // nil without BTF
}

// Header is what the ELF header says.
type Header struct {
	Class   string `json:"class"`
	Order   string `json:"byte_order"`
	Machine string `json:"machine"`
	Type    string `json:"type"`
	Size    int    `json:"size"`
}

// Section is a section.
type Section struct {
	Index  int      `json:"index"`
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Flags  []string `json:"flags"`
	Offset uint64   `json:"offset"`
	Size   uint64   `json:"size"`
	Align  uint64   `json:"align"`
	Link   uint32   `json:"link"`
	Info   uint32   `json:"info"`
	Entry  uint64   `json:"entry_size"`
}

// Symbol is a symbol.
type Symbol struct {
	Name    string `json:"name"`
	Bind    string `json:"bind"`
	Type    string `json:"type"`
	Section string `json:"section"` // "UND", "ABS" and "COM" for none
	Value   uint64 `json:"value"`
	Size    uint64 `json:"size"`
}

// Relocation is a relocation of the ELF file.
type Relocation struct {
	Section string `json:"section"` // that it changes
	Offset  uint64 `json:"offset"`  // in it
	Type    string `json:"type"`
	Symbol  string `json:"symbol"`
	Addend  int64  `json:"addend,omitempty"`
}

// CORE is a CO-RE relocation.
type CORE struct {
	Function string `json:"function"`
	Insn     int    `json:"insn"` // slot in the function
	Kind     string `json:"kind"`
	Type     string `json:"type"`
	Access   string `json:"access"` // as it is in the object: "0:1:3"
	Path     string `json:"path"`   // spelled out: "next->comm"
}

// Map is a map's definition.
type Map struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Flags      uint32 `json:"flags"`
	Extra      uint64 `json:"map_extra,omitempty"`
	NumaNode   uint32 `json:"numa_node,omitempty"`
	Pinning    uint32 `json:"pinning,omitempty"`
	Key        string `json:"key,omitempty"` // the type, in C
	Value      string `json:"value,omitempty"`
	Inner      *Map   `json:"inner,omitempty"`
	Slots      []Slot `json:"slots,omitempty"`
	Legacy     bool   `json:"legacy,omitempty"`
}

// Slot is an element that a map has from the start.
type Slot struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
}

// Function is a program or subprogram.
type Function struct {
	Name    string   `json:"name"`
	Section string   `json:"section"`
	Offset  int      `json:"offset"`
	Insns   int      `json:"insns"` // 8-byte slots
	Static  bool     `json:"static,omitempty"`
	Weak    bool     `json:"weak,omitempty"`
	Proto   string   `json:"proto,omitempty"`
	Calls   []string `json:"calls"` // functions of the object and of the kernel, and helpers
	Maps    []string `json:"maps"`
	CPU     int      `json:"isa_version"`
	Code    []Insn   `json:"code"`
}

// Global is a variable of a data section.
type Global struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Offset  int    `json:"offset"`
	Size    int    `json:"size"`
	Static  bool   `json:"static,omitempty"`
	Type    string `json:"type,omitempty"`
	Bytes   string `json:"bytes,omitempty"` // hexadecimal; absent in sections of zeros
}

// Extern is what the object leaves to the kernel.
type Extern struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Weak bool   `json:"weak,omitempty"`
	Type string `json:"type,omitempty"`
}

// BTF says how much BTF there is.
type BTF struct {
	Types int            `json:"types"`
	Size  int            `json:"size"`
	Kinds map[string]int `json:"kinds"`
}

// Read takes an object's bytes apart. The error for a broken one names the
// place: it is object's *FormatError.
func Read(data []byte) (*View, error) {
	o, err := object.Read(data)
	if err != nil {
		return nil, err
	}
	v := &View{Object: o, License: o.License, Version: o.Version}
	v.Header = Header{Class: "ELF64", Order: "little", Machine: "BPF", Type: "REL", Size: len(data)}
	if o.Order == binary.BigEndian {
		v.Header.Order = "big"
	}
	if len(data) >= 20 {
		v.Header.Type = strings.TrimPrefix(elf.Type(o.Order.Uint16(data[16:])).String(), "ET_")
		v.Header.Machine = strings.TrimPrefix(elf.Machine(o.Order.Uint16(data[18:])).String(), "EM_")
	}
	v.addSections()
	if err := v.addRelocations(); err != nil {
		return nil, err
	}
	v.addMaps()
	v.addGlobals()
	if err := v.addBTF(); err != nil {
		return nil, err
	}
	return v, v.addFunctions()
}

func (v *View) addSections() {
	v.Sections, v.Symbols = []Section{}, []Symbol{}
	for _, s := range v.Object.Sections {
		v.Sections = append(v.Sections, Section{
			Index: s.Index, Name: s.Name, Type: strings.TrimPrefix(s.Type.String(), "SHT_"), Flags: flagNames(s.Flags),
			Offset: s.Offset, Size: s.Size, Align: s.Align, Link: s.Link, Info: s.Info, Entry: s.Entry,
		})
	}
	for _, s := range v.Object.Symbols {
		v.Symbols = append(v.Symbols, Symbol{
			Name: s.Name, Bind: strings.TrimPrefix(s.Bind.String(), "STB_"), Type: strings.TrimPrefix(s.Type.String(), "STT_"),
			Section: sectionOf(&s), Value: s.Value, Size: s.Size,
		})
	}
}

func sectionOf(s *object.Symbol) string {
	switch {
	case s.Section != nil:
		return s.Section.Name
	case s.Index == elf.SHN_ABS:
		return "ABS"
	case s.Index == elf.SHN_COMMON:
		return "COM"
	}
	return "UND"
}

func flagNames(f elf.SectionFlag) []string {
	names := []string{}
	for _, k := range []struct {
		bit  elf.SectionFlag
		name string
	}{
		{elf.SHF_WRITE, "write"}, {elf.SHF_ALLOC, "alloc"}, {elf.SHF_EXECINSTR, "exec"}, {elf.SHF_MERGE, "merge"},
		{elf.SHF_STRINGS, "strings"}, {elf.SHF_INFO_LINK, "info"}, {elf.SHF_GROUP, "group"}, {elf.SHF_COMPRESSED, "compressed"},
	} {
		if f&k.bit != 0 {
			names = append(names, k.name)
		}
	}
	return names
}

// relocNames are the relocations of the BPF ABI.
var relocNames = map[uint32]string{
	0: "R_BPF_NONE", 1: "R_BPF_64_64", 2: "R_BPF_64_ABS64", 3: "R_BPF_64_ABS32", 4: "R_BPF_64_NODYLD32", 10: "R_BPF_64_32",
}

func (v *View) addRelocations() error {
	v.Relocations = []Relocation{}
	o := v.Object
	first := v.firstSymbol()
	for _, s := range o.Sections {
		size := 16
		switch s.Type {
		case elf.SHT_RELA:
			size = 24
		case elf.SHT_REL:
		default:
			continue
		}
		target := ""
		if int(s.Info) < len(o.Sections) {
			target = o.Sections[s.Info].Name
		}
		v.Relocations = slices.Grow(v.Relocations, len(s.Data)/size)
		for at := 0; at+size <= len(s.Data); at += size {
			info := o.Order.Uint64(s.Data[at+8:])
			r := Relocation{Section: target, Offset: o.Order.Uint64(s.Data[at:]), Type: relocNames[uint32(info)], Symbol: v.symbolName(uint32(info>>32), first)}
			if r.Type == "" {
				r.Type = fmt.Sprintf("unknown (%d)", uint32(info))
			}
			if size == 24 {
				r.Addend = int64(o.Order.Uint64(s.Data[at+16:]))
			}
			v.Relocations = append(v.Relocations, r)
		}
		if rest := len(s.Data) % size; rest != 0 {
			return &object.FormatError{Section: s.Name, Offset: int64(len(s.Data) - rest), Reason: fmt.Sprintf("%d bytes are no whole relocation", rest)}
		}
	}
	return nil
}

// symbolName is the name of a symbol by its index in the file's table, whose
// entries from first on are in the list.
func (v *View) symbolName(index, first uint32) string {
	all := v.Object.Symbols
	if index >= first && int(index-first) < len(all) {
		s := &all[index-first]
		if s.Name == "" && s.Type == elf.STT_SECTION {
			return sectionOf(s)
		}
		return s.Name
	}
	return fmt.Sprintf("symbol %d", index)
}

// firstSymbol is the index in the file of the first symbol in the list.
func (v *View) firstSymbol() uint32 {
	for _, s := range v.Object.Sections {
		if s.Type == elf.SHT_SYMTAB && len(s.Data) >= 24 {
			return uint32(len(s.Data)/24 - len(v.Object.Symbols))
		}
	}
	return 0
}

func (v *View) addMaps() {
	v.Maps = []Map{}
	for _, m := range v.Object.Maps {
		v.Maps = append(v.Maps, *mapView(m))
	}
}

func mapView(m *object.MapDef) *Map {
	out := &Map{
		Name: m.Name, Type: facts.MapType(m.Type).String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Extra: m.Extra, NumaNode: m.NumaNode, Pinning: m.Pinning, Key: spell(m.Key), Value: spell(m.Value), Legacy: m.Legacy,
	}
	if m.Inner != nil {
		out.Inner = mapView(m.Inner)
	}
	for _, s := range m.Values {
		out.Slots = append(out.Slots, Slot{s.Index, s.Name})
	}
	return out
}

func spell(t ctypes.Type) string {
	if t == nil {
		return ""
	}
	return ctypes.Spell(t, "")
}

func (v *View) addGlobals() {
	v.Globals, v.Externs = []Global{}, []Extern{}
	for _, d := range v.Object.Data {
		content := d.Bytes
		for _, x := range d.Vars {
			g := Global{Section: d.Name, Name: x.Name, Offset: x.Offset, Size: x.Size, Static: x.Static}
			if x.Type != nil {
				g.Type = ctypes.Spell(x.Type, x.Name)
			}
			if x.Offset >= 0 && x.Size >= 0 && x.Offset+x.Size <= len(content) {
				g.Bytes = hex.EncodeToString(content[x.Offset : x.Offset+x.Size])
			}
			v.Globals = append(v.Globals, g)
		}
	}
	kinds := map[object.ExternKind]string{object.ExternKfunc: "kfunc", object.ExternKsym: "ksym", object.ExternKconfig: "kconfig"}
	for _, x := range v.Object.Externs {
		e := Extern{Name: x.Name, Kind: kinds[x.Kind], Weak: x.Weak}
		switch {
		case x.Func != nil:
			e.Type = ctypes.Spell(x.Func, x.Name)
		case x.Type != nil:
			e.Type = ctypes.Spell(x.Type, x.Name)
		}
		if e.Kind == "" {
			e.Kind = "unknown"
		}
		v.Externs = append(v.Externs, e)
	}
}

func (v *View) addBTF() error {
	for _, s := range v.Object.Sections {
		if s.Name != ".BTF" {
			continue
		}
		raw, err := btfraw.Parse(s.Data, nil)
		if err != nil {
			return &object.FormatError{Section: s.Name, Offset: -1, Reason: err.Error()}
		}
		v.Raw = raw
		v.BTF = &BTF{Types: int(raw.End() - raw.First()), Size: len(s.Data), Kinds: map[string]int{}}
		for id := raw.First(); id < raw.End(); id++ {
			t, _ := raw.Type(id)
			v.BTF.Kinds[btfraw.KindName(t.Kind)]++
		}
	}
	return nil
}

func (v *View) addFunctions() error {
	v.Programs, v.Subprograms, v.CORE = []Function{}, []Function{}, []CORE{}
	programs := map[*object.Function]bool{}
	for _, f := range v.Object.Programs() {
		programs[f] = true
	}
	for _, f := range v.Object.Funcs {
		fn, core, err := v.function(f)
		if err != nil {
			return err
		}
		v.CORE = append(v.CORE, core...)
		if programs[f] {
			v.Programs = append(v.Programs, fn)
		} else {
			v.Subprograms = append(v.Subprograms, fn)
		}
	}
	return nil
}

func (v *View) function(f *object.Function) (Function, []CORE, error) {
	out := Function{
		Name: f.Name, Section: f.Section, Offset: f.Offset, Insns: isa.Slots(f.Insns), Static: f.Static, Weak: f.Weak,
		Calls: []string{}, Maps: []string{}, CPU: 1,
	}
	if f.Proto != nil {
		out.Proto = ctypes.Spell(f.Proto, f.Name)
	}
	for i := range f.Insns {
		in := &f.Insns[i]
		out.CPU = max(out.CPU, in.Version())
		out.Calls, out.Maps = appendNew(out.Calls, callee(in)), appendNew(out.Maps, mapOf(in))
	}
	slots := slotsOf(f.Insns)
	var core []CORE
	notes := map[int]string{}
	for _, c := range f.CORE {
		k := CORE{Function: f.Name, Kind: c.Kind.String(), Type: spell(c.Type), Access: c.Access, Path: accessPath(c)}
		if c.Insn >= 0 && c.Insn < len(slots) {
			k.Insn = slots[c.Insn]
		}
		core = append(core, k)
		notes[c.Insn] = fmt.Sprintf("CO-RE %s %s", k.Kind, k.Path)
	}
	var err error
	out.Code, err = code(f, v.Object.Order, slots, notes)
	return out, core, err
}

func appendNew(list []string, s string) []string {
	if s == "" {
		return list
	}
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func callee(in *isa.Instruction) string {
	switch {
	case in.Ref.Kind == isa.RefFunc || in.Ref.Kind == isa.RefKfunc:
		return in.Ref.Name
	case in.Op == isa.OpCall && in.Src == isa.CallHelper:
		if h, ok := facts.HelperByNumber(uint32(in.Imm)); ok {
			return "bpf_" + h.Name
		}
		return fmt.Sprintf("helper %d", in.Imm)
	}
	return ""
}

func mapOf(in *isa.Instruction) string {
	if in.Ref.Kind == isa.RefMap || in.Ref.Kind == isa.RefMapValue || in.Ref.Kind == isa.RefData {
		return in.Ref.Name
	}
	return ""
}

// slotsOf returns the number of each instruction's first slot.
func slotsOf(insns []isa.Instruction) []int {
	out := make([]int, len(insns))
	slot := 0
	for i := range insns {
		out[i] = slot
		slot += insns[i].Slots()
	}
	return out
}
