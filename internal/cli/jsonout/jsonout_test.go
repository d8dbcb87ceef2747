package jsonout

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func write(pretty bool, f func(*Writer)) string {
	var b bytes.Buffer
	w := New(&b, pretty)
	f(w)
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func sample(j *Writer) {
	j.BeginArray()
	j.BeginObject()
	j.UintField("id", 3)
	j.Name("list")
	j.BeginArray()
	j.Int(-1)
	j.Int(2)
	j.EndArray()
	j.EndObject()
	j.BeginObject()
	j.EndObject()
	j.EndArray()
}

func TestLayout(t *testing.T) {
	if got, want := write(false, sample), "[{\"id\":3,\"list\":[-1,2]},{}]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := "[{\n        \"id\": 3,\n        \"list\": [-1,2\n        ]\n    },{}\n]\n"
	if got := write(true, sample); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("a\"b\\c\n\x00\x7fé\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := write(false, func(j *Writer) { j.String(s) })
		if !utf8.ValidString(s) {
			if !json.Valid([]byte(got)) {
				t.Fatalf("%q is written as %q", s, got)
			}
			return
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != s {
			t.Fatalf("%q is written as %q, read as %q: %v", s, got, back, err)
		}
	})
}
