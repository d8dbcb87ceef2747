package bpftool

import (
	"fmt"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

func linkCommands() []command {
	return []command{
		{"show", (*tool).linkShow},
		{"list", (*tool).linkShow},
		{"pin", func(t *tool, a *arguments) error { return t.pin(a, func() (sys.FD, error) { return t.link(a) }) }},
		{"detach", (*tool).linkDetach},
	}
}

func (t *tool) linkDetach(a *arguments) error {
	if a.len() != 2 {
		return usagef("link specifier is invalid or missing")
	}
	fd, err := t.link(a)
	if err != nil {
		return err
	}
	defer fd.Close()
	if err := sys.LinkDetach(fd); err != nil {
		return fmt.Errorf("failed link detach: %s%w", strerror(err), quiet{err})
	}
	return t.done()
}

func (t *tool) linkShow(a *arguments) error {
	l, err := t.newListing(sys.Links)
	if err != nil {
		return err
	}
	var fds []sys.FD
	if a.len() == 2 {
		fd, err := t.link(a)
		if err != nil {
			return err
		}
		fds = []sys.FD{fd}
	}
	if err := a.end(); err != nil {
		closeAll(fds)
		return err
	}
	syms := lazySymbols()
	return t.show(sys.Links, fds, func(fd sys.FD) error {
		k, err := inspect.LinkInfo(fd)
		if err != nil {
			return fmt.Errorf("can't get link info: %s%w", strerror(err), quiet{err})
		}
		if !t.opts.json {
			return t.printLink(l, k, syms)
		}
		t.json.BeginObject()
		defer t.json.EndObject()
		t.json.UintField("id", uint64(k.ID))
		t.writeKind("type", k.Type, uint32(k.Type))
		t.json.UintField("prog_id", uint64(k.ProgID))
		if err := t.writeLinkDetails(k, syms); err != nil {
			return err
		}
		t.writePins(l, k.ID)
		t.writeHolders(l, k.ID)
		return nil
	})
}

// lazySymbols reads the kernel's symbols when they are first asked for.
func lazySymbols() func() *inspect.KernelSymbols {
	var syms *inspect.KernelSymbols
	return func() *inspect.KernelSymbols {
		if syms == nil {
			var err error
			if syms, err = inspect.ReadKernelSymbols(); err != nil {
				syms = &inspect.KernelSymbols{} // names are an extra
			}
		}
		return syms
	}
}

func (t *tool) writeCookie(cookie uint64) {
	if cookie != 0 {
		t.json.UintField("cookie", cookie)
	}
}

func (t *tool) writeAttachType(a facts.AttachType) { t.writeKind("attach_type", a, uint32(a)) }

func (t *tool) writeLinkDetails(k *inspect.Link, syms func() *inspect.KernelSymbols) error {
	j := t.json
	switch {
	case k.RawTracepoint != nil:
		j.StringField("tp_name", k.RawTracepoint.Name)
		t.writeCookie(k.RawTracepoint.Cookie)
	case k.Tracing != nil:
		typ, err := progType(k.ProgID)
		if err != nil {
			return err
		}
		t.writeKind("prog_type", typ, uint32(typ))
		t.writeAttachType(k.Tracing.AttachType)
		j.UintField("target_obj_id", uint64(k.Tracing.TargetObj))
		j.UintField("target_btf_id", uint64(k.Tracing.TargetBTF))
		t.writeCookie(k.Tracing.Cookie)
	case k.Cgroup != nil:
		j.UintField("cgroup_id", k.Cgroup.CgroupID)
		t.writeAttachType(k.Cgroup.AttachType)
	case k.Iter != nil:
		t.writeIter(k.Iter)
	case k.Netns != nil:
		j.UintField("netns_ino", uint64(k.Netns.Ino))
		t.writeAttachType(k.Netns.AttachType)
	case k.Netfilter != nil:
		j.UintField("pf", uint64(k.Netfilter.PF))
		j.UintField("hook", uint64(k.Netfilter.Hook))
		j.IntField("prio", int64(k.Netfilter.Priority))
		j.UintField("flags", uint64(k.Netfilter.Flags))
	case k.Device != nil:
		j.StringField("devname", linkDevice(k.Device.IfIndex))
		j.UintField("ifindex", uint64(k.Device.IfIndex))
		if k.Type != facts.LinkTypeXDP {
			t.writeAttachType(k.Device.AttachType)
		}
	case k.StructOps != nil:
		j.UintField("map_id", uint64(k.StructOps.MapID))
	case k.Sockmap != nil:
		j.UintField("map_id", uint64(k.Sockmap.MapID))
		t.writeAttachType(k.Sockmap.AttachType)
	case k.KprobeMulti != nil:
		t.writeKprobes(k.KprobeMulti, syms())
	case k.UprobeMulti != nil:
		t.writeUprobes(k.UprobeMulti)
	case k.Perf != nil:
		t.writePerfLink(k.Perf)
	}
	return nil
}

func progType(id uint32) (facts.ProgType, error) {
	fd, err := inspect.OpenProgram(id)
	if err != nil {
		return 0, fmt.Errorf("get by id (%d): %s%w", id, strerror(err), quiet{err})
	}
	defer fd.Close()
	p, err := inspect.ProgramInfo(fd)
	if err != nil {
		return 0, fmt.Errorf("can't get prog info: %s%w", strerror(err), quiet{err})
	}
	return p.Type, nil
}

func linkDevice(index uint32) string {
	if index == 0 {
		return "(detached)"
	}
	if name, ok := deviceName(index); ok {
		return name
	}
	return "(unknown)"
}

// cgroupOrders are the orders in which an iterator walks cgroups (enum
// bpf_cgroup_iter_order).
var cgroupOrders = [...]string{"order_unspec", "self_only", "descendants_pre", "descendants_post", "ancestors_up", "children"}

func cgroupOrder(n uint32) string {
	if int(n) < len(cgroupOrders) {
		return cgroupOrders[n]
	}
	return "unknown"
}

func (t *tool) writeIter(it *inspect.IterLink) {
	t.json.StringField("target_name", it.Target)
	switch it.Target {
	case "bpf_map_elem", "bpf_sk_storage_map":
		t.json.UintField("map_id", uint64(it.MapID))
	case "cgroup":
		t.json.UintField("cgroup_id", it.CgroupID)
		t.json.StringField("order", cgroupOrder(it.Order))
	}
	switch {
	case it.TID != 0:
		t.json.UintField("tid", uint64(it.TID))
	case it.PID != 0:
		t.json.UintField("pid", uint64(it.PID))
	}
}

func at(list []uint64, i int) uint64 {
	if i < len(list) {
		return list[i]
	}
	return 0
}

func (t *tool) writeKprobes(k *inspect.KprobeMultiLink, syms *inspect.KernelSymbols) {
	j := t.json
	j.BoolField("retprobe", k.Return)
	j.UintField("func_cnt", uint64(len(k.Addrs)))
	j.UintField("missed", k.Missed)
	j.Name("funcs")
	j.BeginArray()
	defer j.EndArray()
	for i, addr := range k.Addrs {
		name, module, _ := syms.At(addr)
		j.BeginObject()
		j.UintField("addr", addr)
		j.StringField("func", name)
		j.Name("module")
		if module == "" {
			j.Null()
		} else {
			j.String(module)
		}
		j.UintField("cookie", at(k.Cookies, i))
		j.EndObject()
	}
}

func (t *tool) writeUprobes(u *inspect.UprobeMultiLink) {
	j := t.json
	j.BoolField("retprobe", u.Return)
	j.StringField("path", u.Path)
	j.UintField("func_cnt", uint64(len(u.Offsets)))
	j.UintField("pid", uint64(u.PID))
	j.Name("funcs")
	j.BeginArray()
	defer j.EndArray()
	for i, off := range u.Offsets {
		j.BeginObject()
		j.UintField("offset", off)
		j.UintField("ref_ctr_offset", at(u.RefCtrOffs, i))
		j.UintField("cookie", at(u.Cookies, i))
		j.EndObject()
	}
}

func (t *tool) writePerfLink(p *inspect.PerfLink) {
	j := t.json
	switch p.Kind {
	case inspect.PerfEvent:
		if name, ok := perfType(p.EventType); ok {
			j.StringField("event_type", name)
		} else {
			j.UintField("event_type", uint64(p.EventType))
		}
		if name, ok := perfConfig(p.EventType, p.Config); ok {
			j.StringField("event_config", name)
		} else {
			j.UintField("event_config", p.Config)
		}
	case inspect.PerfTracepoint:
		j.StringField("tracepoint", p.Name)
	case inspect.PerfKprobe, inspect.PerfKretprobe:
		j.BoolField("retprobe", p.Kind == inspect.PerfKretprobe)
		j.UintField("addr", p.Addr)
		j.StringField("func", p.Name)
		j.UintField("offset", uint64(p.Offset))
		j.UintField("missed", p.Missed)
	case inspect.PerfUprobe, inspect.PerfUretprobe:
		j.BoolField("retprobe", p.Kind == inspect.PerfUretprobe)
		j.StringField("file", p.Name)
		j.UintField("offset", uint64(p.Offset))
		j.UintField("ref_ctr_offset", p.RefCtrOff)
	default:
		return
	}
	t.writeCookie(p.Cookie)
}
