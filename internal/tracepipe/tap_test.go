package tracepipe

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/features"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/testkit"
	"github.com/skep-dev/skep/kernel"
)

// printkSpec is an object whose program "say" prints text and the number 42.
func printkSpec(text string) *ebpf.CollectionSpec {
	text += "%d\x00"
	for len(text)%8 != 0 {
		text += "\x00"
	}
	var ins asm.Instructions
	for i := 0; i < len(text); i += 8 {
		ins = append(ins,
			asm.LoadImm(asm.R1, int64(binary.NativeEndian.Uint64([]byte(text[i:i+8]))), asm.DWord),
			asm.StoreMem(asm.R10, int16(i-len(text)), asm.R1, asm.DWord))
	}
	ins = append(ins,
		asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, int32(-len(text))),
		asm.Mov.Imm(asm.R2, int32(strings.IndexByte(text, 0)+1)),
		asm.Mov.Imm(asm.R3, 42),
		asm.FnTracePrintk.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return())
	ins[0] = ins[0].WithSymbol("say")
	return &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		"say": {Name: "say", Type: ebpf.RawTracepoint, Instructions: ins, License: "GPL"},
	}}
}

// source is what the pipe and the tap have in common.
type source interface {
	Discard(time.Duration) error
	Read(context.Context, func(Line) error) error
	Drain(time.Duration, func(Line) error) error
	Close() error
}

// Both sources tell the same of the same messages, of which none is from
// before they were opened.
func TestSources(t *testing.T) {
	testkit.NeedsRoot(t)
	testkit.NeedsKernel(t, features.TestRunRawTP, features.RawTracepoint, features.Tracefs)
	testkit.NoLeaks(t)
	p := &plan.Plan{Version: plan.Version, Probes: []plan.Probe{{Kind: plan.Begin, Name: "begin", Program: "say"}}}
	word := fmt.Sprintf("skep %d ", os.Getpid())
	say, err := kernel.LoadSpec(t.Context(), printkSpec(word+"a\nb "), p, kernel.Options{})
	qt.Assert(t, qt.IsNil(err))
	defer say.Close()
	qt.Assert(t, qt.IsNil(say.RunProbe(plan.Begin))) // before anybody listens

	open := map[string]func() (source, error){
		"pipe": func() (source, error) { return Open("/sys/kernel/tracing", nil) },
		"tap":  func() (source, error) { return OpenTap(t.Context(), nil) },
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			src, err := open()
			qt.Assert(t, qt.IsNil(err))
			defer src.Close()
			qt.Assert(t, qt.IsNil(src.Discard(time.Second)))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var got []Line
			mine := false
			emit := func(l Line) error {
				if mine = strings.HasPrefix(l.Message, word) || mine && l.Continued; mine {
					got = append(got, l)
				}
				if len(got) == 4 {
					cancel()
				}
				return nil
			}
			for range 2 {
				qt.Assert(t, qt.IsNil(say.RunProbe(plan.Begin)))
			}
			qt.Assert(t, qt.IsNil(src.Read(ctx, emit)))
			qt.Assert(t, qt.HasLen(got, 4))
			qt.Check(t, qt.Equals(got[0].Message, word+"a"))
			qt.Check(t, qt.Equals(got[1].Message, "b 42"))
			qt.Check(t, qt.IsTrue(got[1].Continued && got[3].Continued && !got[2].Continued))
			for _, l := range got {
				qt.Check(t, qt.Matches(l.Time, `[0-9]+\.[0-9]{6}`))
				qt.Check(t, qt.IsTrue(l.PID > 0))
			}
			qt.Assert(t, qt.IsNil(say.RunProbe(plan.Begin)))
			got = nil
			qt.Assert(t, qt.IsNil(src.Drain(time.Second, emit)))
			qt.Check(t, qt.HasLen(got, 2))
		})
	}
}

// What finds no room is counted and told.
func TestTapLost(t *testing.T) {
	testkit.NeedsRoot(t)
	testkit.NeedsKernel(t, features.TestRunRawTP, features.RawTracepoint)
	p := &plan.Plan{Version: plan.Version, Probes: []plan.Probe{{Kind: plan.Begin, Name: "begin", Program: "say"}}}
	say, err := kernel.LoadSpec(t.Context(), printkSpec(strings.Repeat("x", 200)), p, kernel.Options{})
	qt.Assert(t, qt.IsNil(err))
	defer say.Close()
	var lost uint64
	tap, err := OpenTap(t.Context(), func(_ int, n uint64) { lost += n })
	qt.Assert(t, qt.IsNil(err))
	defer tap.Close()
	const n = 10000
	for range n {
		qt.Assert(t, qt.IsNil(say.RunProbe(plan.Begin)))
	}
	got := 0
	emit := func(l Line) error {
		if strings.HasPrefix(l.Message, "xxx") {
			got++
		}
		return nil
	}
	qt.Assert(t, qt.IsNil(tap.Drain(time.Second, emit)))
	qt.Check(t, qt.IsTrue(lost > 0))
	qt.Check(t, qt.IsTrue(uint64(got)+lost >= n)) // others may have printed as well
}

func FuzzTapLines(f *testing.F) {
	f.Add([]byte("12345678123456781234\x05\x00\x00\x00comm\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00a\nb\x00"))
	f.Fuzz(func(t *testing.T, record []byte) {
		_ = tapLines(record, func(l Line) error {
			if len(l.Message) > len(record) {
				t.Errorf("%d bytes became %+v", len(record), l)
			}
			return nil
		})
	})
}
