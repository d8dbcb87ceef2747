package ctypes

import (
	"errors"
	"testing"
)

var (
	charT = &Int{Name: "char", Size: 1, Signed: true, Char: true}
	intT  = &Int{Name: "int", Size: 4, Signed: true}
	longT = &Int{Name: "unsigned long", Size: 8}
)

func TestSpell(t *testing.T) {
	task := &Struct{Name: "task_struct"}
	konst := func(t Type) Type { return &Qual{"const", t} }
	ptr := func(t Type) Type { return &Pointer{Elem: t} }
	fn := &Func{Result: intT, Params: []Param{{"p", ptr(&Void{})}, {"", longT}}, Variadic: true}
	for _, c := range []struct {
		t          Type
		name, want string
	}{
		{intT, "x", "int x"},
		{intT, "", "int"},
		{&Array{ptr(charT), 4}, "argv", "char *argv[4]"},
		{ptr(&Array{charT, 4}), "p", "char (*p)[4]"},
		{&Array{&Array{intT, 3}, 2}, "m", "int m[2][3]"},
		{&Array{intT, 0}, "flex", "int flex[]"},
		{&Array{charT, 16}, "", "char[16]"},
		{konst(ptr(konst(charT))), "s", "const char * const s"},
		{ptr(konst(ptr(konst(charT)))), "s", "const char * const *s"},
		{ptr(konst(ptr(charT))), "", "char * const *"},
		{konst(ptr(charT)), "", "char * const"},
		{ptr(fn), "f", "int (*f)(void *p, unsigned long, ...)"},
		{fn, "f", "int f(void *p, unsigned long, ...)"},
		{&Func{Result: nil}, "f", "void f(void)"},
		{&Array{ptr(&Func{Result: &Void{}}), 2}, "tab", "void (*tab[2])(void)"},
		{ptr(&Func{Result: ptr(&Func{Result: intT})}), "f", "int (* (*f)(void))(void)"},
		{ptr(task), "t", "struct task_struct *t"},
		{&Struct{Union: true}, "u", "union {...} u"},
		{&Enum{Name: "e"}, "", "enum e"},
		{&Typedef{"u32", longT}, "n", "u32 n"},
		{konst(&Qual{"volatile", intT}), "n", "const volatile int n"},
		{&Fwd{Name: "f"}, "", "struct f"},
		{NewLazy("union", "l", nil), "x", "union l x"},
	} {
		if got := Spell(c.t, c.name); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	deep := &Func{}
	for range 40 { // 2^40 parameters when spelled out
		deep = &Func{Params: []Param{{"", &Pointer{Elem: deep}}, {"", &Pointer{Elem: deep}}}}
	}
	if s := Spell(deep, "f"); len(s) > 100000 {
		t.Errorf("a type that blows up gives %d bytes", len(s))
	}
}

func TestBaseTypes(t *testing.T) {
	for spelling, want := range map[string]string{
		"long unsigned int": "unsigned long", "unsigned": "unsigned int", "short int": "short", "signed": "int",
		"int long long unsigned": "unsigned long long", "signed char": "signed char", "_Bool": "_Bool",
		"unsigned char": "unsigned char", "long double": "long double", "unsigned __int128": "unsigned __int128",
		"void": "void", "long": "long", "u64": "u64", "pid_t": "pid_t",
	} {
		got := Builtin(spelling)
		if got == nil || Spell(got, "") != want {
			t.Errorf("%s: %v", spelling, got)
		}
	}
	for _, bad := range []string{"", "long char", "unsigned signed", "short long", "long long long", "int int", "foo", "unsigned float"} {
		if got := Builtin(bad); got != nil {
			t.Errorf("%q is %s", bad, Spell(got, ""))
		}
	}
	for name := range fixed {
		if Sizeof(Builtin(name)) == 0 {
			t.Errorf("%s has no size", name)
		}
	}
}

type one struct {
	Unknown
	name string
	t    Type
}

func (o one) Type(name string) (Type, error) {
	if name == o.name {
		return o.t, nil
	}
	return o.Unknown.Type(name)
}

func TestChain(t *testing.T) {
	opened := 0
	late := func() (Resolver, error) { opened++; return one{name: "b", t: longT}, nil }
	c := NewChain(Opened(one{name: "a", t: intT}), late)
	if got, err := c.Type("a"); err != nil || got != intT {
		t.Fatal(got, err)
	}
	if opened != 0 {
		t.Fatal("opened without need")
	}
	for range 2 {
		if got, err := c.Type("b"); err != nil || got != longT {
			t.Fatal(got, err)
		}
	}
	if opened != 1 {
		t.Fatalf("opened %d times", opened)
	}
	if _, err := c.Type("c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := c.Tracepoint("a", "b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown tracepoint: %v", err)
	}
	denied := errors.New("no permission")
	c = NewChain(func() (Resolver, error) { return nil, denied }, late)
	if _, err := c.Type("c"); !errors.Is(err, denied) || errors.Is(err, ErrNotFound) {
		t.Errorf("a resolver that can't be asked: %v", err)
	}
	if got, err := c.Type("b"); err != nil || got != longT {
		t.Errorf("known to the second one: %v, %v", got, err)
	}
}

func TestComplete(t *testing.T) {
	full := &Struct{Name: "s", Size: 4, Fields: []Field{{Name: "x", Type: intT}}}
	r := one{name: "struct s", t: full}
	for _, in := range []Type{&Fwd{Name: "s"}, &Struct{Name: "s", Size: 4}, &Qual{"const", &Fwd{Name: "s"}}} {
		if Complete(r, in) != full {
			t.Errorf("%s stays", Spell(in, ""))
		}
	}
	for _, in := range []Type{&Fwd{Name: "t"}, &Fwd{Name: "s", Union: true}, intT, full} {
		if Complete(r, in) != in {
			t.Errorf("%s changes", Spell(in, ""))
		}
	}
	td := &Typedef{"my_t", &Void{}}
	if got := Complete(one{name: "my_t", t: longT}, td); got != longT {
		t.Errorf("typedef of unknown meaning: %s", Spell(got, ""))
	}
}

func TestAlignof(t *testing.T) {
	for _, c := range []struct {
		t    Type
		want int
	}{
		{charT, 1}, {longT, 8}, {&Array{intT, 3}, 4}, {&Pointer{Elem: charT}, 8}, {&Void{}, 1},
		{&Struct{Size: 16, Fields: []Field{{Name: "a", Type: charT}, {Name: "b", Type: longT, Offset: 64}}}, 8},
		{&Struct{Size: 9, Fields: []Field{{Name: "a", Type: charT}, {Name: "b", Type: longT, Offset: 8}}}, 1},
		{&Struct{Size: 9, Fields: []Field{{Name: "b", Type: longT}, {Name: "a", Type: charT, Offset: 64}}}, 1},
		{&Struct{Size: 64, Align: 64, Fields: []Field{{Name: "a", Type: charT}}}, 64},
	} {
		if got := Alignof(c.t); got != c.want {
			t.Errorf("%s: %d, want %d", Spell(c.t, ""), got, c.want)
		}
	}
}
