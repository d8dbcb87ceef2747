package isa

import (
	"fmt"
	"math"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// The codes of the assembler's diagnostics.
const (
	CodeSyntax diag.Code = "asm-syntax"
	CodeLabel  diag.Code = "asm-label"
	CodeRange  diag.Code = "asm-range"
)

// Assemble reads a program in the dialect of the kernel's verifier, one
// instruction a line, as String and Fprint write it. It takes the slot number
// and opcode byte that the verifier and bpftool put in front, and comments
// after `;` or `//`. Jumps and calls lead to a label (`name:`) or over a
// number of slots (`pc+3` or `+3`).
//
// Some instructions have the same operator and differ in the number: a
// decimal number in `r1 = 5` is a 64-bit move of a 32-bit immediate, while a
// hexadecimal one (as the verifier writes it) or one followed by `ll` is an
// lddw.
//
// The error is a *diag.List.
func Assemble(f *source.File) ([]Instruction, error) {
	a := &assembler{file: f, labels: map[string]label{}}
	for base, rest := 0, f.Content; ; {
		line, after, more := strings.Cut(rest, "\n")
		a.line(scanLine(line, base))
		if !more || len(a.errs.Items) >= diag.Limit {
			break
		}
		base, rest = base+len(line)+1, after
	}
	a.resolve()
	if err := a.errs.Err(); err != nil {
		return nil, err
	}
	return a.insns, nil
}

type label struct {
	slot int
	span source.Span
}

// fixup is an instruction whose target is a label.
type fixup struct {
	insn, slot int
	label      string
	span       source.Span
}

type assembler struct {
	file   *source.File
	errs   diag.List
	insns  []Instruction
	slot   int
	labels map[string]label
	fixups []fixup

	toks []token // of the current line
	pos  int
}

// failed unwinds from a syntax error to the end of the line; line catches it.
type failed struct{}

func (a *assembler) line(toks []token) {
	a.toks, a.pos = toks, 0
	fixups := len(a.fixups)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failed); !ok {
				panic(r)
			}
			a.fixups = a.fixups[:fixups]
		}
	}()
	if a.peek().kind == tokNumber && a.toks[1].text == ":" {
		a.pos = 2
		if a.peek().text == "(" && len(a.toks) > 4 && len(a.toks[3].text) == 2 && a.toks[4].text == ")" {
			a.pos = 5
		}
	}
	for a.peek().kind == tokWord && a.toks[a.pos+1].text == ":" {
		a.define(a.next())
		a.pos++
	}
	if a.peek().kind == tokEnd {
		return
	}
	start := a.peek()
	if start.text == ".8byte" {
		a.raw()
		return
	}
	in := a.statement()
	if t := a.peek(); t.kind != tokEnd {
		a.fail(t, "unexpected %q after the instruction", t.text)
	}
	in.Span = source.Span{File: a.file, Start: start.start, End: a.toks[a.pos-1].end}
	if err := in.Check(); err != nil {
		a.errs.Errorf(CodeSyntax, in.Span, "%s", err)
		panic(failed{})
	}
	a.emit(in)
}

func (a *assembler) emit(in Instruction) {
	a.insns = append(a.insns, in)
	a.slot += in.Slots()
}

func (a *assembler) define(t token) {
	span := a.span(t)
	if old, ok := a.labels[t.text]; ok {
		a.errs.Errorf(CodeLabel, span, "label %s is already defined", t.text).Note(old.span, "here")
		return
	}
	a.labels[t.text] = label{a.slot, span}
}

// refer notes that the instruction about to be emitted leads to a label.
func (a *assembler) refer(t token) {
	a.fixups = append(a.fixups, fixup{len(a.insns), a.slot, t.text, a.span(t)})
}

// resolve fills in the distances to labels.
func (a *assembler) resolve() {
	for _, f := range a.fixups {
		in := &a.insns[f.insn]
		l, ok := a.labels[f.label]
		off := l.slot - f.slot - 1
		switch wide := in.Op == OpGotoLong || in.Op == OpCall; {
		case !ok:
			a.errs.Errorf(CodeLabel, f.span, "no label %s", f.label)
		case wide:
			in.Imm = int64(off)
		case off < math.MinInt16 || off > math.MaxInt16:
			a.errs.Errorf(CodeRange, f.span, "label %s is %d slots away, which doesn't fit 16 bits", f.label, off).
				WithHint("gotol reaches further")
		default:
			in.Off = int16(off)
		}
	}
	a.bindFuncs()
}

// bindFuncs resolves func[name] where the text has a label of that name;
// others stay references to functions of the object.
func (a *assembler) bindFuncs() {
	slot := 0
	for i := range a.insns {
		in := &a.insns[i]
		if l, ok := a.labels[in.Ref.Name]; ok && in.Ref.Kind == RefFunc {
			in.Ref = Ref{}
			in.Imm = int64(l.slot - slot - 1)
			if in.Op == OpLoadImm64 {
				in.Imm = int64(uint32(in.Imm))
			}
		}
		slot += in.Slots()
	}
}

func (a *assembler) span(t token) source.Span {
	return source.Span{File: a.file, Start: t.start, End: t.end}
}

func (a *assembler) fail(t token, format string, args ...any) {
	a.errs.Errorf(CodeSyntax, a.span(t), format, args...)
	panic(failed{})
}

func (a *assembler) peek() token { return a.toks[a.pos] }

func (a *assembler) next() token {
	t := a.toks[a.pos]
	if t.kind != tokEnd {
		a.pos++
	}
	return t
}

// accept takes the next token when it is the given one.
func (a *assembler) accept(text string) bool {
	if t := a.peek(); t.kind != tokEnd && t.text == text {
		a.pos++
		return true
	}
	return false
}

func (a *assembler) expect(texts ...string) {
	for _, text := range texts {
		if !a.accept(text) {
			a.fail(a.peek(), "%s where %q should stand", describe(a.peek()), text)
		}
	}
}

func describe(t token) string {
	if t.kind == tokEnd {
		return "end of line"
	}
	return fmt.Sprintf("%q", t.text)
}
