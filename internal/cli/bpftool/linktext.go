package bpftool

import (
	"fmt"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
)

func (t *tool) printLink(l *listing, k *inspect.Link, syms func() *inspect.KernelSymbols) error {
	t.printf("%d: %s  ", k.ID, kindText("type ", k.Type, uint32(k.Type)))
	if k.StructOps != nil {
		t.printf("map %d  ", k.StructOps.MapID)
	} else {
		t.printf("prog %d  ", k.ProgID)
	}
	if err := t.printLinkDetails(k, syms); err != nil {
		return err
	}
	t.printPins(l, k.ID)
	t.printHolders(l, k.ID)
	t.printf("\n")
	return nil
}

func (t *tool) printAttachType(a facts.AttachType) {
	t.printf("attach_type %s  ", a)
}

func (t *tool) printCookie(cookie uint64) {
	if cookie != 0 {
		t.printf("cookie %d  ", cookie)
	}
}

func (t *tool) printLinkDetails(k *inspect.Link, syms func() *inspect.KernelSymbols) error {
	switch {
	case k.RawTracepoint != nil:
		t.printf("\n\ttp '%s'  ", k.RawTracepoint.Name)
		t.printCookie(k.RawTracepoint.Cookie)
	case k.Tracing != nil:
		typ, err := progType(k.ProgID)
		if err != nil {
			return err
		}
		t.printf("\n\tprog_type %s  ", typ)
		t.printAttachType(k.Tracing.AttachType)
		if k.Tracing.TargetObj != 0 || k.Tracing.TargetBTF != 0 {
			t.printf("\n\ttarget_obj_id %d  target_btf_id %d  ", k.Tracing.TargetObj, k.Tracing.TargetBTF)
		}
		t.printCookie(k.Tracing.Cookie)
	case k.Cgroup != nil:
		t.printf("\n\tcgroup_id %d  ", k.Cgroup.CgroupID)
		t.printAttachType(k.Cgroup.AttachType)
	case k.Iter != nil:
		t.printIter(k.Iter)
	case k.Netns != nil:
		t.printf("\n\tnetns_ino %d  ", k.Netns.Ino)
		t.printAttachType(k.Netns.AttachType)
	case k.Netfilter != nil:
		t.printf("\n\tpf %d hook %d prio %d", k.Netfilter.PF, k.Netfilter.Hook, k.Netfilter.Priority)
		if k.Netfilter.Flags != 0 {
			t.printf(" flags %#x", k.Netfilter.Flags)
		}
	case k.Device != nil:
		name := linkDevice(k.Device.IfIndex)
		if k.Device.IfIndex != 0 && name != "(unknown)" {
			name = fmt.Sprintf("%s(%d)", name, k.Device.IfIndex)
		}
		t.printf("\n\tifindex %s  ", name)
		if k.Type != facts.LinkTypeXDP {
			t.printAttachType(k.Device.AttachType)
		}
	case k.Sockmap != nil:
		t.printf("\n\tmap_id %d  ", k.Sockmap.MapID)
		t.printAttachType(k.Sockmap.AttachType)
	case k.KprobeMulti != nil:
		t.printKprobes(k.KprobeMulti, syms())
	case k.UprobeMulti != nil:
		t.printUprobes(k.UprobeMulti)
	case k.Perf != nil:
		t.printPerfLink(k.Perf)
	}
	return nil
}

func (t *tool) printIter(it *inspect.IterLink) {
	t.printf("\n\ttarget_name %s  ", it.Target)
	switch it.Target {
	case "bpf_map_elem", "bpf_sk_storage_map":
		t.printf("map_id %d  ", it.MapID)
	case "cgroup":
		t.printf("cgroup_id %d  order %s  ", it.CgroupID, cgroupOrder(it.Order))
	}
	switch {
	case it.TID != 0:
		t.printf("tid %d ", it.TID)
	case it.PID != 0:
		t.printf("pid %d ", it.PID)
	}
}

func (t *tool) printKprobes(k *inspect.KprobeMultiLink, syms *inspect.KernelSymbols) {
	kind := "kprobe.multi"
	if k.Return {
		kind = "kretprobe.multi"
	}
	t.printf("\n\t%s  func_cnt %d  ", kind, len(k.Addrs))
	if k.Missed != 0 {
		t.printf("missed %d  ", k.Missed)
	}
	t.printf("\n\t%-16s %-16s %s", "addr", "cookie", "func [module]")
	for i, addr := range k.Addrs {
		name, module, _ := syms.At(addr)
		t.printf("\n\t%016x %-16x %s", addr, at(k.Cookies, i), name)
		if module != "" {
			t.printf(" [%s]  ", module)
		}
	}
}

func (t *tool) printUprobes(u *inspect.UprobeMultiLink) {
	kind := "uprobe.multi"
	if u.Return {
		kind = "uretprobe.multi"
	}
	t.printf("\n\t%s  path %s  func_cnt %d  ", kind, u.Path, len(u.Offsets))
	if u.PID != 0 {
		t.printf("pid %d  ", u.PID)
	}
	t.printf("\n\t%-16s   %-16s   %-16s", "offset", "ref_ctr_offset", "cookies")
	for i, off := range u.Offsets {
		t.printf("\n\t%#-16x   %#-16x   %#-16x", off, at(u.RefCtrOffs, i), at(u.Cookies, i))
	}
}

func (t *tool) printPerfLink(p *inspect.PerfLink) {
	switch p.Kind {
	case inspect.PerfEvent:
		typ, ok := perfType(p.EventType)
		if !ok {
			typ = fmt.Sprint(p.EventType)
		}
		config, ok := perfConfig(p.EventType, p.Config)
		if !ok {
			config = fmt.Sprint(p.Config)
		}
		t.printf("\n\tevent %s:%s  ", typ, config)
	case inspect.PerfTracepoint:
		t.printf("\n\ttracepoint %s  ", p.Name)
	case inspect.PerfKprobe, inspect.PerfKretprobe:
		kind := "kprobe"
		if p.Kind == inspect.PerfKretprobe {
			kind = "kretprobe"
		}
		t.printf("\n\t%s %x %s", kind, p.Addr, p.Name)
		if p.Offset != 0 {
			t.printf("+%#x", p.Offset)
		}
		t.printf("  ")
		if p.Missed != 0 {
			t.printf("missed %d  ", p.Missed)
		}
	case inspect.PerfUprobe, inspect.PerfUretprobe:
		kind := "uprobe"
		if p.Kind == inspect.PerfUretprobe {
			kind = "uretprobe"
		}
		t.printf("\n\t%s %s+%#x  ", kind, p.Name, p.Offset)
		if p.RefCtrOff != 0 {
			t.printf("ref_ctr_offset %#x  ", p.RefCtrOff)
		}
	default:
		return
	}
	t.printCookie(p.Cookie)
}
