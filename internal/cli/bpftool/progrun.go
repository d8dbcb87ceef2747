package bpftool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/sys"
)

// runFlags are the words of `prog run`.
type runFlags struct {
	dataIn, dataOut, ctxIn, ctxOut string
	dataSize, ctxSize              uint32
	repeat                         uint32
}

func parseRunFlags(a *arguments) (f runFlags, err error) {
	for !a.empty() && err == nil {
		switch {
		case a.take("data_in"):
			f.dataIn, err = a.next("a file of input data")
		case a.take("data_out"):
			f.dataOut, err = a.next("a file for output data")
		case a.take("data_size_out"):
			f.dataSize, err = a.number("the size of the output data")
		case a.take("ctx_in"):
			f.ctxIn, err = a.next("a file of an input context")
		case a.take("ctx_out"):
			f.ctxOut, err = a.next("a file for an output context")
		case a.take("ctx_size_out"):
			f.ctxSize, err = a.number("the size of the output context")
		case a.take("repeat"):
			f.repeat, err = a.number("the number of repetitions")
		default:
			err = usagef("expected no more arguments, 'data_in', 'data_out', 'data_size_out', 'ctx_in', 'ctx_out', 'ctx_size_out' or 'repeat', got: '%s'?", a.peek())
		}
	}
	switch {
	case err != nil:
		return f, err
	case f.dataIn == "" && (f.dataOut != "" || f.dataSize != 0):
		return f, usagef("output data without input data")
	case f.ctxIn == "" && (f.ctxOut != "" || f.ctxSize != 0):
		return f, usagef("an output context without an input context")
	case f.dataIn == "-" && f.ctxIn == "-":
		return f, usagef("data and context can't both come from standard input")
	}
	return f, nil
}

// runRoom is how much a program's output may be bigger than its input.
const runRoom = 32 << 10

func (t *tool) progRun(a *arguments) error {
	if err := a.need(2, "run"); err != nil {
		return err
	}
	fd, err := t.program(a)
	if err != nil {
		return err
	}
	defer fd.Close()
	f, err := parseRunFlags(a)
	if err != nil {
		return err
	}
	r := sys.TestRun{Repeat: max(f.repeat, 1)}
	if r.DataIn, r.DataOut, err = t.runBuffers(f.dataIn, f.dataSize); err != nil {
		return err
	}
	if r.CtxIn, r.CtxOut, err = t.runBuffers(f.ctxIn, f.ctxSize); err != nil {
		return err
	}
	err = r.Run(fd)
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("program test run failed: the output has %d bytes of data and %d of context, more than there is room for: %s%w",
			r.DataSize, r.CtxSize, strerror(err), quiet{err})
	}
	if err != nil {
		return fmt.Errorf("failed to run program: %s%w", strerror(err), quiet{err})
	}
	return t.runResult(&f, &r)
}

// runBuffers reads the input from a file ("-" is standard input) and makes
// room for the output.
func (t *tool) runBuffers(name string, size uint32) (in, out []byte, err error) {
	switch name {
	case "":
		return nil, nil, nil
	case "-":
		in, err = io.ReadAll(t.In)
	default:
		in, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, nil, err
	}
	if size == 0 {
		size = uint32(len(in)) + runRoom
	}
	return in, make([]byte, size), nil
}

func (t *tool) runResult(f *runFlags, r *sys.TestRun) error {
	if t.opts.json {
		t.json.BeginObject()
		defer t.json.EndObject()
	}
	for _, o := range []struct {
		name, file, title string
		data              []byte
	}{{"data_out", f.dataOut, "Data", r.DataOut}, {"ctx_out", f.ctxOut, "Context", r.CtxOut}} {
		switch {
		case o.file == "":
		case o.file != "-":
			if err := os.WriteFile(o.file, o.data, 0o600); err != nil {
				return err
			}
		case t.opts.json:
			t.json.Name(o.name)
			t.json.Bytes(o.data)
		default:
			t.hexDump(o.data)
		}
	}
	if t.opts.json {
		t.json.UintField("retval", uint64(r.Retval))
		t.json.UintField("duration", uint64(r.Duration))
		return nil
	}
	average := ""
	if r.Repeat > 1 {
		average = " (average)"
	}
	t.printf("Return value: %d, duration%s: %dns\n", r.Retval, average, r.Duration)
	return nil
}

// hexDump writes bytes with their offsets, and as text beside them.
func (t *tool) hexDump(b []byte) {
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		t.printf("%07x\t", at)
		for i := range 16 {
			switch {
			case i >= len(row):
				t.printf("  ")
			default:
				t.printf("%02x", row[i])
			}
			if i%2 == 1 {
				t.printf(" ")
			}
		}
		t.printf("| ")
		for i, c := range row {
			if i == 8 {
				t.printf(" ")
			}
			if c < ' ' || c > '~' {
				c = '.'
			}
			t.printf("%c", c)
		}
		t.printf("\n")
	}
}

// attachPlaces are the places of `prog attach`, with the older names that
// bpftool takes for them.
var attachPlaces = []struct {
	old string
	typ facts.AttachType
}{
	{"stream_verdict", facts.AttachTypeSKSkbStreamVerdict}, {"stream_parser", facts.AttachTypeSKSkbStreamParser},
	{"skb_verdict", facts.AttachTypeSKSkbVerdict}, {"msg_verdict", facts.AttachTypeSKMsgVerdict},
	{"flow_dissector", facts.AttachTypeFlowDissector},
}

func (t *tool) attachTarget(a *arguments, do func(target, prog sys.FD, typ uint32) error) error {
	if err := a.need(3, "attach"); err != nil {
		return err
	}
	prog, err := t.program(a)
	if err != nil {
		return err
	}
	defer prog.Close()
	typ, found := facts.AttachType(0), false
	for _, p := range attachPlaces {
		if a.peek() == p.typ.String() || a.is(p.old) {
			typ, found = p.typ, true
			break
		}
	}
	if !found {
		return usagef("invalid attach/detach type '%s'", a.peek())
	}
	a.skip()
	target := sys.FD(0)
	if typ != facts.AttachTypeFlowDissector {
		if target, _, err = t.oneMap(a, readWrite); err != nil {
			return err
		}
		defer target.Close()
	}
	if err := a.end(); err != nil {
		return err
	}
	if err := do(target, prog, uint32(typ)); err != nil {
		return err
	}
	return t.done()
}

func (t *tool) progAttach(a *arguments) error {
	return t.attachTarget(a, func(target, prog sys.FD, typ uint32) error {
		if err := sys.ProgAttach(target, prog, typ, 0); err != nil {
			return fmt.Errorf("failed prog attach to map: %s%w", strerror(err), quiet{err})
		}
		return nil
	})
}

func (t *tool) progDetach(a *arguments) error {
	return t.attachTarget(a, func(target, prog sys.FD, typ uint32) error {
		if err := sys.ProgDetach(target, prog, typ); err != nil {
			return fmt.Errorf("failed prog detach from map: %s%w", strerror(err), quiet{err})
		}
		return nil
	})
}

// traceLog copies the trace pipe until it is interrupted.
func (t *tool) traceLog(a *arguments) error {
	if err := a.end(); err != nil {
		return err
	}
	fs, err := sys.OpenTracefs()
	if err != nil {
		return err
	}
	defer fs.Close()
	pipe, err := os.Open(filepath.Join(fs.Path(), "trace_pipe"))
	if err != nil {
		return err
	}
	defer pipe.Close()
	ctx, stop := signal.NotifyContext(t.ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return t.copyLines(ctx, pipe)
}

func (t *tool) copyLines(ctx context.Context, from io.Reader) error {
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		s := bufio.NewScanner(from)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
		failed <- s.Err()
	}()
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case line := <-lines:
			if t.opts.json {
				t.json.String(line)
				if err := t.json.Flush(); err != nil {
					return err
				}
				continue
			}
			t.printf("%s\n", line)
			if err := t.out.Flush(); err != nil {
				return err
			}
		}
	}
}
