package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory keeps what the kernel is given the addresses of in place for the
// time of a call.
type memory struct{ runtime.Pinner }

func (m *memory) addr(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	m.Pin(&b[0])
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

func (m *memory) text(s string) uint64 { return m.addr(append([]byte(s), 0)) }

// ObjectFD opens the object of a kind that has an id
// (BPF_*_GET_FD_BY_ID). flags is BPF_F_RDONLY, BPF_F_WRONLY or 0, and holds
// for maps only.
func ObjectFD(kind ObjectKind, id, flags uint32) (FD, error) {
	cmds := [...]uintptr{unix.BPF_PROG_GET_FD_BY_ID, unix.BPF_MAP_GET_FD_BY_ID, unix.BPF_LINK_GET_FD_BY_ID, unix.BPF_BTF_GET_FD_BY_ID}
	if kind < 0 || int(kind) >= len(cmds) {
		return -1, fmt.Errorf("no BPF object kind %d", kind)
	}
	attr := struct{ id, next, flags uint32 }{id: id, flags: flags}
	fd, err := bpf(cmds[kind], &attr)
	if err != nil {
		return -1, fmt.Errorf("%s %d: %w", kind, id, err)
	}
	return FD(fd), nil
}

// ObjectInfo fills info with the record of the object behind a descriptor
// (BPF_OBJ_GET_INFO_BY_FD) and returns how long the kernel's record is. Other
// fields of info than the buffers' addresses are passed to the kernel as
// they are: counts and lengths of the buffers among them.
func ObjectInfo(fd FD, info []byte, buffers ...InfoBuffer) (int, error) {
	var mem memory
	defer mem.Unpin()
	for _, b := range buffers {
		if b.Offset < 0 || b.Offset+8 > len(info) {
			return 0, fmt.Errorf("no place for an address at offset %d of %d bytes", b.Offset, len(info))
		}
		binary.NativeEndian.PutUint64(info[b.Offset:], mem.addr(b.Data))
	}
	attr := struct {
		fd, length uint32
		info       uint64
	}{uint32(fd), uint32(len(info)), mem.addr(info)}
	if _, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, &attr); err != nil {
		return 0, fmt.Errorf("BPF_OBJ_GET_INFO_BY_FD: %w", err)
	}
	return int(attr.length), nil
}

// ObjectPin makes an object visible at a path of a bpf file system.
func ObjectPin(fd FD, path string) error {
	var mem memory
	defer mem.Unpin()
	attr := struct {
		path      uint64
		fd, flags uint32
	}{mem.text(path), uint32(fd), 0}
	if _, err := bpf(unix.BPF_OBJ_PIN, &attr); err != nil {
		return fmt.Errorf("pin at %s: %w", path, err)
	}
	return nil
}

// ObjectGet opens the object that is pinned at a path. flags is BPF_F_RDONLY,
// BPF_F_WRONLY or 0.
func ObjectGet(path string, flags uint32) (FD, error) {
	var mem memory
	defer mem.Unpin()
	attr := struct {
		path      uint64
		fd, flags uint32
	}{mem.text(path), 0, flags}
	fd, err := bpf(unix.BPF_OBJ_GET, &attr)
	if err != nil {
		return -1, fmt.Errorf("object at %s: %w", path, err)
	}
	return FD(fd), nil
}

// MapCreate makes a map.
func MapCreate(s MapSpec) (FD, error) {
	attr := struct {
		mapType, keySize, valueSize, maxEntries, flags uint32
		innerFD, numaNode                              uint32
		name                                           [16]byte
		ifindex, btfFD, btfKey, btfValue, vmlinuxValue uint32
		extra                                          uint64
	}{
		mapType: s.Type, keySize: s.KeySize, valueSize: s.ValueSize, maxEntries: s.MaxEntries, flags: s.Flags,
		innerFD: uint32(s.InnerMap), numaNode: s.NumaNode, ifindex: s.IfIndex,
		btfFD: uint32(s.BTF), btfKey: s.BTFKeyType, btfValue: s.BTFValueType, vmlinuxValue: s.BTFVmlinuxValueType, extra: s.Extra,
	}
	if len(s.Name) >= len(attr.name) {
		return -1, fmt.Errorf("map name %q is longer than %d bytes", s.Name, len(attr.name)-1)
	}
	copy(attr.name[:], s.Name)
	fd, err := bpf(unix.BPF_MAP_CREATE, &attr)
	if err != nil {
		return -1, fmt.Errorf("BPF_MAP_CREATE: %w", err)
	}
	return FD(fd), nil
}

type mapElem struct {
	fd, pad    uint32
	key, value uint64
	flags      uint64
}

func mapCall(cmd uintptr, fd FD, key, value []byte, flags uint64) error {
	var mem memory
	defer mem.Unpin()
	attr := mapElem{fd: uint32(fd), key: mem.addr(key), value: mem.addr(value), flags: flags}
	_, err := bpf(cmd, &attr)
	return err
}

// MapLookup copies the value of a key into value. The errors of this and the
// following calls are the kernel's own (unix.ENOENT and so on).
func MapLookup(fd FD, key, value []byte, flags uint64) error {
	return mapCall(unix.BPF_MAP_LOOKUP_ELEM, fd, key, value, flags)
}

// MapUpdate writes the value of a key; flags is BPF_ANY, BPF_NOEXIST, BPF_EXIST.
func MapUpdate(fd FD, key, value []byte, flags uint64) error {
	return mapCall(unix.BPF_MAP_UPDATE_ELEM, fd, key, value, flags)
}

// MapDelete removes a key.
func MapDelete(fd FD, key []byte) error {
	return mapCall(unix.BPF_MAP_DELETE_ELEM, fd, key, nil, 0)
}

// MapTake looks a key up and removes it (BPF_MAP_LOOKUP_AND_DELETE_ELEM).
func MapTake(fd FD, key, value []byte) error {
	return mapCall(unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0)
}

// MapNextKey writes the key after key, or the first one when key is empty.
func MapNextKey(fd FD, key, next []byte) error {
	return mapCall(unix.BPF_MAP_GET_NEXT_KEY, fd, key, next, 0)
}

// MapFreeze makes a map read-only for system calls.
func MapFreeze(fd FD) error {
	return mapCall(unix.BPF_MAP_FREEZE, fd, nil, nil, 0)
}

// Lookup copies up to count more elements of a map into keys and values, which
// have room for as many. It returns how many there were, and whether these
// were the last. An error of unix.ENOSPC says that count is too small for the
// next bucket of a hash map; nothing was skipped then.
func (b *MapBatch) Lookup(fd FD, keySize int, keys, values []byte, count int) (n int, last bool, err error) {
	var mem memory
	defer mem.Unpin()
	if b.next == nil {
		b.next = make([]byte, max(keySize, 4))
	}
	out := make([]byte, len(b.next))
	attr := struct {
		in, out, keys, values uint64
		count, fd             uint32
		elemFlags, flags      uint64
	}{out: mem.addr(out), keys: mem.addr(keys), values: mem.addr(values), count: uint32(count), fd: uint32(fd)}
	if b.started {
		attr.in = mem.addr(b.next)
	}
	_, err = bpf(unix.BPF_MAP_LOOKUP_BATCH, &attr)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return 0, false, err
	}
	copy(b.next, out)
	b.started = true
	return int(attr.count), err != nil, nil
}

// Run runs a program with BPF_PROG_TEST_RUN.
func (r *TestRun) Run(prog FD) error {
	var mem memory
	defer mem.Unpin()
	attr := struct {
		progFD, retval         uint32
		sizeIn, sizeOut        uint32
		dataIn, dataOut        uint64
		repeat, duration       uint32
		ctxSizeIn, ctxSizeOut  uint32
		ctxIn, ctxOut          uint64
		flags, cpu, batch, pad uint32
	}{
		progFD: uint32(prog), sizeIn: uint32(len(r.DataIn)), sizeOut: uint32(len(r.DataOut)),
		dataIn: mem.addr(r.DataIn), dataOut: mem.addr(r.DataOut), repeat: r.Repeat,
		ctxSizeIn: uint32(len(r.CtxIn)), ctxSizeOut: uint32(len(r.CtxOut)),
		ctxIn: mem.addr(r.CtxIn), ctxOut: mem.addr(r.CtxOut), flags: r.Flags, cpu: r.CPU, batch: r.BatchSize,
	}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, &attr)
	r.Retval, r.Duration, r.DataSize, r.CtxSize = attr.retval, attr.duration, attr.sizeOut, attr.ctxSizeOut
	if err != nil {
		return fmt.Errorf("BPF_PROG_TEST_RUN: %w", err)
	}
	r.DataOut = r.DataOut[:min(len(r.DataOut), int(attr.sizeOut))]
	r.CtxOut = r.CtxOut[:min(len(r.CtxOut), int(attr.ctxSizeOut))]
	return nil
}

// ProgAttach attaches a program to a target that is not a link's: a cgroup, a
// socket map, a network namespace (BPF_PROG_ATTACH).
func ProgAttach(target, prog FD, attachType, flags uint32) error {
	attr := struct{ target, prog, attachType, flags, replace uint32 }{uint32(target), uint32(prog), attachType, flags, 0}
	if _, err := bpf(unix.BPF_PROG_ATTACH, &attr); err != nil {
		return fmt.Errorf("BPF_PROG_ATTACH: %w", err)
	}
	return nil
}

// ProgDetach undoes ProgAttach.
func ProgDetach(target, prog FD, attachType uint32) error {
	attr := struct{ target, prog, attachType, flags uint32 }{uint32(target), uint32(prog), attachType, 0}
	if _, err := bpf(unix.BPF_PROG_DETACH, &attr); err != nil {
		return fmt.Errorf("BPF_PROG_DETACH: %w", err)
	}
	return nil
}

// LinkDetach takes a link's program off its target; the link stays.
func LinkDetach(link FD) error {
	attr := struct{ link uint32 }{uint32(link)}
	if _, err := bpf(unix.BPF_LINK_DETACH, &attr); err != nil {
		return fmt.Errorf("BPF_LINK_DETACH: %w", err)
	}
	return nil
}

// ProgQuery lists the programs that are attached to a target: the descriptor
// of a cgroup, network namespace or socket map, or the number of a network
// device (BPF_PROG_QUERY). flags is BPF_F_QUERY_EFFECTIVE or 0.
func ProgQuery(target, attachType, flags uint32) (*AttachQuery, error) {
	const room = 1024 // more than any array of programs holds (64), and TCX's (also 64)
	progs, progFlags, links, linkFlags := make([]byte, 4*room), make([]byte, 4*room), make([]byte, 4*room), make([]byte, 4*room)
	type query struct {
		target, attachType, queryFlags, attachFlags uint32
		progIDs                                     uint64
		count, pad                                  uint32
		progFlags, linkIDs, linkFlags, revision     uint64
	}
	var mem memory
	defer mem.Unpin()
	attr := query{target: target, attachType: attachType, queryFlags: flags, progIDs: mem.addr(progs), count: room}
	if isMultiProg(attachType) {
		attr.linkIDs, attr.linkFlags, attr.progFlags = mem.addr(links), mem.addr(linkFlags), mem.addr(progFlags)
	} else if flags == 0 {
		attr.progFlags = mem.addr(progFlags) // an answer per program; 6.2 and newer
	}
	_, err := bpf(unix.BPF_PROG_QUERY, &attr)
	if errors.Is(err, unix.EINVAL) && attr.progFlags != 0 {
		attr = query{target: target, attachType: attachType, queryFlags: flags, progIDs: mem.addr(progs), count: room}
		_, err = bpf(unix.BPF_PROG_QUERY, &attr)
	}
	if err != nil {
		return nil, fmt.Errorf("BPF_PROG_QUERY: %w", err)
	}
	n := min(int(attr.count), room)
	q := &AttachQuery{Flags: attr.attachFlags, Programs: words(progs, n), Revision: attr.revision}
	if attr.progFlags != 0 {
		q.ProgFlag = words(progFlags, n)
	}
	if attr.linkIDs != 0 {
		q.Links, q.LinkFlag = words(links, n), words(linkFlags, n)
	}
	return q, nil
}

// isMultiProg reports whether the places of an attach type keep link ids.
func isMultiProg(attachType uint32) bool {
	const netkitPrimary, netkitPeer = 54, 55 // enum bpf_attach_type, Linux 6.7
	switch attachType {
	case unix.BPF_TCX_INGRESS, unix.BPF_TCX_EGRESS, netkitPrimary, netkitPeer:
		return true
	}
	return false
}

func words(b []byte, n int) []uint32 {
	w := make([]uint32, n)
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return w
}

// QueryTaskFD asks what program hangs on a descriptor of a process
// (BPF_TASK_FD_QUERY). It fails with unix.EOPNOTSUPP or ENOTSUPP when the
// descriptor is no perf event or raw tracepoint with a program.
func QueryTaskFD(pid, fd uint32) (*TaskFD, error) {
	var mem memory
	defer mem.Unpin()
	name := make([]byte, 4096)
	attr := struct {
		pid, fd, flags, length uint32
		buf                    uint64
		progID, fdType         uint32
		offset, addr           uint64
	}{pid: pid, fd: fd, length: uint32(len(name)), buf: mem.addr(name)}
	if _, err := bpf(unix.BPF_TASK_FD_QUERY, &attr); err != nil {
		return nil, err
	}
	return &TaskFD{
		ProgID: attr.progID, Type: attr.fdType, Name: unix.ByteSliceToString(name), NameLength: attr.length,
		ProbeOff: attr.offset, ProbeAddr: attr.addr,
	}, nil
}

// EnableStats makes the kernel count run time and runs of all programs as long
// as the descriptor is open (BPF_ENABLE_STATS; kernel 5.8).
func EnableStats() (FD, error) {
	attr := struct{ kind uint32 }{unix.BPF_STATS_RUN_TIME}
	fd, err := bpf(unix.BPF_ENABLE_STATS, &attr)
	if err != nil {
		return -1, fmt.Errorf("BPF_ENABLE_STATS: %w", err)
	}
	return FD(fd), nil
}

// BTFLoad hands BTF to the kernel.
func BTFLoad(btf []byte) (FD, error) {
	var mem memory
	defer mem.Unpin()
	attr := struct {
		btf, log          uint64
		size, logSize, lv uint32
	}{btf: mem.addr(btf), size: uint32(len(btf))}
	fd, err := bpf(unix.BPF_BTF_LOAD, &attr)
	if err != nil {
		return -1, fmt.Errorf("BPF_BTF_LOAD: %w", err)
	}
	return FD(fd), nil
}

// IsBPFFS reports whether a path lies in a bpf file system.
func IsBPFFS(path string) (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return uint32(st.Type) == unix.BPF_FS_MAGIC, nil
}

// MountBPFFS mounts a bpf file system at a folder.
func MountBPFFS(dir string) error {
	if err := unix.Mount("bpf", dir, "bpf", 0, "mode=0700"); err != nil {
		return &os.PathError{Op: "mount bpf file system at", Path: dir, Err: err}
	}
	return nil
}

// BootOffset returns the wall-clock time of the boot in nanoseconds since
// 1970: what is to be added to times that the kernel counts from its boot,
// those of suspension included.
func BootOffset() (int64, error) {
	var real, boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &real); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return real.Nano() - boot.Nano(), nil
}

// OpenPath opens a folder for a call that wants a descriptor of it.
func OpenPath(path string) (FD, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return FD(fd), nil
}
