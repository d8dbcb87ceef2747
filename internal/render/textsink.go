package render

import (
	"bytes"
	"io"
	"strconv"
)

// textSink prints as bpftrace does.
type textSink struct {
	output
	errs io.Writer
	key  []byte // scratch
}

// NewText returns a sink that prints output to out and messages about the run
// (lost events, attached probes, errorf) to errs. Output that was collected is
// written before a message is.
func NewText(out, errs io.Writer) Sink {
	return &textSink{output: output{w: out}, errs: errs}
}

func (s *textSink) Text(kind TextKind, text []byte) {
	s.buf = append(s.buf, text...)
	if kind == Join || kind == System {
		s.buf = append(s.buf, '\n')
	}
	s.grown()
}

func (s *textSink) Value(v Value) {
	s.buf = append(AppendText(s.buf, v), '\n')
	s.grown()
}

func (s *textSink) Map(name string, v Value) {
	if st, ok := v.(*Stats); ok {
		v = st.Of
	}
	switch v := v.(type) {
	case *Map:
		s.entries(name, v)
	case *Histogram:
		s.buf = append(append(s.buf, name...), ":\n"...)
		s.buf = append(AppendText(s.buf, v), '\n')
	default:
		s.buf = append(append(s.buf, name...), ": "...)
		s.buf = append(AppendText(s.buf, v), '\n')
	}
	s.grown()
}

// entries prints a line per entry, or a block when its value takes several.
func (s *textSink) entries(name string, m *Map) {
	for _, e := range m.Entries {
		s.buf = append(append(s.buf, name...), '[')
		s.key = AppendText(s.key[:0], e.Key)
		s.buf = append(s.buf, bare(s.key)...)
		if simple(e.Value) {
			s.buf = append(s.buf, "]: "...)
		} else {
			s.buf = append(s.buf, "]:\n"...)
		}
		s.buf = append(AppendText(s.buf, e.Value), '\n')
		s.grown()
	}
}

// bare removes the parentheses around the text of a key. bpftrace looks at
// the text and not at the type.
func bare(key []byte) []byte {
	if n := len(key); n >= 2 && key[0] == '(' && key[n-1] == ')' {
		return key[1 : n-1]
	}
	return key
}

func (s *textSink) Report(sev Severity, place string, text []byte) {
	word := "WARNING: "
	if sev == Error {
		word = "ERROR: "
	}
	var line []byte
	if place != "" {
		line = append(append(line, place...), ": "...)
	}
	line = append(line, word...)
	line = append(line, bytes.TrimSuffix(text, []byte("\n"))...)
	s.message(append(line, '\n'))
}

func (s *textSink) Attached(n int) {
	line := strconv.AppendInt([]byte("Attached "), int64(n), 10)
	line = append(line, " probe"...)
	if n != 1 {
		line = append(line, 's')
	}
	s.message(append(line, '\n'))
}

func (s *textSink) Lost(n uint64) {
	line := strconv.AppendUint([]byte("Lost "), n, 10)
	s.message(append(line, " events\n"...))
}

func (s *textSink) message(line []byte) {
	s.write(len(s.buf))
	if _, err := s.errs.Write(line); err != nil && s.err == nil {
		s.err = err
	}
}

func (s *textSink) End() {
	s.buf = append(s.buf, "\n\n"...)
	s.grown()
}
