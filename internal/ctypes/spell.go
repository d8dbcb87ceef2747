package ctypes

import (
	"strconv"
	"strings"
)

// Spell returns the C declaration of name with type t: "char *argv[4]",
// "const char * const *s", "int (*fn)(void *)", with the spaces where libbpf
// has them. An empty name gives the type's name, as in a cast. A struct, union
// or enum without a name is spelled "struct {...}".
func Spell(t Type, name string) string {
	s := speller{budget: maxSpell}
	return s.spell(t, name)
}

// maxSpell bounds how many types one spelling goes through, so that a type
// made to blow up does not.
const maxSpell = 1000

// speller spells types until its budget is used up.
type speller struct {
	budget int
	empty  string // the length of an array without one
}

// spell puts the declarator d around what t is made of.
func (s *speller) spell(t Type, d string) string {
	if s.budget--; s.budget < 0 {
		return joinWord("...", d)
	}
	switch x := t.(type) {
	case *Pointer:
		return s.pointer(x, "", d)
	case *Array:
		n := s.empty
		if x.Len > 0 {
			n = strconv.Itoa(x.Len)
		}
		return s.spell(orVoid(x.Elem), group(d)+"["+n+"]")
	case *Func:
		return s.spell(orVoid(x.Result), group(d)+s.params(x))
	case *Qual:
		return s.qual(x, d)
	}
	return joinWord(spellBase(t), d)
}

func (s *speller) pointer(p *Pointer, quals, d string) string {
	star := "*"
	if quals != "" {
		star += " " + quals
	}
	if d != "" && (d[0] == '(' || quals != "" && d[0] != '[') {
		star += " "
	}
	return s.spell(orVoid(p.Elem), star+d)
}

// qual writes a qualifier after the star of the pointer that it qualifies,
// and before any other type.
func (s *speller) qual(q *Qual, d string) string {
	words := q.Kind
	t := q.Type
	for n, ok := t.(*Qual); ok && s.budget > 0; n, ok = t.(*Qual) {
		words += " " + n.Kind
		t = n.Type
		s.budget--
	}
	if p, ok := t.(*Pointer); ok {
		return s.pointer(p, words, d)
	}
	// A qualified array of qualified elements has the qualifier once.
	rest := s.spell(orVoid(t), d)
	if strings.HasPrefix(rest, words+" ") {
		return rest
	}
	return words + " " + rest
}

// group puts parentheses around a declarator that begins with a star.
func group(d string) string {
	if strings.HasPrefix(d, "*") {
		return "(" + d + ")"
	}
	return d
}

func joinWord(word, d string) string {
	if d == "" || strings.HasPrefix(d, "[") {
		return word + d
	}
	return word + " " + d
}

func orVoid(t Type) Type {
	if t == nil {
		return &Void{}
	}
	return t
}

func (s *speller) params(f *Func) string {
	var list []string
	for _, p := range f.Params {
		list = append(list, s.spell(orVoid(p.Type), p.Name))
	}
	switch {
	case f.Variadic:
		list = append(list, "...")
	case len(list) == 0:
		list = []string{"void"}
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// spellBase names a type that needs no declarator.
func spellBase(t Type) string {
	switch x := t.(type) {
	case *Int:
		return x.Name
	case *Float:
		return x.Name
	case *Typedef:
		return x.Name
	case *Struct:
		return tagged(strings.TrimSpace(tag(x.Union)), x.Name)
	case *Fwd:
		return tagged(strings.TrimSpace(tag(x.Union)), x.Name)
	case *Enum:
		return tagged("enum", x.Name)
	case *Lazy:
		return tagged(x.Kind, x.Name)
	}
	return "void"
}

func tagged(keyword, name string) string {
	if name == "" {
		return keyword + " {...}"
	}
	return keyword + " " + name
}
