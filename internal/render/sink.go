package render

import (
	"io"
)

// TextKind is what printed a text.
type TextKind uint8

// The kinds of text.
const (
	Printf TextKind = iota
	Time
	Cat
	Join
	System
)

// Severity is the weight of a message that the script reports.
type Severity uint8

// The severities.
const (
	Warning Severity = iota
	Error
)

// Sink writes the output of a script. Output is collected and written when it
// grows large and on Flush; the first error of the writer sticks, is returned
// by every later Flush, and what follows it is dropped.
type Sink interface {
	// Text writes what a call printed. The slice is the caller's again
	// after the call.
	Text(kind TextKind, text []byte)
	// Report writes a message of errorf() or warnf() from place, which is
	// "file:line:col" or "file:line:col-col".
	Report(s Severity, place string, text []byte)
	// Value writes one value.
	Value(v Value)
	// Map writes a map with its name, which starts with '@'.
	Map(name string, v Value)
	// Attached says how many probes are attached.
	Attached(n int)
	// Lost says that n more events were lost.
	Lost(n uint64)
	// End is called when no more events come, before the maps are written.
	End()
	// Flush writes what was collected.
	Flush() error
	// FlushLines writes what was collected up to the last newline.
	FlushLines() error
}

// flushSize is the amount of output that is written without being asked for.
const flushSize = 64 << 10

// output collects what is to be written.
type output struct {
	w   io.Writer
	buf []byte
	err error
}

// grown is called after each addition.
func (o *output) grown() {
	if len(o.buf) >= flushSize {
		o.write(len(o.buf))
	}
}

func (o *output) write(n int) {
	if n > 0 && o.err == nil {
		_, o.err = o.w.Write(o.buf[:n])
	}
	o.buf = o.buf[:copy(o.buf, o.buf[n:])]
}

func (o *output) Flush() error {
	o.write(len(o.buf))
	return o.err
}

func (o *output) FlushLines() error {
	for i := len(o.buf) - 1; i >= 0; i-- {
		if o.buf[i] == '\n' {
			o.write(i + 1)
			break
		}
	}
	return o.err
}
