// Package plan is the user-side half of a compiled script, as data: the probes
// to attach, the layout of the records that its programs send, the views of
// its maps, and the settings that decide how they are shown. It travels in a
// section of the object (see Section), so that an object made ahead of time
// runs like one made now.
//
// # Records
//
// Programs send records through the ring buffer map Ring. A record starts
// with 8 bytes: the index of its Event in Plan.Events, as a little- or
// big-endian u64 like all data of the target. The fields follow at the
// offsets that the Event gives, counted from the start of the record.
//
// # Map values
//
// A map whose Agg is empty holds values of type Value. The aggregations hold,
// per CPU when PerCPU is set, 64-bit words:
//
//	count, sum         total
//	min, max           value, 1 once it has been set
//	avg, stats         sum, count
//	hist               one count per bucket, see HistBucket
//	lhist              below Min, one per Step up to Max, at or above Max
//
// # Counters
//
// The map Missed is a per-CPU array of u64 counts, indexed by the Missed*
// constants: what a program could not do because a buffer or a map was full.
//
// It imports the standard library only.
package plan
