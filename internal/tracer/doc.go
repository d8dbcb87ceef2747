// Package tracer is the user side of a running script: it does what the
// records that its programs send ask for, prints its maps, and says what was
// lost.
//
// [Run] takes a plan and a session on any target. Records are handled in the
// order of the ring, and what they print appears in that order; a map that is
// printed shows its values at the time at which its record is handled.
//
// The end of a run, by an exit() or by the end of the context, goes through
// these steps: output is written; the probes are detached; what is left in the
// ring is handled, or dropped after an exit(), as in bpftrace; the end probes
// run, and what they print is handled; what was lost is counted; the maps are
// printed. So every event is printed, or counted as lost, exactly once.
//
// Records come from programs and are not trusted: one that does not fit the
// plan is counted and left out.
//
// It imports plan, render and target; never a target itself.
package tracer
