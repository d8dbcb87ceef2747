package ctypes

// Type is a C type: one of *Void, *Int, *Float, *Pointer, *Array, *Struct,
// *Enum, *Typedef, *Qual, *Fwd, *Func and, behind pointers, *Lazy. Types may
// form cycles through pointers.
type Type interface{ ctype() }

// Void is C's void.
type Void struct{}

// Int is an integer type. Size is in bytes.
type Int struct {
	Name   string // "int", "unsigned long" (BTF: "long unsigned int"), "char", "_Bool"
	Size   int
	Signed bool
	Char   bool // a character type, so that arrays of it are strings
	Bool   bool
}

// Float is a floating-point type, which BPF code can't compute with.
type Float struct {
	Name string
	Size int
}

// Pointer is a pointer. Tag is the space it points into when it is known
// ("user", "percpu", "rcu"), as BTF type tags say it.
type Pointer struct {
	Elem Type
	Tag  string
}

// Array is an array of Len elements; Len 0 is a flexible array.
type Array struct {
	Elem Type
	Len  int
}

// Struct is a struct, or a union when Union is set. Size is in bytes.
type Struct struct {
	Name   string // without "struct"; empty when anonymous
	Union  bool
	Size   int
	Align  int // 0 when unknown
	Fields []Field
}

// Field is a member of a Struct. Offset is in bits from its start; BitSize is
// 0 unless it is a bit-field.
type Field struct {
	Name    string // empty for an anonymous struct or union
	Type    Type
	Offset  int
	BitSize int
	// DataLoc marks a tracefs __data_loc field: the 4 bytes here hold
	// offset (low 16 bits) and length (high 16 bits) of the data, whose
	// type is Type, from the start of the record; with RelLoc from the
	// end of this field.
	DataLoc, RelLoc bool
}

// Enum is an enumeration. Size is in bytes.
type Enum struct {
	Name   string
	Size   int
	Signed bool
	Values []EnumValue
}

// EnumValue is one name of an Enum; an unsigned value is stored as its bits.
type EnumValue struct {
	Name  string
	Value int64
}

// Typedef is another name for a type.
type Typedef struct {
	Name string
	Type Type
}

// Qual is a qualified type; Kind is "const", "volatile" or "restrict".
type Qual struct {
	Kind string
	Type Type
}

// Fwd is a struct or union whose definition is unknown.
type Fwd struct {
	Name  string
	Union bool
}

// Func is a function and its prototype.
type Func struct {
	Name     string
	Result   Type
	Params   []Param
	Variadic bool
	Module   string // the kernel module it is in; empty for vmlinux
}

// Param is a parameter of a Func.
type Param struct {
	Name string
	Type Type
}

func (*Void) ctype()    {}
func (*Int) ctype()     {}
func (*Float) ctype()   {}
func (*Pointer) ctype() {}
func (*Array) ctype()   {}
func (*Struct) ctype()  {}
func (*Enum) ctype()    {}
func (*Typedef) ctype() {}
func (*Qual) ctype()    {}
func (*Fwd) ctype()     {}
func (*Func) ctype()    {}

// Strip removes typedefs and qualifiers, and loads a Lazy type.
func Strip(t Type) Type {
	for {
		switch x := t.(type) {
		case *Typedef:
			t = x.Type
		case *Qual:
			t = x.Type
		case *Lazy:
			t = x.Load()
		default:
			return t
		}
	}
}

// Sizeof returns the size of a type in bytes; void, functions and forward
// declarations have none (0).
func Sizeof(t Type) int {
	switch x := Strip(t).(type) {
	case *Int:
		return x.Size
	case *Float:
		return x.Size
	case *Pointer:
		return 8
	case *Array:
		return x.Len * Sizeof(x.Elem)
	case *Struct:
		return x.Size
	case *Enum:
		return x.Size
	}
	return 0
}

// Lookup finds a field by name, also inside anonymous members, and returns
// its offset in bits from the start of s.
func (s *Struct) Lookup(name string) (f Field, bits int, ok bool) {
	for _, f := range s.Fields {
		if f.Name == name && name != "" {
			return f, f.Offset, true
		}
		if f.Name != "" {
			continue
		}
		if in, isStruct := Strip(f.Type).(*Struct); isStruct {
			if g, off, found := in.Lookup(name); found {
				return g, f.Offset + off, true
			}
		}
	}
	return Field{}, 0, false
}
