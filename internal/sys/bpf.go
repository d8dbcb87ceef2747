package sys

// ObjectKind is a kind of object that the kernel numbers.
type ObjectKind int

// The numbered BPF objects.
const (
	Programs ObjectKind = iota
	Maps
	Links
	BTFs
)

func (k ObjectKind) String() string {
	if k < Programs || k > BTFs {
		return "unknown"
	}
	return [...]string{"program", "map", "link", "btf"}[k]
}

// PerfEvent describes a perf event to open, of which a BPF program sees every
// overflow. Type and Config are the PERF_TYPE_* and PERF_COUNT_* numbers.
type PerfEvent struct {
	Type   uint32
	Config uint64
	// Period is the number of counts between two overflows, Freq the number
	// of overflows per second that the kernel is to aim at. At most one is set.
	Period, Freq uint64
}

// Perf event types and software events, from the perf_event_open(2) manual.
const (
	PerfTypeHardware   = 0
	PerfTypeSoftware   = 1
	PerfTypeTracepoint = 2
	PerfTypeHWCache    = 3

	PerfSoftwareCPUClock = 0
)
