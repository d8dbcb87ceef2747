package bpftool

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/testkit"
)

// bigMap makes a hash map of a million elements.
func bigMap(b *testing.B) uint32 {
	b.Helper()
	testkit.NeedsRoot(b)
	const n, step = 1_000_000, 50_000
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "big", Type: ebpf.Hash, KeySize: 8, ValueSize: 16, MaxEntries: n})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	for at := 0; at < n; at += step {
		keys, values := make([]uint64, step), make([][16]byte, step)
		for i := range keys {
			keys[i] = uint64(at + i)
			binary.NativeEndian.PutUint64(values[i][:], keys[i]*0x9e3779b97f4a7c15)
		}
		if _, err := m.BatchUpdate(keys, values, nil); err != nil {
			b.Fatal(err)
		}
	}
	info, err := m.Info()
	if err != nil {
		b.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

func BenchmarkDumpMillion(b *testing.B) {
	id := bigMap(b)
	for _, mode := range []string{"text", "json"} {
		args := []string{"map", "dump", "id", fmt.Sprint(id)}
		if mode == "json" {
			args = append([]string{"-j"}, args...)
		}
		b.Run("skep/"+mode, func(b *testing.B) {
			for b.Loop() {
				if err := Run(context.Background(), Streams{Out: io.Discard, Err: io.Discard}, args); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("bpftool/"+mode, func(b *testing.B) {
			tool := testkit.NeedsTool(b, "bpftool")
			for b.Loop() {
				if err := exec.Command(tool, args...).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
