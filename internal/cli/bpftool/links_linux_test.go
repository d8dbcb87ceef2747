package bpftool

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/skep-dev/skep/internal/testkit"
)

// Links of all kinds that this kernel has: what bpftool 7.1 says is there with
// the same values, and what newer ones add is as it should be.
func TestLinks(t *testing.T) {
	bpftool := testkit.NeedsTool(t, "bpftool")
	dir, _ := zoo(t)
	prog := func(name string) *ebpf.Program {
		t.Helper()
		p, err := ebpf.LoadPinnedProgram(dir+"/p/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	id := func(l link.Link, err error) string {
		t.Helper()
		if err != nil {
			t.Log("a link that this kernel lacks: ", err)
			return ""
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		info, err := l.Info()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(info.ID)
	}
	const lo = 1
	for _, c := range []struct {
		name, id string
		want     map[string]string // what bpftool 7.1 doesn't say
		text     string
	}{
		{"raw tracepoint", id(link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog("on_raw")})), nil, "tp 'sys_enter'"},
		{"iterator", id(link.AttachIter(link.IterOptions{Program: prog("tasks")})), nil, "target_name task"},
		{"cgroup", id(link.AttachCgroup(link.CgroupOptions{Path: "/sys/fs/cgroup/unified", Attach: ebpf.AttachCGroupInetEgress, Program: prog("allow")})),
			nil, "attach_type cgroup_inet_egress"},
		{"tcx", id(link.AttachTCX(link.TCXOptions{Interface: lo, Program: prog("classify"), Attach: ebpf.AttachTCXIngress})),
			map[string]string{"devname": "lo", "ifindex": "1", "attach_type": "tcx_ingress"}, "ifindex lo(1)"},
		{"xdp", id(link.AttachXDP(link.XDPOptions{Interface: lo, Program: prog("pass"), Flags: link.XDPGenericMode})),
			map[string]string{"devname": "lo", "ifindex": "1"}, "ifindex lo(1)"},
		{"tracepoint", id(link.Tracepoint("syscalls", "sys_enter_nanosleep", prog("on_tracepoint"), &link.TracepointOptions{Cookie: 7})),
			map[string]string{"tracepoint": "sys_enter_nanosleep", "cookie": "7"}, "tracepoint sys_enter_nanosleep  cookie 7"},
	} {
		if c.id == "" {
			continue
		}
		theirText, err := exec.Command(bpftool, "-j", "link", "show", "id", c.id).Output()
		if err != nil {
			t.Errorf("%s: bpftool: %v", c.name, err)
			continue
		}
		ourText, err := skep("-j", "link", "show", "id", c.id)
		if err != nil {
			t.Errorf("%s: skep: %v", c.name, err)
			continue
		}
		theirs, ours := decode(t, "bpftool", string(theirText)), decode(t, "skep", ourText)
		for _, d := range compare("", theirs, ours) {
			if key, _, ok := strings.Cut(strings.TrimPrefix(d, "."), " is added"); ok && (c.want[key] != "" || key == "cookie") {
				continue
			}
			t.Errorf("%s: %s", c.name, d)
		}
		for key, want := range c.want {
			if got := ours.(map[string]any)[key]; fmt.Sprint(got) != want {
				t.Errorf("%s: %s is %v, want %s", c.name, key, got, want)
			}
		}
		text, err := skep("link", "show", "id", c.id)
		if err != nil || !strings.Contains(text, c.text) {
			t.Errorf("%s: %v, no %q in %q", c.name, err, c.text, text)
		}
		// The process that holds it is this test, which leaves itself out.
		var held struct{ Pids []any }
		if err := json.Unmarshal([]byte(ourText), &held); err != nil || len(held.Pids) != 0 {
			t.Errorf("%s: held by %v: %v", c.name, held.Pids, err)
		}
	}
	for _, c := range []string{"cgroup show /sys/fs/cgroup/unified", "cgroup tree", "cgroup show /sys/fs/cgroup/unified effective"} {
		theirs, err := exec.Command(bpftool, append([]string{"-j"}, strings.Fields(c)...)...).Output()
		if err != nil {
			t.Errorf("bpftool %s: %v", c, err)
		}
		ours, err := skep(append([]string{"-j"}, strings.Fields(c)...)...)
		if err != nil {
			t.Errorf("skep %s: %v", c, err)
		}
		if len(strings.TrimSpace(string(theirs))) == 0 {
			continue // 7.1 writes no array when nothing is attached
		}
		for _, d := range compare("", decode(t, "bpftool", string(theirs)), decode(t, "skep", ours)) {
			t.Errorf("%s: %s", c, d)
		}
	}
}
