package render

import (
	"io"
	"strconv"
	"strings"
)

// jsonSink writes one object per line.
type jsonSink struct {
	output
}

// NewJSON returns a sink that writes everything to out, messages about the
// run included, as one json object per line.
func NewJSON(out io.Writer) Sink { return &jsonSink{output{w: out}} }

func (k TextKind) jsonType() string {
	switch k {
	case Time:
		return "time"
	case Cat:
		return "cat"
	case Join:
		return "join"
	case System:
		return "syscall"
	}
	return "printf"
}

func (s *jsonSink) open(kind string) {
	s.buf = append(append(append(s.buf, `{"type": "`...), kind...), `", "data": `...)
}

func (s *jsonSink) close() {
	s.buf = append(s.buf, "}\n"...)
	s.grown()
}

func (s *jsonSink) Text(kind TextKind, text []byte) {
	s.open(kind.jsonType())
	s.buf = jsonString(s.buf, text)
	s.close()
}

func (s *jsonSink) Value(v Value) {
	s.open("value")
	s.buf = AppendJSON(s.buf, v)
	s.close()
}

func (s *jsonSink) Map(name string, v Value) {
	kind := "map"
	switch v := v.(type) {
	case *Stats:
		kind = "stats"
	case *Histogram:
		kind = "hist"
	case *Map:
		if len(v.Entries) == 0 {
			return
		}
		if _, ok := v.Entries[0].Value.(*Histogram); ok {
			kind = "hist"
		}
	}
	s.open(kind)
	s.buf = jsonString(append(s.buf, '{'), name)
	s.buf = AppendJSON(append(s.buf, ": "...), v)
	s.buf = append(s.buf, '}')
	s.close()
}

func (s *jsonSink) Report(sev Severity, place string, text []byte) {
	kind := "warnf"
	if sev == Error {
		kind = "errorf"
	}
	file, line, col := splitPlace(place)
	s.buf = append(append(append(s.buf, `{"type": "`...), kind...), `", "msg": `...)
	s.buf = jsonString(s.buf, text)
	s.buf = jsonString(append(s.buf, `, "filename": `...), file)
	s.buf = strconv.AppendUint(append(s.buf, `, "line": `...), line, 10)
	s.buf = strconv.AppendUint(append(s.buf, `, "col": `...), col, 10)
	s.close()
}

// splitPlace takes "file:line:col" apart; the column may be a range, of which
// the start counts. What is missing is 0.
func splitPlace(place string) (file string, line, col uint64) {
	rest, last, ok := cutLast(place)
	if !ok {
		return place, 0, 0
	}
	if i := strings.IndexByte(last, '-'); i >= 0 {
		last = last[:i]
	}
	n, err := strconv.ParseUint(last, 10, 32)
	if err != nil {
		return place, 0, 0
	}
	if file, mid, ok := cutLast(rest); ok {
		if l, err := strconv.ParseUint(mid, 10, 32); err == nil {
			return file, l, n
		}
	}
	return rest, n, 0
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func (s *jsonSink) Attached(n int) { s.count("attached_probes", "probes", uint64(max(n, 0))) }

func (s *jsonSink) Lost(n uint64) { s.count("lost_events", "events", n) }

func (s *jsonSink) count(kind, what string, n uint64) {
	s.buf = append(append(append(s.buf, `{"type": "`...), kind...), `", "count": `...)
	s.buf = strconv.AppendUint(s.buf, n, 10)
	s.buf = append(append(append(s.buf, `, "data": {"`...), what...), `": `...)
	s.buf = strconv.AppendUint(s.buf, n, 10)
	s.buf = append(s.buf, '}')
	s.close()
}

func (s *jsonSink) End() {}
