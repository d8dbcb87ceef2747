package features

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/sys"
)

func TestParseRelease(t *testing.T) {
	for _, c := range []struct {
		release string
		want    Version
	}{
		{"6.18.44-fc-v595", Version{6, 18, 44}},
		{"5.10.0+", Version{5, 10, 0}},
		{"6.1-rc3", Version{6, 1, 0}},
		{"5.15.0-91-generic", Version{5, 15, 0}},
		{"7.0", Version{7, 0, 0}},
		{"7.0.", Version{7, 0, 0}},
	} {
		got, err := ParseRelease(c.release)
		qt.Check(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(got, c.want), qt.Commentf("%s", c.release))
	}
	for _, bad := range []string{"", "6", "six.1", ".1", "99999999999.1", "6.x"} {
		_, err := ParseRelease(bad)
		qt.Check(t, qt.IsNotNil(err), qt.Commentf("%q", bad))
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add("6.18.44-fc-v595")
	f.Add("6.18.")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseRelease(s)
		if err != nil {
			return
		}
		again, err := ParseRelease(v.String())
		if err != nil || again != v {
			t.Errorf("%q is %v, which reads back as %v, %v", s, v, again, err)
		}
	})
}

func TestOldKernel(t *testing.T) {
	v, err := checkRelease("5.4.0-150-generic")
	var old *OldKernelError
	qt.Assert(t, qt.IsTrue(errors.As(err, &old)))
	qt.Check(t, qt.Equals(v, Version{5, 4, 0}))
	qt.Check(t, qt.Equals(err.Error(), "kernel 5.4.0-150-generic is too old: skep needs Linux 5.10 or newer"))
	_, err = checkRelease("5.10.0")
	qt.Check(t, qt.IsNil(err))
}

func TestVersionOrder(t *testing.T) {
	order := []Version{{4, 19, 300}, {5, 4, 0}, {5, 10, 0}, {5, 10, 1}, {6, 1, 0}}
	for i, v := range order {
		for j, w := range order {
			qt.Check(t, qt.Equals(v.Less(w), i < j), qt.Commentf("%s < %s", v, w))
		}
	}
}

func TestParseStatus(t *testing.T) {
	s, err := parseStatus("Name:\tskep\nCapPrm:\t0000000000000000\nCapEff:\t000000c000000004\n")
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.IsTrue(s.Has(CapBPF) && s.Has(CapPerfmon) && s.Has(CapDACReadSearch)))
	qt.Check(t, qt.IsFalse(s.Has(CapSysAdmin)))
	for _, bad := range []string{"", "CapEff:\tzz\n"} {
		_, err := parseStatus(bad)
		qt.Check(t, qt.IsNotNil(err))
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("CapEff:\t000001ffffffffff\n")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = parseStatus(s) })
}

func TestAdvise(t *testing.T) {
	args := []string{"skep", "trace", "-e", "BEGIN { exit(); }"}
	all := Set(1<<CapBPF | 1<<CapPerfmon | 1<<CapDACReadSearch)
	a := advise(0, false, "", "/usr/bin/skep", args)
	qt.Assert(t, qt.IsNotNil(a))
	qt.Check(t, qt.HasLen(a.Missing, 3))
	qt.Check(t, qt.DeepEquals(a.Commands, []string{
		"sudo skep trace -e 'BEGIN { exit(); }'",
		"sudo setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep /usr/bin/skep",
	}))
	a = advise(1<<CapSysAdmin, false, "", "/usr/bin/skep", args)
	qt.Assert(t, qt.IsNotNil(a))
	qt.Check(t, qt.DeepEquals(a.Commands[1:], []string{"sudo setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep /usr/bin/skep"}))
	a = advise(1<<CapDACReadSearch, true, "", "/usr/bin/skep", args)
	qt.Assert(t, qt.IsNotNil(a))
	qt.Check(t, qt.DeepEquals(a.Commands, []string{"docker run --cap-add BPF --cap-add PERFMON ..."}))
	qt.Check(t, qt.IsNil(advise(all, false, "", "", args)))
	a = advise(all, true, "confidentiality", "", args)
	qt.Assert(t, qt.IsNotNil(a))
	qt.Check(t, qt.HasLen(a.Commands, 0))
}

func TestAdviseByError(t *testing.T) {
	qt.Check(t, qt.IsNil(Advise(errors.New("no such thing"), nil)))
	a := Advise(fmt.Errorf("attach: %w", &sys.TracefsError{Err: os.ErrPermission}), nil)
	qt.Assert(t, qt.IsNotNil(a))
	qt.Check(t, qt.DeepEquals(a.Commands, []string{"sudo mount -t tracefs nodev /sys/kernel/tracing"}))
}

// Every probe answers, and what this machine's kernel is too old for is not
// there: a probe that says yes to everything would be caught here in the
// matrix of old kernels.
func TestProbes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	kernel, err := CheckKernel()
	if err != nil {
		t.Skip(err)
	}
	seen := make(map[Name]bool)
	for _, f := range All() {
		qt.Check(t, qt.IsFalse(seen[f.Name]))
		seen[f.Name] = true
		err := f.Probe()
		t.Logf("%-16s Linux %-6s %v", f.Name, f.Since, err)
		if err == nil && kernel.Less(f.Since) {
			t.Errorf("%s is said to have come with Linux %s, but this is Linux %s", f.Name, f.Since, kernel)
		}
		if err != nil && f.Common && os.Getenv("CI") == "true" {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
