package verifierlog

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// Code is the code of the diagnostic about a refused program.
const Code diag.Code = "verifier-refused"

// excerptSteps is how many instructions of the log are shown.
const excerptSteps = 4

// SourceLine says from which source line the instructions from Insn on were
// made, up to the next SourceLine.
type SourceLine struct {
	Insn   int
	File   string
	Line   int // 1-based
	Column int // 1-based, 0 for unknown
	Text   string
}

// Explain makes a diagnostic of a refusal: the program's name, the kernel's
// answer in one line for when the log is empty, the log, and where its
// instructions come from, in any order.
func Explain(program, answer string, log []string, lines []SourceLine) *diag.Diagnostic {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b SourceLine) int { return cmp.Compare(a.Insn, b.Insn) })
	l := Parse(log)
	reason := answer
	if len(l.Reason) > 0 {
		reason = strings.Join(l.Reason, "\n")
	}
	failing, known := l.Failing()
	var at source.Span
	if known {
		at = spanOf(lines, failing.Insn)
	}
	d := diag.Errorf(Code, at, "the kernel refuses program %s: %s", program, reason)
	if known && !at.IsValid() {
		d.Note(at, "at instruction %s", failing)
	}
	if from, ok := l.Allocation(); ok {
		noteAt(d, lines, from, "it is acquired here: %s", from.Text)
	}
	if reg, ok := l.Accused(); ok {
		if from, ok := l.Origin(reg); ok {
			noteAt(d, lines, from, "R%d gets its value here: %s", reg, from.Text)
		}
	}
	if excerpt := l.Excerpt(excerptSteps); len(excerpt) > 0 {
		d.Note(source.Span{}, "the end of the verifier's log:\n%s", strings.Join(excerpt, "\n"))
	}
	if hint := suggestion(reason); hint != "" {
		d.WithHint("%s", hint)
	}
	return d
}

// noteAt adds a note about a step, unless its source line is the diagnostic's
// own or not known.
func noteAt(d *diag.Diagnostic, lines []SourceLine, from Step, format string, args ...any) {
	span := spanOf(lines, from.Insn)
	if span.IsValid() && span.String() != d.Span.String() {
		d.Note(span, format, args...)
	}
}

// spanOf returns the place of an instruction. The file that it lies in holds
// nothing but that line: the text is the compiler's, whatever has become of
// the file since.
func spanOf(lines []SourceLine, insn int) source.Span {
	i, ok := slices.BinarySearchFunc(lines, insn, func(l SourceLine, n int) int { return cmp.Compare(l.Insn, n) })
	if !ok {
		i--
	}
	if i < 0 || lines[i].File == "" || lines[i].Line < 1 || lines[i].Line > maxLine {
		return source.Span{}
	}
	l := lines[i]
	before := strings.Repeat("\n", l.Line-1)
	text := strings.TrimRight(strings.ReplaceAll(l.Text, "\n", " "), " \t\r")
	start := len(before) + min(max(l.Column-1, 0), len(text))
	if l.Column <= 1 { // no column: the statement, without its indentation
		start = len(before) + len(text) - len(strings.TrimLeft(text, " \t"))
	}
	end := len(before) + len(text)
	if l.Column > 1 {
		end = min(start+1, end)
	}
	return source.Span{File: source.NewFile(l.File, before+text), Start: start, End: end}
}

// maxLine is the largest line number that BTF can hold (22 bits).
const maxLine = 1<<22 - 1

// suggestions is what helps against the verifier's messages, by a pattern of
// the message. The first that matches is given.
func suggestions() []struct{ pattern, hint string } {
	return []struct{ pattern, hint string }{
		{`invalid mem access '\w*_or_null'`, "the pointer may be NULL: compare it with NULL before it is used"},
		{`invalid mem access '(inv|scalar|imm)'`, "this is a number to the verifier, not a pointer: read kernel memory with bpf_probe_read_kernel (or BPF_CORE_READ) and user memory with bpf_probe_read_user"},
		{`!read_ok`, "the register was never set on this path: give the variable a value, or return one"},
		{`Unreleased reference`, "what was reserved or acquired must be given back on every path, as by bpf_ringbuf_submit or bpf_ringbuf_discard"},
		{`back-edge|infinite loop detected`, "bound the loop by a constant, or use bpf_loop (Linux 5.17) or bpf_for"},
		{`program is too large|too many states|jumps is too complex`, "the verifier walks every path: make loops shorter, use bpf_loop, or split the program into global functions"},
		{`combined stack size|exceeds the stack|stack limit|invalid write to stack|invalid stack`, "a program has 512 bytes of stack: keep large values in a per-CPU array map"},
		{`invalid read from stack .*off=[0-9]`, "the access runs past the end of the variable: check the index against its size before"},
		{`invalid (indirect )?(read from|access to) stack`, "the stack is read where nothing was written: clear the whole variable first, padding included, as with = {} or memset"},
		{`(min|max) value is (negative|outside)|unbounded (memory access|min value)|unbounded variable`, "the offset or length has no bounds that the verifier can see: compare it with a constant just before the access, in an unsigned variable"},
		{`invalid access to map value`, "the access lies outside of the map's value: check the index against the array's size before"},
		{`invalid access to packet|packet pointer`, "compare the end of what is read with data_end before"},
		{`invalid bpf_context access`, "a program of this type may not read that part of its context"},
		{`invalid func unknown#195896080`, "a CO-RE relocation at this place has no answer: the field, type or enumerator does not exist on this kernel; guard it with bpf_core_field_exists and its like"},
		{`unknown func|invalid func`, "this kernel does not have the helper function"},
		{`BPF_(STX|ATOMIC) uses reserved fields|invalid atomic operand`, "this kernel lacks the atomic operation (those that return a value came with Linux 5.12): compile with -mcpu=v2"},
		{`(program of this type cannot use helper|helper call is not allowed)`, "programs of this type may not call that helper"},
		{`GPL.?(only|restricted|compatible)`, `helpers such as bpf_trace_printk need: char LICENSE[] SEC("license") = "GPL";`},
		{`type=\S+ expected=`, "the argument is not what the function takes"},
		{`At program exit the register R0`, "the return value is outside of what this type of program may return"},
		{`misaligned`, "the access is not aligned to its size: read it with bpf_probe_read_kernel or through a packed struct"},
	}
}

func suggestion(reason string) string {
	for _, s := range suggestions() {
		if ok, err := regexp.MatchString(s.pattern, reason); err == nil && ok {
			return s.hint
		}
	}
	return ""
}

// String is a step as the log has it.
func (s Step) String() string { return fmt.Sprintf("%d: %s", s.Insn, s.Text) }
