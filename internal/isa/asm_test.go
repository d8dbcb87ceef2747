package isa

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

func assemble(text string) ([]Instruction, error) { return Assemble(source.NewFile("t.s", text)) }

func format(insns []Instruction, s Style) string {
	var b strings.Builder
	Fprint(&b, insns, s)
	return b.String()
}

func text(insns []Instruction) string { return format(insns, Style{Bare: true}) }

func TestAssembleSpellings(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"r1 = 5", "r1 = 5"},
		{"r1 = 0x5", "r1 = 0x5"},
		{"r1 = 5 ll", "r1 = 0x5"},
		{"r1 = -1 ll", "r1 = 0xffffffffffffffff"},
		{"w1 = 0xffffffff", "w1 = -1"},
		{"w1 &= 0x80000000", "w1 &= -2147483648"},
		{"r1 += 0x10", "r1 += 16"},
		{"12: (b7) r1 = 5    ; R1_w=5", "r1 = 5"},
		{"7: (7b) *(u64 *)(r10 -8) = r1", "*(u64 *)(r10 -8) = r1"},
		{"*(u32*)(r10 - 4) = w1 // LLVM's way", "*(u32 *)(r10 -4) = r1"},
		{"w1 = *(u8 *)(r2 + 0)", "r1 = *(u8 *)(r2 +0)"},
		{"r1 = *(s8 *)(r2)", "r1 = *(s8 *)(r2 +0)"},
		{"w0 = atomic_fetch_add((u32 *)(r1 + 0), w0)", "r0 = atomic_fetch_add((u32 *)(r1 +0), r0)"},
		{"if r1 s> 5 goto +3", "if r1 s> 0x5 goto pc+3"},
		{"if r1 == 0xfffffffb goto pc-3", "if r1 == 0xfffffffb goto pc-3"},
		{"if r1 == -5 goto pc-3", "if r1 == 0xfffffffb goto pc-3"},
		{"call map_lookup_elem", "call bpf_map_lookup_elem#1"},
		{"call bpf_map_lookup_elem", "call bpf_map_lookup_elem#1"},
		{"call 1", "call bpf_map_lookup_elem#1"},
		{"call unknown#9999", "call unknown#9999"},
		{"call pc+5", "call pc+5"},
		{"call kernel-function#77", "call kernel-function#77"},
		{"call func[a.b]", "call func[a.b]"},
		{"call kfunc[bpf_x]", "call kfunc[bpf_x]"},
		{"r1 = map[m]", "r1 = map[m]"},
		{"r1 = map[m][0]", "r1 = map[m][0]+0"},
		{"r1 = map[m][0]+8", "r1 = map[m][0]+8"},
		{"r1 = data[.rodata.str]+4", "r1 = data[.rodata.str]+4"},
		{"r1 = map[id:3]", "r1 = map[fd:3]"},
		{"r1 = map[idx:3][0]+4", "r1 = map[idx:3][0]+4"},
		{"r1 = ksym[init_task]", "r1 = ksym[init_task]"},
		{"r1 = subprog[-3]", "r1 = subprog[-3]"},
		{"r0 = *(u8 *)skb[r1 + 12]", "r0 = *(u8 *)skb[r1 + 12]"},
		{"lock *(u32 *)(r1 +4) |= w2", "lock *(u32 *)(r1 +4) |= r2"},
		{"r1 = addr_space_cast(r2, 0, 1)", "r1 = addr_space_cast(r2, 0, 1)"},
		{"# a comment\n\n;another\nexit", "exit"},
	} {
		insns, err := assemble(tt.in)
		qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", tt.in))
		qt.Assert(t, qt.HasLen(insns, 1), qt.Commentf("%s", tt.in))
		qt.Check(t, qt.Equals(insns[0].String(), tt.want))
	}
}

func TestLabels(t *testing.T) {
	insns, err := assemble(`
	start: r1 = 0x1 ll
	loop:
		if r1 > 5 goto done
		r1 += 1
		goto loop
	done: r2 = func[callback]
		call callback
		r3 = func[elsewhere]
		gotol start
	callback:
		r0 = 0
		exit
	`)
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(text(insns), `	r1 = 0x1
	if r1 > 0x5 goto pc+2
	r1 += 1
	goto pc-3
	r2 = subprog[+5]
	call pc+3
	r3 = func[elsewhere]
	gotol pc-11
	r0 = 0
	exit
`))
	labelled := format(insns, Style{Bare: true, Labels: true})
	qt.Check(t, qt.StringContains(labelled, "L5:\n\tr2 = func[L11]\n\tcall L11\n"))
	again, err := assemble(labelled)
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(text(again), text(insns)))
}

func TestSource(t *testing.T) {
	insns, err := assemble("r0 = 1\nexit")
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.Equals(format(insns, Style{Source: true}),
		"; r0 = 1 @ t.s:1\n   0: (b7) r0 = 1\n; exit @ t.s:2\n   1: (95) exit\n"))
}

func TestAssembleErrors(t *testing.T) {
	for _, tt := range []struct {
		in   string
		code diag.Code
		at   string // the text that the span covers
		want string
	}{
		{"r11 = 0", CodeSyntax, "r11", "instruction"},
		{"r1 == 5", CodeSyntax, "==", "assignment"},
		{"r1 += w2", CodeSyntax, "w2", "different widths"},
		{"r1 = 0 0", CodeSyntax, "0", "unexpected"},
		{"r1 += 4294967295", CodeRange, "4294967295", "32 bits"},
		{"r1 = 3000000000", CodeRange, "3000000000", "32 bits"},
		{"r1 = 99999999999999999999", CodeSyntax, "99999999999999999999", "64 bits"},
		{"r1 = *(u32 *)(r2 +40000)", CodeRange, "+40000", "16 bits"},
		{"r1 = *(u7 *)(r2 +4)", CodeSyntax, "u7", "size"},
		{"goto nowhere", CodeLabel, "nowhere", "no label"},
		{"x: x: exit", CodeLabel, "x", "already defined"},
		{"r1 = be16 r2", CodeSyntax, "r2", "in place"},
		{"r1 = -r2", CodeSyntax, "r2", "in place"},
		{"r1 = foo[x]", CodeSyntax, "foo", "unknown value"},
		{"if r1 = 5 goto +1", CodeSyntax, "=", "comparison"},
		{"call nobody", CodeLabel, "nobody", "no label"},
		{"lock *(u64 *)(r1 +0) -= r2", CodeSyntax, "-=", "should stand"},
		{"lock *(u8 *)(r1 +0) += r2", CodeSyntax, "lock *(u8 *)(r1 +0) += r2", "atomic"},
		{"r1 = atomic_xchg((u32 *)(r2 +0), r3)", CodeSyntax, "r1", "operand"},
		{"r1 = atomic64_cmpxchg((u64 *)(r2 +0), r0, r3)", CodeSyntax, "r0", "r0"},
		{"r3 = *(u8 *)skb[4]", CodeSyntax, "r3", "r0"},
		{".8byte 0x18", CodeSyntax, ".8byte", "second slot"},
		{"r1 = @", CodeSyntax, "@", "value"},
		{"r1 =", CodeSyntax, "", "end of line"},
	} {
		insns, err := assemble(tt.in)
		qt.Assert(t, qt.IsNil(insns), qt.Commentf("%s", tt.in))
		var list *diag.List
		qt.Assert(t, qt.IsTrue(errors.As(err, &list)), qt.Commentf("%s", tt.in))
		qt.Assert(t, qt.HasLen(list.Items, 1), qt.Commentf("%s: %v", tt.in, list.Items))
		d := list.Items[0]
		qt.Check(t, qt.Equals(d.Code, tt.code), qt.Commentf("%s: %s", tt.in, d.Message))
		qt.Check(t, qt.Equals(d.Span.Text(), tt.at), qt.Commentf("%s: %s", tt.in, d.Message))
		qt.Check(t, qt.StringContains(d.Message, tt.want))
	}
}

func TestAssembleReportsAll(t *testing.T) {
	_, err := assemble("foo\nexit\nbar\n")
	var list *diag.List
	qt.Assert(t, qt.IsTrue(errors.As(err, &list)))
	qt.Check(t, qt.HasLen(list.Items, 2))
	_, err = assemble(strings.Repeat("foo\n", 1000))
	qt.Assert(t, qt.IsTrue(errors.As(err, &list)))
	qt.Check(t, qt.HasLen(list.Items, diag.Limit))
	far := "goto end\n" + strings.Repeat("r0 = 0\n", 40000) + "end: exit"
	_, err = assemble(far)
	qt.Check(t, qt.ErrorMatches(err, ".*40000 slots away.*"))
}

func FuzzAssemble(f *testing.F) {
	for _, in := range seeds() {
		f.Add(in.String())
	}
	f.Add("1: (b7) r1 = 5 ; x\nl: if w1 s>= -1 goto l\ncall func[l]\nr1 = map[a][0]+7\n.8byte 1, 2")
	f.Fuzz(func(t *testing.T, in string) {
		insns, err := assemble(in)
		if err != nil {
			return
		}
		for _, style := range []Style{{}, {Bare: true, Labels: true, Source: true}} {
			listing := format(insns, style)
			again, err := assemble(listing)
			qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", listing))
			qt.Assert(t, qt.HasLen(again, len(insns)))
			for i := range insns {
				again[i].Span = insns[i].Span
				qt.Assert(t, qt.Equals(again[i], insns[i]), qt.Commentf("%s", listing))
			}
		}
	})
}

func Example() {
	insns, err := assemble("r0 = *(u32 *)(r1 +4)\nif r0 s> 5 goto out\nr0 = 0\nout: exit")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(format(insns, Style{}))
	// Output:
	//    0: (61) r0 = *(u32 *)(r1 +4)
	//    1: (65) if r0 s> 0x5 goto pc+1
	//    2: (b7) r0 = 0
	//    3: (95) exit
}
