package tracepipe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/kernel"
)

// Tap gets the messages of bpf_trace_printk from a program of its own, on the
// tracepoint behind them, and leaves the pipe alone. It is for when another
// process reads the pipe: since Linux 6.7 only one can.
//
// The time is that of the clock CLOCK_MONOTONIC, in the pipe's form.
type Tap struct {
	session *kernel.Session
	lost    func(cpu int, events uint64)
	told    []uint64 // lost messages that lost was called for, per CPU
}

// A record of the tap: time, thread and process, CPU, length of the message
// with its final zero, the task's name, the message.
const (
	tapTime    = 0
	tapIDs     = 8
	tapCPU     = 16
	tapLen     = 20
	tapComm    = 24
	tapMessage = 40
	tapMax     = 1024 // longest message, from the kernel's documentation of the helper
)

const (
	tapProgram  = "printk_tap"
	tapScratch  = "printk_scratch"
	tapRingSize = 1 << 20
	// tapPause bounds the time until lost messages are told.
	tapPause = time.Second
)

// OpenTap attaches the tap. Lost is called for messages that found no room.
func OpenTap(ctx context.Context, lost func(cpu int, events uint64)) (*Tap, error) {
	p := &plan.Plan{Version: plan.Version, Probes: []plan.Probe{{
		Kind: plan.RawTracepoint, Name: "rawtracepoint:" + event, Event: event, Program: tapProgram,
	}}}
	s, err := kernel.LoadSpec(ctx, tapSpec(), p, kernel.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.Attach(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Tap{session: s, lost: lost}, nil
}

func tapSpec() *ebpf.CollectionSpec {
	ins := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.DWord).WithSymbol(tapProgram), // the message
		asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, 0).WithReference(tapScratch),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R7, asm.R0),

		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R7, tapTime, asm.R0, asm.DWord),
		asm.FnGetCurrentPidTgid.Call(),
		asm.StoreMem(asm.R7, tapIDs, asm.R0, asm.DWord),
		asm.FnGetSmpProcessorId.Call(),
		asm.StoreMem(asm.R7, tapCPU, asm.R0, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R7), asm.Add.Imm(asm.R1, tapComm),
		asm.Mov.Imm(asm.R2, tapMessage-tapComm),
		asm.FnGetCurrentComm.Call(),
		asm.Mov.Reg(asm.R1, asm.R7), asm.Add.Imm(asm.R1, tapMessage),
		asm.Mov.Imm(asm.R2, tapMax),
		asm.Mov.Reg(asm.R3, asm.R6),
		asm.FnProbeReadKernelStr.Call(),
		asm.JSLT.Imm(asm.R0, 0, "out"),
		asm.JSGT.Imm(asm.R0, tapMax, "out"),
		asm.StoreMem(asm.R7, tapLen, asm.R0, asm.Word),

		asm.Mov.Reg(asm.R3, asm.R0), asm.Add.Imm(asm.R3, tapMessage),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.LoadMapPtr(asm.R1, 0).WithReference(plan.Ring),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),

		asm.StoreImm(asm.R10, -4, plan.MissedRecord, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, 0).WithReference(plan.Missed),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}
	return &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			plan.Ring:   {Name: plan.Ring, Type: ebpf.RingBuf, MaxEntries: tapRingSize},
			plan.Missed: {Name: plan.Missed, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: plan.NumMissed},
			// A program attached to a tracepoint is never entered twice on one
			// CPU, so one slot for each is enough.
			tapScratch: {Name: tapScratch, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: tapMessage + tapMax, MaxEntries: 1},
		},
		Programs: map[string]*ebpf.ProgramSpec{
			tapProgram: {Name: tapProgram, Type: ebpf.RawTracepoint, Instructions: ins, License: "GPL"},
		},
	}
}

// Close takes the tap away.
func (t *Tap) Close() error { return t.session.Close() }

// Discard drops what has arrived so far.
func (t *Tap) Discard(limit time.Duration) error {
	return t.Drain(limit, func(Line) error { return nil })
}

// Drain calls emit with the lines that have arrived, for at most limit.
func (t *Tap) Drain(limit time.Duration, emit func(Line) error) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		n, err := t.session.Events().Drain(func(record []byte) error { return tapLines(record, emit) })
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	return t.tellLost()
}

// Read calls emit with each line that arrives until ctx ends, which is no
// error, or emit fails.
func (t *Tap) Read(ctx context.Context, emit func(Line) error) error {
	var failed error
	for ctx.Err() == nil {
		_, err := t.session.Events().ReadBatch(ctx, tapPause, func(record []byte) bool {
			failed = tapLines(record, emit)
			return failed == nil
		})
		if err := cmp.Or(failed, err); err != nil {
			return err
		}
		if err := t.tellLost(); err != nil {
			return err
		}
	}
	return nil
}

// tapLines takes a record apart.
func tapLines(record []byte, emit func(Line) error) error {
	if len(record) < tapMessage {
		return fmt.Errorf("printk tap: a record of %d bytes", len(record))
	}
	ns := binary.NativeEndian.Uint64(record[tapTime:])
	comm, _, _ := bytes.Cut(record[tapComm:tapMessage], []byte{0})
	message := record[tapMessage:]
	if n := int(binary.NativeEndian.Uint32(record[tapLen:])); n <= len(message) {
		message = message[:n]
	}
	message, _, _ = bytes.Cut(message, []byte{0})
	l := Line{
		Task: string(comm),
		PID:  int(uint32(binary.NativeEndian.Uint64(record[tapIDs:]))),
		CPU:  int(binary.NativeEndian.Uint32(record[tapCPU:])),
		Time: fmt.Sprintf("%d.%06d", ns/1e9, ns%1e9/1e3),
	}
	text := strings.TrimRight(string(message), "\n")
	for line := range strings.SplitSeq(text, "\n") {
		l.Message = line
		if err := emit(l); err != nil {
			return err
		}
		l.Continued = true
	}
	return nil
}

// tellLost calls lost for what found no room since the last time.
func (t *Tap) tellLost() error {
	c, err := t.session.Counters()
	if err != nil || t.lost == nil {
		return err
	}
	for cpu, n := range c[plan.MissedRecord] {
		if cpu >= len(t.told) {
			t.told = append(t.told, 0)
		}
		if n > t.told[cpu] {
			t.lost(cpu, n-t.told[cpu])
			t.told[cpu] = n
		}
	}
	return nil
}
