package facts

import (
	"sort"
	"strings"
)

// Kind says what a helper's argument or result is, as far as its C prototype
// tells.
type Kind uint8

// The kinds of arguments and results.
const (
	Void     Kind = iota
	Unsigned      // an unsigned integer of Size bytes
	Signed        // a signed integer of Size bytes
	Ptr           // a pointer to memory that may be written
	ConstPtr      // a pointer to memory that is only read
	Context       // the program's context
	MapPtr        // a map
	Callback      // a function of the program
)

func (k Kind) String() string {
	return [...]string{"void", "unsigned", "signed", "ptr", "const_ptr", "context", "map", "callback"}[k]
}

// IsPointer reports whether values of the kind are addresses.
func (k Kind) IsPointer() bool { return k >= Ptr }

// Arg is an argument or the result of a helper. Type is its C type as libbpf
// spells it; Size is in bytes.
type Arg struct {
	Name string
	Type string
	Kind Kind
	Size uint8
}

// Helper is the prototype of a helper function.
type Helper struct {
	Number   uint32
	Name     string // without "bpf_"
	Result   Arg
	Args     []Arg
	Variadic bool // more integer arguments may follow, up to five in all
}

// HelperByName finds a helper by its name, with or without "bpf_".
func HelperByName(name string) (Helper, bool) {
	name = strings.TrimPrefix(name, "bpf_")
	i := sort.Search(len(helperOrder), func(i int) bool { return helpers[helperOrder[i]].Name >= name })
	if i == len(helperOrder) || helpers[helperOrder[i]].Name != name {
		return Helper{}, false
	}
	return helpers[helperOrder[i]], true
}

// HelperByNumber finds a helper by its number (enum bpf_func_id).
func HelperByNumber(n uint32) (Helper, bool) {
	if n == 0 || n > uint32(len(helpers)) {
		return Helper{}, false
	}
	return helpers[n-1], true
}

// Helpers returns all helpers in the order of their numbers.
func Helpers() []Helper { return append([]Helper(nil), helpers[:]...) }

// String is the helper's C prototype.
func (h Helper) String() string {
	var b strings.Builder
	result := h.Result.Type
	if h.Result.Kind == Void {
		result = "void"
	}
	b.WriteString(declare(result, "bpf_"+h.Name) + "(")
	for i, a := range h.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(declare(a.Type, a.Name))
	}
	switch {
	case h.Variadic:
		b.WriteString(", ...")
	case len(h.Args) == 0:
		b.WriteString("void")
	}
	return b.String() + ")"
}

func declare(typ, name string) string {
	if strings.HasSuffix(typ, "*") {
		return typ + name
	}
	return typ + " " + name
}
