package inspect

import (
	"bytes"
	"debug/elf"
	"fmt"
)

func isELF(data []byte) bool { return bytes.HasPrefix(data, []byte(elf.ELFMAG)) }

// elfSection returns the bytes of a section of an ELF file.
func elfSection(data []byte, name string) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("there is no section %s", name)
	}
	return s.Data()
}
