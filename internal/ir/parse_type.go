package ir

import (
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/source"
)

// typeTable holds the type declarations and the places that wait for them:
// a type may be named before it is declared.
type typeTable struct {
	byID     map[int]ctypes.Type
	declared map[int]source.Span
	uses     []typeUse
}

type typeUse struct {
	id     int
	inline ctypes.Type // the type itself when it has no number
	at     source.Span
	set    func(ctypes.Type) bool // false when the type does not fit
}

func newTypeTable() *typeTable {
	return &typeTable{byID: map[int]ctypes.Type{}, declared: map[int]source.Span{}}
}

// typeRef reads a type: t3, none, or a name without definition. The place
// gets it when all of the text is read.
func (p *parser) typeRef(place *ctypes.Type) {
	p.typeRefTo(func(t ctypes.Type) bool {
		*place = t
		return true
	})
}

// typeRefTo is typeRef with a function that takes the type.
func (p *parser) typeRefTo(set func(ctypes.Type) bool) {
	at := p.tok
	word := p.word("a type")
	if p.bad {
		return
	}
	var t ctypes.Type
	if id, ok := wordID('t', word); ok {
		p.types.uses = append(p.types.uses, typeUse{id: id, at: p.span(at), set: set})
		return
	}
	switch word {
	case "none":
		return
	case "struct", "union":
		t = &ctypes.Fwd{Name: p.name("a name"), Union: word == "union"}
	case "enum":
		t = &ctypes.Enum{Name: p.name("a name")}
	case "typename":
		t = &ctypes.Typedef{Name: p.name("a name"), Type: &ctypes.Void{}}
	default:
		p.failAt(codeSyntax, p.span(at), "want a type such as t1, found %q", word)
		return
	}
	p.types.uses = append(p.types.uses, typeUse{at: p.span(at), inline: t, set: set})
}

func (p *parser) resolveTypes() {
	for _, u := range p.types.uses {
		t, ok := u.inline, true
		if t == nil {
			t, ok = p.types.byID[u.id]
		}
		switch {
		case !ok:
			p.dl.Errorf(codeUndefined, u.at, "type t%d is not defined", u.id)
		case !u.set(t):
			p.dl.Errorf(codeSyntax, u.at, "this kind of type does not fit here")
		}
	}
	p.rejectEndless()
}

// rejectEndless reports types that consist of themselves without a pointer or
// a struct between, such as a typedef of itself: looking for what they stand
// for would never end.
func (p *parser) rejectEndless() {
	state := map[ctypes.Type]int{} // the id+1 of the chain that met it
	for id, t := range p.types.byID {
		for t != nil && state[t] == 0 {
			state[t] = id + 1
			switch x := t.(type) {
			case *ctypes.Typedef:
				t = x.Type
			case *ctypes.Qual:
				t = x.Type
			case *ctypes.Array:
				t = x.Elem
			default:
				t = nil
			}
		}
		if t != nil && state[t] == id+1 {
			p.dl.Errorf(codeSyntax, p.types.declared[id], "type t%d consists of itself", id)
		}
	}
}

// typeDecl reads a line of the type table: type t1 = int char size 1.
func (p *parser) typeDecl() {
	at := p.tok
	id, ok := wordID('t', p.word("a type's number such as t1"))
	if !ok && !p.bad {
		p.failAt(codeSyntax, p.span(at), "want a type's number such as t1")
	}
	p.expect('=')
	t := p.typeDef()
	if p.bad {
		return
	}
	if _, twice := p.types.byID[id]; twice {
		p.failAt(codeDuplicate, p.span(at), "type t%d is defined twice", id)
	}
	p.types.byID[id], p.types.declared[id] = t, p.span(at)
}

func (p *parser) typeDef() ctypes.Type {
	at := p.tok
	switch word := p.word("a kind of type"); word {
	case "void":
		return &ctypes.Void{}
	case "int":
		t := &ctypes.Int{Name: p.name("a name")}
		t.Size = p.field("size")
		t.Signed, t.Char, t.Bool = p.acceptWord("signed"), p.acceptWord("char"), p.acceptWord("bool")
		return t
	case "float":
		return &ctypes.Float{Name: p.name("a name"), Size: p.field("size")}
	case "ptr":
		t := &ctypes.Pointer{}
		p.typeRef(&t.Elem)
		if p.acceptWord("tag") {
			t.Tag = p.name("a tag")
		}
		return t
	case "array":
		t := &ctypes.Array{}
		p.typeRef(&t.Elem)
		t.Len = p.field("len")
		return t
	case "struct", "union":
		return p.structDef(word == "union")
	case "enum":
		return p.enumDef()
	case "typedef":
		t := &ctypes.Typedef{Name: p.name("a name")}
		p.typeRef(&t.Type)
		return t
	case "qual":
		t := &ctypes.Qual{Kind: p.name("a qualifier")}
		p.typeRef(&t.Type)
		return t
	case "fwd":
		union := p.acceptWord("union")
		if !union {
			p.expectWord("struct")
		}
		return &ctypes.Fwd{Name: p.name("a name"), Union: union}
	case "lazy":
		return ctypes.NewLazy(p.name("struct, union or enum"), p.name("a name"), nil)
	case "func":
		return p.funcDef()
	default:
		p.failAt(codeSyntax, p.span(at), "there is no kind of type %q", word)
	}
	return nil
}

// field reads a word and the number behind it.
func (p *parser) field(word string) int {
	p.expectWord(word)
	return int(p.int(word))
}

// members reads lines between braces.
func (p *parser) members(one func()) {
	p.expect('{')
	for !p.bad {
		for p.tok.kind == tokLine {
			p.advance()
		}
		if p.accept('}') {
			return
		}
		one()
		if !p.bad && p.tok.kind != tokLine && !p.tok.is('}') {
			p.wanted("the end of the line")
		}
	}
}

func (p *parser) structDef(union bool) ctypes.Type {
	t := &ctypes.Struct{Union: union, Name: p.name("a name")}
	t.Size = p.field("size")
	t.Align = p.field("align")
	p.members(func() {
		i := len(t.Fields)
		f := ctypes.Field{Name: p.name("a member's name")}
		p.typeRefTo(func(of ctypes.Type) bool {
			t.Fields[i].Type = of
			return true
		})
		p.expect('@')
		f.Offset = int(p.int("an offset in bits"))
		if p.accept(':') {
			f.BitSize = int(p.int("a size in bits"))
		}
		f.DataLoc, f.RelLoc = p.acceptWord("dataloc"), p.acceptWord("relloc")
		t.Fields = append(t.Fields, f)
	})
	return t
}

func (p *parser) enumDef() ctypes.Type {
	t := &ctypes.Enum{Name: p.name("a name")}
	t.Size = p.field("size")
	t.Signed = p.acceptWord("signed")
	p.members(func() {
		v := ctypes.EnumValue{Name: p.name("a name")}
		p.expect('=')
		v.Value = p.int("a value")
		t.Values = append(t.Values, v)
	})
	return t
}

func (p *parser) funcDef() ctypes.Type {
	t := &ctypes.Func{Name: p.name("a name")}
	p.expect('(')
	for !p.bad && !p.tok.is(')') {
		i := len(t.Params)
		if i > 0 {
			p.expect(',')
		}
		t.Params = append(t.Params, ctypes.Param{Name: p.name("a parameter's name")})
		p.typeRefTo(func(of ctypes.Type) bool {
			t.Params[i].Type = of
			return true
		})
	}
	p.expect(')')
	p.typeRef(&t.Result)
	t.Variadic = p.acceptWord("variadic")
	if p.acceptWord("module") {
		t.Module = p.name("a module's name")
	}
	return t
}
