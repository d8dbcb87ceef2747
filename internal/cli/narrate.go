package cli

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// narrateObject says what an object holds, before anything of it is loaded:
// sections, relocations, and what of them must be adapted to this kernel.
func narrateObject(w io.Writer, name string, object []byte, spec *ebpf.CollectionSpec) error {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "object %s: %d bytes, %s, %d programs, %d maps\n", name, len(object), f.ByteOrder, len(spec.Programs), len(spec.Maps))
	symbols, err := f.Symbols()
	if err != nil && len(f.Sections) > 0 {
		symbols = nil // an object without symbols has no relocations either
	}
	for _, s := range f.Sections {
		switch {
		case s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0:
			fmt.Fprintf(w, "section %s: code, %d instructions\n", s.Name, s.Size/8)
		case s.Flags&elf.SHF_ALLOC != 0 && s.Size > 0:
			fmt.Fprintf(w, "section %s: data, %d bytes\n", s.Name, s.Size)
		case s.Name == ".BTF" || s.Name == ".BTF.ext" || s.Name == ".maps" || s.Name == "license":
			fmt.Fprintf(w, "section %s: %d bytes\n", s.Name, s.Size)
		case s.Type == elf.SHT_REL && int(s.Info) < len(f.Sections) && f.Sections[s.Info].Flags&elf.SHF_EXECINSTR != 0:
			if err := narrateRelocations(w, f, s, symbols); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		p, core := spec.Programs[name], 0
		for i := range p.Instructions {
			if btf.CORERelocationMetadata(&p.Instructions[i]) != nil {
				core++
			}
		}
		if core > 0 {
			fmt.Fprintf(w, "program %s: %d accesses to be fitted to this kernel's types (CO-RE)\n", name, core)
		}
	}
	return nil
}

// narrateRelocations lists the relocations of one section of code.
func narrateRelocations(w io.Writer, f *elf.File, s *elf.Section, symbols []elf.Symbol) error {
	data, err := s.Data()
	if err != nil {
		return err
	}
	for ; len(data) >= 16; data = data[16:] {
		offset, info := f.ByteOrder.Uint64(data), f.ByteOrder.Uint64(data[8:])
		index := int(elf.R_SYM64(info)) - 1 // Symbols leaves out the first, which is nobody
		if index < 0 || index >= len(symbols) {
			return fmt.Errorf("section %s: a relocation by symbol %d of %d", s.Name, index+1, len(symbols))
		}
		sym := symbols[index]
		fmt.Fprintf(w, "relocation %s+%d: %s\n", f.Sections[s.Info].Name, offset/8, relocationTarget(f, sym))
	}
	return nil
}

func relocationTarget(f *elf.File, sym elf.Symbol) string {
	section := "another object"
	if int(sym.Section) > 0 && int(sym.Section) < len(f.Sections) {
		section = f.Sections[sym.Section].Name
	}
	switch {
	case section == ".maps":
		return "map " + sym.Name
	case elf.ST_TYPE(sym.Info) == elf.STT_FUNC:
		return "function " + sym.Name
	case sym.Name == "" || elf.ST_TYPE(sym.Info) == elf.STT_SECTION:
		return "section " + section
	}
	return sym.Name + " in " + section
}
