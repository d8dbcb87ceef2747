package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/testkit"
)

// oracleMap is a scalar map with the values that go into it.
type oracleMap struct {
	view   plan.Map
	call   string // of the script, with %d for a value
	values []int64
}

func oracleMaps() []oracleMap {
	signed := plan.Type{Kind: plan.Int, Size: 8, Signed: true}
	// Version 0.17 puts everything from 2^32 on into one bucket.
	spread := []int64{-1, 0, 1, 2, 3, 7, 8, 20, 21, 22, 1023, 1024, 1025, 4096, 1 << 20, 1<<30 - 1, 1 << 30}
	near := []int64{-5, 0, 1, 5, 5, 5, 5, 9, 10, 11, 99, 100, 101, 2047, 2048, 3000, 1 << 20, 1<<20 + 1024, 3 << 20}
	maps := []oracleMap{
		{plan.Map{Agg: plan.Count, Value: signed}, "count()", make([]int64, 7)},
		{plan.Map{Agg: plan.Sum, Value: signed}, "sum(%d)", []int64{5, -70, 3}},
		{plan.Map{Agg: plan.Min, Value: signed}, "min(%d)", []int64{5, -70, 3}},
		{plan.Map{Agg: plan.Max, Value: signed}, "max(%d)", []int64{5, 70, 3}},
		{plan.Map{Agg: plan.Avg, Value: signed}, "avg(%d)", []int64{5, 70, 3, 3}},
		{plan.Map{Agg: plan.Hist, Value: signed}, "hist(%d)", spread},
		{plan.Map{Agg: plan.Hist, Value: signed}, "hist(%d)", []int64{-3}},
		{plan.Map{Agg: plan.Hist, Value: signed}, "hist(%d)", []int64{0, 0, 1, 2, 2, 2, 2}},
		{plan.Map{Agg: plan.Hist, Value: signed}, "hist(%d)", []int64{1 << 10, 1 << 11, 1 << 20, 1 << 30}},
	}
	// Version 0.17 shows steps of 1, steps that max cuts short and limits that
	// happen to be multiples of 1024 otherwise.
	for _, l := range [][3]int64{{0, 100, 10}, {2, 8, 2}, {0, 4096, 1024}, {0, 4 << 20, 1 << 20}, {512, 9728, 1024}, {0, 50000, 5000}, {1000, 3003, 2003}} {
		maps = append(maps, oracleMap{plan.Map{Agg: plan.Lhist, Value: signed, Min: l[0], Max: l[1], Step: l[2]},
			fmt.Sprintf("lhist(%%d, %d, %d, %d)", l[0], l[1], l[2]), near})
	}
	for i := range maps {
		maps[i].view.Name = fmt.Sprintf("@m%02d", i)
		maps[i].view.PerCPU = true
	}
	return maps
}

// dump does what the script's programs do.
func (m *oracleMap) dump() (*Dump, error) {
	n, err := Words(&m.view)
	if err != nil {
		return nil, err
	}
	w := make([]uint64, n)
	for _, v := range m.values {
		switch m.view.Agg {
		case plan.Count:
			w[0]++
		case plan.Sum:
			w[0] += uint64(v)
		case plan.Avg:
			w[0], w[1] = w[0]+uint64(v), w[1]+1
		case plan.Min:
			if w[1] == 0 || v < int64(w[0]) {
				w[0], w[1] = uint64(v), 1
			}
		case plan.Max:
			if w[1] == 0 || v > int64(w[0]) {
				w[0], w[1] = uint64(v), 1
			}
		case plan.Hist:
			w[plan.HistBucket(v, m.view.Bits)]++
		case plan.Lhist:
			w[plan.LhistBucket(v, m.view.Min, m.view.Max, m.view.Step)]++
		}
	}
	return &Dump{8 * n, []Element{{Value: words(w...)}}}, nil
}

// TestLikeBpftrace runs the same aggregations in the kernel with an installed
// bpftrace and compares what it prints. It is version 0.17 on Debian 12; what
// that prints otherwise than the version we follow is left out here (stats)
// or evened out (blank lines, spaces at the ends of lines).
func TestLikeBpftrace(t *testing.T) {
	testkit.NeedsRoot(t)
	bpftrace := testkit.NeedsTool(t, "bpftrace")
	maps := oracleMaps()
	var script strings.Builder
	script.WriteString("BEGIN { ")
	for _, m := range maps {
		for _, v := range m.values {
			call := m.call
			if strings.Contains(call, "%d") {
				call = fmt.Sprintf(call, v)
			}
			fmt.Fprintf(&script, "%s = %s; ", m.view.Name, call)
		}
	}
	const format = "%-6d|%6d|%06d|%lld|%5s|%-5s|%lx|%x|%hhd|%hx|%c|%p|%r|%%|%u|%lu\\n"
	fmt.Fprintf(&script, `printf("P %s", 7, -7, 7, -7, "ab", "ab", -1, -1, 511, 65536, 65, 4096, buf("a\x01", 2), -1, -1); `, format)
	script.WriteString("exit(); }")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(bpftrace, append(args, "-e", script.String())...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("bpftrace: %v\n%.500s", err, errs.String())
		}
		return string(out)
	}
	var text, ndjson bytes.Buffer
	for _, s := range []Sink{NewText(&text, &text), NewJSON(&ndjson)} {
		for i := range maps {
			d, err := maps[i].dump()
			if err != nil {
				t.Fatal(err)
			}
			v, err := MapValue(testEnv(), &maps[i].view, d, Selection{})
			if err != nil {
				t.Fatal(err)
			}
			s.Map(maps[i].view.Name, v)
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	rec := newRecord().int(8, true, 7).int(8, true, -7).int(8, true, 7).int(8, true, -7).str(64, "ab").str(64, "ab")
	for _, n := range []int64{-1, -1, 511, 65536, 65, 4096} {
		rec.int(8, true, n)
	}
	rec.buf("a\x01").int(8, true, -1).int(8, true, -1)
	f, err := NewFormat("P "+strings.ReplaceAll(format, `\n`, "\n"), rec.fields, len(rec.data), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	line, err := f.Append(nil, rec.data)
	if err != nil {
		t.Fatal(err)
	}
	compareLines(t, append(even(string(line)), even(text.String())...), even(run()))
	compareJSON(t, ndjson.String(), run("-f", "json"))
}

// even drops blank lines and the line that counts probes.
func even(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \n")
		if line != "" && !strings.HasPrefix(line, "Attach") {
			lines = append(lines, line)
		}
	}
	return lines
}

func compareLines(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("line %d:\n%s\nbpftrace:\n%s", i+1, g, w)
		}
	}
	if len(want) < 50 {
		t.Errorf("only %d lines from bpftrace", len(want))
	}
}

func compareJSON(t *testing.T, got, want string) {
	t.Helper()
	parse := func(s string) map[string]any {
		all := map[string]any{}
		for line := range strings.Lines(s) {
			var o struct {
				Type string
				Data map[string]any
			}
			if json.Unmarshal([]byte(line), &o) != nil {
				continue
			}
			for k, v := range o.Data {
				if strings.HasPrefix(k, "@") {
					all[k] = []any{o.Type, v}
				}
			}
		}
		return all
	}
	g, w := parse(got), parse(want)
	if len(w) == 0 || len(g) != len(w) {
		t.Errorf("%d maps, bpftrace has %d", len(g), len(w))
	}
	for k := range w {
		// Version 0.17 calls an avg a map.
		gs, ws := fmt.Sprint(g[k]), fmt.Sprint(w[k])
		gs = strings.ReplaceAll(gs, "[stats ", "[map ")
		if !reflect.DeepEqual(g[k], w[k]) && gs != ws {
			t.Errorf("%s: %s\nbpftrace: %s", k, gs, ws)
		}
	}
}
