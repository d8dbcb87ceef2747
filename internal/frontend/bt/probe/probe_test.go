package probe_test

import (
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/bttest"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/source"
)

func expand(t *testing.T, text string, max int) ([]probe.Point, *diag.List) {
	t.Helper()
	ap, diags := parse.AttachPoint(source.NewFile("t", text), parse.Options{})
	qt.Assert(t, qt.IsFalse(diags.HasErrors()), qt.Commentf("%s: %v", text, diags))
	x := &probe.Expander{Catalog: bttest.World{}, Resolver: bttest.World{}, Max: max, Diags: &diag.List{}}
	return x.Expand(ap), x.Diags
}

func TestExpand(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"begin", []string{"begin"}},
		{"BEGIN", []string{"begin"}},
		{"t:syscalls:sys_enter_openat", []string{"tracepoint:syscalls:sys_enter_openat"}},
		{"tracepoint:syscalls:*", []string{"tracepoint:syscalls:sys_enter_openat", "tracepoint:syscalls:sys_exit_openat"}},
		{"tracepoint:*:*switch", []string{"tracepoint:sched:sched_switch"}},
		{"rawtracepoint:sys_*", []string{"rawtracepoint:sys_enter", "rawtracepoint:sys_exit"}},
		{"i:s:1", []string{"interval:s:1"}},
		{"software:faults:10", []string{"software:faults:10"}},
	} {
		points, diags := expand(t, c.text, 0)
		qt.Check(t, qt.HasLen(diags.Items, 0), qt.Commentf("%s", c.text))
		var names []string
		for _, p := range points {
			names = append(names, p.Name)
		}
		qt.Check(t, qt.DeepEquals(names, c.want), qt.Commentf("%s", c.text))
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		text     string
		ns, freq uint64
	}{
		{"interval:s:2", 2e9, 0}, {"interval:ms:5", 5e6, 0}, {"interval:us:7", 7e3, 0}, {"interval:hz:99", 0, 99},
		{"interval:1s", 1e9, 0}, {"interval:10ms", 1e7, 0}, {"interval:1000000", 1e6, 0}, {"profile:hz:99", 0, 99},
		{"profile:1e6", 1e6, 0}, {"interval:1m", 60e9, 0},
	} {
		points, diags := expand(t, c.text, 0)
		qt.Assert(t, qt.HasLen(diags.Items, 0), qt.Commentf("%s: %v", c.text, diags))
		qt.Check(t, qt.Equals(points[0].PeriodNS, c.ns), qt.Commentf("%s", c.text))
		qt.Check(t, qt.Equals(points[0].Freq, c.freq), qt.Commentf("%s", c.text))
	}
}

func TestLimit(t *testing.T) {
	points, diags := expand(t, "tracepoint:*:*", 2)
	qt.Assert(t, qt.HasLen(points, 0))
	qt.Assert(t, qt.StringContains(diags.Items[0].Message, "more than the limit of 2"))
}

func TestNearest(t *testing.T) {
	names := []string{"sys_enter_open", "sys_enter_openat", "sys_enter_close", "sched_switch"}
	qt.Assert(t, qt.DeepEquals(probe.Nearest("sys_enter_opne", names, 2), []string{"sys_enter_open", "sys_enter_openat"}))
	qt.Assert(t, qt.DeepEquals(probe.Nearest("switch", names, 3), []string{"sched_switch"}))
	qt.Assert(t, qt.HasLen(probe.Nearest("zzzzzzzzzzzzzzzzz", names, 3), 0))
}
