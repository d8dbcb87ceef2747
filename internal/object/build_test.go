package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

// TestBuildCilium has another reader take the object apart.
func TestBuildCilium(t *testing.T) {
	spec, err := Spec(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if p := spec.Programs["main_prog"]; p == nil || p.Type != ebpf.RawTracepoint || p.AttachTo != "sys_enter" || p.License != "GPL" {
		t.Errorf("main_prog: %+v", p)
	}
	if len(spec.Programs) != 2 {
		t.Errorf("%d programs", len(spec.Programs))
	}
	for name, want := range map[string]ebpf.MapSpec{
		"events":       {Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16},
		"ring":         {Type: ebpf.RingBuf, MaxEntries: 4096},
		"percpu":       {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 3},
		".data.scalar": {Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1},
		".bss":         {Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1},
		".rodata":      {Type: ebpf.Array, KeySize: 4, ValueSize: 12, MaxEntries: 1},
	} {
		m := spec.Maps[name]
		if m == nil || m.Type != want.Type || m.KeySize != want.KeySize || m.ValueSize != want.ValueSize || m.MaxEntries != want.MaxEntries {
			t.Errorf("map %s: %+v, want %+v", name, m, want)
		}
	}
	if len(spec.Maps) != 6 {
		t.Errorf("%d maps", len(spec.Maps))
	}
	if v := spec.Variables["table"]; v == nil || v.Offset != 4 || v.Value[0] != 0x34 || v.SectionName != ".rodata" {
		t.Errorf("table: %+v", v)
	}
	if e := spec.Maps["events"]; e.Key.TypeName() != "unsigned int" || e.Value.TypeName() != "long" {
		t.Errorf("events: key %v, value %v", e.Key, e.Value)
	}
	var twice *btf.Func
	if err := spec.Types.TypeByName("twice", &twice); err != nil {
		t.Fatal(err)
	}
	if p := twice.Type.(*btf.FuncProto); twice.Linkage != btf.GlobalFunc || len(p.Params) != 1 || p.Params[0].Name != "x" {
		t.Errorf("twice: %v %+v", twice, p.Params)
	}
	src := spec.Programs["main_prog"].Instructions[0].Source()
	if src == nil || strings.TrimSpace(src.String()) != "@scalar = twice(add_one(5));	// some text" {
		t.Errorf("line of the first instruction: %q", src)
	}
}

// TestBuildRuns loads the object into the running kernel and runs it: the
// result shows whether calls, data, maps and callbacks lead where they should.
func TestBuildRuns(t *testing.T) {
	spec, err := Spec(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	coll := loadSpec(t, spec)
	ret, err := coll.Programs["main_prog"].Run(&ebpf.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ret != 12 {
		t.Errorf("main_prog returns %d, want 12", ret)
	}
	var v uint64
	if err := coll.Maps["events"].Lookup(uint32(7), &v); err != nil || v != 12 {
		t.Errorf("events[7] is %d, %v", v, err)
	}
	for _, name := range []string{".bss", ".data.scalar"} {
		var pair [2]uint64
		if err := coll.Maps[name].Lookup(uint32(0), &pair); err != nil || pair != [2]uint64{0, 12} {
			t.Errorf("%s is %v, %v", name, pair, err)
		}
	}
	k, err := ctypes.KernelBTF()
	if err != nil {
		t.Fatal(err)
	}
	task, err := k.Type("struct task_struct")
	if err != nil {
		t.Fatal(err)
	}
	_, bits, _ := task.(*ctypes.Struct).Lookup("pid")
	if ret, err = coll.Programs["offset_prog"].Run(&ebpf.RunOptions{}); err != nil || int(ret) != bits/8 || bits == 0 {
		t.Errorf("offset of task_struct.pid is %d, %v; want %d", ret, err, bits/8)
	}
	info, err := coll.Programs["main_prog"].Info()
	if err != nil {
		t.Fatal(err)
	}
	insns, err := info.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	funcs := 0
	for _, in := range insns {
		if btf.FuncMetadata(&in) != nil {
			funcs++
		}
	}
	if funcs != 5 {
		t.Errorf("the kernel knows %d functions of main_prog, want 5", funcs)
	}
}

func loadSpec(t *testing.T, spec *ebpf.CollectionSpec) *ebpf.Collection {
	t.Helper()
	coll, err := ebpf.NewCollection(spec)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) && os.Getuid() != 0 {
		t.Skipf("SKIPPED, may not load programs here: %v", err)
	}
	if err != nil {
		var ve *ebpf.VerifierError
		if errors.As(err, &ve) {
			t.Fatalf("%+v", ve)
		}
		t.Fatal(err)
	}
	t.Cleanup(coll.Close)
	return coll
}

// TestBuildExterns names kernel functions and variables.
func TestBuildExterns(t *testing.T) {
	void := &ctypes.Func{Result: &ctypes.Void{}}
	in := Input{
		License: "GPL",
		Funcs: []Func{{Name: "prog", Section: "raw_tp/sys_enter", Insns: []isa.Instruction{
			call(isa.RefKfunc, "bpf_rcu_read_lock"), call(isa.RefKfunc, "bpf_rcu_read_unlock"),
			ref(isa.R1, isa.RefKsym, "vfs_read", 0), ref(isa.R2, isa.RefKsym, "no_such_symbol", 0),
			set(isa.R0, 1),
			{Op: isa.ClassJMP | isa.JNe, Dst: isa.R2, Off: 2},
			{Op: isa.ClassJMP | isa.JEq, Dst: isa.R1, Off: 1},
			set(isa.R0, 2), isa.Return(),
		}}},
		Externs: []Extern{
			{Name: "bpf_rcu_read_lock", Func: void}, {Name: "bpf_rcu_read_unlock", Func: void},
			{Name: "vfs_read"}, {Name: "no_such_symbol", Weak: true}, {Name: "never_used"},
		},
	}
	data, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Spec(data)
	if err != nil {
		t.Fatal(err)
	}
	ret, err := loadSpec(t, spec).Programs["prog"].Run(&ebpf.RunOptions{})
	if err != nil || ret != 2 {
		t.Errorf("returns %d, %v", ret, err)
	}
}

// tool runs a peer on a file that holds the object.
func tool(t *testing.T, data []byte, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("SKIPPED, %s is not installed", name)
	}
	path := filepath.Join(t.TempDir(), "sample.o")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", path)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func wantAll(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%q is not in\n%s", w, out)
		}
	}
}

func TestBuildObjdump(t *testing.T) {
	out := tool(t, sample(t), "llvm-objdump", "-d", "-r", "-t", "FILE")
	wantAll(t, out, "Disassembly of section raw_tracepoint/sys_enter", "<main_prog>:", "<twice>:",
		"R_BPF_64_64\tevents", "R_BPF_64_64\t.bss", "R_BPF_64_64\ttable", "R_BPF_64_32\ttwice", "R_BPF_64_32\t.text",
		"call 2")
	out = tool(t, bigSample(t), "llvm-objdump", "-d", "-r", "FILE")
	wantAll(t, out, "elf64-bpf", "<main_prog>:", "r1 = 5", "R_BPF_64_64\tevents", "R_BPF_64_32\ttwice", "*(u64 *)(r10 - 16) = r6")
}

func TestBuildReadelf(t *testing.T) {
	out := tool(t, sample(t), "readelf", "-a", "-W", "FILE")
	wantAll(t, out, "Linux BPF", ".skep.plan", "license", ".BTF.ext", "NOBITS", "_license")
	if strings.Contains(strings.ToLower(out), "warning") || strings.Contains(strings.ToLower(out), "error") {
		t.Errorf("complaints in\n%s", out)
	}
}

func TestBuildBTFDump(t *testing.T) {
	out := tool(t, sample(t), "bpftool", "btf", "dump", "file", "FILE")
	wantAll(t, out, "FUNC 'main_prog'", "FUNC 'twice'", "linkage=global", "FUNC 'pad'", "linkage=static",
		"DATASEC '.maps' size=80", "VAR 'events'", "DATASEC '.data.scalar' size=16", "'x' type_id=", "STRUCT 'pair' size=16 vlen=2")
	if n := strings.Count(out, "STRUCT 'pair'"); n != 1 {
		t.Errorf("struct pair is there %d times", n)
	}
	wantAll(t, tool(t, sample(t), "bpftool", "btf", "dump", "file", "FILE", "format", "c"), "struct pair {")
}

// TestBuildLibbpf loads the object with libbpf.
func TestBuildLibbpf(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, loading needs root")
	}
	const dir = "/sys/fs/bpf"
	if err := bpffs(dir); err != nil {
		t.Skipf("SKIPPED, no bpffs at %s: %v", dir, err)
	}
	pin := filepath.Join(dir, "skep_object_test_"+strings.ReplaceAll(t.Name(), "/", "_"))
	t.Cleanup(func() {
		if err := os.RemoveAll(pin); err != nil {
			t.Error(err)
		}
	})
	tool(t, sample(t), "bpftool", "prog", "loadall", "FILE", pin)
	for _, name := range []string{"main_prog", "offset_prog"} {
		out := tool(t, nil, "bpftool", "prog", "show", "pinned", filepath.Join(pin, name))
		wantAll(t, out, "raw_tracepoint", name, "btf_id")
	}
	prog, err := ebpf.LoadPinnedProgram(filepath.Join(pin, "main_prog"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	if ret, err := prog.Run(&ebpf.RunOptions{}); err != nil || ret != 12 {
		t.Errorf("main_prog returns %d, %v", ret, err)
	}
	out := tool(t, nil, "bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(pin, "main_prog"))
	wantAll(t, out, "; @scalar = twice(add_one(5));", "int main_prog(void * ctx):", "twice(unsigned int x)")
}

// TestBuildStaticLinker has libbpf's linker read the object, which checks
// sections, symbols and BTF against each other.
func TestBuildStaticLinker(t *testing.T) {
	out := filepath.Join(t.TempDir(), "linked.o")
	tool(t, sample(t), "bpftool", "gen", "object", out, "FILE")
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data)); err != nil {
		t.Error(err)
	}
}

func TestBuildErrors(t *testing.T) {
	exit := []isa.Instruction{set(isa.R0, 0), isa.Return()}
	prog := Func{Name: "p", Section: "xdp", Insns: exit}
	with := func(insns ...isa.Instruction) Input {
		return Input{Funcs: []Func{{Name: "p", Section: "xdp", Insns: append(insns, exit...)}}}
	}
	for name, c := range map[string]struct {
		in   Input
		want string
	}{
		"no code":       {Input{Funcs: []Func{{Name: "p", Section: "xdp"}}}, "no instructions"},
		"twice":         {Input{Funcs: []Func{prog, prog}}, "defined twice"},
		"bad name":      {Input{Funcs: []Func{{Name: "a b", Section: "xdp", Insns: exit}}}, "no C identifier"},
		"bad section":   {Input{Funcs: []Func{{Name: "p", Section: ".maps", Insns: exit}}}, "can't be named"},
		"no prototype":  {Input{Funcs: []Func{{Name: "p", Insns: exit}}}, "needs a prototype"},
		"unknown map":   {with(ref(isa.R1, isa.RefMap, "m", 0)), `instruction 0: "m" is not defined`},
		"wrong kind":    {with(ref(isa.R1, isa.RefMap, "p", 0)), "is a function, and referred to as a map"},
		"call program":  {with(call(isa.RefFunc, "p")), "can't be called"},
		"ref in a move": {with(isa.Instruction{Op: isa.ClassALU64 | isa.Mov, Ref: isa.Ref{Kind: isa.RefFunc, Name: "p"}}), "can't hold one"},
		"big immediate": {with(set(isa.R1, 1<<40)), "doesn't fit"},
		"map and value": {Input{
			Funcs: []Func{{Name: "p", Section: "xdp", Insns: append([]isa.Instruction{ref(isa.R1, isa.RefMapValue, "m", 0)}, exit...)}},
			Maps:  []Map{{Name: "m", Type: 1, KeySize: 4, ValueSize: 4, MaxEntries: 9}},
		}, "can be named directly"},
		"key size":       {Input{Maps: []Map{{Name: "m", Type: 1, KeySize: 4, ValueSize: 4, Key: &ctypes.Int{Name: "long", Size: 8}}}}, "the key has 4 bytes"},
		"data section":   {Input{Data: []Data{{Name: "d", Section: ".text", Bytes: []byte{1}}}}, "no section of data"},
		"data type":      {Input{Data: []Data{{Name: "d", Section: ".data", Bytes: []byte{1}, Type: intType}}}, "has 4"},
		"empty data":     {Input{Data: []Data{{Name: "d", Section: ".data"}}}, "no bytes"},
		"data alignment": {Input{Data: []Data{{Name: "d", Section: ".data", Bytes: []byte{1}, Align: 3}}}, "alignment 3"},
		"CO-RE place":    {Input{Funcs: []Func{{Name: "p", Section: "xdp", Insns: exit, CORE: []CORE{{Insn: 2, Type: intType}}}}}, "instruction 2 of 2"},
		"extern twice":   {Input{Externs: []Extern{{Name: "x"}, {Name: "x"}}}, "defined twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestBuildColumns puts a place beyond the columns that a record can hold.
func TestBuildColumns(t *testing.T) {
	in := sampleInput()
	f := source.NewFile("long.bt", strings.Repeat("x", 5000))
	in.Funcs[0].Insns[0].Span = source.Span{File: f, Start: 4000, End: 4001}
	data, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Spec(data); err != nil {
		t.Errorf("a far column: %v", err)
	}
}

func TestBuildIsReproducible(t *testing.T) {
	if a, b := sample(t), sample(t); !bytes.Equal(a, b) {
		t.Error("two builds of one input differ")
	}
	if d := bigSample(t); d[5] != 2 || binary.BigEndian.Uint16(d[18:]) != 247 {
		t.Error("the big-endian object is not one")
	}
}
