package ir

import "github.com/skep-dev/skep/internal/ctypes"

// typeRef writes a type by its number in the table, or by its name alone
// when the style has no table.
func (p *printer) typeRef(t ctypes.Type) *printer {
	if isNilType(t) {
		return p.str("none")
	}
	if !p.style.Types {
		return p.typeName(t)
	}
	id, seen := p.typeIDs[t]
	if !seen {
		if p.typeIDs == nil {
			p.typeIDs = map[ctypes.Type]int{}
		}
		id = len(p.typeSeq)
		p.typeIDs[t] = id
		p.typeSeq = append(p.typeSeq, t)
	}
	return p.str("t").int(int64(id))
}

// isNilType reports whether t is nil or the nil *Func of a Func without Proto.
func isNilType(t ctypes.Type) bool {
	f, isFunc := t.(*ctypes.Func)
	return t == nil || isFunc && f == nil
}

// typeName writes a type in one or two words that Parse reads as a type
// without definition.
func (p *printer) typeName(t ctypes.Type) *printer {
	switch x := t.(type) {
	case *ctypes.Struct:
		return p.str(tagWord(x.Union)).name(x.Name)
	case *ctypes.Fwd:
		return p.str(tagWord(x.Union)).name(x.Name)
	case *ctypes.Enum:
		return p.str("enum ").name(x.Name)
	case *ctypes.Lazy:
		return p.str(x.Kind).str(" ").name(x.Name)
	case *ctypes.Typedef:
		return p.str("typename ").name(x.Name)
	case *ctypes.Int:
		return p.str("typename ").name(x.Name)
	case *ctypes.Float:
		return p.str("typename ").name(x.Name)
	case *ctypes.Func:
		return p.str("typename ").name(x.Name)
	}
	return p.str("none")
}

func tagWord(union bool) string {
	if union {
		return "union "
	}
	return "struct "
}

// types writes the table of all types named so far and those that they lead
// to.
func (p *printer) types() {
	if len(p.typeSeq) > 0 && len(p.out) > 0 {
		p.nl()
	}
	for i := 0; i < len(p.typeSeq); i++ { // it grows
		p.str("type t").int(int64(i)).str(" = ")
		p.typeDef(p.typeSeq[i])
		p.nl()
	}
}

func (p *printer) flag(on bool, word string) *printer {
	if on {
		p.str(" ").str(word)
	}
	return p
}

func (p *printer) typeDef(t ctypes.Type) {
	switch x := t.(type) {
	case *ctypes.Void:
		p.str("void")
	case *ctypes.Int:
		p.str("int ").name(x.Name).str(" size ").int(int64(x.Size))
		p.flag(x.Signed, "signed").flag(x.Char, "char").flag(x.Bool, "bool")
	case *ctypes.Float:
		p.str("float ").name(x.Name).str(" size ").int(int64(x.Size))
	case *ctypes.Pointer:
		p.str("ptr ").typeRef(x.Elem)
		if x.Tag != "" {
			p.str(" tag ").name(x.Tag)
		}
	case *ctypes.Array:
		p.str("array ").typeRef(x.Elem).str(" len ").int(int64(x.Len))
	case *ctypes.Struct:
		p.structDef(x)
	case *ctypes.Enum:
		p.str("enum ").name(x.Name).str(" size ").int(int64(x.Size)).flag(x.Signed, "signed").str(" {").nl()
		for _, v := range x.Values {
			p.str("    ").name(v.Name).str(" = ").int(v.Value).nl()
		}
		p.str("}")
	case *ctypes.Typedef:
		p.str("typedef ").name(x.Name).str(" ").typeRef(x.Type)
	case *ctypes.Qual:
		p.str("qual ").name(x.Kind).str(" ").typeRef(x.Type)
	case *ctypes.Fwd:
		p.str("fwd ").str(tagWord(x.Union)).name(x.Name)
	case *ctypes.Lazy:
		p.str("lazy ").name(x.Kind).str(" ").name(x.Name)
	case *ctypes.Func:
		p.str("func ").name(x.Name).str(" (")
		for i, a := range x.Params {
			if i > 0 {
				p.str(", ")
			}
			p.name(a.Name).str(" ").typeRef(a.Type)
		}
		p.str(") ").typeRef(x.Result).flag(x.Variadic, "variadic")
		if x.Module != "" {
			p.str(" module ").name(x.Module)
		}
	default: // a kind of type that this table does not know yet
		p.str("void")
	}
}

func (p *printer) structDef(x *ctypes.Struct) {
	p.str(tagWord(x.Union)).name(x.Name).str(" size ").int(int64(x.Size)).str(" align ").int(int64(x.Align))
	p.str(" {").nl()
	for _, f := range x.Fields {
		p.str("    ").name(f.Name).str(" ").typeRef(f.Type).str(" @").int(int64(f.Offset))
		if f.BitSize != 0 {
			p.str(":").int(int64(f.BitSize))
		}
		p.flag(f.DataLoc, "dataloc").flag(f.RelLoc, "relloc").nl()
	}
	p.str("}")
}
