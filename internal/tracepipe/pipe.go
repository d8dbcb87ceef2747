package tracepipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/skep-dev/skep/internal/sys"
)

// maxLine is how long a line may become before it is cut: a message is at
// most a page of the kernel's ring buffer.
const maxLine = 64 << 10

// Pipe is an open trace_pipe. Reading takes the lines away from other readers.
type Pipe struct {
	f       *os.File
	parser  Parser
	partial []byte // of a line that is not complete yet
	buf     []byte
	ahead   int // bytes of buf that have been read and not parsed
}

// Open opens the pipe of the tracefs that is mounted at dir. Lost is called
// for events that the kernel overwrote; it may be nil. The error wraps EBUSY
// when another process reads the pipe and the kernel lets only one do so.
func Open(dir string, lost func(cpu int, events uint64)) (*Pipe, error) {
	f, err := os.Open(filepath.Join(dir, "trace_pipe"))
	if err != nil {
		return nil, err
	}
	// The file must take part in polling, or Read could not be ended.
	if err := f.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.Name(), err), f.Close())
	}
	return &Pipe{f: f, parser: Parser{Lost: lost}, buf: make([]byte, 32<<10)}, nil
}

// Close closes the pipe.
func (p *Pipe) Close() error { return p.f.Close() }

// Discard reads away what is in the pipe already, for at most limit.
func (p *Pipe) Discard(limit time.Duration) error {
	err := p.Drain(limit, func(Line) error { return nil })
	p.partial, p.parser.open = p.partial[:0], false
	return err
}

// Drain calls emit with the lines that are in the pipe now, for at most limit.
func (p *Pipe) Drain(limit time.Duration, emit func(Line) error) error {
	if err := p.f.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for end := time.Now().Add(limit); time.Now().Before(end); {
		n, err := p.ahead, error(nil)
		if p.ahead = 0; n == 0 {
			n, err = sys.ReadNow(p.f, p.buf)
		}
		if err := errors.Join(err, p.lines(p.buf[:n], emit)); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// Read calls emit with each line that arrives until ctx ends, which is no
// error, or emit fails. It notices the end of ctx within lookAgain.
func (p *Pipe) Read(ctx context.Context, emit func(Line) error) error {
	for ctx.Err() == nil {
		if err := p.Drain(time.Second, emit); err != nil {
			return err
		}
		if err := p.wait(); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain is the longest time between two looks into the pipe. Some kernels
// (6.1) say that the pipe can be read only when it is half full; and while
// tracing is switched off it can be read all the time, and has nothing.
const lookAgain = 50 * time.Millisecond

// wait waits until the pipe can be read, for at most lookAgain.
func (p *Pipe) wait() error {
	if err := p.f.SetReadDeadline(time.Now().Add(lookAgain)); err != nil {
		return err
	}
	n, err := p.f.Read(p.buf)
	p.ahead = n
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF): // tracing is switched off
		time.Sleep(lookAgain)
		return nil
	}
	return err
}

// lines parses the complete lines of what has been read so far.
func (p *Pipe) lines(data []byte, emit func(Line) error) error {
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			p.partial = append(p.partial, data[:min(len(data), max(maxLine-len(p.partial), 0))]...)
			return nil
		}
		line := data[:i]
		if len(p.partial) > 0 {
			line = append(p.partial, line...)
			p.partial = p.partial[:0]
		}
		data = data[i+1:]
		if err := p.parser.Parse(string(line), emit); err != nil {
			return err
		}
	}
	return nil
}
