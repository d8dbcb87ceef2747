package bpftool

import "strconv"

// The names of perf events as perf(1) spells them; the numbers are those of
// perf_event_open(2).
var (
	perfTypes    = [...]string{"hardware", "software", "tracepoint", "hw-cache", "raw", "breakpoint"}
	perfHardware = [...]string{
		"cpu-cycles", "instructions", "cache-references", "cache-misses", "branch-instructions", "branch-misses", "bus-cycles",
		"stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles",
	}
	perfSoftware = [...]string{
		"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults", "major-faults",
		"alignment-faults", "emulation-faults", "dummy", "bpf-output", "cgroup-switches",
	}
	perfCaches  = [...]string{"L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"}
	perfOps     = [...]string{"load", "store", "prefetch"}
	perfResults = [...]string{"refs", "misses"}
)

func nth(names []string, n uint64) (string, bool) {
	if n < uint64(len(names)) {
		return names[n], true
	}
	return strconv.FormatUint(n, 10), false
}

func perfType(n uint32) (string, bool) { return nth(perfTypes[:], uint64(n)) }

func perfConfig(typ uint32, config uint64) (string, bool) {
	switch typ {
	case 0:
		return nth(perfHardware[:], config)
	case 1:
		return nth(perfSoftware[:], config)
	case 3:
		cache, _ := nth(perfCaches[:], config&0xff)
		op, _ := nth(perfOps[:], config>>8&0xff)
		result, _ := nth(perfResults[:], config>>16)
		return cache + "-" + op + "-" + result, true
	}
	return "", false
}
