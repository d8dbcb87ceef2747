package kernel

import (
	"fmt"

	"github.com/skep-dev/skep/internal/plan"
)

// Counters says what programs could not do since they were loaded, indexed
// by the plan.Missed* constants and then by CPU number.
type Counters [plan.NumMissed][]uint64

// Total is the sum over all CPUs of one counter.
func (c *Counters) Total(counter int) uint64 {
	var sum uint64
	for _, n := range c[counter] {
		sum += n
	}
	return sum
}

// Counters reads the map plan.Missed. They are all zero when the object has
// no such map.
func (s *Session) Counters() (Counters, error) {
	var c Counters
	m := s.maps[plan.Missed]
	if m == nil {
		return c, nil
	}
	for i := range min(plan.NumMissed, int(m.MaxEntries())) {
		if err := m.Lookup(uint32(i), &c[i]); err != nil {
			return c, fmt.Errorf("counter %d of %s: %w", i, plan.Missed, err)
		}
	}
	return c, nil
}
