package verifierlog

import (
	"regexp"
	"strconv"
	"strings"
)

// Log is a verifier's log, taken apart.
type Log struct {
	Lines []string
	Steps []Step // the instructions in the order in which the verifier walked them
	// Reason is what the verifier says against the program, one or more
	// lines, and Tail the index in Lines at which it begins.
	Reason []string
	Tail   int
}

// Step is one instruction as the verifier came to it.
type Step struct {
	Insn int    // index of the 8-byte instruction in the program
	Text string // "r1 = *(u64 *)(r0 +0)"
	Line int    // index in Log.Lines
}

// Parse takes a log apart. It accepts the forms of all kernels from 5.10 on.
func Parse(lines []string) Log {
	l := Log{Lines: lines, Tail: len(lines)}
	for i, s := range lines {
		if n, text, ok := parseStep(s); ok {
			l.Steps = append(l.Steps, Step{n, text, i})
		}
	}
	from := 0
	if n := len(l.Steps); n > 0 {
		from = l.Steps[n-1].Line + 1
	}
	for i := from; i < len(lines); i++ {
		if isState(lines[i]) || lines[i] == "" {
			continue
		}
		if isTrailer(lines[i]) {
			break
		}
		if len(l.Reason) == 0 {
			l.Tail = i
		}
		l.Reason = append(l.Reason, strings.TrimSpace(lines[i]))
	}
	return l
}

// parseStep reads "12: (79) r1 = *(u64 *)(r0 +0)", of which newer kernels
// follow with the state after a semicolon.
func parseStep(s string) (insn int, text string, ok bool) {
	num, rest, ok := strings.Cut(s, ": (")
	if !ok || len(rest) < 4 || rest[2] != ')' || rest[3] != ' ' || !isHex(rest[0]) || !isHex(rest[1]) {
		return 0, "", false
	}
	insn, err := strconv.Atoi(num)
	if err != nil || insn < 0 {
		return 0, "", false
	}
	text, _, _ = strings.Cut(rest[4:], ";")
	return insn, strings.TrimSpace(text), true
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

// isState reports whether a line tells how things stand rather than what is
// wrong: registers, a change of the path, the source line.
func isState(s string) bool {
	t := strings.TrimSpace(s)
	switch {
	case strings.HasPrefix(t, ";"), strings.HasPrefix(t, "from "), strings.HasPrefix(t, "mark_precise:"),
		strings.HasPrefix(t, "last_idx "), strings.HasPrefix(t, "regs="), strings.HasPrefix(t, "parent "),
		strings.HasPrefix(t, "propagating "), strings.HasPrefix(t, "arg#"), strings.HasPrefix(t, "func#"),
		strings.HasPrefix(t, "caller:"), strings.HasPrefix(t, "callee:"), strings.HasPrefix(t, "frame"),
		strings.HasPrefix(t, "returning from callee:"), strings.HasPrefix(t, "to caller at "),
		strings.HasPrefix(t, "cur state:"), strings.HasPrefix(t, "old state:"):
		return true
	}
	// "R0=..., R1_w=...", also after the number of an instruction: "12: R0=..."
	if num, rest, ok := strings.Cut(t, ": "); ok {
		if _, err := strconv.Atoi(num); err == nil {
			t = rest
		}
	}
	reg, _, ok := strings.Cut(t, "=")
	reg, _, _ = strings.Cut(reg, "_")
	if !ok || len(reg) < 2 || reg[0] != 'R' {
		return false
	}
	_, err := strconv.Atoi(reg[1:])
	return err == nil
}

// isTrailer reports whether a line begins the statistics at the end.
func isTrailer(s string) bool {
	for _, p := range []string{"processed ", "verification time ", "stack depth ", "max_states_per_insn "} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// Failing returns the instruction at which the program fails: the one that
// the reason names, else the last that the verifier came to. It is false when
// there is neither.
func (l *Log) Failing() (Step, bool) {
	if n, ok := l.named(`(?:at|from) insn (\d+)`); ok {
		return l.step(n), true
	}
	if len(l.Steps) == 0 {
		return Step{}, false
	}
	return l.Steps[len(l.Steps)-1], true
}

// Allocation returns the instruction of which the reason says that it
// acquired what is not released.
func (l *Log) Allocation() (Step, bool) {
	n, ok := l.named(`alloc_insn=(\d+)`)
	return l.step(n), ok
}

// named finds a number in the reason, as the first group of a pattern.
func (l *Log) named(pattern string) (int, bool) {
	m := regexp.MustCompile(pattern).FindStringSubmatch(strings.Join(l.Reason, "\n"))
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// step returns the last step at an instruction, without text when the
// verifier did not come to it.
func (l *Log) step(insn int) Step {
	for i := len(l.Steps) - 1; i >= 0; i-- {
		if l.Steps[i].Insn == insn {
			return l.Steps[i]
		}
	}
	return Step{Insn: insn}
}

// Accused returns the register that the reason begins with, if any.
func (l *Log) Accused() (int, bool) {
	n, ok := l.named(`(?m)^R(\d{1,2}) `)
	return n, ok && n <= 10
}

// Origin returns the step, before the last, that gave a register the value
// that it has there, on the path that the verifier walked.
func (l *Log) Origin(reg int) (Step, bool) {
	for i := len(l.Steps) - 2; i >= 0; i-- {
		to, _, ok := strings.Cut(l.Steps[i].Text, " = ")
		n, err := strconv.Atoi(strings.TrimLeft(to, "rw"))
		if ok && err == nil && n == reg || reg == 0 && strings.HasPrefix(l.Steps[i].Text, "call ") {
			return l.Steps[i], true
		}
	}
	return Step{}, false
}

// Excerpt returns the lines of the log around its end: the last steps, at
// most n of them, with what the verifier says in between, and the reason.
func (l *Log) Excerpt(n int) []string {
	from := 0
	if k := len(l.Steps); k > n {
		from = l.Steps[k-n].Line
	}
	to := min(l.Tail+len(l.Reason), len(l.Lines))
	var out []string
	for _, s := range l.Lines[from:to] {
		if s != "" {
			out = append(out, s)
		}
	}
	if len(out) > 4*n { // states can take many lines
		out = append([]string{"..."}, out[len(out)-4*n:]...)
	}
	return out
}
