package interp

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/vm/cpu"
	"github.com/skep-dev/skep/internal/vm/mem"
)

type counter struct{ n int }

func (k *counter) Step(*cpu.CPU)                            { k.n++ }
func (k *counter) Access(*cpu.CPU, uint64, int, mem.Access) {}

// BenchmarkPrograms runs the compiled C programs of the directory
// SKEP_BENCH_OBJECTS (clang -O2 -target bpf) on a packet of 1500 bytes.
func BenchmarkPrograms(b *testing.B) {
	dir := os.Getenv("SKEP_BENCH_OBJECTS")
	files, _ := filepath.Glob(filepath.Join(dir, "*.o"))
	if dir == "" || len(files) == 0 {
		b.Skip("set SKEP_BENCH_OBJECTS to a directory of compiled programs")
	}
	for _, name := range files {
		f, err := elf.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		code, err := f.Section(".text").Data()
		if err != nil {
			b.Fatal(err)
		}
		p := decode(b, code)
		b.Run(strings.TrimSuffix(filepath.Base(name), ".o"), func(b *testing.B) {
			c := newCPU(b)
			values, _ := c.Mem.Alloc("values", 4096, mem.ReadWrite)
			c.Helpers[1] = func(c *cpu.CPU) uint64 { return values.Addr }
			r, _ := c.Mem.Alloc("packet", 1500, mem.ReadWrite)
			fillPacket(r.Bytes())
			k := &counter{}
			c.Observer = k
			if _, err := Run(c, p, cpu.DefaultLimit, r.Addr, 1500); err != nil {
				b.Fatal(err)
			}
			c.Observer = nil
			b.ResetTimer()
			for b.Loop() {
				if _, err := Run(c, p, cpu.DefaultLimit, r.Addr, 1500); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(k.n), "ns/insn")
			b.ReportMetric(float64(k.n), "insns")
		})
	}
}

// fillPacket makes an IPv4 TCP packet with a right checksum.
func fillPacket(p []byte) {
	for i := range p {
		p[i] = byte(i*7 + i>>3)
	}
	copy(p[12:], []byte{8, 0, 0x45, 0, 5, 0xce, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(p[i])<<8 | uint32(p[i+1])
	}
	sum = sum&0xffff + sum>>16
	sum = ^(sum&0xffff + sum>>16)
	p[24], p[25] = byte(sum>>8), byte(sum)
	p[47] = 0x10
}
