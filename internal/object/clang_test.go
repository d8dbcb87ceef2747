package object

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
)

// clangs are the names under which the compiler is looked for.
var clangs = []string{"clang", "clang-19", "clang-20", "clang-21", "clang-18", "clang-17", "clang-16", "clang-14"}

// clangObjects compiles testdata/*.c, by the name of the source.
func clangObjects(t testing.TB) map[string]string {
	t.Helper()
	compiler := ""
	for _, c := range clangs {
		if path, err := exec.LookPath(c); err == nil {
			compiler = path
			break
		}
	}
	if compiler == "" {
		t.Skip("SKIPPED, clang is not installed")
	}
	sources, err := filepath.Glob("testdata/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	objects := map[string]string{}
	dir := t.TempDir()
	for _, src := range sources {
		name := strings.TrimSuffix(filepath.Base(src), ".c")
		out := filepath.Join(dir, name+".o")
		args := []string{"-O2", "-target", "bpf", "-mcpu=v3", "-c", src, "-o", out}
		if name != "legacy" {
			args = append(args, "-g")
		}
		if msg, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", compiler, args, err, msg)
		}
		objects[name] = out
	}
	return objects
}

// TestClangAgainstCilium reads clang's objects and compares all that another
// reader makes of them.
func TestClangAgainstCilium(t *testing.T) {
	for name, path := range clangObjects(t) {
		if name == "weak" {
			continue // TestClangWeak
		}
		t.Run(name, func(t *testing.T) {
			spec, err := ebpf.LoadCollectionSpec(path)
			if err != nil {
				t.Fatal(err)
			}
			compareObject(t, path, spec)
		})
	}
}

func compareObject(t *testing.T, path string, spec *ebpf.CollectionSpec) {
	t.Helper()
	o, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	compareMaps(t, o, spec)
	compareData(t, o, spec)
	compareCode(t, o, spec)
}

// TestCiliumObjects reads the objects that cilium/ebpf has for its own tests:
// of several compilers, and of both byte orders. What the other reader
// refuses, this one may take.
func TestCiliumObjects(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Skipf("SKIPPED, the module's files are not to be found: %v", err)
	}
	dir := strings.TrimSpace(string(out))
	var paths []string
	for _, pattern := range []string{"testdata/*.elf", "btf/testdata/*.elf"} {
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, list...)
	}
	if len(paths) == 0 {
		t.Skipf("SKIPPED, no objects in %s", dir)
	}
	compared := 0
	for _, path := range paths {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			if _, own := Open(path); own != nil {
				t.Logf("%s is refused by both: %v", filepath.Base(path), own)
			}
			continue
		}
		compared++
		t.Run(filepath.Base(path), func(t *testing.T) { compareObject(t, path, spec) })
	}
	t.Logf("%d of %d objects compared", compared, len(paths))
}

func compareMaps(t *testing.T, o *Object, spec *ebpf.CollectionSpec) {
	t.Helper()
	n := 0
	for name, want := range spec.Maps {
		if strings.HasPrefix(name, ".") || want.Type == ebpf.StructOpsMap {
			continue
		}
		n++
		m := o.Map(name)
		if m == nil {
			t.Errorf("map %s is missing", name)
			continue
		}
		compareMap(t, m, want)
		if want.InnerMap != nil && m.Inner != nil {
			compareMap(t, m.Inner, want.InnerMap)
		} else if (want.InnerMap == nil) != (m.Inner == nil) {
			t.Errorf("map %s: inner map %+v, want %+v", name, m.Inner, want.InnerMap)
		}
		var slots, wantSlots []string
		for _, s := range m.Values {
			slots = append(slots, fmt.Sprint(s.Index, s.Name))
		}
		for _, kv := range want.Contents {
			wantSlots = append(wantSlots, fmt.Sprint(kv.Key, kv.Value))
		}
		slices.Sort(wantSlots)
		if !slices.Equal(slots, wantSlots) {
			t.Errorf("map %s holds %v, want %v", name, slots, wantSlots)
		}
	}
	if n != len(o.Maps) {
		t.Errorf("%d maps, want %d", len(o.Maps), n)
	}
}

func compareMap(t *testing.T, m *MapDef, want *ebpf.MapSpec) {
	t.Helper()
	if want.Type == ebpf.PerfEventArray {
		want.KeySize, want.ValueSize = m.KeySize, m.ValueSize // the other reader has its own idea of them
		want.Key, want.Value = nil, nil
		m.Key, m.Value = nil, nil
	}
	if m.Type != uint32(want.Type) || m.KeySize != want.KeySize || m.ValueSize != want.ValueSize ||
		m.MaxEntries != want.MaxEntries || m.Flags != want.Flags || m.Pinning != uint32(want.Pinning) {
		t.Errorf("map %+v, want %+v", m, want)
	}
	for _, p := range []struct {
		got  ctypes.Type
		want btf.Type
	}{{m.Key, want.Key}, {m.Value, want.Value}} {
		if (p.got == nil) != (p.want == nil) || p.want != nil && spellPlain(p.got) != p.want.TypeName() {
			t.Errorf("map %s: type %v, want %v", m.Name, p.got, p.want)
		}
	}
}

// spellPlain is a type's name without its keyword.
func spellPlain(t ctypes.Type) string {
	s := ctypes.Spell(t, "")
	return strings.NewReplacer("struct ", "", "union ", "", "enum ", "").Replace(s)
}

func compareData(t *testing.T, o *Object, spec *ebpf.CollectionSpec) {
	t.Helper()
	vars := map[string]DataVar{}
	for _, d := range o.Data {
		m := spec.Maps[d.Name]
		if m == nil {
			if len(d.Vars) > 0 {
				t.Errorf("section %s is no map", d.Name)
			}
			continue
		}
		if int(m.ValueSize) != d.Size || string(m.Contents[0].Value.([]byte)) != string(d.Content()) {
			t.Errorf("section %s: %d bytes %q, want %v", d.Name, d.Size, d.Content(), m.Contents)
		}
		for _, v := range d.Vars {
			vars[v.Name] = v
		}
	}
	for name, want := range spec.Variables {
		v, ok := vars[name]
		if !ok || v.Offset != int(want.Offset) || v.Size != len(want.Value) || v.Static {
			t.Errorf("variable %+v, want %+v", v, want)
		}
		if want.Type != nil && spellPlain(v.Type) != typeName(want.Type.Type) {
			t.Errorf("variable %s: type %s, want %v", name, ctypes.Spell(v.Type, ""), want.Type.Type)
		}
	}
}

// typeName spells the types that the variables of testdata have.
func typeName(t btf.Type) string {
	switch x := t.(type) {
	case *btf.Const:
		return "const " + typeName(x.Type)
	case *btf.Volatile:
		return "volatile " + typeName(x.Type)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", typeName(x.Type), x.Nelems)
	case *btf.Pointer:
		return typeName(x.Target) + " *"
	}
	return t.TypeName()
}

// compareCode compares instructions. The other reader appends to each program
// the functions that it calls.
func compareCode(t *testing.T, o *Object, spec *ebpf.CollectionSpec) {
	t.Helper()
	seen := map[string]bool{}
	for name, p := range spec.Programs {
		f := o.Func(name)
		if f == nil || f.Section != p.SectionName || o.License != p.License {
			t.Errorf("program %s of section %s: %+v", name, p.SectionName, f)
			continue
		}
		for rest := p.Instructions; len(rest) > 0; {
			end := 1
			for end < len(rest) && rest[end].Symbol() == "" {
				end++
			}
			seen[rest[0].Symbol()] = true
			compareFunc(t, o, rest[0].Symbol(), rest[:end])
			rest = rest[end:]
		}
	}
	for _, f := range o.Funcs {
		if !seen[f.Name] && f.Section != textSection {
			t.Errorf("function %s is not in any program", f.Name)
		}
	}
}

func compareFunc(t *testing.T, o *Object, name string, want asm.Instructions) {
	t.Helper()
	f := o.Func(name)
	if f == nil || len(f.Insns) != len(want) {
		t.Errorf("function %s: %+v, want %d instructions", name, f, len(want))
		return
	}
	fn := btf.FuncMetadata(&want[0])
	if fn != nil && (f.Proto == nil || f.Proto.Name != name) {
		t.Errorf("function %s: prototype %+v, want %v", name, f.Proto, fn)
	}
	if fn != nil && fn.Name != name {
		// In linked objects with code that no symbol names, the other
		// reader gives functions the places of their neighbours.
		return
	}
	lines, core := map[int]Line{}, map[int]CORE{}
	for _, l := range f.Lines {
		lines[l.Insn] = l
	}
	for _, c := range f.CORE {
		core[c.Insn] = c
	}
	for i := range want {
		w, g := &want[i], &f.Insns[i]
		compareInsn(t, name, i, g, w)
		line, _ := w.Source().(*btf.Line)
		l, ok := lines[i]
		if ok != (line != nil) || ok && (l.Text != line.Line() || l.File != line.FileName() || l.Line != int(line.LineNumber()) || l.Column != int(line.LineColumn())) {
			t.Errorf("%s %d: line %+v, want %v", name, i, l, line)
		}
		relo := btf.CORERelocationMetadata(w)
		c, ok := core[i]
		if ok != (relo != nil) {
			t.Errorf("%s %d: CO-RE %+v, want %v", name, i, c, relo)
		} else if s := fmt.Sprint(relo); ok && !strings.Contains(s, c.Access) {
			t.Errorf("%s %d: CO-RE %+v, want %v", name, i, c, relo)
		}
	}
}

// compareInsn compares one instruction and what it refers to.
func compareInsn(t *testing.T, name string, i int, g *isa.Instruction, w *asm.Instruction) {
	t.Helper()
	off := w.Offset
	if asm.OpCode(g.Op) != w.OpCode || uint8(g.Dst) != uint8(w.Dst) {
		t.Errorf("%s %d: %+v, want %v", name, i, g, w)
		return
	}
	if g.Ref.Kind == isa.RefNone {
		if uint8(g.Src) != uint8(w.Src) || g.Off != off || g.Imm != w.Constant {
			t.Errorf("%s %d: %+v, want %v", name, i, g, w)
		}
		return
	}
	if g.Ref.Name != w.Reference() && g.Ref.Kind != isa.RefKsym && g.Ref.Kind != isa.RefKfunc {
		t.Errorf("%s %d: refers to %+v, want %q", name, i, g.Ref, w.Reference())
	}
	if g.Ref.Kind == isa.RefData && g.Imm != w.Constant {
		t.Errorf("%s %d: offset %#x, want %#x", name, i, g.Imm, w.Constant)
	}
}

// TestClangExterns checks what the other reader keeps to itself.
func TestClangExterns(t *testing.T) {
	o, err := Open(clangObjects(t)["core"])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"bpf_rcu_read_lock":    "1 false void bpf_rcu_read_lock(void)",
		"bpf_rcu_read_unlock":  "1 true void bpf_rcu_read_unlock(void)",
		"bpf_prog_active":      "2 true void",
		"vfs_read":             "2 false void",
		"LINUX_KERNEL_VERSION": "3 false __u32",
		"CONFIG_HZ":            "3 false int",
	}
	for _, x := range o.Externs {
		got := fmt.Sprint(x.Kind, x.Weak, " ", ctypes.Spell(x.Type, ""))
		if x.Func != nil {
			got = fmt.Sprint(x.Kind, x.Weak, " ", ctypes.Spell(x.Func, x.Name))
		}
		if got != want[x.Name] {
			t.Errorf("%s is %q, want %q", x.Name, got, want[x.Name])
		}
		delete(want, x.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	kinds := map[COREKind]int{}
	for _, c := range o.Func("fields").CORE {
		kinds[c.Kind]++
	}
	for _, k := range []COREKind{COREFieldOffset, COREFieldSize, COREFieldExists, COREFieldLShift, COREFieldRShift,
		CORETypeExists, CORETypeSize, CORETypeIDTarget, COREEnumvalValue} {
		if kinds[k] == 0 {
			t.Errorf("no relocation of kind %s in %v", k, kinds)
		}
	}
	refs := map[string]isa.RefKind{}
	for _, in := range o.Func("externs").Insns {
		if in.Ref.Kind != isa.RefNone {
			refs[in.Ref.Name] = in.Ref.Kind
		}
	}
	if refs["bpf_rcu_read_lock"] != isa.RefKfunc || refs["CONFIG_HZ"] != isa.RefKsym || len(refs) != 6 {
		t.Errorf("references %v", refs)
	}
}

// TestClangWeak reads externs that the other reader refuses.
func TestClangWeak(t *testing.T) {
	o, err := Open(clangObjects(t)["weak"])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range o.Externs {
		got = append(got, fmt.Sprint(x.Name, " ", x.Kind, " ", x.Weak, " ", ctypes.Spell(x.Type, "")))
	}
	slices.Sort(got)
	if s := strings.Join(got, ", "); s != "CONFIG_NONE 3 true int, bpf_prog_active 2 true const int" {
		t.Error(s)
	}
}

// TestClangLegacy reads an object without BTF.
func TestClangLegacy(t *testing.T) {
	path := clangObjects(t)["legacy"]
	o, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if o.BTF != nil || o.Version != 0x050a00 || len(o.Maps) != 2 || !o.Maps[0].Legacy {
		t.Errorf("BTF %v, version %#x, maps %+v", o.BTF, o.Version, o.Maps)
	}
	if f := o.Func("on_open"); f == nil || f.Proto != nil || f.Lines != nil {
		t.Errorf("on_open: %+v", f)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}
