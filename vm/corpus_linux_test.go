package vm

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/testkit"
)

// compile makes an object of a C program in testdata.
func compile(t testing.TB, name string, flags ...string) *ebpf.CollectionSpec {
	t.Helper()
	clang := testkit.NeedsTool(t, "clang-19", "clang")
	out := filepath.Join(t.TempDir(), name+".o")
	args := append([]string{"-O2", "-g", "-target", "bpf", "-c", filepath.Join("testdata", name+".c"), "-o", out}, flags...)
	if msg, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, msg)
	}
	spec, err := ebpf.LoadCollectionSpec(out)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// testPackets are packets of several kinds.
func testPackets() [][]byte {
	tcp := func(dst byte, size int) []byte {
		p := make([]byte, size)
		copy(p, []byte{dst, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45, 0, 0, 80, 0, 1, 0, 0, 64, 6, 0x12, 0x34, 10, 0, 0, 1, 192, 168, 1, 2, 0, 80, 0x1f, 0x90})
		for i := 54; i < size; i++ {
			p[i] = byte(i * 3)
		}
		return p
	}
	udp := tcp(0, 60)
	udp[23] = 17
	v6 := tcp(0, 90)
	copy(v6[12:], []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, 36, 6, 64})
	vlan := tcp(0xff, 100)
	copy(vlan[12:], []byte{0x81, 0, 0, 55, 8, 0, 0x45})
	llc := tcp(1, 70)
	copy(llc[12:], []byte{0, 50, 0xff, 0xff})
	return [][]byte{tcp(0, 94), tcp(2, 200), tcp(1, 1400), udp, v6, vlan, llc, tcp(0, 34)}
}

// contentsOf is all that a map holds, in a form that can be compared.
func contentsOf(m interface {
	NextKeyBytes(key any) ([]byte, error)
	LookupBytes(key any) ([]byte, error)
}, perCPUSum bool) string {
	var lines []string
	var key any
	for {
		next, err := m.NextKeyBytes(key)
		if err != nil || next == nil {
			break
		}
		value, err := m.LookupBytes(next)
		if perCPUSum {
			sum := uint64(0)
			for i := 0; i+8 <= len(value); i += 8 {
				for b := range 8 {
					sum += uint64(value[i+b]) << (8 * b)
				}
			}
			lines = append(lines, fmt.Sprintf("%x: sum %d", next, sum))
		} else {
			lines = append(lines, fmt.Sprintf("%x: %x %v", next, value, err))
		}
		key = next
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// Programs of C end in the kernel and here with the same results, packets and
// map contents.
func TestCorpusLikeKernel(t *testing.T) {
	testkit.NeedsRoot(t)
	for _, name := range []string{"xdp", "skb"} {
		for _, cpu := range []string{"v1", "v2", "v3", "v4"} {
			t.Run(name+"/"+cpu, func(t *testing.T) { compareCorpus(t, compile(t, name, "-mcpu="+cpu)) })
		}
	}
}

func compareCorpus(t *testing.T, spec *ebpf.CollectionSpec) {
	theirs, err := ebpf.NewCollection(spec.Copy())
	if err != nil {
		t.Fatalf("kernel: %+v", err)
	}
	defer theirs.Close()
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := NewCollectionWithOptions(spec, CollectionOptions{MachineOptions: MachineOptions{CPUs: cpus}})
	if err != nil {
		t.Fatal(err)
	}
	if jumps := theirs.Maps["jumps"]; jumps != nil {
		for i, name := range []string{"xdp_one", "xdp_again", "xdp_two"} {
			if err := jumps.Put(uint32(i), theirs.Programs[name]); err != nil {
				t.Fatal(err)
			}
			if err := ours.Maps["jumps"].Put(uint32(i), ours.Programs[name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range sorted(spec.Programs) {
		for i, in := range testPackets() {
			want, wantData, wantErr := theirs.Programs[name].Test(in)
			got, gotData, gotErr := ours.Programs[name].Test(in)
			if (gotErr != nil) != (wantErr != nil) || wantErr == nil && (got != want || !bytes.Equal(gotData, wantData)) {
				t.Errorf("%s, packet %d: %#x %v, the kernel says %#x %v\n%.60x\n%.60x", name, i, got, gotErr, want, wantErr, gotData, wantData)
			}
			for _, mapName := range sorted(spec.Maps) {
				switch spec.Maps[mapName].Type {
				case ebpf.RingBuf, ebpf.Queue, ebpf.ProgramArray:
					continue
				}
				perCPU := spec.Maps[mapName].Type == ebpf.PerCPUArray
				if got, want := contentsOf(ours.Maps[mapName], perCPU), contentsOf(theirs.Maps[mapName], perCPU); got != want {
					t.Errorf("%s, packet %d: map %s:\n%s\nthe kernel's:\n%s", name, i, mapName, got, want)
				}
			}
		}
	}
}
