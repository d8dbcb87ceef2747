package render

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/testkit"
)

// A golden file has the parts
//
//	map       a plan.Map as json; value_size when it is not what the map needs
//	elements  [{"key": ..., "cpus": [...]}], the parts as words or as a value
//	select    a Selection; optional
//	text json what the sinks print
type goldenMap struct {
	plan.Map
	ValueSize int `json:"value_size"`
}

type goldenElement struct {
	Key  any   `json:"key"`
	CPUs []any `json:"cpus"`
}

func TestMapGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/maps/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { testMapGolden(t, file) })
	}
}

func testMapGolden(t *testing.T, file string) {
	g := testkit.OpenGolden(t, file)
	var (
		view     goldenMap
		elements []goldenElement
		sel      Selection
	)
	for _, part := range []struct {
		name     string
		v        any
		optional bool
	}{{"map", &view, false}, {"elements", &elements, false}, {"select", &sel, true}} {
		data, ok := g.Get(part.name)
		if !ok && part.optional {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(data))
		dec.DisallowUnknownFields()
		dec.UseNumber()
		if err := dec.Decode(part.v); err != nil {
			t.Fatalf("%s: %v", part.name, err)
		}
	}
	env := &Env{Settings: plan.Settings{TruncTrailer: ".."}, Probes: []plan.Probe{{Name: "begin"}, {Name: "kprobe:f"}}}
	d, err := view.dump(elements)
	if err != nil {
		t.Fatal(err)
	}
	v, err := MapValue(env, &view.Map, d, sel)
	if err != nil {
		t.Fatal(err)
	}
	var text, ndjson bytes.Buffer
	for _, s := range []Sink{NewText(&text, &text), NewJSON(&ndjson)} {
		s.Map(view.Name, v)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	g.Check(t, "text", text.String())
	g.Check(t, "json", ndjson.String())
}

// dump lays the elements out as a target would.
func (g *goldenMap) dump(elements []goldenElement) (*Dump, error) {
	words, err := Words(&g.Map)
	if err != nil {
		return nil, err
	}
	size := max(g.ValueSize, 8*words)
	if g.Agg == plan.Plain {
		size = max(g.ValueSize, g.Value.Size)
	}
	d := &Dump{ValueSize: size}
	for _, e := range elements {
		var el Element
		if g.Key != nil {
			if el.Key, err = encode(g.Key, e.Key); err != nil {
				return nil, err
			}
		}
		for _, cpu := range e.CPUs {
			part, err := g.encodePart(cpu)
			if err != nil {
				return nil, err
			}
			part = append(part, make([]byte, size-len(part))...)
			if g.PerCPU {
				part = append(part, make([]byte, (size+7)&^7-size)...)
			}
			el.Value = append(el.Value, part...)
		}
		d.Elements = append(d.Elements, el)
	}
	return d, nil
}

// encodePart encodes one CPU's value: an object {"index": count} or a list of
// words for an aggregation, {"value": ..., "words": [...]} for a value with
// words after it.
func (g *goldenMap) encodePart(v any) ([]byte, error) {
	if g.Agg == plan.Plain {
		return encode(&g.Value, v)
	}
	words := map[int]uint64{}
	last := -1
	add := func(i int, v any) error {
		n, err := intOf(v)
		words[i], last = n, max(last, i)
		return err
	}
	switch v := v.(type) {
	case []any:
		for i, w := range v {
			if err := add(i, w); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k, w := range v {
			var i int
			if _, err := fmt.Sscanf(k, "%d", &i); err != nil {
				return nil, err
			}
			if err := add(i, w); err != nil {
				return nil, err
			}
		}
	}
	var b []byte
	for i := range last + 1 {
		b = binary.NativeEndian.AppendUint64(b, words[i])
	}
	return b, nil
}

func intOf(v any) (uint64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%v is no number", v)
	}
	if i, err := n.Int64(); err == nil {
		return uint64(i), nil
	}
	var u uint64
	_, err := fmt.Sscanf(n.String(), "%d", &u)
	return u, err
}

// encode writes a json value as a value of type t.
func encode(t *plan.Type, v any) ([]byte, error) {
	b := make([]byte, t.Size)
	switch t.Kind {
	case plan.String, plan.MAC:
		s, _ := v.(string)
		copy(b, s)
		return b, nil
	case plan.Buffer:
		s, _ := v.(string)
		binary.NativeEndian.PutUint32(b, uint32(len(s)))
		copy(b[4:], s)
		return b, nil
	case plan.Tuple, plan.Record:
		list, _ := v.([]any)
		if len(list) != len(t.Fields) {
			return nil, fmt.Errorf("%v has %d parts, want %d", v, len(list), len(t.Fields))
		}
		for i, f := range t.Fields {
			part, err := encode(&f.Type, list[i])
			if err != nil {
				return nil, err
			}
			copy(b[f.Offset:], part)
		}
		return b, nil
	case plan.Array, plan.Kstack, plan.Ustack, plan.Usym, plan.Inet:
		elem := &plan.Type{Kind: plan.Int, Size: 8}
		if t.Elem != nil {
			elem = t.Elem
		}
		list, _ := v.([]any)
		for i, e := range list {
			part, err := encode(elem, e)
			if err != nil {
				return nil, err
			}
			copy(b[i*elem.Size:], part)
		}
		return b, nil
	}
	if s, ok := v.(bool); ok {
		if s {
			b[0] = 1
		}
		return b, nil
	}
	n, err := intOf(v)
	if err != nil {
		return nil, err
	}
	var w [8]byte
	binary.NativeEndian.PutUint64(w[:], n)
	if isBigEndian() {
		copy(b, w[8-t.Size:])
	} else {
		copy(b, w[:])
	}
	return b, nil
}
