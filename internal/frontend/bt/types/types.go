// Package types holds the types of the tracing language and their rules:
// spelling, promotion of integers, layout in memory, and the view that the
// plan gives the user side of them.
//
// It imports ctypes, plan and the standard library only.
package types

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// Kind is the kind of a Type.
type Kind uint8

// The kinds. Those from Count on are aggregations, which only maps hold.
const (
	Invalid Kind = iota // not known (yet)
	Void
	Bool
	Int
	String
	Buffer
	Pointer
	Struct // a C struct or union
	Array  // a C array
	Tuple
	Record
	Username
	MAC
	Inet
	Timestamp // what strftime gives
	Ksym
	Usym
	Kstack
	Ustack

	Count
	Sum
	Min
	Max
	Avg
	Stats
	Hist
	Lhist
)

// Space is the address space that a pointer or a C value lies in.
type Space uint8

// The address spaces. AnySpace is unknown: the address itself has to tell.
const (
	AnySpace Space = iota
	Kernel
	User
)

// Type is a type of the tracing language. Types are values that are compared
// with Equal; a *Type is never changed after it was made.
type Type struct {
	Kind   Kind
	Size   int  // bytes in memory
	Signed bool // of Int and the aggregations of integers
	// Flexible marks the type of an integer literal that isn't negative:
	// its sign adapts to what it meets.
	Flexible bool
	Space    Space
	Elem     *Type   // of Pointer and Array
	Len      int     // of Array
	Fields   []Field // of Tuple and Record
	// C is the C type of a Struct, and of an Int that came from an enum.
	C ctypes.Type
	// Ctx marks memory that is the program's context, which is read
	// directly and not through a helper.
	Ctx bool
	// Format is the format of a Timestamp.
	Format string
}

// Field is a part of a Tuple (without a name) or a Record.
type Field struct {
	Name   string
	Offset int
	Type   *Type
}

// IsAggregate reports whether only maps can hold the type.
func (t *Type) IsAggregate() bool { return t.Kind >= Count }

// CastsToInt reports whether a map element of this aggregation can be used
// as an integer.
func (t *Type) CastsToInt() bool { return t.Kind >= Count && t.Kind <= Stats && t.Kind != Stats }

// IsInteger reports whether values of the type are plain integers.
func (t *Type) IsInteger() bool { return t.Kind == Int }

// IsScalar reports whether values of the type fit a register.
func (t *Type) IsScalar() bool {
	switch t.Kind {
	case Bool, Int, Pointer, Ksym, Username:
		return true
	}
	return false
}

// IntOf returns the integer type of the given size in bytes.
func IntOf(size int, signed bool) *Type { return &Type{Kind: Int, Size: size, Signed: signed} }

// The types without parameters.
var (
	invalid = &Type{Kind: Invalid}
	void    = &Type{Kind: Void}
	boolean = &Type{Kind: Bool, Size: 1}
	int64t  = IntOf(8, true)
	uint64t = IntOf(8, false)
)

// Constructors of the types without parameters.
func InvalidType() *Type { return invalid }
func VoidType() *Type    { return void }
func BoolType() *Type    { return boolean }
func Int64() *Type       { return int64t }
func Uint64() *Type      { return uint64t }

// StringOf is a string in size bytes, the final NUL included.
func StringOf(size int) *Type { return &Type{Kind: String, Size: size} }

// BufferOf is a buffer of at most n bytes: 4 bytes of length, then the bytes.
func BufferOf(n int) *Type { return &Type{Kind: Buffer, Size: 4 + n} }

// PointerTo is a pointer.
func PointerTo(elem *Type, space Space) *Type {
	return &Type{Kind: Pointer, Size: 8, Elem: elem, Space: space}
}

// Literal is the type of the integer literal n: the smallest signed type that
// holds it, or uint64.
func Literal(n uint64) *Type {
	for _, size := range []int{1, 2, 4, 8} {
		if n < 1<<(size*8-1) {
			return &Type{Kind: Int, Size: size, Signed: true, Flexible: true}
		}
	}
	return uint64t
}

// SignedLiteral is the type of a negative integer literal.
func SignedLiteral(n int64) *Type {
	for _, size := range []int{1, 2, 4} {
		if n >= -1<<(size*8-1) && n < 1<<(size*8-1) {
			return IntOf(size, true)
		}
	}
	return int64t
}

// TupleOf lays out a tuple.
func TupleOf(elems ...*Type) *Type {
	fields := make([]Field, len(elems))
	for i, e := range elems {
		fields[i] = Field{Type: e}
	}
	return layout(Tuple, fields)
}

// RecordOf lays out a record; the offsets in fields are ignored.
func RecordOf(fields ...Field) *Type { return layout(Record, slices.Clone(fields)) }

func layout(kind Kind, fields []Field) *Type {
	t := &Type{Kind: kind, Fields: fields}
	for i := range fields {
		f := &fields[i]
		align := f.Type.Align()
		t.Size = (t.Size + align - 1) &^ (align - 1)
		f.Offset = t.Size
		t.Size += f.Type.Size
	}
	align := 1
	for _, f := range fields {
		align = max(align, f.Type.Align())
	}
	t.Size = (t.Size + align - 1) &^ (align - 1)
	return t
}

// Align is the alignment of the type in memory, in bytes. What doesn't fit a
// register is aligned as its longest word, so that it can be copied, compared
// and cleared by words: the verifier wants accesses to the stack aligned.
func (t *Type) Align() int {
	align := 1
	for align < 8 && align*2 <= t.Size {
		align *= 2
	}
	for _, f := range t.Fields {
		align = max(align, f.Type.Align())
	}
	return align
}

// Equal reports whether two types are the same.
func (t *Type) Equal(u *Type) bool {
	if t == u {
		return true
	}
	if t == nil || u == nil || t.Kind != u.Kind || t.Size != u.Size || t.Signed != u.Signed ||
		t.Flexible != u.Flexible || t.Len != u.Len || t.Format != u.Format || len(t.Fields) != len(u.Fields) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	if (t.Elem == nil) != (u.Elem == nil) {
		return false
	}
	switch t.Kind {
	case Pointer:
		return sameElem(t.Elem, u.Elem)
	case Struct:
		return structName(t) == structName(u)
	}
	return t.Elem == nil || t.Elem.Equal(u.Elem)
}

// sameElem compares what pointers point to without following them further,
// because C types may be cyclic.
func sameElem(a, b *Type) bool {
	return a.Kind == b.Kind && a.Size == b.Size && a.Signed == b.Signed && structName(a) == structName(b)
}

func structName(t *Type) string {
	if s, ok := t.C.(*ctypes.Struct); ok {
		if s.Union {
			return "union " + s.Name
		}
		return "struct " + s.Name
	}
	return ""
}

// String spells the type as diagnostics show it.
func (t *Type) String() string {
	if t == nil {
		return "none"
	}
	switch t.Kind {
	case Int:
		if e, ok := t.C.(*ctypes.Enum); ok && e.Name != "" {
			return "enum " + e.Name
		}
		if t.Signed {
			return fmt.Sprintf("int%d", t.Size*8)
		}
		return fmt.Sprintf("uint%d", t.Size*8)
	case String:
		return fmt.Sprintf("string[%d]", t.Size)
	case Buffer:
		return fmt.Sprintf("buffer[%d]", t.Size-4)
	case Pointer:
		return t.Elem.String() + " *"
	case Struct:
		return structName(t)
	case Array:
		return fmt.Sprintf("%s[%d]", t.Elem, t.Len)
	case Tuple, Record:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Type.String()
			if t.Kind == Record {
				parts[i] = f.Name + ": " + parts[i]
			}
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	name := kindNames[t.Kind]
	if t.IsAggregate() && !t.Signed && t.Kind > Count && t.Kind < Hist {
		return "u" + name
	}
	return name
}

var kindNames = [...]string{
	Invalid: "none", Void: "void", Bool: "bool", Username: "username_t", MAC: "macaddr_t", Inet: "inet",
	Timestamp: "timestamp", Ksym: "ksym_t", Usym: "usym_t", Kstack: "kstack_t", Ustack: "ustack_t",
	Count: "count_t", Sum: "sum_t", Min: "min_t", Max: "max_t", Avg: "avg_t", Stats: "stats_t",
	Hist: "hist_t", Lhist: "lhist_t", Lhist + 1: "",
}
