package inspect

import (
	"errors"
	"syscall"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/sys"
)

// Link is what the kernel says about a link. At most one of the pointers is
// set, by its type.
type Link struct {
	ID     uint32
	Type   facts.LinkType
	ProgID uint32

	RawTracepoint *RawTracepointLink
	Tracing       *TracingLink
	Cgroup        *CgroupLink
	Iter          *IterLink
	Netns         *NetnsLink
	Device        *DeviceLink // XDP, TCX, netkit
	StructOps     *StructOpsLink
	Netfilter     *NetfilterLink
	Sockmap       *SockmapLink
	KprobeMulti   *KprobeMultiLink
	UprobeMulti   *UprobeMultiLink
	Perf          *PerfLink
}

// RawTracepointLink is a program at a raw tracepoint.
type RawTracepointLink struct {
	Name   string
	Cookie uint64
}

// TracingLink is a program at a kernel function, a BTF tracepoint, an LSM hook
// or another program.
type TracingLink struct {
	AttachType facts.AttachType
	TargetObj  uint32 // BTF or program
	TargetBTF  uint32 // type in it
	Cookie     uint64
}

// CgroupLink is a program at a cgroup.
type CgroupLink struct {
	CgroupID   uint64
	AttachType facts.AttachType
}

// IterLink is an iterator.
type IterLink struct {
	Target   string // "task", "bpf_map_elem", ...
	MapID    uint32
	CgroupID uint64
	Order    uint32 // of the walk over cgroups
	TID, PID uint32
}

// NetnsLink is a program at a network namespace.
type NetnsLink struct {
	Ino        uint32
	AttachType facts.AttachType
}

// DeviceLink is a program at a network device. IfIndex is 0 when the device is
// gone.
type DeviceLink struct {
	IfIndex    uint32
	AttachType facts.AttachType // of TCX and netkit
}

// StructOpsLink is a registered struct_ops map.
type StructOpsLink struct{ MapID uint32 }

// NetfilterLink is a program at a netfilter hook.
type NetfilterLink struct {
	PF, Hook uint32
	Priority int32
	Flags    uint32
}

// SockmapLink is a program at a socket map.
type SockmapLink struct {
	MapID      uint32
	AttachType facts.AttachType
}

// KprobeMultiLink is a program at many kernel functions.
type KprobeMultiLink struct {
	Return  bool
	Missed  uint64
	Addrs   []uint64 // zeros when the kernel doesn't show addresses
	Cookies []uint64
}

// UprobeMultiLink is a program at many places of a file.
type UprobeMultiLink struct {
	Return     bool
	Path       string
	PID        uint32
	Offsets    []uint64
	RefCtrOffs []uint64
	Cookies    []uint64
}

// PerfKind is what a perf event of a link is.
type PerfKind uint32

// The kinds of perf events (enum bpf_perf_event_type).
const (
	PerfUnknown PerfKind = iota
	PerfUprobe
	PerfUretprobe
	PerfKprobe
	PerfKretprobe
	PerfTracepoint
	PerfEvent
)

// PerfLink is a program at a perf event.
type PerfLink struct {
	Kind      PerfKind
	Name      string // function, file or tracepoint
	Offset    uint32
	RefCtrOff uint64
	Addr      uint64
	Missed    uint64
	Cookie    uint64
	Config    uint64 // of a plain event, with its type
	EventType uint32
}

// The offsets of struct bpf_link_info; those of the union count from its start.
const (
	linkInfoSize = 64
	linkType     = 0
	linkID       = 4
	linkProg     = 8
	linkUnion    = 16
)

// OpenLink opens a link by its id; the caller closes it.
func OpenLink(id uint32) (sys.FD, error) { return sys.ObjectFD(sys.Links, id, 0) }

// linkText bounds names that the kernel copies out.
const linkText = 4096

// LinkInfo asks about an open link.
func LinkInfo(fd sys.FD) (*Link, error) {
	r := make(record, linkInfoSize)
	if _, err := sys.ObjectInfo(fd, r); err != nil {
		return nil, err
	}
	l := &Link{ID: r.u32(linkID), Type: facts.LinkType(r.u32(linkType)), ProgID: r.u32(linkProg)}
	u := r[linkUnion:]
	switch l.Type {
	case facts.LinkTypeCgroup:
		l.Cgroup = &CgroupLink{u.u64(0), facts.AttachType(u.u32(8))}
	case facts.LinkTypeTracing:
		l.Tracing = &TracingLink{AttachType: facts.AttachType(u.u32(0)), TargetObj: u.u32(4), TargetBTF: u.u32(8), Cookie: u.u64(16)}
	case facts.LinkTypeNetns:
		l.Netns = &NetnsLink{u.u32(0), facts.AttachType(u.u32(4))}
	case facts.LinkTypeXDP:
		l.Device = &DeviceLink{IfIndex: u.u32(0)}
	case facts.LinkTypeTCX, facts.LinkTypeNetkit:
		l.Device = &DeviceLink{u.u32(0), facts.AttachType(u.u32(4))}
	case facts.LinkTypeStructOps:
		l.StructOps = &StructOpsLink{u.u32(0)}
	case facts.LinkTypeNetfilter:
		l.Netfilter = &NetfilterLink{u.u32(0), u.u32(4), int32(u.u32(8)), u.u32(12)}
	case facts.LinkTypeSockmap:
		l.Sockmap = &SockmapLink{u.u32(0), facts.AttachType(u.u32(4))}
	case facts.LinkTypeRawTracepoint, facts.LinkTypeIter:
		return l, l.readNamed(fd)
	case facts.LinkTypeKprobeMulti:
		return l, l.readKprobes(fd, u.u32(8))
	case facts.LinkTypeUprobeMulti:
		return l, l.readUprobes(fd, u.u32(36))
	case facts.LinkTypePerfEvent:
		return l, l.readPerf(fd, PerfKind(u.u32(0)))
	}
	return l, nil
}

// readNamed reads the name of a raw tracepoint or iterator, which the kernel
// copies to a buffer.
func (l *Link) readNamed(fd sys.FD) error {
	r, name := make(record, linkInfoSize), make([]byte, linkText)
	r.put32(linkUnion+8, linkText)
	if _, err := sys.ObjectInfo(fd, r, sys.InfoBuffer{Offset: linkUnion, Data: name}); err != nil {
		return err
	}
	u, text := r[linkUnion:], record(name).text(0, linkText)
	if l.Type == facts.LinkTypeRawTracepoint {
		l.RawTracepoint = &RawTracepointLink{text, u.u64(16)}
		return nil
	}
	l.Iter = &IterLink{Target: text}
	switch text {
	case "bpf_map_elem", "bpf_sk_storage_map":
		l.Iter.MapID = u.u32(12)
	case "cgroup":
		l.Iter.CgroupID, l.Iter.Order = u.u64(16), u.u32(24)
	case "task", "task_file", "task_vma":
		l.Iter.TID, l.Iter.PID = u.u32(16), u.u32(20)
	}
	return nil
}

func (l *Link) readKprobes(fd sys.FD, count uint32) error {
	r, addrs, cookies := make(record, linkInfoSize), make([]byte, 8*count), make([]byte, 8*count)
	r.put32(linkUnion+8, count)
	buffers := []sys.InfoBuffer{{Offset: linkUnion, Data: addrs}, {Offset: linkUnion + 24, Data: cookies}}
	_, err := sys.ObjectInfo(fd, r, buffers...)
	if errors.Is(err, syscall.E2BIG) || errors.Is(err, syscall.EINVAL) {
		r = make(record, linkInfoSize) // a kernel that knows no cookies here
		r.put32(linkUnion+8, count)
		_, err = sys.ObjectInfo(fd, r, buffers[0])
		cookies = nil
	}
	if err != nil {
		return err
	}
	u := r[linkUnion:]
	l.KprobeMulti = &KprobeMultiLink{Return: u.u32(12)&1 != 0, Missed: u.u64(16), Addrs: words64(addrs), Cookies: words64(cookies)}
	return nil
}

func (l *Link) readUprobes(fd sys.FD, count uint32) error {
	r, path := make(record, linkInfoSize), make([]byte, linkText)
	offs, refs, cookies := make([]byte, 8*count), make([]byte, 8*count), make([]byte, 8*count)
	r.put32(linkUnion+32, linkText)
	r.put32(linkUnion+36, count)
	_, err := sys.ObjectInfo(fd, r, sys.InfoBuffer{Offset: linkUnion, Data: path}, sys.InfoBuffer{Offset: linkUnion + 8, Data: offs},
		sys.InfoBuffer{Offset: linkUnion + 16, Data: refs}, sys.InfoBuffer{Offset: linkUnion + 24, Data: cookies})
	if err != nil {
		return err
	}
	u := r[linkUnion:]
	l.UprobeMulti = &UprobeMultiLink{
		Return: u.u32(40)&1 != 0, PID: u.u32(44), Path: record(path).text(0, linkText),
		Offsets: words64(offs), RefCtrOffs: words64(refs), Cookies: words64(cookies),
	}
	return nil
}

func (l *Link) readPerf(fd sys.FD, kind PerfKind) error {
	r, name := make(record, linkInfoSize), make([]byte, linkText)
	var buffers []sys.InfoBuffer
	if kind >= PerfUprobe && kind <= PerfTracepoint {
		r.put32(linkUnion+16, linkText)
		buffers = append(buffers, sys.InfoBuffer{Offset: linkUnion + 8, Data: name})
	}
	if _, err := sys.ObjectInfo(fd, r, buffers...); err != nil {
		return err
	}
	u := r[linkUnion:]
	p := &PerfLink{Kind: PerfKind(u.u32(0)), Name: record(name).text(0, linkText)}
	switch p.Kind {
	case PerfUprobe, PerfUretprobe:
		p.Offset, p.Cookie, p.RefCtrOff = u.u32(20), u.u64(24), u.u64(32)
	case PerfKprobe, PerfKretprobe:
		p.Offset, p.Addr, p.Missed, p.Cookie = u.u32(20), u.u64(24), u.u64(32), u.u64(40)
	case PerfTracepoint:
		p.Cookie = u.u64(24)
	case PerfEvent:
		p.Config, p.EventType, p.Cookie = u.u64(8), u.u32(16), u.u64(24)
	}
	l.Perf = p
	return nil
}
