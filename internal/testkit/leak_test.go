package testkit

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/features"
)

// A map that stays is found, and one that goes is not.
func TestLeaks(t *testing.T) {
	NeedsRoot(t)
	NeedsKernel(t, features.BPF)
	l := leaksFrom()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.ErrorMatches(l.wait(), `(?s).*left behind in the kernel: map [0-9]+.*`))
	qt.Assert(t, qt.IsNil(m.Close()))
	qt.Check(t, qt.IsNil(l.wait()))
}
