package ctypes

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func liveKernel(t testing.TB) *Kernel {
	t.Helper()
	k, err := KernelBTF()
	if err != nil {
		t.Skipf("SKIPPED, no kernel BTF here: %v", err)
	}
	return k
}

// TestLiveAgainstCilium decodes every type of the running kernel and compares
// it with what another reader makes of the same bytes.
func TestLiveAgainstCilium(t *testing.T) {
	k := liveKernel(t)
	spec, err := btf.LoadSpec(kernelBTF + "/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	compareAll(t, k.BTF, spec)
}

// compareAll decodes all types that are not in the base.
func compareAll(t *testing.T, in *BTF, spec *btf.Spec) {
	t.Helper()
	kinds := map[BTFKind]int{}
	for id := in.FirstType(); id < in.NumTypes(); id++ {
		kind, name := in.Kind(id)
		kinds[kind]++
		want, err := spec.TypeByID(btf.TypeID(id))
		if err != nil {
			t.Fatalf("type %d: %v", id, err)
		}
		if _, tag := want.(*btf.TypeTag); !tag && kind != BTFDeclTag && want.TypeName() != name {
			t.Fatalf("type %d is %q, want %q", id, name, want.TypeName())
		}
		switch kind {
		case BTFVar, BTFDatasec, BTFDeclTag:
			continue
		}
		got, err := in.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		compareType(t, id, got, want)
		if t.Failed() {
			return
		}
	}
	if _, err := spec.TypeByID(btf.TypeID(in.NumTypes())); err == nil {
		t.Error("there are types left")
	}
	t.Logf("types %d to %d: %v", in.FirstType(), in.NumTypes(), kinds)
}

// TestForeignBTF reads the BTF of another kernel and of a module, which
// cilium/ebpf has for its own tests.
func TestForeignBTF(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Skipf("SKIPPED, the module's files are not to be found: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "btf", "testdata")
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skipf("SKIPPED: %v", err)
		}
		if strings.HasSuffix(name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if data, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		return data
	}
	for _, c := range [][2]string{{"vmlinux.btf.gz", ""}, {"btf_testmod.btf.base", ""}, {"btf_testmod.btf", "btf_testmod.btf.base"}, {"btf_testmod.btf", "vmlinux.btf.gz"}} {
		var base *BTF
		var baseSpec *btf.Spec
		if c[1] != "" {
			if base, err = OpenBTF(read(c[1]), nil); err != nil {
				t.Fatal(err)
			}
			baseSpec = must(btf.LoadSpecFromReader(bytes.NewReader(read(c[1]))))
		}
		var spec *btf.Spec
		if base == nil {
			spec, err = btf.LoadSpecFromReader(bytes.NewReader(read(c[0])))
		} else {
			spec, err = btf.LoadSplitSpecFromReader(bytes.NewReader(read(c[0])), baseSpec)
		}
		if err != nil {
			t.Logf("%v: the other reader: %v", c, err)
			continue
		}
		in, err := OpenBTF(read(c[0]), base)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		compareAll(t, in, spec)
	}
}

func compareType(t *testing.T, id uint32, got Type, want btf.Type) {
	t.Helper()
	switch w := want.(type) {
	case *btf.Struct:
		compareMembers(t, id, got, false, w.Name, w.Size, w.Members)
	case *btf.Union:
		compareMembers(t, id, got, true, w.Name, w.Size, w.Members)
	case *btf.Enum:
		g, ok := got.(*Enum)
		if !ok || g.Name != w.Name || g.Size != int(w.Size) || g.Signed != w.Signed || len(g.Values) != len(w.Values) {
			t.Errorf("type %d: %+v, want %+v", id, got, w)
			return
		}
		for i, v := range w.Values {
			if g.Values[i].Name != v.Name || uint64(g.Values[i].Value) != v.Value {
				t.Errorf("type %d: %+v, want %+v", id, g.Values[i], v)
			}
		}
	case *btf.Int:
		g, ok := got.(*Int)
		if !ok || g.Size != int(w.Size) || g.Signed != (w.Encoding&btf.Signed != 0) || g.Bool != (w.Encoding == btf.Bool) {
			t.Errorf("type %d: %+v, want %+v", id, got, w)
		}
	case *btf.Array:
		g, ok := got.(*Array)
		if !ok || g.Len != int(w.Nelems) {
			t.Errorf("type %d: %+v, want %+v", id, got, w)
		}
		compareSize(t, id, got, want)
	case *btf.FuncProto:
		g, ok := got.(*Func)
		n := len(w.Params)
		if n > 0 && w.Params[n-1].Type == (*btf.Void)(nil) {
			n--
		}
		if ok && g.Variadic {
			n = len(g.Params)
		}
		if !ok || len(g.Params) != n {
			t.Errorf("type %d: %s, want %v", id, Spell(got, ""), w)
			return
		}
		for i, p := range g.Params {
			if p.Name != w.Params[i].Name {
				t.Errorf("type %d: parameter %d is %q, want %q", id, i, p.Name, w.Params[i].Name)
			}
			compareSize(t, id, p.Type, w.Params[i].Type)
		}
	case *btf.Typedef, *btf.Const, *btf.Volatile, *btf.Pointer, *btf.Float:
		compareSize(t, id, got, want)
	}
}

func compareMembers(t *testing.T, id uint32, got Type, union bool, name string, size uint32, members []btf.Member) {
	t.Helper()
	g, ok := got.(*Struct)
	if !ok || g.Union != union || g.Name != name || g.Size != int(size) || len(g.Fields) != len(members) {
		t.Errorf("type %d: %+v, want %s of %d bytes with %d members", id, got, name, size, len(members))
		return
	}
	for i, m := range members {
		f := g.Fields[i]
		if f.Name != m.Name || f.Offset != int(m.Offset) || f.BitSize != int(m.BitfieldSize) {
			t.Errorf("type %d %s: %+v, want %+v", id, name, f, m)
		}
		compareSize(t, id, f.Type, m.Type)
	}
}

// compareSize compares sizes without loading what the types point to.
func compareSize(t *testing.T, id uint32, got Type, want btf.Type) {
	t.Helper()
	n, err := btf.Sizeof(want)
	if err != nil {
		n = 0
	}
	if _, void := btf.UnderlyingType(want).(*btf.Void); void {
		n = 0
	}
	if g := Sizeof(got); g != n {
		t.Errorf("type %d: %s has %d bytes, want %d (%v)", id, Spell(got, "x"), g, n, want)
	}
}

func TestLiveKernelNames(t *testing.T) {
	k := liveKernel(t)
	for range 2 { // by scanning, then by the hash table
		for name, want := range map[string]string{
			"struct task_struct": "struct task_struct", "union bpf_attr": "union bpf_attr",
			"enum bpf_map_type": "enum bpf_map_type", "pid_t": "pid_t", "unsigned long": "unsigned long",
			"long unsigned int": "long unsigned int", "u64": "u64", " struct  file ": "struct file",
		} {
			got, err := k.Type(name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if s := Spell(got, ""); s != want {
				t.Errorf("%s is %s", name, s)
			}
		}
		for _, name := range []string{"struct no_such_struct", "", "struct", "task_struct", "struct pid_t", "union task_struct", "mod:struct x"} {
			if got, err := k.Type(name); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v, %v", name, got, err)
			}
		}
	}
	task, err := k.Type("struct task_struct")
	if err != nil {
		t.Fatal(err)
	}
	f, _, ok := task.(*Struct).Lookup("real_parent")
	if !ok {
		t.Fatal("task_struct has no real_parent")
	}
	if parent := Strip(Strip(f.Type).(*Pointer).Elem); parent != task {
		t.Errorf("real_parent points to %s", Spell(parent, ""))
	}
	if f, _, ok = task.(*Struct).Lookup("comm"); !ok || Spell(f.Type, "comm") != "char comm[16]" {
		t.Errorf("comm is %s", Spell(f.Type, "comm"))
	}
}

func TestLiveKernelFuncs(t *testing.T) {
	k := liveKernel(t)
	f, err := k.Func("vfs_read")
	if err != nil {
		t.Fatal(err)
	}
	if s := Spell(f, f.Name); s != "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)" {
		t.Error(s)
	}
	if g, err := k.Func("vmlinux:vfs_read"); err != nil || g != f {
		t.Errorf("%v, %v", g, err)
	}
	for _, name := range []string{"no_such_function", "nomod:vfs_read", "task_struct"} {
		if _, err := k.Func(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	raw, err := k.RawTracepoint("sched_switch")
	if err != nil {
		t.Fatal(err)
	}
	if s := Spell(raw, raw.Name); s != "void sched_switch(bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)" {
		t.Error(s)
	}
	if _, err := k.RawTracepoint("no_such"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// TestLiveRawTracepoints asks for each raw tracepoint and compares the list
// with tracefs, whose events are made of them.
func TestLiveRawTracepoints(t *testing.T) {
	k := liveKernel(t)
	names := k.RawTracepoints()
	unnamed := 0
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
		f, err := k.RawTracepoint(n)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, p := range f.Params {
			if p.Name == "" {
				unnamed++
			}
		}
	}
	t.Logf("%d raw tracepoints, %d parameters without a name", len(names), unnamed)
	if unnamed > 0 {
		t.Errorf("%d parameters without a name", unnamed)
	}
	list, err := os.ReadFile("/sys/kernel/tracing/available_events")
	if err != nil {
		t.Skipf("SKIPPED in part, no tracefs: %v", err)
	}
	missing := 0
	for _, line := range strings.Fields(string(list)) {
		cat, name, _ := strings.Cut(line, ":")
		if cat != "syscalls" && cat != "ftrace" && !have[name] {
			missing++
		}
	}
	if missing > len(names)/10 {
		t.Errorf("%d events of tracefs are no raw tracepoints", missing)
	}
}

func BenchmarkOpenKernel(b *testing.B) {
	liveKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := KernelBTF(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstType(b *testing.B) {
	liveKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		k, err := KernelBTF()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := k.Type("struct task_struct"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstRawTracepoint(b *testing.B) {
	liveKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		k, err := KernelBTF()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := k.RawTracepoint("sched_switch"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCiliumFirstType(b *testing.B) {
	liveKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		spec, err := btf.LoadSpec(kernelBTF + "/vmlinux")
		if err != nil {
			b.Fatal(err)
		}
		var s *btf.Struct
		if err := spec.TypeByName("task_struct", &s); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLiveConcurrent has several goroutines decode and load the same types.
func TestLiveConcurrent(t *testing.T) {
	k := liveKernel(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, name := range []string{"struct task_struct", "struct file", "struct sock", "struct net"} {
				typ, err := k.Type(name)
				if err != nil {
					t.Error(err)
					return
				}
				for _, f := range typ.(*Struct).Fields {
					if p, ok := Strip(f.Type).(*Pointer); ok {
						Sizeof(p.Elem)
					}
				}
				if _, err := k.RawTracepoint("sched_switch"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
