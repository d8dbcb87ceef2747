package bpftool

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/skep-dev/skep/internal/sys"
)

func perfCommands() []command {
	return []command{{"show", (*tool).perfShow}, {"list", (*tool).perfShow}}
}

// The kinds of descriptors that programs hang on (enum bpf_task_fd_type).
const (
	fdRawTracepoint = iota
	fdTracepoint
	fdKprobe
	fdKretprobe
	fdUprobe
	fdUretprobe
)

// perfShow lists the descriptors of all processes that programs hang on
// through perf events and raw tracepoints.
func (t *tool) perfShow(a *arguments) error {
	if err := a.end(); err != nil {
		return err
	}
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, p := range procs {
		pid, err := strconv.ParseUint(p.Name(), 10, 32)
		if err != nil || int(pid) == os.Getpid() {
			continue
		}
		fds, err := os.ReadDir("/proc/" + p.Name() + "/fd")
		if err != nil {
			continue // gone, or not ours to look at
		}
		for _, f := range fds {
			if err := t.perfDescriptor(uint32(pid), f.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tool) perfDescriptor(pid uint32, name string) error {
	fd, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		return nil
	}
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, name))
	if err != nil || !strings.HasPrefix(to, "anon_inode:") {
		return nil
	}
	q, err := sys.QueryTaskFD(pid, uint32(fd))
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("no permission to query the descriptors of process %d: %s%w", pid, strerror(err), quiet{err})
	case err != nil:
		return nil // no program hangs on it, or it is closed by now
	}
	if t.opts.json {
		t.writePerf(pid, fd, q)
	} else {
		t.printPerf(pid, fd, q)
	}
	return nil
}

// perfPlace says what kind of place a descriptor is, and under which keys its
// name, offset and address are shown.
func perfPlace(q *sys.TaskFD) (kind, key string, isProbe bool) {
	switch q.Type {
	case fdRawTracepoint:
		return "raw_tracepoint", "tracepoint", false
	case fdTracepoint:
		return "tracepoint", "tracepoint", false
	case fdKprobe:
		return "kprobe", "func", true
	case fdKretprobe:
		return "kretprobe", "func", true
	case fdUprobe:
		return "uprobe", "filename", true
	case fdUretprobe:
		return "uretprobe", "filename", true
	}
	return "unknown", "name", false
}

func (t *tool) writePerf(pid uint32, fd uint64, q *sys.TaskFD) {
	kind, key, probe := perfPlace(q)
	j := t.json
	j.BeginObject()
	defer j.EndObject()
	j.UintField("pid", uint64(pid))
	j.UintField("fd", fd)
	j.UintField("prog_id", uint64(q.ProgID))
	j.StringField("fd_type", kind)
	switch {
	case probe && key == "func" && q.Name == "":
		j.UintField("addr", q.ProbeAddr)
	default:
		j.StringField(key, q.Name)
		if probe {
			j.UintField("offset", q.ProbeOff)
		}
	}
}

func (t *tool) printPerf(pid uint32, fd uint64, q *sys.TaskFD) {
	kind, key, probe := perfPlace(q)
	t.printf("pid %d  fd %d: prog_id %d  %s  ", pid, fd, q.ProgID, kind)
	switch {
	case probe && key == "func" && q.Name == "":
		t.printf("addr %d\n", q.ProbeAddr)
	case probe && key == "func":
		t.printf("func %s  offset %d\n", q.Name, q.ProbeOff)
	case probe:
		t.printf("filename %s  offset %d\n", q.Name, q.ProbeOff)
	default:
		t.printf("%s\n", q.Name)
	}
}
