package plan

import (
	"encoding/json"
	"fmt"
)

// Version is the version of the format that this package writes and reads.
const Version = 1

// Section is the ELF section that holds the encoded plan.
const Section = ".skep.plan"

// Names of the maps that compiled scripts use besides the user's own.
const (
	Ring    = "skep_ring"               // BPF_MAP_TYPE_RINGBUF of records
	Missed  = "skep_missed"             // per-CPU array of u64, indexed by Missed*
	Scratch = "skep_scratch"            // per-CPU array of slots for large values
	Start   = DataPrefix + "skep_start" // one u64: CLOCK_BOOTTIME in ns when the probes were attached
)

// DataPrefix begins the names of maps whose one value the code addresses
// directly: they are data sections of the object, which every loader makes an
// array of one element of.
const DataPrefix = ".data."

// Indices of the counters in the map Missed.
const (
	MissedRecord  = iota // a record found no room in the ring buffer
	MissedScratch        // no scratch slot was free; the probe did nothing
	MissedUpdate         // a map took no more keys
	NumMissed
)

// Plan is the user-side half of one script.
type Plan struct {
	Version int      `json:"version"`
	Source  string   `json:"source"` // the script's name
	Probes  []Probe  `json:"probes"`
	Events  []Event  `json:"events,omitempty"`
	Maps    []Map    `json:"maps,omitempty"`
	Config  Settings `json:"config"`
}

// Settings are the script's settings that the user side obeys.
type Settings struct {
	PrintMapsOnExit bool   `json:"print_maps_on_exit"`
	TruncTrailer    string `json:"str_trunc_trailer"`
	StackMode       string `json:"stack_mode,omitempty"`
	MaxCatBytes     int    `json:"max_cat_bytes,omitempty"`
	RingPages       int    `json:"ring_pages,omitempty"` // size of Ring in 4 KiB pages
	// MissingProbes is what happens when a probe can't be attached:
	// "error", "warn" or "ignore".
	MissingProbes string `json:"missing_probes,omitempty"`
}

// ProbeKind is the provider of a probe, by its full name in the language.
type ProbeKind string

// The probe kinds.
const (
	Begin         ProbeKind = "begin"
	End           ProbeKind = "end"
	SelfSignal    ProbeKind = "self"
	Tracepoint    ProbeKind = "tracepoint"
	RawTracepoint ProbeKind = "rawtracepoint"
	Interval      ProbeKind = "interval"
	Profile       ProbeKind = "profile"
	Software      ProbeKind = "software"
	Hardware      ProbeKind = "hardware"
	Watchpoint    ProbeKind = "watchpoint"
	Kprobe        ProbeKind = "kprobe"
	Kretprobe     ProbeKind = "kretprobe"
	Uprobe        ProbeKind = "uprobe"
	Uretprobe     ProbeKind = "uretprobe"
	USDT          ProbeKind = "usdt"
	Fentry        ProbeKind = "fentry"
	Fexit         ProbeKind = "fexit"
	Iter          ProbeKind = "iter"
)

// Probe is one place to attach one program to.
type Probe struct {
	Kind    ProbeKind `json:"kind"`
	Name    string    `json:"name"`    // as the builtin probe says it: "tracepoint:syscalls:sys_enter_open"
	Program string    `json:"program"` // the function in the object; several probes may share one

	Category string `json:"category,omitempty"` // of a tracepoint
	Event    string `json:"event,omitempty"`    // of a tracepoint, raw tracepoint, software or hardware event

	// PeriodNS is the time between two runs of an interval or profile probe
	// that was given as a time; Freq is its rate per second when it was
	// given in hertz. One of them is 0. For software and hardware events
	// Period counts events.
	PeriodNS uint64 `json:"period_ns,omitempty"`
	Freq     uint64 `json:"freq,omitempty"`
	Period   uint64 `json:"period,omitempty"`

	Target   string `json:"target,omitempty"`   // binary, module, or program
	Function string `json:"function,omitempty"` // kernel or user function
	Offset   uint64 `json:"offset,omitempty"`   // within Function, or the address when Function is empty

	Place string `json:"place,omitempty"` // "file:line:col" of the probe in the script
}

// TypeKind says how bytes are to be read and shown.
type TypeKind string

// The type kinds. Symbolic kinds hold the raw number or address that the user
// side translates.
const (
	None      TypeKind = "none"
	Int       TypeKind = "int" // Size bytes, Signed
	Bool      TypeKind = "bool"
	String    TypeKind = "string" // NUL-terminated in Size bytes
	Buffer    TypeKind = "buffer" // u32 length, then Size-4 bytes
	Pointer   TypeKind = "pointer"
	Tuple     TypeKind = "tuple"  // Fields without names
	Record    TypeKind = "record" // Fields with names
	Array     TypeKind = "array"  // Len times Elem
	Enum      TypeKind = "enum"   // an int with names
	Kstack    TypeKind = "kstack"
	Ustack    TypeKind = "ustack"
	Ksym      TypeKind = "ksym"
	Usym      TypeKind = "usym"
	Username  TypeKind = "username"
	Inet      TypeKind = "inet" // u64 family (AF_INET, AF_INET6), then 16 bytes
	MAC       TypeKind = "mac"
	Strftime  TypeKind = "strftime" // u64 nanoseconds since boot; Name is the format
	ProbeName TypeKind = "probe"    // u64 index into Plan.Probes
)

// Type describes a value's bytes.
type Type struct {
	Kind   TypeKind `json:"kind"`
	Size   int      `json:"size,omitempty"` // bytes
	Signed bool     `json:"signed,omitempty"`
	Name   string   `json:"name,omitempty"`
	// Truncates marks a string whose text was cut when it fills Size-1
	// bytes; the trailer of the settings is then shown after it.
	Truncates bool        `json:"truncates,omitempty"`
	Fields    []Field     `json:"fields,omitempty"`
	Elem      *Type       `json:"elem,omitempty"`
	Len       int         `json:"len,omitempty"`
	Names     []EnumValue `json:"names,omitempty"`
}

// Field is a part of a record, tuple or event at a byte offset. A bit-field
// is BitSize bits from bit BitOffset on, counted from the byte offset.
type Field struct {
	Name      string `json:"name,omitempty"`
	Offset    int    `json:"offset"`
	BitOffset int    `json:"bit_offset,omitempty"`
	BitSize   int    `json:"bit_size,omitempty"`
	Type      Type   `json:"type"`
}

// EnumValue is one name of an enum type.
type EnumValue struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// EventKind is what the user side does when a record arrives.
type EventKind string

// The event kinds.
const (
	Printf   EventKind = "printf"    // print Format with Args
	Errorf   EventKind = "errorf"    // the same to stderr, with the place
	Warnf    EventKind = "warnf"     // the same as a warning
	Print    EventKind = "print"     // print the one value in Args and a newline
	PrintMap EventKind = "print_map" // print the map Map
	PrintKey EventKind = "print_key" // print one element of Map, whose key is in Args
	Clear    EventKind = "clear"     // remove all keys of Map
	Zero     EventKind = "zero"      // set all values of Map to zero
	Exit     EventKind = "exit"      // end, with the status in Args[0] when there is one
	Time     EventKind = "time"      // print the wall-clock time by Format
	Join     EventKind = "join"      // print Args[0] (a count) strings of the array Args[1], Format between them
	System   EventKind = "system"    // run the command Format with Args
	Cat      EventKind = "cat"       // print the file whose name is Format with Args
)

// Event is a kind of record: one call in the script that needs the user side.
type Event struct {
	Kind   EventKind `json:"kind"`
	Size   int       `json:"size"` // bytes of a record, header included
	Format string    `json:"format,omitempty"`
	Args   []Field   `json:"args,omitempty"`
	Map    string    `json:"map,omitempty"` // the user's name of the map
	Top    int       `json:"top,omitempty"` // print only the last Top entries; 0 is all
	Div    int       `json:"div,omitempty"` // divide values by Div; 0 and 1 are plain
	Place  string    `json:"place,omitempty"`
}

// Aggregate is how a map's values come about.
type Aggregate string

// The aggregations. Plain is a map of assigned values.
const (
	Plain Aggregate = ""
	Count Aggregate = "count"
	Sum   Aggregate = "sum"
	Min   Aggregate = "min"
	Max   Aggregate = "max"
	Avg   Aggregate = "avg"
	Stats Aggregate = "stats"
	Hist  Aggregate = "hist"
	Lhist Aggregate = "lhist"
)

// Map is the view of one of the script's maps.
type Map struct {
	Name   string    `json:"name"`   // as the script writes it: "@", "@start"
	Symbol string    `json:"symbol"` // the map in the object
	Agg    Aggregate `json:"agg,omitempty"`
	Key    *Type     `json:"key,omitempty"` // nil for a scalar
	Value  Type      `json:"value"`         // for an aggregation the type of what goes in
	PerCPU bool      `json:"per_cpu,omitempty"`
	// Present is set for a scalar kept in an array, whose element always
	// exists: the value is followed, at this byte offset, by a u64 that is
	// 1 once the script has assigned it. 0 means that there is no flag.
	Present int   `json:"present,omitempty"`
	Bits    int   `json:"bits,omitempty"` // hist: sub-bucket bits, 0 to 5
	Min     int64 `json:"min,omitempty"`  // lhist
	Max     int64 `json:"max,omitempty"`
	Step    int64 `json:"step,omitempty"`
}

// Encode returns the section's bytes.
func (p *Plan) Encode() ([]byte, error) {
	p.Version = Version
	return json.Marshal(p)
}

// Decode reads a section's bytes. It fails on another version and on a plan
// whose parts don't fit together.
func Decode(data []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if p.Version != Version {
		return nil, fmt.Errorf("plan: version %d, this build reads version %d", p.Version, Version)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return &p, nil
}

// Map returns the view of the map with the user's name, or nil.
func (p *Plan) Map(name string) *Map {
	for i := range p.Maps {
		if p.Maps[i].Name == name {
			return &p.Maps[i]
		}
	}
	return nil
}
