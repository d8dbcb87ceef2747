package ctypes

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// BTFBuilder collects types and writes them as BTF. A type is written once
// however often it is added: the same one by identity, an equal one by
// comparison. Names of types and members that are no C identifiers are left
// out, since the kernel refuses BTF with such names.
type BTFBuilder struct {
	order   binary.AppendByteOrder
	strs    []byte
	strOff  map[string]uint32
	records [][]byte // by number less 1; nil while a type is being added
	ids     map[typeUse]uint32
	same    map[string]uint32    // number of a record by its bytes
	structs map[string][]*Struct // those added, by name and shape
	open    map[typeUse]bool     // being added, without a number so far
	depth   int
}

// typeUse is a type and how it is used: whole when its size matters, so that
// a Lazy has to be loaded.
type typeUse struct {
	t     Type
	whole bool
}

// NewBTFBuilder returns a builder for BTF of one byte order.
func NewBTFBuilder(order binary.AppendByteOrder) *BTFBuilder {
	return &BTFBuilder{
		order:   order,
		strs:    []byte{0},
		strOff:  map[string]uint32{"": 0},
		ids:     map[typeUse]uint32{},
		same:    map[string]uint32{},
		structs: map[string][]*Struct{},
		open:    map[typeUse]bool{},
	}
}

// String returns the offset of a string in the string section, and adds it
// when it is new. It fails when s holds a zero byte.
func (b *BTFBuilder) String(s string) (uint32, error) {
	if off, ok := b.strOff[s]; ok {
		return off, nil
	}
	for i := range len(s) {
		if s[i] == 0 {
			return 0, fmt.Errorf("BTF: the string %q holds a zero byte", s)
		}
	}
	if len(b.strs)+len(s) >= math.MaxInt32 {
		return 0, fmt.Errorf("BTF: more than 2 GiB of strings")
	}
	off := uint32(len(b.strs))
	b.strs = append(append(b.strs, s...), 0)
	b.strOff[s] = off
	return off, nil
}

// Bytes returns the BTF.
func (b *BTFBuilder) Bytes() []byte {
	n := 0
	for _, r := range b.records {
		n += len(r)
	}
	out := make([]byte, 0, btfHeader+n+len(b.strs))
	out = b.order.AppendUint16(out, btfMagic)
	out = append(out, btfVersion, 0)
	for _, v := range []int{btfHeader, 0, n, n, len(b.strs)} {
		out = b.order.AppendUint32(out, uint32(v))
	}
	for _, r := range b.records {
		out = append(out, r...)
	}
	return append(out, b.strs...)
}

// entry is a record in the making.
type entry struct {
	b   *BTFBuilder
	buf []byte
	err error
}

func (b *BTFBuilder) entry(kind BTFKind, name string, vlen int, flag bool, size uint32) *entry {
	e := &entry{b: b}
	e.str(name)
	if vlen > btfVlenMask {
		e.err = fmt.Errorf("BTF: %s %q has %d parts, at most %d can be written", kind, name, vlen, btfVlenMask)
	}
	info := uint32(kind)<<btfKindShift | uint32(vlen)&btfVlenMask
	if flag {
		info |= btfKindFlag
	}
	return e.u32(info).u32(size)
}

func (e *entry) u32(v uint32) *entry {
	e.buf = e.b.order.AppendUint32(e.buf, v)
	return e
}

func (e *entry) str(s string) *entry {
	off, err := e.b.String(s)
	if err != nil && e.err == nil {
		e.err = err
	}
	return e.u32(off)
}

// number gives a record a number: that of an equal one when there is one.
func (e *entry) number() (uint32, error) {
	if e.err != nil {
		return 0, e.err
	}
	if id, ok := e.b.same[string(e.buf)]; ok {
		return id, nil
	}
	id, err := e.b.reserve()
	if err == nil {
		e.b.records[id-1] = e.buf
		e.b.same[string(e.buf)] = id
	}
	return id, err
}

// fill completes a record whose number was given before.
func (e *entry) fill(id uint32) (uint32, error) {
	e.b.records[id-1] = e.buf
	return id, e.err
}

// reserve gives out the next number.
func (b *BTFBuilder) reserve() (uint32, error) {
	if len(b.records) >= 1<<24 {
		return 0, fmt.Errorf("BTF: more than %d types", 1<<24)
	}
	b.records = append(b.records, nil)
	return uint32(len(b.records)), nil
}

// Add adds a type and what it refers to, and returns its number. Lazy types
// behind pointers are not loaded: they become forward declarations.
func (b *BTFBuilder) Add(t Type) (uint32, error) { return b.add(t, true) }

func (b *BTFBuilder) add(t Type, whole bool) (uint32, error) {
	if l, ok := t.(*Lazy); ok && (whole || l.Kind == "enum") {
		t = l.Load()
	}
	if t == nil {
		return 0, nil
	}
	if _, void := t.(*Void); void {
		return 0, nil
	}
	use := typeUse{t, whole}
	if id, ok := b.ids[use]; ok {
		return id, nil
	}
	switch x := t.(type) {
	case *Struct:
		return b.addStruct(x)
	case *Typedef:
		if !IsIdentifier(x.Name) {
			return b.add(x.Type, whole)
		}
	case *Fwd:
		if !IsIdentifier(x.Name) {
			return 0, nil
		}
	}
	if b.open[use] {
		// A cycle that goes through no struct: the number is needed now.
		id, err := b.reserve()
		b.ids[use] = id
		return id, err
	}
	if b.depth++; b.depth > 4*maxNesting {
		return 0, fmt.Errorf("BTF: types are nested too deeply")
	}
	b.open[use] = true
	e, err := b.addKind(t, whole)
	delete(b.open, use)
	b.depth--
	if err != nil {
		return 0, err
	}
	if id, reserved := b.ids[use]; reserved {
		return e.fill(id)
	}
	id, err := e.number()
	b.ids[use] = id
	return id, err
}

func (b *BTFBuilder) addKind(t Type, whole bool) (*entry, error) {
	switch x := t.(type) {
	case *Int:
		return b.addInt(x)
	case *Float:
		return b.entry(BTFFloat, x.Name, 0, false, uint32(x.Size)), nil
	case *Pointer:
		elem, err := b.add(x.Elem, false)
		if err != nil {
			return nil, err
		}
		if x.Tag != "" {
			if elem, err = b.entry(BTFTypeTag, x.Tag, 0, false, elem).number(); err != nil {
				return nil, err
			}
		}
		return b.entry(BTFPtr, "", 0, false, elem), nil
	case *Array:
		return b.addArray(x)
	case *Enum:
		return b.addEnum(x)
	case *Typedef:
		id, err := b.add(x.Type, whole)
		return b.entry(BTFTypedef, x.Name, 0, false, id), err
	case *Qual:
		id, err := b.add(x.Type, whole)
		for kind, name := range qualNames {
			if name == x.Kind {
				return b.entry(kind, "", 0, false, id), err
			}
		}
		return nil, fmt.Errorf("BTF: unknown qualifier %q", x.Kind)
	case *Fwd:
		return b.entry(BTFFwd, x.Name, 0, x.Union, 0), nil
	case *Lazy:
		return b.entry(BTFFwd, x.Name, 0, x.Kind == "union", 0), nil
	case *Func:
		return b.addProto(x, false)
	}
	return nil, fmt.Errorf("BTF: a %T can't be written", t)
}

func (b *BTFBuilder) addInt(x *Int) (*entry, error) {
	if x.Size < 1 || x.Size > 16 || x.Size&(x.Size-1) != 0 {
		return nil, fmt.Errorf("BTF: the integer %s has %d bytes", x.Name, x.Size)
	}
	enc := uint32(0)
	switch {
	case x.Bool:
		enc = btfIntBool
	case x.Signed:
		enc = btfIntSigned
	}
	return b.entry(BTFInt, x.Name, 0, false, uint32(x.Size)).u32(enc<<btfIntEncoded | uint32(x.Size*8)), nil
}

func (b *BTFBuilder) addArray(x *Array) (*entry, error) {
	elem, err := b.add(x.Elem, true)
	if err != nil {
		return nil, err
	}
	index, err := b.entry(BTFInt, "__ARRAY_SIZE_TYPE__", 0, false, 4).u32(32).number()
	if err != nil {
		return nil, err
	}
	if x.Len < 0 || x.Len > math.MaxUint32 {
		return nil, fmt.Errorf("BTF: array of %d elements", x.Len)
	}
	return b.entry(BTFArray, "", 0, false, 0).u32(elem).u32(index).u32(uint32(x.Len)), nil
}

// addEnum writes an ENUM when its values fit into 32 bits, else an ENUM64.
func (b *BTFBuilder) addEnum(x *Enum) (*entry, error) {
	wide := x.Size > 4
	for _, v := range x.Values {
		if x.Signed && v.Value != int64(int32(v.Value)) || !x.Signed && v.Value != int64(uint32(v.Value)) {
			wide = true
		}
	}
	kind := BTFEnum
	if wide {
		kind = BTFEnum64
	}
	e := b.entry(kind, identifier(x.Name), len(x.Values), x.Signed, uint32(x.Size))
	for _, v := range x.Values {
		e.str(v.Name).u32(uint32(v.Value))
		if wide {
			e.u32(uint32(uint64(v.Value) >> 32))
		}
	}
	return e, nil
}

// addProto writes a prototype. named gives every parameter a name, as the
// kernel wants it for a function's prototype but not for a pointer's.
func (b *BTFBuilder) addProto(f *Func, named bool) (*entry, error) {
	result, err := b.add(f.Result, true)
	if err != nil {
		return nil, err
	}
	types := make([]uint32, len(f.Params))
	for i, p := range f.Params {
		if types[i], err = b.add(p.Type, true); err != nil {
			return nil, err
		}
	}
	n := len(f.Params)
	if f.Variadic {
		n++
	}
	e := b.entry(BTFFuncProto, "", n, false, result)
	for i, p := range f.Params {
		name := identifier(p.Name)
		if name == "" && named {
			name = "arg" + strconv.Itoa(i)
		}
		e.str(name).u32(types[i])
	}
	if f.Variadic {
		e.u32(0).u32(0)
	}
	return e, nil
}

// addStruct adds a struct or union. Its number is known before its members
// are added, since they may point back to it.
func (b *BTFBuilder) addStruct(s *Struct) (uint32, error) {
	shape := fmt.Sprintf("%t %q %d %d", s.Union, s.Name, s.Size, len(s.Fields))
	for _, other := range b.structs[shape] {
		if Equal(s, other) {
			id := b.ids[typeUse{other, true}]
			b.ids[typeUse{s, true}], b.ids[typeUse{s, false}] = id, id
			return id, nil
		}
	}
	id, err := b.reserve()
	if err != nil {
		return 0, err
	}
	b.ids[typeUse{s, true}], b.ids[typeUse{s, false}] = id, id
	b.structs[shape] = append(b.structs[shape], s)
	if b.depth++; b.depth > 4*maxNesting {
		return 0, fmt.Errorf("BTF: types are nested too deeply")
	}
	defer func() { b.depth-- }()
	bits := false
	for _, f := range s.Fields {
		bits = bits || f.BitSize > 0
	}
	kind := BTFStruct
	if s.Union {
		kind = BTFUnion
	}
	types := make([]uint32, len(s.Fields))
	for i, f := range s.Fields {
		if types[i], err = b.add(memberType(f), true); err != nil {
			return 0, err
		}
	}
	e := b.entry(kind, identifier(s.Name), len(s.Fields), bits, uint32(s.Size))
	for i, f := range s.Fields {
		limit := math.MaxUint32
		if bits {
			limit = 0xffffff
		}
		if f.Offset < 0 || f.Offset > limit || f.BitSize < 0 || f.BitSize > 255 {
			return 0, fmt.Errorf("BTF: the member %s of %s is at bit %d with %d bits", f.Name, s.Name, f.Offset, f.BitSize)
		}
		e.str(identifier(f.Name)).u32(types[i]).u32(uint32(f.Offset) | uint32(f.BitSize)<<24)
	}
	return e.fill(id)
}

// memberType is what a member holds in place: a tracefs __data_loc field
// holds a number that says where its data is.
func memberType(f Field) Type {
	if f.DataLoc || f.RelLoc {
		return &Int{Name: "unsigned int", Size: 4}
	}
	return f.Type
}

// Func adds a function with its prototype.
func (b *BTFBuilder) Func(name string, proto *Func, link Linkage) (uint32, error) {
	if err := checkName("function", name); err != nil {
		return 0, err
	}
	e, err := b.addProto(proto, true)
	if err != nil {
		return 0, err
	}
	id, err := e.number()
	if err != nil {
		return 0, err
	}
	return b.entry(BTFFunc, name, int(link), false, id).number()
}

// Var adds a variable.
func (b *BTFBuilder) Var(name string, t Type, link Linkage) (uint32, error) {
	if err := checkName("variable", name); err != nil {
		return 0, err
	}
	id, err := b.Add(t)
	if err != nil {
		return 0, err
	}
	return b.entry(BTFVar, name, 0, false, id).u32(uint32(link)).number()
}

// SecVar is a variable or extern function of a data section.
type SecVar struct {
	ID     uint32 // of a VAR or FUNC
	Offset uint32 // bytes from the section's start
	Size   uint32 // bytes
}

// Datasec adds a data section, whose variables are given in ascending order
// of their offsets.
func (b *BTFBuilder) Datasec(name string, size uint32, vars []SecVar) (uint32, error) {
	e := b.entry(BTFDatasec, name, len(vars), false, size)
	for _, v := range vars {
		e.u32(v.ID).u32(v.Offset).u32(v.Size)
	}
	return e.number()
}

// DeclTag puts a tag on a type, on a member of a struct or on a parameter of
// a function; component is the member's or parameter's index, or -1.
func (b *BTFBuilder) DeclTag(tag string, target uint32, component int) (uint32, error) {
	return b.entry(BTFDeclTag, tag, 0, false, target).u32(uint32(int32(component))).number()
}

// checkName checks that a name is a C identifier, as the kernel asks of
// functions and variables.
func checkName(what, name string) error {
	if !IsIdentifier(name) {
		return fmt.Errorf("BTF: the %s name %q is no C identifier", what, name)
	}
	return nil
}

// identifier is a name as the kernel takes it for types and members: one that
// is no C identifier is left out.
func identifier(name string) string {
	if IsIdentifier(name) {
		return name
	}
	return ""
}

// IsIdentifier reports whether s is a C identifier.
func IsIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
