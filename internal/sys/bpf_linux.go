package sys

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpf calls bpf(2) with the command's own slice of union bpf_attr.
func bpf[T any](cmd uintptr, attr *T) (int, error) {
	for {
		n, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		runtime.KeepAlive(attr)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return -1, errno
	}
}

// Close closes the descriptor.
func (fd FD) Close() error {
	if err := unix.Close(int(fd)); err != nil {
		return os.NewSyscallError("close", err)
	}
	return nil
}

// ProgTestRun runs a raw_tracepoint program once on this CPU with no
// arguments (BPF_PROG_TEST_RUN) and returns what it returned.
func ProgTestRun(prog int) (uint32, error) {
	attr := struct {
		progFD, retval         uint32
		sizeIn, sizeOut        uint32
		dataIn, dataOut        uint64
		repeat, duration       uint32
		ctxSizeIn, ctxSizeOut  uint32
		ctxIn, ctxOut          uint64
		flags, cpu, batch, pad uint32
	}{progFD: uint32(prog)}
	if _, err := bpf(unix.BPF_PROG_TEST_RUN, &attr); err != nil {
		return 0, fmt.Errorf("BPF_PROG_TEST_RUN: %w", err)
	}
	return attr.retval, nil
}

// LinkCreatePerf attaches a program to an open perf event
// (BPF_LINK_CREATE, BPF_PERF_EVENT; kernel 5.15). The program reads cookie
// with bpf_get_attach_cookie.
func LinkCreatePerf(prog int, event FD, cookie uint64) (FD, error) {
	attr := struct {
		progFD, targetFD, attachType, flags uint32
		cookie                              uint64
	}{uint32(prog), uint32(event), unix.BPF_PERF_EVENT, 0, cookie}
	fd, err := bpf(unix.BPF_LINK_CREATE, &attr)
	if err != nil {
		return -1, fmt.Errorf("BPF_LINK_CREATE: %w", err)
	}
	return FD(fd), nil
}

// RawTracepointOpen attaches a program to a raw tracepoint, or, with an empty
// name, to the BTF tracepoint that the program was loaded for
// (BPF_RAW_TRACEPOINT_OPEN).
func RawTracepointOpen(prog int, name string) (FD, error) {
	attr := struct {
		name        uint64
		progFD, pad uint32
	}{progFD: uint32(prog)}
	var text *byte
	if name != "" {
		var err error
		if text, err = unix.BytePtrFromString(name); err != nil {
			return -1, fmt.Errorf("raw tracepoint %q: %w", name, err)
		}
		attr.name = uint64(uintptr(unsafe.Pointer(text)))
	}
	fd, err := bpf(unix.BPF_RAW_TRACEPOINT_OPEN, &attr)
	runtime.KeepAlive(text)
	if err != nil {
		return -1, fmt.Errorf("BPF_RAW_TRACEPOINT_OPEN: %w", err)
	}
	return FD(fd), nil
}

// ObjectIDs returns the ids of all objects of one kind that the kernel has
// now, in rising order. It needs CAP_SYS_ADMIN.
func ObjectIDs(kind ObjectKind) ([]uint32, error) {
	cmds := [...]uintptr{unix.BPF_PROG_GET_NEXT_ID, unix.BPF_MAP_GET_NEXT_ID, unix.BPF_LINK_GET_NEXT_ID, unix.BPF_BTF_GET_NEXT_ID}
	if kind < 0 || int(kind) >= len(cmds) {
		return nil, fmt.Errorf("no BPF object kind %d", kind)
	}
	var ids []uint32
	for start := uint32(0); ; {
		attr := struct{ startID, nextID, openFlags uint32 }{startID: start}
		_, err := bpf(cmds[kind], &attr)
		if err == unix.ENOENT {
			return ids, nil
		}
		if err != nil {
			return nil, fmt.Errorf("next %s id: %w", kind, err)
		}
		ids = append(ids, attr.nextID)
		start = attr.nextID
	}
}

// QueryTCX asks for the TCX programs at the ingress of a network device
// (BPF_PROG_QUERY; kernel 6.6).
func QueryTCX(ifindex int) error {
	attr := struct {
		ifindex, attachType, queryFlags, attachFlags uint32
		progIDs                                      uint64
		count, pad                                   uint32
		attachFlagsOut, linkIDs, linkFlags, revision uint64
	}{ifindex: uint32(ifindex), attachType: unix.BPF_TCX_INGRESS}
	if _, err := bpf(unix.BPF_PROG_QUERY, &attr); err != nil {
		return fmt.Errorf("BPF_PROG_QUERY: %w", err)
	}
	return nil
}

// RaiseMemlock lifts the limit of locked memory, to which kernels before 5.11
// charge maps and programs. It needs CAP_SYS_RESOURCE.
func RaiseMemlock() error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return os.NewSyscallError("setrlimit(RLIMIT_MEMLOCK)", err)
	}
	return nil
}
