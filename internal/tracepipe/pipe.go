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
		n, err := sys.ReadNow(p.f, p.buf)
		if err := errors.Join(err, p.lines(p.buf[:n], emit)); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// Read calls emit with each line that arrives until ctx ends, which is no
// error, or emit fails.
func (p *Pipe) Read(ctx context.Context, emit func(Line) error) error {
	if err := p.f.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for ctx.Err() == nil {
		more, err := p.readOnce(emit)
		if err != nil {
			return err
		}
		if !more { // the pipe says so while tracing is switched off
			select {
			case <-ctx.Done():
			case <-time.After(idlePause):
			}
		}
	}
	return nil
}

// idlePause is the time between two looks at a pipe that has been switched off.
const idlePause = 100 * time.Millisecond

// readOnce reads what there is. It reports false when that was nothing: the
// deadline passed, or tracing is switched off.
func (p *Pipe) readOnce(emit func(Line) error) (bool, error) {
	n, err := p.f.Read(p.buf)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
		err = nil
	}
	return n > 0, errors.Join(err, p.lines(p.buf[:n], emit))
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
