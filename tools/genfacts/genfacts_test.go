package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/facts"
)

const (
	header  = "/usr/include/bpf/bpf_helper_defs.h"
	vmlinux = "/sys/kernel/btf/vmlinux"
	tables  = "../../internal/facts"
)

// The committed helper table is what the installed header gives.
func TestHelpersFresh(t *testing.T) {
	text, err := os.ReadFile(header)
	if os.IsNotExist(err) {
		t.Skipf("no %s: install libbpf-dev to check the helper table", header)
	}
	qt.Assert(t, qt.IsNil(err))
	hs, err := parseHelpers(string(text))
	qt.Assert(t, qt.IsNil(err))
	want, err := renderHelpers(hs)
	qt.Assert(t, qt.IsNil(err))
	got, err := os.ReadFile(filepath.Join(tables, "zz_helpers.go"))
	qt.Assert(t, qt.IsNil(err))
	if len(hs) < len(facts.Helpers()) {
		t.Skipf("%s has %d helpers, the table has %d: too old to check against", header, len(hs), len(facts.Helpers()))
	}
	if !bytes.Equal(got, want) {
		t.Error("zz_helpers.go is stale: run go generate ./internal/facts")
	}
}

// Every enumerator of the running kernel is in the tables under its number.
// An older kernel than the tables' has fewer, which is fine.
func TestEnumsFresh(t *testing.T) {
	enums, err := readEnums(vmlinux)
	if os.IsNotExist(err) {
		t.Skipf("no %s: no kernel BTF to check the enumerations against", vmlinux)
	}
	qt.Assert(t, qt.IsNil(err))
	names := map[string]func(uint32) string{
		"MapType":    func(n uint32) string { return facts.MapType(n).String() },
		"ProgType":   func(n uint32) string { return facts.ProgType(n).String() },
		"AttachType": func(n uint32) string { return facts.AttachType(n).String() },
		"LinkType":   func(n uint32) string { return facts.LinkType(n).String() },
		"Cmd":        func(n uint32) string { return facts.Cmd(n).String() },
	}
	for _, e := range enums {
		qt.Assert(t, qt.IsTrue(len(e.values) > 10))
		for _, v := range e.values {
			if got := names[e.goType](uint32(v.number)); got != v.name {
				t.Errorf("%s %d is %q in the table, %q in the kernel: run go generate ./internal/facts", e.goType, v.number, got, v.name)
			}
		}
	}
}

func TestParseHelpersRefuses(t *testing.T) {
	for _, text := range []string{
		"\nstatic long (*bpf_x)(float f) = (void *) 1;",
		"\nstatic long (*bpf_x)(int f) = (void *) 2;",
		"\nstatic long (*bpf_x)(int f) = (void *) 1;\nstatic long bpf_y(void);",
	} {
		if _, err := parseHelpers(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
