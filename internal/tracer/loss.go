package tracer

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/target"
)

// lossMeter follows the counters of what programs could not do.
type lossMeter struct {
	counters target.Map // nil when the object has none
	now      [plan.NumMissed]perCPU
	reported [plan.NumMissed]uint64
	polled   time.Time
	told     time.Time
}

type perCPU []uint64

func (p perCPU) total() uint64 {
	var n uint64
	for _, c := range p {
		n += c
	}
	return n
}

// String names the CPUs that have counted something.
func (p perCPU) String() string {
	var parts []string
	for cpu, n := range p {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("cpu %d: %d", cpu, n))
		}
	}
	return strings.Join(parts, ", ")
}

func (l *lossMeter) read() error {
	if l.counters == nil {
		return nil
	}
	for i := range l.now {
		b, err := l.counters.LookupBytes(counterKey(i))
		if err != nil {
			return fmt.Errorf("counters of lost events: %w", err)
		}
		l.now[i] = l.now[i][:0]
		for ; len(b) >= 8; b = b[8:] {
			l.now[i] = append(l.now[i], binary.NativeEndian.Uint64(b))
		}
	}
	return nil
}

// lossText says for each counter how a further loss is told while the script
// runs, and how the total is at its end. Lost records are told by the sink.
func lossText(counter int) (more, total string) {
	switch counter {
	case plan.MissedScratch:
		return "WARNING: skipped %d probe runs: all memory slots were in use", "Total skipped probe run count"
	case plan.MissedUpdate:
		return "WARNING: refused %d map updates: the map was full; a larger max_map_keys helps", "Total refused map update count"
	}
	return "", "Total lost event count"
}

// reportLoss tells what was lost since the last time, unless that is too
// short ago.
func (t *tracer) reportLoss(now time.Time) error {
	l := &t.loss
	if l.counters == nil || now.Sub(l.polled) < pollInterval || now.Sub(l.told) < lossInterval {
		return nil
	}
	l.polled = now
	if err := l.read(); err != nil {
		return err
	}
	if t.tellLoss() {
		l.told = now
	}
	return nil
}

// tellLoss tells what is new in the counters.
func (t *tracer) tellLoss() bool {
	told := false
	for i := range t.loss.now {
		n := t.loss.now[i].total()
		if n <= t.loss.reported[i] {
			continue
		}
		more := n - t.loss.reported[i]
		told = true
		t.loss.reported[i] += more
		if i == plan.MissedRecord {
			t.Sink.Lost(more)
		} else {
			text, _ := lossText(i)
			t.say(text, more)
		}
	}
	return told
}

// lossTotal tells what is left to tell, and the totals with their CPUs.
func (t *tracer) lossTotal() error {
	if err := t.loss.read(); err != nil {
		return err
	}
	t.tellLoss()
	for i := range t.loss.now {
		if n := t.loss.now[i].total(); n > 0 {
			_, text := lossText(i)
			t.say("WARNING: %s: %d\n         on %s", text, n, t.loss.now[i])
		}
	}
	return nil
}
