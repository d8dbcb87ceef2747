package kernel

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/skep-dev/skep/internal/plan"
)

// consumer reads records until it has seen n of them or stop is set.
type consumer struct {
	name string
	open func(b *testing.B, s *Session) (read func(want int, stop *atomic.Bool) int)
}

func consumers() []consumer {
	return []consumer{
		{"skep", func(b *testing.B, s *Session) func(int, *atomic.Bool) int {
			return func(want int, stop *atomic.Bool) (n int) {
				var sum byte
				for n < want && !stop.Load() {
					k, err := s.Events().Drain(func(rec []byte) error { sum += rec[0]; return nil })
					if err != nil {
						b.Fatal(err)
					}
					n += k
					if k == 0 {
						if _, err := s.Events().Wait(time.Now().Add(10 * time.Millisecond)); err != nil {
							b.Fatal(err)
						}
					}
				}
				return n
			}
		}},
		{"cilium", func(b *testing.B, s *Session) func(int, *atomic.Bool) int {
			m, _ := s.Map(plan.Ring)
			r, err := ringbuf.NewReader(m)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { r.Close() })
			return func(want int, stop *atomic.Bool) (n int) {
				var rec ringbuf.Record
				var sum byte
				for n < want && !stop.Load() {
					r.SetDeadline(time.Now().Add(10 * time.Millisecond))
					err := r.ReadInto(&rec)
					if errors.Is(err, os.ErrDeadlineExceeded) {
						continue
					}
					if err != nil {
						b.Fatal(err)
					}
					sum += rec.RawSample[0]
					n++
				}
				return n
			}
		}},
	}
}

// BenchmarkDrain is what the reader alone costs: a full ring, nobody writing.
func BenchmarkDrain(b *testing.B) {
	for _, c := range consumers() {
		b.Run(c.name, func(b *testing.B) {
			needs(b)
			const each, runs = 200, 300 // 60000 records of 40 bytes in a ring of 4 MiB
			s := load(b, testSpec(4<<20, each, 40), probes(plan.Probe{Kind: plan.Begin, Program: "emit"}), Options{})
			read := c.open(b, s)
			var never atomic.Bool
			var took time.Duration
			total := 0
			for total < b.N {
				for range runs {
					if err := s.RunProbe(plan.Begin); err != nil {
						b.Fatal(err)
					}
				}
				start := time.Now()
				total += read(each*runs, &never)
				took += time.Since(start)
			}
			b.ReportMetric(float64(took.Nanoseconds())/float64(total), "ns/record")
			b.ReportMetric(float64(total)/took.Seconds(), "records/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkFlood is a producer at full speed on another CPU.
func BenchmarkFlood(b *testing.B) {
	for _, c := range consumers() {
		b.Run(c.name, func(b *testing.B) {
			needs(b)
			s := load(b, testSpec(4<<20, 200, 40), probes(plan.Probe{Kind: plan.Begin, Program: "emit"}), Options{})
			read := c.open(b, s)
			var stop atomic.Bool
			done := make(chan struct{})
			go func() {
				defer close(done)
				for !stop.Load() {
					if err := s.RunProbe(plan.Begin); err != nil {
						b.Error(err)
						return
					}
				}
			}()
			b.ResetTimer()
			start := time.Now()
			n := read(b.N, &stop)
			took := time.Since(start)
			stop.Store(true)
			<-done
			counters, err := s.Counters()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n)/took.Seconds(), "records/s")
			b.ReportMetric(float64(counters.Total(plan.MissedRecord))/took.Seconds(), "missed/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
