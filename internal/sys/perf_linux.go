package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenPerfEvent opens a perf event for all tasks on one CPU. It counts from
// the start; what overflows reaches nobody until a program is attached.
func OpenPerfEvent(e PerfEvent, cpu int) (FD, error) {
	attr := unix.PerfEventAttr{
		Type:   e.Type,
		Size:   unix.PERF_ATTR_SIZE_VER1,
		Config: e.Config,
		Wakeup: 1,
	}
	switch {
	case e.Freq != 0:
		attr.Sample, attr.Bits = e.Freq, unix.PerfBitFreq
	case e.Period != 0:
		attr.Sample = e.Period
	default:
		attr.Sample = 1
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("perf_event_open: %w", err)
	}
	return FD(fd), nil
}

// PerfSetBPF attaches a program to an open perf event until the event is
// closed (ioctl PERF_EVENT_IOC_SET_BPF), for kernels without LinkCreatePerf.
func PerfSetBPF(event FD, prog int) error {
	if err := unix.IoctlSetInt(int(event), unix.PERF_EVENT_IOC_SET_BPF, prog); err != nil {
		return os.NewSyscallError("ioctl(PERF_EVENT_IOC_SET_BPF)", err)
	}
	return nil
}
