package tracer

import (
	"io"
	"time"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/target"
)

// Buffering is when output is written.
type Buffering uint8

// The buffering modes.
const (
	// BufferAuto writes when there is nothing else to do, and every
	// flushInterval while there is.
	BufferAuto Buffering = iota
	// BufferLine writes each line as soon as it is complete.
	BufferLine
	// BufferFull writes when the buffer is full and at the end.
	BufferFull
	// BufferNone writes after each event.
	BufferNone
)

// Config is what a run needs. Plan, Session, Sink and Stderr must be set.
type Config struct {
	Plan    *plan.Plan
	Session target.Session
	// Sink takes the script's output. Run flushes it.
	Sink render.Sink
	// Stderr takes what the run itself has to say.
	Stderr io.Writer
	// Env is what values are rendered with. Run supplies the settings and
	// the probes of the plan. Nil is the zero Env.
	Env *render.Env

	Buffering   Buffering
	Interactive bool // with BufferAuto, write after each batch: somebody is watching
	Unsafe      bool // system() may run commands
	NoWarnings  bool // leave out warnf()

	// Detach makes sure that no program runs any more when it returns,
	// except for those of end probes. It is called once, at the start of
	// the end. With a nil Detach the probes stay attached, and what they
	// send at the end is handled for drainTime at most.
	Detach func() error
	// End runs the end probes. It may be nil.
	End func() error

	// Now is the clock of time(); nil is time.Now.
	Now func() time.Time
}

// Intervals of a run.
const (
	flushInterval = 25 * time.Millisecond  // output waits no longer while events keep coming
	pollInterval  = 100 * time.Millisecond // how often the counters of what was lost are read
	lossInterval  = time.Second            // how often a loss is reported
	drainTime     = time.Second            // for what comes in after the end when probes stay attached
)

// defaultCatBytes is what cat() prints of a file at most when the settings
// don't say.
const defaultCatBytes = 10 << 10
