package bpftool

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
)

func featureCommands() []command {
	return []command{{"probe", (*tool).featureProbe}, {"list_builtins", (*tool).listBuiltins}}
}

// named are the names of an enumeration of the kernel, as far as this program
// knows it.
func named[T interface {
	~uint32
	fmt.Stringer
}](most uint32) []T {
	var all []T
	for n := range most {
		if x := T(n); isKnown(x, n) {
			all = append(all, x)
		}
	}
	return all
}

const mostValues = 256 // more than any of the enumerations has

func names[T interface {
	~uint32
	fmt.Stringer
}]() []string {
	var all []string
	for _, x := range named[T](mostValues) {
		all = append(all, x.String())
	}
	return all
}

// listBuiltins lists what this program knows by name.
func (t *tool) listBuiltins(a *arguments) error {
	var list []string
	switch {
	case a.take("prog_types"):
		list = names[facts.ProgType]()
	case a.take("map_types"):
		list = names[facts.MapType]()
	case a.take("attach_types"):
		list = names[facts.AttachType]()
	case a.take("link_types"):
		list = names[facts.LinkType]()
	case a.take("commands"):
		list = names[facts.Cmd]()
	case a.take("helpers"):
		list = []string{"bpf_unspec"}
		for _, h := range facts.Helpers() {
			list = append(list, "bpf_"+h.Name)
		}
	default:
		return usagef("list_builtins: which group? prog_types, map_types, attach_types, link_types, helpers or commands, not '%s'", a.peek())
	}
	if err := a.end(); err != nil {
		return err
	}
	if !t.opts.json {
		t.printf("%s\n", strings.Join(list, "\n"))
		return nil
	}
	t.json.BeginArray()
	defer t.json.EndArray()
	for _, n := range list {
		t.json.String(n)
	}
	return nil
}

// probeFlags are the words of `feature probe`.
type probeFlags struct{ full bool }

func (t *tool) featureProbe(a *arguments) error {
	var f probeFlags
	for !a.empty() {
		switch {
		case a.take("kernel"):
		case a.take("full"):
			f.full = true
		case a.is("unprivileged"), a.is("macros"), a.is("dev"), a.is("prefix"):
			return fmt.Errorf("feature probe %s: this is not in this version yet", a.peek())
		default:
			return usagef("expected no more arguments, 'kernel' or 'full', got: '%s'?", a.peek())
		}
	}
	if t.opts.json {
		t.json.BeginObject()
		defer t.json.EndObject()
	}
	t.probeSystem()
	t.section("syscall_config", "system call availability")
	haveBPF := inspect.HaveMapType(facts.MapTypeArray).Yes
	t.probed("have_bpf_syscall", "bpf() syscall", haveBPF)
	t.endSection()
	if !haveBPF {
		return nil
	}
	types := named[facts.ProgType](mostValues)[1:]
	has := map[facts.ProgType]bool{}
	t.section("program_types", "eBPF program types")
	for _, typ := range types {
		has[typ] = inspect.HaveProgType(typ).Yes
		t.probed("have_"+typ.String()+"_prog_type", "eBPF program_type "+typ.String(), has[typ])
	}
	t.endSection()
	t.section("map_types", "eBPF map types")
	for _, typ := range named[facts.MapType](mostValues)[1:] {
		t.probed("have_"+typ.String()+"_map_type", "eBPF map_type "+typ.String(), inspect.HaveMapType(typ).Yes)
	}
	t.endSection()
	t.section("helpers", "eBPF helper functions")
	for _, typ := range types {
		t.probeHelpers(typ, has[typ], f.full)
	}
	t.endSection()
	t.section("misc", "miscellaneous eBPF features")
	for _, m := range inspect.MiscFeatures() {
		t.probed(m.Key, m.Name, m.Probe().Yes)
	}
	t.endSection()
	return nil
}

func (t *tool) section(key, title string) {
	if t.opts.json {
		t.json.Name(key)
		t.json.BeginObject()
		return
	}
	t.printf("Scanning %s...\n", title)
}

func (t *tool) endSection() {
	if t.opts.json {
		t.json.EndObject()
		return
	}
	t.printf("\n")
}

func (t *tool) probed(key, name string, yes bool) {
	switch {
	case t.opts.json:
		t.json.BoolField(key, yes)
	case yes:
		t.printf("%s is available\n", name)
	default:
		t.printf("%s is NOT available\n", name)
	}
}

// noisyHelpers leave a message in the kernel's log when they are probed.
var noisyHelpers = map[string]bool{"trace_printk": true, "trace_vprintk": true, "probe_write_user": true}

// cannotProbe are the types whose programs need a target to be loaded, so that
// nothing can be said about their helpers.
func cannotProbe(typ facts.ProgType) bool {
	switch typ {
	case facts.ProgTypeTracing, facts.ProgTypeStructOps, facts.ProgTypeExt, facts.ProgTypeLSM:
		return true
	}
	return false
}

func (t *tool) probeHelpers(typ facts.ProgType, has, full bool) {
	var list []string
	if has && !cannotProbe(typ) {
		for _, h := range facts.Helpers() {
			if (full || !noisyHelpers[h.Name]) && inspect.HaveHelper(typ, h.Number).Yes {
				list = append(list, "bpf_"+h.Name)
			}
		}
	}
	if t.opts.json {
		t.json.Name(typ.String() + "_available_helpers")
		t.json.BeginArray()
		for _, n := range list {
			t.json.String(n)
		}
		t.json.EndArray()
		return
	}
	t.printf("eBPF helpers supported for program type %s:", typ)
	switch {
	case !has:
		t.printf("\n\tProgram type not supported")
	case cannotProbe(typ):
		t.printf("\n\tCould not determine which helpers are available")
	}
	for _, n := range list {
		t.printf("\n\t- %s", n)
	}
	t.printf("\n")
}

// sysctls are the settings that matter to BPF, and what their values mean.
var sysctls = []struct {
	key, path, title string
	meaning          []string
}{
	{"unprivileged_bpf_disabled", "kernel/unprivileged_bpf_disabled", "bpf() syscall", []string{
		"for unprivileged users is enabled", "restricted to privileged users (without recovery)", "restricted to privileged users (admin can change)"}},
	{"bpf_jit_enable", "net/core/bpf_jit_enable", "JIT compiler", []string{"is disabled", "is enabled", "is enabled with debugging traces in kernel logs"}},
	{"bpf_jit_harden", "net/core/bpf_jit_harden", "JIT compiler hardening", []string{"is disabled", "is enabled for unprivileged users", "is enabled for all users"}},
	{"bpf_jit_kallsyms", "net/core/bpf_jit_kallsyms", "JIT compiler kallsyms exports", []string{"are disabled", "are enabled for root"}},
	{"bpf_jit_limit", "net/core/bpf_jit_limit", "Global memory limit for JIT compiler for unprivileged users", nil},
}

// configOptions are the options of the kernel's build that matter to BPF.
var configOptions = []string{
	"BPF", "BPF_SYSCALL", "HAVE_EBPF_JIT", "BPF_JIT", "BPF_JIT_ALWAYS_ON", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES", "CGROUPS", "CGROUP_BPF",
	"CGROUP_NET_CLASSID", "SOCK_CGROUP_DATA", "BPF_EVENTS", "KPROBE_EVENTS", "UPROBE_EVENTS", "TRACING", "FTRACE_SYSCALLS",
	"FUNCTION_ERROR_INJECTION", "BPF_KPROBE_OVERRIDE", "NET", "XDP_SOCKETS", "LWTUNNEL_BPF", "NET_ACT_BPF", "NET_CLS_BPF", "NET_CLS_ACT",
	"NET_SCH_INGRESS", "XFRM", "IP_ROUTE_CLASSID", "IPV6_SEG6_BPF", "BPF_LIRC_MODE2", "BPF_STREAM_PARSER", "NETFILTER_XT_MATCH_BPF",
	"BPFILTER", "BPFILTER_UMH", "TEST_BPF", "HZ",
}

func (t *tool) probeSystem() {
	t.section("system_config", "system configuration")
	defer t.endSection()
	for _, s := range sysctls {
		n, err := inspect.ReadSysctl(s.path)
		switch {
		case t.opts.json && err != nil:
			t.json.Name(s.key)
			t.json.Null()
		case t.opts.json:
			t.json.IntField(s.key, n)
		case err != nil:
			t.printf("Unable to retrieve %s\n", s.key)
		case s.meaning == nil:
			t.printf("%s is %d bytes\n", s.title, n)
		case n >= 0 && n < int64(len(s.meaning)):
			t.printf("%s %s\n", s.title, s.meaning[n])
		default:
			t.printf("%s has unknown value %d\n", s.title, n)
		}
	}
	config, err := inspect.KernelConfig()
	if err != nil {
		t.info("skipping kernel config, can't open file: %v", err)
	}
	for _, o := range configOptions {
		value, ok := config["CONFIG_"+o]
		switch {
		case t.opts.json && !ok:
			t.json.Name("CONFIG_" + o)
			t.json.Null()
		case t.opts.json:
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
			t.json.StringField("CONFIG_"+o, value)
		case !ok:
			t.printf("CONFIG_%s is not set\n", o)
		default:
			t.printf("CONFIG_%s is set to %s\n", o, value)
		}
	}
}
