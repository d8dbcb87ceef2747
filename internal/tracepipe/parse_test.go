package tracepipe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "           <...>-12345   [001] d..31 12345.678901: bpf_trace_printk: hello world", []string{"<...>-12345 [001] 12345.678901: hello world"}},
		{"older kernel", "             cat-9       [000] ....     1.000001: bpf_trace_printk: x", []string{"cat-9 [000] 1.000001: x"}},
		{"record-tgid", "             cat-9       (      9) [000] .... 1.000001: bpf_trace_printk: x", []string{"cat-9 [000] 1.000001: x"}},
		{"unknown tgid", "             cat-9       (-------) [000] .... 1.000001: bpf_trace_printk: x", []string{"cat-9 [000] 1.000001: x"}},
		{"no flags", "             cat-9       [127] 1.000001: bpf_trace_printk: x", []string{"cat-9 [127] 1.000001: x"}},
		{"many CPUs", "             cat-9       [1027] d..1 1.000001: bpf_trace_printk: x", []string{"cat-9 [1027] 1.000001: x"}},
		{"counter clock", "             cat-9       [000] d..1 8812345678: bpf_trace_printk: x", []string{"cat-9 [000] 8812345678: x"}},
		{"spaces and dashes in the name", "  a -1 [001] d..-77      [000] d..1 2.5: bpf_trace_printk: a: b: c", []string{"a -1 [001] d..-77 [000] 2.5: a: b: c"}},
		{"empty message", "             cat-9       [000] d..1 2.5: bpf_trace_printk: ", []string{"cat-9 [000] 2.5: "}},
		{"other event", "             cat-9       [000] d..1 2.5: sys_enter: NR 1\nnot ours", nil},
		{"newline at the end", "             cat-9       [000] d..1 2.5: bpf_trace_printk: x\n", []string{"cat-9 [000] 2.5: x"}},
		{"newline within", "             cat-9       [000] d..1 2.5: bpf_trace_printk: x\n\ny", []string{"cat-9 [000] 2.5: x", "", "y"}},
		{"not an event", "# tracer: nop", nil},
		{"lost", "CPU:1 [LOST 42 EVENTS]\nCPU:0 [LOST  EVENTS]", []string{"lost 42 on 1", "lost 0 on 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p := Parser{Lost: func(cpu int, n uint64) { got = append(got, fmt.Sprintf("lost %d on %d", n, cpu)) }}
			for line := range strings.SplitSeq(c.in, "\n") {
				err := p.Parse(line, func(l Line) error { got = append(got, l.String()); return nil })
				qt.Assert(t, qt.IsNil(err))
			}
			qt.Check(t, qt.DeepEquals(got, c.want))
		})
	}
}

// Lines arrive in pieces of any size and mean the same.
func TestPieces(t *testing.T) {
	text := "             cat-9       [000] d..1 2.5: bpf_trace_printk: one\n" +
		"             dog-10      [001] d..1 2.6: bpf_trace_printk: two\nlines\n" +
		"             cat-9       [000] d..1 2.7: bpf_trace_printk: three\n"
	want := []string{"cat-9 [000] 2.5: one", "dog-10 [001] 2.6: two", "lines", "cat-9 [000] 2.7: three"}
	for size := 1; size <= len(text); size++ {
		var p Pipe
		var got []string
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			qt.Assert(t, qt.IsNil(p.lines([]byte(rest[:n]), func(l Line) error { got = append(got, l.String()); return nil })))
			rest = rest[n:]
		}
		qt.Assert(t, qt.DeepEquals(got, want), qt.Commentf("pieces of %d", size))
	}
}

// Whatever the pipe says, the parser answers, and a line that it takes for a
// message holds that message.
func FuzzParse(f *testing.F) {
	f.Add("             cat-9       [000] d..1 2.5: bpf_trace_printk: hello\nworld")
	f.Add("           <...>-12345   ( 1230) [001] d..31 12345.678901: bpf_trace_printk: x")
	f.Add("CPU:1 [LOST 42 EVENTS]")
	f.Fuzz(func(t *testing.T, text string) {
		var p Parser
		for line := range strings.SplitSeq(text, "\n") {
			_ = p.Parse(line, func(l Line) error {
				if !strings.HasSuffix(line, l.Message) && l.Message != "" {
					t.Errorf("%q became %q", line, l.Message)
				}
				if l.PID < 0 || l.CPU < 0 {
					t.Errorf("%q became %+v", line, l)
				}
				return nil
			})
		}
		var pipe Pipe
		_ = pipe.lines([]byte(text), func(Line) error { return nil })
	})
}
