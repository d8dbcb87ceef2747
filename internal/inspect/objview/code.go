package objview

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/object"
)

// Insn is an instruction of a disassembly.
type Insn struct {
	Slot  int    `json:"slot"`
	Label string `json:"label,omitempty"` // where a jump leads to
	Line  *Line  `json:"line,omitempty"`  // where a source line begins
	Bytes string `json:"bytes"`           // hexadecimal
	Text  string `json:"text"`
	Note  string `json:"note,omitempty"`
}

// Line is a source line.
type Line struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// code disassembles a function. notes are remarks by the index of an
// instruction.
func code(f *object.Function, order binary.ByteOrder, slots []int, notes map[int]string) ([]Insn, error) {
	var text bytes.Buffer
	if err := isa.Fprint(&text, f.Insns, isa.Style{Bare: true, Labels: true}); err != nil {
		return nil, err
	}
	byInsn := func(a, b object.Line) int { return a.Insn - b.Insn }
	lines := f.Lines
	if !slices.IsSortedFunc(lines, byInsn) {
		lines = slices.SortedStableFunc(slices.Values(lines), byInsn)
	}
	out := make([]Insn, 0, len(f.Insns))
	label, rest := "", text.String()
	var enc []byte
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if name, ok := strings.CutSuffix(line, ":"); ok && !strings.HasPrefix(line, "\t") {
			label = name
			continue
		}
		i := len(out)
		if i >= len(f.Insns) {
			return nil, fmt.Errorf("function %s: the disassembly has more lines than instructions", f.Name)
		}
		var err error
		if enc, err = isa.Encode(enc[:0], f.Insns[i:i+1], order); err != nil {
			return nil, fmt.Errorf("function %s: %w", f.Name, err)
		}
		in := Insn{Slot: slots[i], Label: label, Bytes: hex.EncodeToString(enc), Text: strings.TrimPrefix(line, "\t"), Note: notes[i]}
		for len(lines) > 0 && lines[0].Insn <= i {
			if l := &lines[0]; l.Insn == i {
				in.Line = &Line{l.File, l.Line, l.Column, strings.TrimSpace(l.Text)}
			}
			lines = lines[1:]
		}
		out = append(out, in)
		label = ""
	}
	return out, nil
}

// accessPath spells the access of a CO-RE relocation: the type and the names
// of the members, or the value of an enumeration.
func accessPath(c object.CORE) string {
	root := spell(c.Type)
	words := strings.Split(c.Access, ":")
	if c.Kind >= object.CORETypeIDLocal && c.Kind <= object.CORETypeSize || c.Kind == object.CORETypeMatches {
		return root
	}
	if e, ok := ctypes.Strip(c.Type).(*ctypes.Enum); ok && (c.Kind == object.COREEnumvalExists || c.Kind == object.COREEnumvalValue) {
		if n, err := strconv.Atoi(words[0]); err == nil && n >= 0 && n < len(e.Values) {
			return root + "::" + e.Values[n].Name
		}
		return root + "::" + c.Access
	}
	path := root
	if words[0] != "0" {
		path += "[" + words[0] + "]"
	}
	t := ctypes.Strip(c.Type)
	for _, w := range words[1:] {
		n, err := strconv.Atoi(w)
		if err != nil || n < 0 {
			return path + "." + w
		}
		switch k := t.(type) {
		case *ctypes.Struct:
			if n >= len(k.Fields) {
				return path + "." + w
			}
			if name := k.Fields[n].Name; name != "" {
				path += "." + name
			}
			t = ctypes.Strip(k.Fields[n].Type)
		case *ctypes.Array:
			path += "[" + w + "]"
			t = ctypes.Strip(k.Elem)
		default:
			return path + "." + w
		}
	}
	return path
}
