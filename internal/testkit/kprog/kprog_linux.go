package kprog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The program types that tests use (enum bpf_prog_type).
const (
	SocketFilter  = 1
	SchedCls      = 3
	XDP           = 6
	RawTracepoint = 17
	Syscall       = 31
)

// Spec is a program to load.
type Spec struct {
	Type     uint32
	Code     []byte
	LogLevel uint32 // 0: no log unless the program is refused
	Flags    uint32 // BPF_F_*
}

// Prog is a loaded program.
type Prog struct {
	FD  int
	Log string
}

// Require skips the test when the kernel can't be asked for lack of
// privileges.
func Require(tb testing.TB) {
	tb.Helper()
	p, err := Load(Spec{Type: SocketFilter, Code: []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		tb.Skipf("the kernel doesn't let us load programs (needs root): %v", err)
	}
	if err != nil {
		tb.Fatalf("loading the empty program: %v", err)
	}
	p.Close()
}

// Load hands a program to the verifier. When it is refused, the error holds
// the end of the verifier's log.
func Load(s Spec) (*Prog, error) {
	if len(s.Code) < 8 {
		return nil, errors.New("no instructions")
	}
	logLevel := s.LogLevel
	for {
		p, err := load(s, logLevel)
		if err == nil || logLevel != 0 {
			return p, err
		}
		logLevel = 1
	}
}

func load(s Spec, logLevel uint32) (*Prog, error) {
	var pin pinned
	defer pin.Unpin()
	var log []byte
	attr := struct {
		progType, insnCnt       uint32
		insns, license          uint64
		logLevel, logSize       uint32
		logBuf                  uint64
		kernVersion, progFlags  uint32
		name                    [16]byte
		ifindex, expectedAttach uint32
	}{
		progType: s.Type, insnCnt: uint32(len(s.Code) / 8), insns: pin.addr(s.Code), license: pin.addr([]byte("GPL\x00")),
		logLevel: logLevel, progFlags: s.Flags,
	}
	if logLevel != 0 {
		log = make([]byte, 1<<24)
		attr.logBuf, attr.logSize = pin.addr(log), uint32(len(log))
	}
	fd, errno := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	text := ""
	if i := bytes.IndexByte(log, 0); i > 0 {
		text = string(log[:i])
	}
	if errno != 0 {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		return &Prog{FD: -1, Log: text}, fmt.Errorf("%w: %s", errno, strings.Join(lines[max(0, len(lines)-12):], "\n"))
	}
	return &Prog{FD: fd, Log: text}, nil
}

// Run runs the program once with BPF_PROG_TEST_RUN. data is the packet, ctx
// the context; which of them may be given depends on the program type. The
// program's result comes back, and data as the program left it.
func (p *Prog) Run(data, ctx []byte) (uint32, []byte, error) {
	var pin pinned
	defer pin.Unpin()
	attr := struct {
		fd, retval              uint32
		dataIn, dataOut         uint32
		dataInPtr, dataOutPtr   uint64
		repeat, duration        uint32
		ctxIn, ctxOut           uint32
		ctxInPtr, ctxOutPtr     uint64
		flags, cpu, batch, pad_ uint32
	}{fd: uint32(p.FD), dataIn: uint32(len(data)), ctxIn: uint32(len(ctx))}
	out := make([]byte, len(data)+256)
	if len(data) > 0 {
		attr.dataInPtr = pin.addr(data)
		attr.dataOut, attr.dataOutPtr = uint32(len(out)), pin.addr(out)
	}
	if len(ctx) > 0 {
		attr.ctxInPtr = pin.addr(ctx)
	}
	_, errno := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, nil, errno
	}
	return attr.retval, out[:attr.dataOut], nil
}

// Close unloads the program.
func (p *Prog) Close() error { return unix.Close(p.FD) }

// NewArray makes an array map (BPF_MAP_TYPE_ARRAY) and returns its
// descriptor, which the caller closes.
func NewArray(valueSize, entries uint32) (int, error) {
	attr := struct{ mapType, keySize, valueSize, maxEntries, flags uint32 }{2, 4, valueSize, entries, 0}
	fd, errno := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, errno
	}
	return fd, nil
}

// Element reads or, when write is set, writes an element of an array map.
func Element(fd int, index uint32, value []byte, write bool) error {
	var pin pinned
	defer pin.Unpin()
	key := binary.NativeEndian.AppendUint32(nil, index)
	attr := struct {
		fd, pad    uint32
		key, value uint64
		flags      uint64
	}{fd: uint32(fd), key: pin.addr(key), value: pin.addr(value)}
	cmd := unix.BPF_MAP_LOOKUP_ELEM
	if write {
		cmd = unix.BPF_MAP_UPDATE_ELEM
	}
	_, errno := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return nil
}

// pinned keeps memory in place while the kernel holds addresses of it.
type pinned struct{ runtime.Pinner }

func (p *pinned) addr(b []byte) uint64 {
	p.Pin(&b[0])
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		if errno == unix.EAGAIN || errno == unix.EINTR {
			continue
		}
		return int(r), errno
	}
}

// Pin makes a descriptor's object visible at a path of a bpf file system.
func Pin(fd int, path string) error {
	var pin pinned
	defer pin.Unpin()
	attr := struct {
		path      uint64
		fd, flags uint32
	}{pin.addr(append([]byte(path), 0)), uint32(fd), 0}
	if _, errno := bpf(unix.BPF_OBJ_PIN, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
		return errno
	}
	return nil
}
