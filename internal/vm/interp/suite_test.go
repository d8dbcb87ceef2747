package interp

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
	"github.com/skep-dev/skep/internal/vm/ops"
)

// suiteFile holds the conformance programs of RFC 9669, assembled. SKEP_SUITE
// names the directory that holds isa/isa.jsonl.
func suiteFile() string {
	if dir := os.Getenv("SKEP_SUITE"); dir != "" {
		return filepath.Join(dir, "isa", "isa.jsonl")
	}
	return filepath.FromSlash("../../../../shared/suite/isa/isa.jsonl")
}

type anyHelper struct{}

func (anyHelper) Helper(n uint32) (int, error) {
	if n > 255 {
		return 0, errors.New("no such helper")
	}
	return int(n), nil
}

func (anyHelper) Kfunc(in isa.Instruction) (int, error) { return 0, nil }

func newCPU(tb testing.TB) *cpu.CPU {
	tb.Helper()
	s, err := mem.NewSpace()
	if err != nil {
		tb.Fatal(err)
	}
	c, err := cpu.New(s, 0)
	if err != nil {
		tb.Fatal(err)
	}
	c.Helpers = make([]cpu.Helper, 256)
	for i := range c.Helpers {
		c.Helpers[i] = func(*cpu.CPU) uint64 { return 1 }
	}
	return c
}

func decode(tb testing.TB, code []byte) *ops.Program {
	tb.Helper()
	insns, err := isa.Decode(code, binary.LittleEndian)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := ops.Decode("test", insns, anyHelper{})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	f, err := os.Open(suiteFile())
	if err != nil {
		t.Skipf("no conformance programs at %s: set SKEP_SUITE", suiteFile())
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	n := 0
	for sc.Scan() {
		var k struct{ Name, Mem, Insns, R0 string }
		if err := json.Unmarshal(sc.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		n++
		t.Run(k.Name, func(t *testing.T) {
			code, _ := hex.DecodeString(k.Insns)
			data, _ := hex.DecodeString(k.Mem)
			want, _ := strconv.ParseUint(k.R0, 16, 64)
			for _, observed := range []bool{false, true} {
				c := newCPU(t)
				if observed {
					c.Observer = silent{}
				}
				r, err := c.Mem.Alloc("mem", uint64(len(data)), mem.ReadWrite)
				if err != nil {
					t.Fatal(err)
				}
				copy(r.Bytes(), data)
				got, err := Run(c, decode(t, code), 1<<20, r.Addr, uint64(len(data)))
				if err != nil || got != want {
					t.Errorf("observed %v: r0 = %#x, %v; want %#x", observed, got, err, want)
				}
			}
		})
	}
	if n != 313 {
		t.Errorf("%d programs, want 313", n)
	}
}

type silent struct{}

func (silent) Step(*cpu.CPU)                            {}
func (silent) Access(*cpu.CPU, uint64, int, mem.Access) {}
