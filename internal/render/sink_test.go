package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

// drive calls every method of a sink.
func drive(s Sink) {
	s.Attached(1)
	s.Attached(3)
	s.Text(Printf, []byte("a\tb \"c\"\\\r\n\x01\x7fé\xff"))
	s.Text(Time, []byte("12:00:00\n"))
	s.Text(Cat, []byte("content"))
	s.Text(Join, []byte("/bin/echo hello"))
	s.Text(System, []byte("out\n"))
	s.Value(Tuple{Int(1), Bool(true), String("x"), Tuple{Null{}, Uint(math.MaxUint64)}})
	s.Value(Record{{"m", Int(2)}, {"y", Record{{"z", Array{Int(1), Int(-2)}}}}})
	s.Value(Buffer("A\xff"))
	s.Value(Symbol{"0x10", 16})
	s.Lost(12)
	s.Report(Error, "stdin:1:9-62", []byte("bad 10\n"))
	s.Report(Warning, "a:b.bt:12:7", []byte("odd\n\n"))
	s.Report(Warning, "", []byte("nowhere"))
	s.End()
	s.Map("@", &Map{})
	s.Map("@x", Int(1<<53+1))
	s.Map("@m", &Map{[]Entry{{Tuple{Int(1), Tuple{Int(2), String("a b")}}, Bool(false)}, {Array{Int(1)}, Tuple{}}}})
}

func TestText(t *testing.T) {
	var out, errs bytes.Buffer
	s := NewText(&out, &errs)
	drive(s)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "a\tb \"c\"\\\r\n\x01\x7fé\xff" + `12:00:00
content/bin/echo hello
out

(1, true, x, (null, 18446744073709551615))
{ .m = 2, .y = { .z = [1,-2] } }
A\xff
0x10


@x: 9007199254740993
@m[1, (2, a b)]: false
@m[[1]]: ()
`
	if got := out.String(); got != want {
		t.Errorf("output:\n%s\nwant:\n%s", got, want)
	}
	wantErrs := `Attached 1 probe
Attached 3 probes
Lost 12 events
stdin:1:9-62: ERROR: bad 10
a:b.bt:12:7: WARNING: odd

WARNING: nowhere
`
	if got := errs.String(); got != wantErrs {
		t.Errorf("messages:\n%s\nwant:\n%s", got, wantErrs)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	s := NewJSON(&out)
	drive(s)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `{"type": "attached_probes", "count": 1, "data": {"probes": 1}}
{"type": "attached_probes", "count": 3, "data": {"probes": 3}}
{"type": "printf", "data": "a\tb \"c\"\\\r\n\u0001` + "\x7f" + `é�"}
{"type": "time", "data": "12:00:00\n"}
{"type": "cat", "data": "content"}
{"type": "join", "data": "/bin/echo hello"}
{"type": "syscall", "data": "out\n"}
{"type": "value", "data": [1,true,"x",[null,"18446744073709551615"]]}
{"type": "value", "data": {"m": 2, "y": {"z": [1,-2]}}}
{"type": "value", "data": [65,-1]}
{"type": "value", "data": 16}
{"type": "lost_events", "count": 12, "data": {"events": 12}}
{"type": "errorf", "msg": "bad 10\n", "filename": "stdin", "line": 1, "col": 9}
{"type": "warnf", "msg": "odd\n\n", "filename": "a:b.bt", "line": 12, "col": 7}
{"type": "warnf", "msg": "nowhere", "filename": "", "line": 0, "col": 0}
{"type": "map", "data": {"@x": "9007199254740993"}}
{"type": "map", "data": {"@m": {"1,(2,ab)": false, "[1]": []}}}
`
	if got := out.String(); got != want {
		t.Errorf("output:\n%s\nwant:\n%s", got, want)
	}
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("invalid json: %s", line)
		}
	}
}

func TestJSONNumbers(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Int(1 << 53), "9007199254740992"}, {Int(1<<53 + 1), `"9007199254740993"`}, {Int(-1<<53 - 1), `"-9007199254740993"`},
		{Int(math.MaxInt64), `"9223372036854775807"`}, {Int(math.MinInt64), "-9223372036854775808"},
		{Uint(1 << 63), "9223372036854775808"}, {Uint(math.MaxUint64), `"18446744073709551615"`}, {Uint(0), "0"},
	} {
		if got := string(AppendJSON(nil, c.v)); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
}

// limited accepts n bytes and then fails.
type limited struct {
	bytes.Buffer
	n int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.n {
		return 0, errors.New("full")
	}
	return l.Buffer.Write(b)
}

func TestFlush(t *testing.T) {
	w := &limited{n: 1 << 20}
	s := NewText(w, w)
	s.Text(Printf, []byte("one\ntwo"))
	if w.Len() != 0 {
		t.Errorf("written without a flush: %q", w.String())
	}
	if err := s.FlushLines(); err != nil || w.String() != "one\n" {
		t.Errorf("lines: %q, %v", w.String(), err)
	}
	if err := s.FlushLines(); err != nil || w.String() != "one\n" {
		t.Errorf("no line: %q, %v", w.String(), err)
	}
	if err := s.Flush(); err != nil || w.String() != "one\ntwo" {
		t.Errorf("all: %q, %v", w.String(), err)
	}
	for range flushSize {
		s.Text(Printf, []byte("x"))
	}
	if w.Len() < flushSize {
		t.Errorf("%d bytes written of %d", w.Len(), flushSize)
	}
	w.n = 0
	s.Text(Printf, []byte("x"))
	if err := s.Flush(); err == nil {
		t.Error("no error from a full writer")
	}
	w.n = 1 << 20
	s.Text(Printf, []byte("y"))
	if err := s.Flush(); err == nil {
		t.Error("the error was forgotten")
	}
}

func TestErrorsWriterFails(t *testing.T) {
	var out bytes.Buffer
	s := NewText(&out, &limited{})
	s.Text(Printf, []byte("text"))
	s.Lost(1)
	if out.String() != "text" {
		t.Errorf("output before a message: %q", out.String())
	}
	if s.Flush() == nil {
		t.Error("no error from the writer of messages")
	}
}
