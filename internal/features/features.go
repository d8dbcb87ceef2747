package features

import (
	"fmt"
	"os"
)

// Name is the stable name of a feature.
type Name string

// Feature is something that a kernel may have and a process may be permitted
// to use.
type Feature struct {
	Name  Name
	Since Version // the first mainline release with it
	What  string
	// Common marks what every kernel has that skep is tested on, so that a
	// test that needs it may not be skipped there.
	Common bool
	// Probe returns nil when this process can use the feature now.
	Probe func() error
}

// The features.
const (
	BPF           Name = "bpf"
	BTF           Name = "btf"
	Tracefs       Name = "tracefs"
	RingBuffer    Name = "ringbuf"
	TestRunRawTP  Name = "test_run_raw_tp"
	Tracepoint    Name = "tracepoint"
	RawTracepoint Name = "raw_tracepoint"
	BTFTracepoint Name = "tp_btf"
	PerfLink      Name = "perf_link"
	SoftwareEvent Name = "software_events"
	HardwareEvent Name = "hardware_events"
	Kprobe        Name = "kprobe"
	Uprobe        Name = "uprobe"
	Fentry        Name = "fentry"
	TCX           Name = "tcx"
)

// All is the table of features.
func All() []Feature {
	return []Feature{
		{BPF, Version{5, 10, 0}, "load BPF programs", true, probeBPF},
		{BTF, Version{5, 4, 0}, "type information of the running kernel", true, probeBTF},
		{Tracefs, Version{4, 1, 0}, "list of tracepoints and their fields", true, probeTracefs},
		{RingBuffer, Version{5, 8, 0}, "ring buffer maps", true, probeRingBuffer},
		{TestRunRawTP, Version{5, 10, 0}, "run a raw tracepoint program on demand", true, probeTestRun},
		{Tracepoint, Version{4, 7, 0}, "attach to tracepoints", true, probeTracepoint},
		{RawTracepoint, Version{4, 17, 0}, "attach to raw tracepoints", true, probeRawTracepoint},
		{BTFTracepoint, Version{5, 5, 0}, "attach to raw tracepoints with typed arguments", true, probeBTFTracepoint},
		{PerfLink, Version{5, 15, 0}, "attach to perf events by a link, with a cookie", true, probePerfLink},
		{SoftwareEvent, Version{4, 9, 0}, "clocks and software events", true, probeSoftwareEvent},
		{HardwareEvent, Version{4, 9, 0}, "hardware events; virtual machines often lack them", false, probeHardwareEvent},
		{Kprobe, Version{4, 1, 0}, "probes in kernel functions", false, probePMU("kprobe")},
		{Uprobe, Version{4, 3, 0}, "probes in user functions", true, probePMU("uprobe")},
		{Fentry, Version{5, 5, 0}, "typed probes in kernel functions", false, probeFentry},
		{TCX, Version{6, 6, 0}, "ordered programs on network devices", true, probeTCX},
	}
}

// Find returns the feature with a name.
func Find(name Name) (Feature, bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return Feature{}, false
}

func probeBTF() error {
	f, err := os.Open("/sys/kernel/btf/vmlinux")
	if err != nil {
		return err
	}
	return f.Close()
}

// probePMU returns a probe for a perf event source of the kernel.
func probePMU(name string) func() error {
	return func() error {
		if _, err := os.Stat("/sys/bus/event_source/devices/" + name + "/type"); err != nil {
			return fmt.Errorf("no perf event source %s: %w", name, err)
		}
		return nil
	}
}
