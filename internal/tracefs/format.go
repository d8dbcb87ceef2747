package tracefs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ctypes/cdecl"
)

// maxRecord bounds the size of a record: perf gives an event at most 8 KiB
// (PERF_MAX_TRACE_SIZE), the ring buffer of tracefs a page of at most 64 KiB.
const maxRecord = 64 << 10

// Format is what an event's file "format" says.
type Format struct {
	Name   string
	ID     int // the number for perf_event_open
	Fields []Field
	Print  string // the "print fmt", as written
}

// Field is one field of a record.
type Field struct {
	Decl   string // the C declaration as tracefs writes it: "const char * filename"
	Offset int    // bytes
	Size   int    // bytes; 4 for a __data_loc or __rel_loc field
	Signed bool
	// Common marks the fields that all events begin with.
	Common bool
	// Type is the field's meaning, with the size and the sign that the
	// format gives it.
	Type ctypes.Field
}

// ParseFormat reads the text of an event's file "format".
func ParseFormat(text []byte) (*Format, error) {
	f := &Format{ID: -1}
	common := true
	for n, raw := range bytes.Split(text, []byte("\n")) {
		line := string(bytes.TrimRight(raw, "\r"))
		switch {
		case strings.HasPrefix(line, "name: "):
			f.Name = strings.TrimPrefix(line, "name: ")
		case strings.HasPrefix(line, "ID: "):
			id, err := strconv.Atoi(strings.TrimPrefix(line, "ID: "))
			if err != nil || id < 0 {
				return nil, fmt.Errorf("line %d: bad event number %q", n+1, line)
			}
			f.ID = id
		case strings.HasPrefix(line, "\tfield:"):
			field, err := parseField(strings.TrimPrefix(line, "\t"))
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			field.Common = common && strings.HasPrefix(field.Type.Name, "common_")
			f.Fields = append(f.Fields, field)
		case line == "":
			common = len(f.Fields) == 0
		case strings.HasPrefix(line, "print fmt: "):
			f.Print = strings.TrimPrefix(line, "print fmt: ")
		}
	}
	if f.Name == "" || f.ID < 0 {
		return nil, errors.New("no event: the name or the number is missing")
	}
	return f, nil
}

// parseField reads "field:DECL;	offset:N;	size:N;	signed:N;". The
// declaration itself holds no semicolon.
func parseField(line string) (Field, error) {
	f := Field{Offset: -1, Size: -1}
	for part := range strings.SplitSeq(line, ";") {
		key, val, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			continue
		}
		var err error
		switch key {
		case "field":
			f.Decl = val
		case "offset":
			f.Offset, err = strconv.Atoi(val)
		case "size":
			f.Size, err = strconv.Atoi(val)
		case "signed":
			f.Signed = val != "0"
		}
		if err != nil {
			return f, fmt.Errorf("bad %s %q", key, val)
		}
	}
	if f.Decl == "" || f.Offset < 0 || f.Size < 0 || f.Offset > maxRecord || f.Size > maxRecord {
		return f, fmt.Errorf("bad field %q", line)
	}
	c, err := cdecl.ParseField(f.Decl)
	if err != nil {
		// A declaration outside of C (synthetic events have some) still has
		// a name, a size and a sign.
		if c, err = opaque(f.Decl); err != nil {
			return f, err
		}
	}
	c.Offset = f.Offset * 8
	if !c.DataLoc && !c.RelLoc {
		c.Type = resize(c.Type, f.Size, f.Signed)
	}
	f.Type = c
	return f, nil
}

// opaque splits a declaration that is no C into its name, the last word
// before any bracket, and the rest as the name of an unknown type.
func opaque(decl string) (ctypes.Field, error) {
	head, _, _ := strings.Cut(decl, "[")
	words := strings.Fields(head)
	if len(words) < 2 {
		return ctypes.Field{}, fmt.Errorf("field %q has no name", decl)
	}
	f := ctypes.Field{Name: words[len(words)-1]}
	switch words[0] {
	case "__data_loc":
		f.DataLoc, words = true, words[1:]
	case "__rel_loc":
		f.RelLoc, words = true, words[1:]
	}
	f.Type = &ctypes.Typedef{Name: strings.Join(words[:len(words)-1], " "), Type: &ctypes.Void{}}
	return f, nil
}

// resize gives a type the size in bytes and the sign that the format states;
// they hold where the C name says otherwise, or nothing.
func resize(t ctypes.Type, size int, signed bool) ctypes.Type {
	switch x := t.(type) {
	case *ctypes.Qual:
		return &ctypes.Qual{Kind: x.Kind, Type: resize(x.Type, size, signed)}
	case *ctypes.Typedef:
		return &ctypes.Typedef{Name: x.Name, Type: resize(x.Type, size, signed)}
	case *ctypes.Int:
		c := *x
		c.Size, c.Signed = size, signed
		if !scalar(size) {
			return blob(size)
		}
		return &c
	case *ctypes.Enum:
		if !scalar(size) {
			return blob(size)
		}
		return &ctypes.Enum{Name: x.Name, Size: size, Signed: signed, Values: x.Values}
	case *ctypes.Fwd:
		return &ctypes.Struct{Name: x.Name, Union: x.Union, Size: size}
	case *ctypes.Array:
		return resizeArray(x, size, signed)
	case *ctypes.Pointer:
		if size == 8 {
			return x
		}
	}
	if scalar(size) {
		return integer(size, signed)
	}
	return blob(size)
}

// resizeArray keeps the number of elements when it is known, and else finds
// it from the element's size.
func resizeArray(a *ctypes.Array, size int, signed bool) ctypes.Type {
	if a.Len > 0 && size%a.Len == 0 {
		return &ctypes.Array{Elem: resize(a.Elem, size/a.Len, signed), Len: a.Len}
	}
	n := ctypes.Sizeof(a.Elem)
	if n == 0 || size%n != 0 {
		return blob(size)
	}
	return &ctypes.Array{Elem: resize(a.Elem, n, signed), Len: size / n}
}

func scalar(size int) bool { return size == 1 || size == 2 || size == 4 || size == 8 }

// blob is a type of which only the size is known.
func blob(size int) ctypes.Type { return &ctypes.Struct{Size: size} }

func integer(size int, signed bool) ctypes.Type {
	name := map[int]string{1: "char", 2: "short", 4: "int", 8: "long"}[size]
	switch {
	case !signed:
		name = "unsigned " + name
	case size == 1:
		name = "signed char"
	}
	return &ctypes.Int{Name: name, Size: size, Signed: signed}
}

// Struct returns the record as a C struct, whose size is the end of its last
// field.
func (f *Format) Struct(name string) *ctypes.Struct {
	s := &ctypes.Struct{Name: name}
	for _, x := range f.Fields {
		s.Fields = append(s.Fields, x.Type)
		s.Size = max(s.Size, x.Offset+x.Size)
	}
	return s
}
