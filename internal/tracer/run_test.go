package tracer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
)

// outcome is what a run has done.
type outcome struct {
	out, errs string
	status    int
	err       error
}

// run runs a script until the ring is empty, or further when keep is set.
func (s *script) run(t testing.TB, change ...func(*Config)) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if r := s.session.ring; r != nil && r.idle == nil {
		r.idle = cancel
		defer func() { r.idle = nil }()
	}
	var out, errs bytes.Buffer
	cfg := Config{Plan: &s.Plan, Session: &s.session, Sink: render.NewText(&out, &errs), Stderr: &errs,
		Detach: func() error { return nil }}
	for _, f := range change {
		f(&cfg)
	}
	status, err := Run(ctx, cfg)
	if ctx.Err() == context.DeadlineExceeded {
		t.Error("the run did not end")
	}
	return outcome{out.String(), errs.String(), status, err}
}

func (o outcome) check(t testing.TB, out, errs string, status int) {
	t.Helper()
	if o.err != nil {
		t.Errorf("error: %v", o.err)
	}
	if o.out != out {
		t.Errorf("output:\n%s\nwant:\n%s", o.out, out)
	}
	if o.errs != errs {
		t.Errorf("messages:\n%s\nwant:\n%s", o.errs, errs)
	}
	if o.status != status {
		t.Errorf("status %d, want %d", o.status, status)
	}
}

func json(out *bytes.Buffer) func(*Config) {
	return func(c *Config) { c.Sink = render.NewJSON(out) }
}

// TestOrder checks that everything appears at the place of its record.
func TestOrder(t *testing.T) {
	s := newScript()
	m := s.count("@n", map[int][2]int{1: {1, 2}, 2: {5, 0}})
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d %s\n"}, "is")
	print := s.event(plan.Event{Kind: plan.PrintMap, Map: "@n"}, "")
	clear := s.event(plan.Event{Kind: plan.Clear, Map: "@n"}, "")
	value := s.event(plan.Event{Kind: plan.Print}, "s")
	s.send(rec(hello, 1, "a"), rec(print), rec(hello, -2, "b"), rec(clear), rec(print), rec(value, "v"),
		func() { m.set(word(7), word(3)) }, rec(print), rec(hello, 3, "c"))
	s.run(t).check(t, "1 a\n@n[1]: 3\n@n[2]: 5\n-2 b\nv\n@n[7]: 3\n3 c\n\n\n@n[7]: 3\n", "", 0)
}

// TestExit checks that records after an exit() are dropped, and that those of
// the end probes are handled.
func TestExit(t *testing.T) {
	s := newScript()
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d\n"}, "i")
	exit := s.event(plan.Event{Kind: plan.Exit}, "i")
	var order []string
	s.send(rec(hello, 1), rec(exit, 259), rec(hello, 2), func() {}, rec(hello, 3))
	s.run(t, func(c *Config) {
		c.Detach = func() error {
			order = append(order, "detach")
			s.send(rec(hello, 4))
			return nil
		}
		c.End = func() error {
			order = append(order, "end")
			s.send(rec(hello, 5), rec(exit, 3), rec(hello, 6))
			return nil
		}
	}).check(t, "1\n5\n\n\n", "", 3)
	if got := strings.Join(order, " "); got != "detach end" {
		t.Errorf("order: %s", got)
	}
}

func TestExitWithoutStatus(t *testing.T) {
	s := newScript()
	exit := s.event(plan.Event{Kind: plan.Exit}, "")
	s.send(rec(exit))
	s.run(t).check(t, "\n\n", "", 0)
}

// TestCancel checks that what is in the ring at the end is handled.
func TestCancel(t *testing.T) {
	s := newScript()
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d\n"}, "i")
	ctx, cancel := context.WithCancel(context.Background())
	s.send(rec(hello, 1), func() { cancel() }, rec(hello, 2), func() {}, rec(hello, 3))
	var out bytes.Buffer
	status, err := Run(ctx, Config{Plan: &s.Plan, Session: &s.session, Sink: render.NewText(&out, &out), Stderr: &out,
		Detach: func() error { s.send(func() {}, rec(hello, 4)); return nil },
		End:    func() error { s.send(rec(hello, 5)); return nil }})
	if status != 0 || err != nil || out.String() != "1\n2\n3\n4\n5\n\n\n" {
		t.Errorf("%q, %d, %v", out.String(), status, err)
	}
}

// TestOneShot checks that a script of begin and end probes alone ends by
// itself, and one without events as well.
func TestOneShot(t *testing.T) {
	s := newScript()
	s.Probes = []plan.Probe{{Kind: plan.Begin}, {Kind: plan.End}}
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d\n"}, "i")
	s.session.ring.idle = func() { t.Error("it waits") }
	s.send(rec(hello, 1), func() {}, rec(hello, 2))
	s.run(t, func(c *Config) { c.End = func() error { s.send(rec(hello, 3)); return nil } }).check(t, "1\n2\n3\n\n\n", "", 0)

	s = newScript()
	s.Probes = []plan.Probe{{Kind: plan.Begin}}
	s.count("@", map[int][2]int{1: {1, 1}})
	s.session.ring = nil
	s.run(t).check(t, "\n\n@[1]: 2\n", "", 0)
}

func TestNoEvents(t *testing.T) {
	s := newScript()
	s.count("@", map[int][2]int{1: {1, 1}})
	s.session.ring = nil
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	start := time.Now()
	if _, err := Run(ctx, Config{Plan: &s.Plan, Session: &s.session, Sink: render.NewText(&out, &out), Stderr: &out}); err != nil {
		t.Error(err)
	}
	if got := out.String(); got != "\n\n@[1]: 2\n" {
		t.Errorf("%q", got)
	}
	if d := time.Since(start); d < 20*time.Millisecond || d > 5*time.Second {
		t.Errorf("ended after %v", d)
	}
}

func TestMapsAtExit(t *testing.T) {
	s := newScript()
	s.count("@b", map[int][2]int{1: {1, 1}})
	s.count("@", map[int][2]int{})
	s.count("@a", map[int][2]int{5: {2, 0}})
	scalar := plan.Map{Name: "@s", Symbol: "s", Agg: plan.Sum, PerCPU: true, Present: 8, Value: plan.Type{Kind: plan.Int, Size: 8, Signed: true}}
	s.Maps = append(s.Maps, scalar)
	s.session.maps["s"] = newFakeMap(ebpf.PerCPUArray, 4, 16, 1)
	avg := scalar
	avg.Name, avg.Symbol, avg.Agg, avg.Present = "@v", "v", plan.Avg, 16
	s.Maps = append(s.Maps, avg)
	s.session.maps["v"] = newFakeMap(ebpf.PerCPUArray, 4, 24, 1)
	print := s.event(plan.Event{Kind: plan.PrintMap, Map: "@s"}, "")
	printAvg := s.event(plan.Event{Kind: plan.PrintMap, Map: "@v"}, "")

	// A scalar without a value shows when it is asked for, and not at exit.
	s.send(rec(print), rec(printAvg))
	s.run(t).check(t, "@s: 0\n@v: 0\n\n\n@a[5]: 2\n@b[1]: 2\n", "", 0)

	s.session.maps["s"].set(counterKey(0), words(-5, 1), words(3, 1))
	s.run(t).check(t, "\n\n@a[5]: 2\n@b[1]: 2\n@s: -2\n", "", 0)
	var out bytes.Buffer
	s.send(rec(print), rec(printAvg))
	s.run(t, json(&out)).check(t, "", "", 0)
	if got, want := out.String(), `{"type": "map", "data": {"@s": -2}}
{"type": "stats", "data": {"@v": 0}}
{"type": "map", "data": {"@a": {"5": 2}}}
{"type": "map", "data": {"@b": {"1": 2}}}
{"type": "map", "data": {"@s": -2}}
{"type": "stats", "data": {"@v": {}}}
`; got != want {
		t.Errorf("json:\n%s\nwant:\n%s", got, want)
	}
	s.Config.PrintMapsOnExit = false
	s.run(t).check(t, "\n\n", "", 0)
}

func TestMapEvents(t *testing.T) {
	s := newScript()
	m := s.count("@n", map[int][2]int{1: {10, 20}, 2: {50, 0}, -3: {5, 5}})
	scalar := newFakeMap(ebpf.PerCPUArray, 4, 16, 1)
	scalar.set(counterKey(0), words(0, 0), words(7, 1))
	s.session.maps["s"] = scalar
	s.Maps = append(s.Maps, plan.Map{Name: "@s", Symbol: "s", Agg: plan.Count, PerCPU: true, Present: 8, Value: plan.Type{Kind: plan.Int, Size: 8}})
	top := s.event(plan.Event{Kind: plan.PrintMap, Map: "@n", Top: 2, Div: 10}, "")
	key := s.event(plan.Event{Kind: plan.PrintKey, Map: "@n"}, "i")
	zero := s.event(plan.Event{Kind: plan.Zero, Map: "@n"}, "")
	zeroScalar := s.event(plan.Event{Kind: plan.Zero, Map: "@s"}, "")
	clearScalar := s.event(plan.Event{Kind: plan.Clear, Map: "@s"}, "")
	print := s.event(plan.Event{Kind: plan.PrintMap, Map: "@n"}, "")
	s.send(rec(top), rec(key, 1), rec(key, 99), rec(zeroScalar), rec(zero), rec(print))
	s.run(t).check(t, "@n[1]: 3\n@n[2]: 5\n30\n0\n@n[-3]: 0\n@n[1]: 0\n@n[2]: 0\n\n\n@n[-3]: 0\n@n[1]: 0\n@n[2]: 0\n@s: 0\n", "", 0)
	s.send(rec(clearScalar))
	m.elems = map[string][]byte{}
	s.run(t).check(t, "\n\n", "", 0)
	m.fail = errors.New("broken")
	s.send(rec(print), rec(key, 1))
	s.run(t).check(t, "\n\n", "ERROR: print_map: @n: next key: broken\nERROR: print_key: @n: broken\nERROR: printing map: @n: next key: broken\n", 0)
}

func TestTexts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newScript()
	s.Config.MaxCatBytes = 6
	at := s.event(plan.Event{Kind: plan.Time, Format: "%H:%M:%S\n"}, "")
	cat := s.event(plan.Event{Kind: plan.Cat, Format: dir + "/%s"}, "s")
	join := s.event(plan.Event{Kind: plan.Join, Format: ","}, "i")
	s.Events[join].Args = append(s.Events[join].Args, plan.Field{Offset: 16, Type: plan.Type{Kind: plan.Array, Size: 48, Len: 3,
		Elem: &plan.Type{Kind: plan.String, Size: 16}}})
	s.Events[join].Size = 64
	system := s.event(plan.Event{Kind: plan.System, Format: "echo $((%d + 1)); echo x >&2; exit %d"}, "ii")
	errorf := s.event(plan.Event{Kind: plan.Errorf, Format: "bad %d", Place: "x.bt:3:4-9"}, "i")
	warnf := s.event(plan.Event{Kind: plan.Warnf, Format: "odd %s\n", Place: "x.bt:4:4"}, "s")
	steps := []any{rec(at), rec(cat, "f"), rec(cat, "none"), rec(join, 2, "a", "", "c"), rec(join, 99, "a", "b b", "1234567890123456"), rec(join, -1, "a", "", ""),
		rec(errorf, 5), rec(warnf, "w"), rec(system, 41, 0), rec(system, 1, 3)}
	now := func(c *Config) {
		c.Now = func() time.Time { return time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC) }
		c.Env = &render.Env{Location: time.FixedZone("", 3600)}
	}
	s.send(steps...)
	o := s.run(t, now, func(c *Config) { c.Unsafe = true })
	noFile := "ERROR: cat: open " + dir + "/none: no such file or directory\n"
	o.check(t, "04:04:05\n012345a,\na,b b,1234567890123456\n\n42\nx\n\n2\nx\n\n\n\n",
		noFile+"x.bt:3:4-9: ERROR: bad 5\nx.bt:4:4: WARNING: odd w\nERROR: system: command exited with code 3\n", 0)

	s.send(rec(system, 1, 0), rec(warnf, "w"))
	s.run(t, func(c *Config) { c.NoWarnings = true }).check(t, "\n\n", "ERROR: system: running commands is not allowed; --unsafe allows it\n", 0)

	var out bytes.Buffer
	s.send(steps...)
	s.run(t, now, json(&out), func(c *Config) { c.Unsafe = true })
	if want := `{"type": "time", "data": "04:04:05\n"}
{"type": "cat", "data": "012345"}
{"type": "join", "data": "a,"}
{"type": "join", "data": "a,b b,1234567890123456"}
{"type": "join", "data": ""}
{"type": "errorf", "msg": "bad 5", "filename": "x.bt", "line": 3, "col": 4}
{"type": "warnf", "msg": "odd w\n", "filename": "x.bt", "line": 4, "col": 4}
{"type": "syscall", "data": "42\nx\n"}
{"type": "syscall", "data": "2\nx\n"}
`; out.String() != want {
		t.Errorf("json:\n%s\nwant:\n%s", out.String(), want)
	}
}

// TestBadRecords checks that records that don't fit are counted and left out.
func TestBadRecords(t *testing.T) {
	s := newScript()
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d\n"}, "i")
	s.send(rec(hello)[:7], rec(hello), rec(77), []byte{}, append(rec(hello, 1), "more"...))
	s.run(t).check(t, "1\n\n\n", "WARNING: malformed record: 7 bytes are no record\nWARNING: Total malformed record count: 4\n", 0)
}

// TestLoss checks that losses are told while the script runs, at most once a
// second, and exactly at its end.
func TestLoss(t *testing.T) {
	s := newScript()
	m := s.missed()
	hello := s.event(plan.Event{Kind: plan.Printf, Format: "%d\n"}, "i")
	lose := func(counter, cpu0, cpu1 int) func() {
		return func() { m.set(counterKey(counter), word(cpu0), word(cpu1)) }
	}
	s.send(lose(plan.MissedRecord, 3, 1), rec(hello, 1), lose(plan.MissedRecord, 3, 2), rec(hello, 2),
		lose(plan.MissedUpdate, 0, 9), rec(hello, 3))
	s.run(t, func(c *Config) {
		c.End = func() error { lose(plan.MissedScratch, 4, 0)(); return nil }
	}).check(t, "1\n2\n3\n\n\n", `Lost 4 events
Lost 1 events
WARNING: skipped 4 probe runs: all memory slots were in use
WARNING: refused 9 map updates: the map was full; a larger max_map_keys helps
WARNING: Total lost event count: 5
         on cpu 0: 3, cpu 1: 2
WARNING: Total skipped probe run count: 4
         on cpu 0: 4
WARNING: Total refused map update count: 9
         on cpu 1: 9
`, 0)

	var out bytes.Buffer
	s.run(t, json(&out))
	if want := `{"type": "lost_events", "count": 5, "data": {"events": 5}}` + "\n"; out.String() != want {
		t.Errorf("json: %s", out.String())
	}
	m.fail = errors.New("broken")
	if o := s.run(t); o.err == nil || !strings.Contains(o.err.Error(), "counters of lost events: broken") {
		t.Errorf("%v", o.err)
	}
}

// TestLossInterval checks the time between two reports.
func TestLossInterval(t *testing.T) {
	s := newScript()
	m := s.missed()
	var errs bytes.Buffer
	tr, err := newTracer(Config{Plan: &s.Plan, Session: &s.session, Sink: render.NewText(io.Discard, &errs), Stderr: &errs})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1000, 0)
	var reports []string
	for i := range 30 {
		m.set(counterKey(plan.MissedRecord), word(i+1))
		if err := tr.reportLoss(at.Add(time.Duration(i) * 100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if errs.Len() > 0 {
			reports = append(reports, errs.String())
			errs.Reset()
		}
	}
	if got := strings.Join(reports, ""); got != "Lost 1 events\nLost 10 events\nLost 10 events\n" {
		t.Errorf("%q", got)
	}
}

// writes records each write.
type writes struct {
	all []string
	err error
}

func (w *writes) Write(b []byte) (int, error) {
	w.all = append(w.all, string(b))
	return len(b), w.err
}

func TestBuffering(t *testing.T) {
	for _, c := range []struct {
		mode        Buffering
		interactive bool
		want        string
	}{
		{BufferAuto, false, `"a b\nc d\ne" "\n\n"`},
		{BufferAuto, true, `"a b\n" "c d\ne" "\n\n"`},
		{BufferLine, false, `"a b\n" "c d\n" "e" "\n\n"`},
		{BufferFull, false, `"a b\nc d\ne" "\n\n"`},
		{BufferNone, false, `"a " "b\n" "c " "d\n" "e" "\n\n"`},
	} {
		s := newScript()
		e := s.event(plan.Event{Kind: plan.Printf, Format: "%s"}, "s")
		s.send(rec(e, "a "), rec(e, "b\n"), func() {}, rec(e, "c "), rec(e, "d\n"), rec(e, "e"))
		var w writes
		o := s.run(t, func(cfg *Config) {
			cfg.Sink = render.NewText(&w, io.Discard)
			cfg.Buffering, cfg.Interactive = c.mode, c.interactive
		})
		if got := quoted(w.all); got != c.want || o.err != nil {
			t.Errorf("mode %d, interactive %v: %s, %v; want %s", c.mode, c.interactive, got, o.err, c.want)
		}
	}
}

func quoted(all []string) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("\"" + strings.ReplaceAll(s, "\n", `\n`) + "\"")
	}
	return b.String()
}

// TestErrors checks that the run ends when the output or the target fails, and
// that everything is detached then too.
func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name   string
		change func(*script, *Config)
		want   string
	}{
		{"output", func(s *script, c *Config) { c.Sink = render.NewText(&writes{err: broken}, io.Discard) }, "writing output: broken"},
		{"output by line", func(s *script, c *Config) {
			c.Sink, c.Buffering = render.NewText(&writes{err: broken}, io.Discard), BufferLine
		}, "writing output: broken"},
		{"ring", func(s *script, c *Config) { s.session.ring.err = broken }, "reading records: broken"},
		{"detach", func(s *script, c *Config) {
			old := c.Detach
			c.Detach = func() error { return errors.Join(old(), broken) }
		}, "detaching probes: broken"},
		{"end", func(s *script, c *Config) {
			old := c.End
			c.End = func() error { return errors.Join(old(), broken) }
		}, "end probes: broken"},
	} {
		s := newScript()
		e := s.event(plan.Event{Kind: plan.Printf, Format: "%s\n"}, "s")
		s.send(rec(e, "a"), rec(e, "b"))
		detached, ended := 0, 0
		o := s.run(t, func(cfg *Config) {
			cfg.Detach = func() error { detached++; return nil }
			cfg.End = func() error { ended++; return nil }
			c.change(s, cfg)
		})
		if o.err == nil || !strings.Contains(o.err.Error(), c.want) || o.status != 1 || detached != 1 || ended != 1 {
			t.Errorf("%s: %v, status %d, detached %d times, ended %d times", c.name, o.err, o.status, detached, ended)
		}
	}
}

// TestRefuses checks plans that don't fit.
func TestRefuses(t *testing.T) {
	i8 := plan.Field{Offset: 8, Type: plan.Type{Kind: plan.Int, Size: 8}}
	for want, change := range map[string]func(*script){
		"no ring":              func(s *script) { s.session.ring = nil },
		"no such event":        func(s *script) { s.Events[0].Kind = "fly" },
		"a record of 7 bytes":  func(s *script) { s.Events[0].Size = 7 },
		"lies outside":         func(s *script) { s.Events[0].Size = 15 },
		"not enough arguments": func(s *script) { s.Events[0].Args = nil },
		"there is no map @x":   func(s *script) { s.Events[0] = plan.Event{Kind: plan.Clear, Size: 8, Map: "@x"} },
		`no map "gone"`: func(s *script) {
			s.Maps[0].Symbol = "gone"
			s.Events[0] = plan.Event{Kind: plan.Zero, Size: 8, Map: "@n"}
		},
		"which its view does not say": func(s *script) {
			s.Maps[0].PerCPU = false
			s.Events[0] = plan.Event{Kind: plan.PrintMap, Size: 8, Map: "@n"}
		},
		"2 arguments":     func(s *script) { s.Events[0] = plan.Event{Kind: plan.Exit, Size: 16, Args: []plan.Field{i8, i8}} },
		"0 arguments":     func(s *script) { s.Events[0] = plan.Event{Kind: plan.Print, Size: 16} },
		"strings of type": func(s *script) { s.Events[0] = plan.Event{Kind: plan.Join, Size: 16, Args: []plan.Field{i8, i8}} },
		"a key of 4 bytes": func(s *script) {
			i := i8
			i.Type.Size = 4
			s.Events[0] = plan.Event{Kind: plan.PrintKey, Size: 16, Map: "@n", Args: []plan.Field{i}}
		},
		"unsupported format specifier":    func(s *script) { s.Events[0].Kind, s.Events[0].Format = plan.Warnf, "%r" },
		"unsupported format specifier: n": func(s *script) { s.Events[0].Kind, s.Events[0].Format = plan.Cat, "%n" },
		"too many arguments":              func(s *script) { s.Events[0].Kind, s.Events[0].Format = plan.System, "true" },
	} {
		s := newScript()
		s.count("@n", nil)
		s.event(plan.Event{Kind: plan.Printf, Format: "%d"}, "i")
		change(s)
		if o := s.run(t); o.err == nil || !strings.Contains(o.err.Error(), want) || o.status != 1 {
			t.Errorf("%s: %v, status %d", want, o.err, o.status)
		}
	}
}

// TestNilDetach checks that a flood that nobody stops doesn't hold the end.
func TestNilDetach(t *testing.T) {
	s := newScript()
	e := s.event(plan.Event{Kind: plan.Printf, Format: ""}, "")
	var flood func()
	flood = func() { s.send(rec(e), flood) }
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.send(flood)
	var errs bytes.Buffer
	start := time.Now()
	_, err := Run(ctx, Config{Plan: &s.Plan, Session: &s.session, Sink: render.NewText(io.Discard, &errs), Stderr: &errs})
	if err != nil || time.Since(start) > 4*drainTime {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if !regexp.MustCompile(`^WARNING: records keep coming`).MatchString(errs.String()) {
		t.Errorf("messages: %s", errs.String())
	}
}

// FuzzRecords sends any bytes as records of a plan with every kind of event
// but those that touch the machine.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{0, 40, 1, 2, 3})
	f.Add(bytes.Repeat([]byte{3, 30, 0, 0, 0, 0, 0, 0, 0}, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScript()
		s.count("@n", map[int][2]int{1: {1, 1}})
		s.missed()
		for _, k := range []plan.EventKind{plan.Printf, plan.Errorf, plan.Warnf} {
			s.event(plan.Event{Kind: k, Format: "%s %d %rh %s"}, "si")
			e := &s.Events[len(s.Events)-1]
			e.Args = append(e.Args, plan.Field{Offset: e.Size, Type: plan.Type{Kind: plan.Buffer, Size: 12}},
				plan.Field{Offset: e.Size + 16, Type: plan.Type{Kind: plan.Kstack, Size: 32}})
			e.Size += 48
		}
		s.event(plan.Event{Kind: plan.Print}, "s")
		s.event(plan.Event{Kind: plan.PrintKey, Map: "@n"}, "i")
		s.event(plan.Event{Kind: plan.Join, Format: " "}, "i")
		join := &s.Events[len(s.Events)-1]
		join.Args = append(join.Args, plan.Field{Offset: 16, Type: plan.Type{Kind: plan.Array, Size: 64, Len: 4, Elem: &plan.Type{Kind: plan.String, Size: 16}}})
		join.Size = 80
		for _, k := range []plan.EventKind{plan.PrintMap, plan.Zero, plan.Clear} {
			s.event(plan.Event{Kind: k, Map: "@n"}, "")
		}
		s.event(plan.Event{Kind: plan.Time, Format: "%s"}, "")
		s.event(plan.Event{Kind: plan.Exit}, "i")
		for len(data) > 1 {
			kind, n := int(data[0])%(len(s.Events)+1), int(data[1])
			data = data[2:]
			n = min(n, len(data))
			r := append(binary.NativeEndian.AppendUint64(nil, uint64(kind)), data[:n]...)
			data = data[n:]
			if n%16 == 3 {
				r = r[:n%8]
			}
			s.send(r)
		}
		for _, newSink := range []func(io.Writer, io.Writer) render.Sink{render.NewText, func(w, _ io.Writer) render.Sink { return render.NewJSON(w) }} {
			steps := s.session.ring.steps
			s.run(t, func(c *Config) { c.Sink = newSink(io.Discard, io.Discard) })
			s.session.ring.steps = steps
		}
	})
}

// benchRing hands over the same record again and again.
type benchRing struct {
	record []byte
	left   int
	done   func()
}

func (r *benchRing) ReadBatch(_ context.Context, _ time.Duration, fn func([]byte) bool) (int, error) {
	n := min(r.left, 4096)
	for range n {
		if !fn(r.record) {
			break
		}
	}
	if r.left -= n; r.left == 0 {
		r.done()
	}
	return n, nil
}

// BenchmarkRun measures lines from record to output.
func BenchmarkRun(b *testing.B) {
	for name, sink := range map[string]render.Sink{"text": render.NewText(io.Discard, io.Discard), "json": render.NewJSON(io.Discard)} {
		b.Run(name, func(b *testing.B) {
			s := newScript()
			s.missed()
			e := s.event(plan.Event{Kind: plan.Printf, Format: "%d %s %d\n"}, "isi")
			ctx, cancel := context.WithCancel(context.Background())
			session := &benchSession{&s.session, &benchRing{rec(e, 4711, "loads", 4096), b.N, cancel}}
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := Run(ctx, Config{Plan: &s.Plan, Session: session, Sink: sink, Stderr: io.Discard}); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
