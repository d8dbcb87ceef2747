package sys

// InfoBuffer is memory that BPF_OBJ_GET_INFO_BY_FD fills besides the info
// record: its address goes into the record at Offset. Data may be empty.
type InfoBuffer struct {
	Offset int
	Data   []byte
}

// MapSpec describes a map to create (BPF_MAP_CREATE). FD fields that are not
// used are 0.
type MapSpec struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
	InnerMap                                    FD // of which the values of a map of maps are copies in kind
	NumaNode                                    uint32
	Name                                        string
	IfIndex                                     uint32 // the device that the map is offloaded to
	BTF                                         FD
	BTFKeyType, BTFValueType                    uint32
	BTFVmlinuxValueType                         uint32
	Extra                                       uint64
}

// TestRun is a call of BPF_PROG_TEST_RUN. The kernel's answer replaces
// DataOut and CtxOut, which are given with their capacity, and sets Retval and
// Duration (nanoseconds, the average over all repetitions).
type TestRun struct {
	DataIn, DataOut []byte
	CtxIn, CtxOut   []byte
	Repeat          uint32
	Flags, CPU      uint32
	BatchSize       uint32

	Retval, Duration uint32
	// DataSize is what the kernel wanted to write to DataOut.
	DataSize, CtxSize uint32
}

// AttachQuery is the answer to BPF_PROG_QUERY. Links is empty on kernels and
// for places that don't say; Flags then too.
type AttachQuery struct {
	Flags    uint32
	Programs []uint32
	ProgFlag []uint32
	Links    []uint32
	LinkFlag []uint32
	Revision uint64
}

// TaskFD is what BPF_TASK_FD_QUERY says about a descriptor of another process
// that a program is attached through.
type TaskFD struct {
	ProgID     uint32
	Type       uint32 // enum bpf_task_fd_type
	Name       string // of the tracepoint, function or file
	ProbeOff   uint64
	ProbeAddr  uint64
	NameLength uint32
}

// MapBatch is the state of a walk through a map with BPF_MAP_LOOKUP_BATCH.
type MapBatch struct {
	next    []byte
	started bool
}
