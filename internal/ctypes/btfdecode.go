package ctypes

import (
	"fmt"
)

// maxNesting bounds how deep types nest without a Lazy in between.
const maxNesting = 256

// Type decodes a type. Named structs, unions and enums that it only points to
// are Lazy. The types VAR, DATASEC and DECL_TAG are no C types and give an
// error; a FUNC gives a *Func with its name.
func (b *BTF) Type(id uint32) (Type, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.top(id)
}

// top decodes a type and forgets, when that fails, what it has begun.
func (b *BTF) top(id uint32) (Type, error) {
	b.journal = b.journal[:0]
	t, err := b.decode(id, 0)
	if err != nil {
		for _, id := range b.journal {
			delete(b.cache, id)
		}
		return nil, err
	}
	return t, nil
}

// keep enters a type that may be referred to before it is complete.
func (b *BTF) keep(id uint32, t Type) {
	b.cache[id] = t
	b.journal = append(b.journal, id)
}

// busy stands in the cache for a type that is being decoded and can't refer
// to itself.
type busy struct{}

func (busy) ctype() {}

// decode decodes a type with the lock held.
func (b *BTF) decode(id uint32, depth int) (Type, error) {
	if id == 0 {
		return &Void{}, nil
	}
	if t := b.cache[id]; t != nil {
		if _, loop := t.(busy); loop {
			return nil, fmt.Errorf("BTF: type %d contains itself", id)
		}
		return t, nil
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("BTF: type %d is nested too deeply", id)
	}
	r, ok := b.record(id)
	if !ok {
		return nil, fmt.Errorf("BTF: there is no type %d", id)
	}
	name, err := b.String(r.name)
	if err != nil {
		return nil, fmt.Errorf("BTF: type %d: %w", id, err)
	}
	b.keep(id, busy{})
	t, err := b.decodeKind(id, r, name, depth)
	if err != nil {
		return nil, err
	}
	b.keep(id, t)
	return t, nil
}

func (b *BTF) decodeKind(id uint32, r record, name string, depth int) (Type, error) {
	switch r.kind {
	case BTFInt:
		return b.decodeInt(id, r, name)
	case BTFFloat:
		return &Float{Name: name, Size: int(r.size)}, nil
	case BTFPtr:
		return b.decodePtr(id, r, depth)
	case BTFArray:
		elem, err := b.decode(b.u32(r.extra), depth+1)
		if err != nil {
			return nil, err
		}
		return &Array{Elem: elem, Len: int(b.u32(r.extra[8:]))}, nil
	case BTFStruct, BTFUnion:
		return b.decodeStruct(id, r, name, depth)
	case BTFEnum, BTFEnum64:
		return b.decodeEnum(r, name)
	case BTFFwd:
		return &Fwd{Name: name, Union: r.flag}, nil
	case BTFTypedef:
		t, err := b.pointee(r.size, depth)
		if err != nil {
			return nil, err
		}
		return &Typedef{Name: name, Type: t}, nil
	case BTFVolatile, BTFConst, BTFRestrict:
		t, err := b.pointee(r.size, depth)
		if err != nil {
			return nil, err
		}
		return &Qual{Kind: qualNames[r.kind], Type: t}, nil
	case BTFTypeTag:
		return b.decode(r.size, depth+1)
	case BTFFuncProto:
		return b.decodeProto(id, r, depth)
	case BTFFunc:
		t, err := b.decode(r.size, depth+1)
		if err != nil {
			return nil, err
		}
		proto, ok := t.(*Func)
		if !ok {
			return nil, fmt.Errorf("BTF: type %d: the function %s has no prototype", id, name)
		}
		f := *proto
		f.Name = name
		return &f, nil
	}
	return nil, fmt.Errorf("BTF: type %d (%s) is no C type", id, r.kind)
}

var qualNames = map[BTFKind]string{BTFConst: "const", BTFVolatile: "volatile", BTFRestrict: "restrict"}

func (b *BTF) decodeInt(id uint32, r record, name string) (Type, error) {
	enc := b.u32(r.extra) >> btfIntEncoded
	if r.size == 0 || r.size > 16 || r.size&(r.size-1) != 0 {
		return nil, fmt.Errorf("BTF: type %d: integer of %d bytes", id, r.size)
	}
	return &Int{
		Name:   name,
		Size:   int(r.size),
		Signed: enc&btfIntSigned != 0,
		Char:   enc&btfIntChar != 0 || name == "char",
		Bool:   enc&btfIntBool != 0,
	}, nil
}

// decodePtr decodes a pointer; the pointer is known before what it points to,
// since cycles go through pointers.
func (b *BTF) decodePtr(id uint32, r record, depth int) (Type, error) {
	p := &Pointer{}
	b.keep(id, p)
	elem := r.size
	for range maxNesting {
		e, ok := b.record(elem)
		if !ok || e.kind != BTFTypeTag {
			break
		}
		if p.Tag == "" {
			tag, err := b.String(e.name)
			if err != nil {
				return nil, err
			}
			p.Tag = tag
		}
		elem = e.size
	}
	t, err := b.pointee(elem, depth)
	p.Elem = t
	return p, err
}

// pointee decodes a type whose size does not matter here: a named struct,
// union or enum that has not been decoded yet stays Lazy.
func (b *BTF) pointee(id uint32, depth int) (Type, error) {
	r, ok := b.record(id)
	if !ok || r.name == 0 || lazyKinds[r.kind] == "" {
		return b.decode(id, depth+1)
	}
	switch t := b.cache[id].(type) {
	case nil, busy:
	default:
		return t, nil
	}
	if l := b.lazies[id]; l != nil {
		return l, nil
	}
	name, err := b.String(r.name)
	if err != nil {
		return nil, fmt.Errorf("BTF: type %d: %w", id, err)
	}
	l := NewLazy(lazyKinds[r.kind], name, func() Type {
		// A definition that can't be read counts as none: the Lazy then
		// loads as a forward declaration.
		t, err := b.Type(id)
		if err != nil {
			return nil
		}
		return t
	})
	b.lazies[id] = l
	return l, nil
}

var lazyKinds = [numBTFKinds]string{BTFStruct: "struct", BTFUnion: "union", BTFEnum: "enum", BTFEnum64: "enum"}

func (b *BTF) decodeStruct(id uint32, r record, name string, depth int) (Type, error) {
	s := &Struct{Name: name, Union: r.kind == BTFUnion, Size: int(r.size), Fields: make([]Field, r.vlen)}
	for i := range s.Fields {
		m := r.extra[i*12:]
		f := &s.Fields[i]
		var err error
		if f.Name, err = b.String(b.u32(m)); err != nil {
			return nil, fmt.Errorf("BTF: type %d: %w", id, err)
		}
		if f.Type, err = b.decode(b.u32(m[4:]), depth+1); err != nil {
			return nil, err
		}
		off := b.u32(m[8:])
		f.Offset = int(off)
		if r.flag {
			f.Offset, f.BitSize = int(off&0xffffff), int(off>>24)
		} else {
			b.oldBitfield(f, b.u32(m[4:]))
		}
	}
	return s, nil
}

// oldBitfield handles bit-fields as BTF had them before Linux 5.0: the type
// is an INT of fewer bits than its bytes hold, at an offset of its own.
func (b *BTF) oldBitfield(f *Field, id uint32) {
	for range maxNesting {
		r, ok := b.record(id)
		if !ok {
			return
		}
		switch r.kind {
		case BTFTypedef, BTFConst, BTFVolatile, BTFTypeTag:
			id = r.size
			continue
		case BTFInt:
			word := b.u32(r.extra)
			if bits := word & 0xff; bits != r.size*8 {
				f.BitSize = int(bits)
				f.Offset += int(word >> 16 & 0xff)
			}
		}
		return
	}
}

func (b *BTF) decodeEnum(r record, name string) (Type, error) {
	e := &Enum{Name: name, Size: int(r.size), Signed: r.flag, Values: make([]EnumValue, r.vlen)}
	step := btfShape[r.kind].each
	for i := range e.Values {
		v := r.extra[i*step:]
		val := &e.Values[i]
		var err error
		if val.Name, err = b.String(b.u32(v)); err != nil {
			return nil, err
		}
		low := b.u32(v[4:])
		switch {
		case r.kind == BTFEnum64:
			val.Value = int64(uint64(b.u32(v[8:]))<<32 | uint64(low))
		case e.Signed:
			val.Value = int64(int32(low))
		default:
			val.Value = int64(low)
		}
	}
	return e, nil
}

// decodeProto decodes a prototype, which may refer to itself through the
// pointers in it.
func (b *BTF) decodeProto(id uint32, r record, depth int) (Type, error) {
	f := &Func{}
	b.keep(id, f)
	var err error
	if f.Result, err = b.decode(r.size, depth+1); err != nil {
		return nil, err
	}
	for i := range r.vlen {
		p := r.extra[i*8:]
		name, typ := b.u32(p), b.u32(p[4:])
		if name == 0 && typ == 0 {
			f.Variadic = i == r.vlen-1
			break
		}
		param := Param{}
		if param.Name, err = b.String(name); err != nil {
			return nil, err
		}
		if param.Type, err = b.decode(typ, depth+1); err != nil {
			return nil, err
		}
		f.Params = append(f.Params, param)
	}
	return f, nil
}
