package objview

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/inspect/asmfile"
	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/source"
	"github.com/skep-dev/skep/internal/testkit"
)

// compile makes an object of a C file.
func compile(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	clang := testkit.NeedsTool(t, "clang-19", "clang")
	out := filepath.Join(t.TempDir(), "o")
	args = append([]string{"-O2", "-g", "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu", "-c", file, "-o", out}, args...)
	if msg, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const zoo = "../../cli/bpftool/testdata/zoo.c"

func TestView(t *testing.T) {
	for _, target := range []string{"bpfel", "bpfeb"} {
		v, err := Read(compile(t, zoo, "-target", target))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"bpfel": "little", "bpfeb": "big"}[target]; v.Header.Order != want || v.Header.Machine != "BPF" || v.License != "GPL" {
			t.Errorf("%s: %+v, licence %q", target, v.Header, v.License)
		}
		if i := slices.IndexFunc(v.Maps, func(m Map) bool { return m.Name == "typed" }); i < 0 || v.Maps[i].Value != "struct value" || v.Maps[i].Type != "hash" {
			t.Errorf("%s: maps %+v", target, v.Maps)
		}
		if i := slices.IndexFunc(v.Globals, func(g Global) bool { return g.Name == "counter" }); i < 0 || v.Globals[i].Type != "int counter" || v.Globals[i].Section != ".data" {
			t.Errorf("%s: globals %+v", target, v.Globals)
		}
		i := slices.IndexFunc(v.Programs, func(f Function) bool { return f.Name == "filter_with_a_long_name" })
		if i < 0 {
			t.Fatalf("%s: programs %+v", target, v.Programs)
		}
		f := v.Programs[i]
		for _, want := range []string{"bpf_map_lookup_elem", "bpf_ringbuf_reserve", "helper"} {
			if !slices.Contains(f.Calls, want) {
				t.Errorf("%s: %s is not among the calls %v", target, want, f.Calls)
			}
		}
		if !slices.Contains(f.Maps, "typed") || !slices.ContainsFunc(f.Code, func(in Insn) bool { return in.Text == "r1 = map[typed]" }) {
			t.Errorf("%s: maps %v", target, f.Maps)
		}
		if !slices.ContainsFunc(v.Relocations, func(r Relocation) bool {
			return r.Section == "socket" && r.Type == "R_BPF_64_64" && r.Symbol == "typed"
		}) {
			t.Errorf("%s: relocations %+v", target, v.Relocations)
		}
	}
}

func TestCORE(t *testing.T) {
	v, err := Read(compile(t, "../../object/testdata/core.c", "-target", "bpf"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, c := range v.CORE {
		paths = append(paths, c.Kind+" "+c.Path)
		if strings.Contains(c.Path, "..") || c.Type == "" {
			t.Errorf("%+v", c)
		}
	}
	if len(v.CORE) == 0 {
		t.Fatal("no CO-RE relocations")
	}
	if !slices.ContainsFunc(paths, func(p string) bool {
		return regexp.MustCompile(`^field_byte_offset struct \w+\.\w+`).MatchString(p)
	}) {
		t.Errorf("no access to a member among %q", paths)
	}
}

// What llvm-objdump says of the same object: as many instructions in each
// section, the same relocations, the same bytes.
func TestLLVM(t *testing.T) {
	tool := testkit.NeedsTool(t, "llvm-objdump-19", "llvm-objdump-14", "llvm-objdump")
	for _, file := range []string{zoo, "../../object/testdata/core.c", "../../object/testdata/basic.c"} {
		data := compile(t, file, "-target", "bpf")
		v, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "o.o")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "-d", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		theirs := map[string][]string{} // bytes of instructions by their section
		section := ""
		insn := regexp.MustCompile(`^\s+\d+:\s((?:[0-9a-f]{2} )+)\s*(.*)`)
		for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
			if name, ok := strings.CutPrefix(s.Text(), "Disassembly of section "); ok {
				section = strings.TrimSuffix(name, ":")
			}
			if m := insn.FindStringSubmatch(s.Text()); m != nil {
				theirs[section] = append(theirs[section], strings.ReplaceAll(m[1], " ", ""))
			}
		}
		ours := map[string]int{}
		for _, f := range slices.Concat(v.Programs, v.Subprograms) {
			ours[f.Section] += len(f.Code)
		}
		for section, want := range theirs {
			if ours[section] != len(want) {
				t.Errorf("%s: section %s has %d instructions, llvm-objdump has %d", file, section, ours[section], len(want))
			}
		}
		out, err = exec.Command(tool, "-r", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Count(out, []byte("R_BPF_")); len(v.Relocations) != want {
			t.Errorf("%s: %d relocations, llvm-objdump has %d", file, len(v.Relocations), want)
		}
	}
}

const small = ".license \"GPL\"\n.map m hash key 4 value 8 entries 1\n.data .rodata align 4\n.bytes 00112233\n" +
	".func f section \"xdp\"\n\tr1 = data[.rodata]+1\n\tr1 = map[m]\n\tif r1 == 0x0 goto out\n\tcall bpf_ktime_get_ns#5\nout:\n\texit\n"

func TestJSON(t *testing.T) {
	data, err := asmfile.Assemble(source.NewFile("t.s", small))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back View
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
	for _, key := range []string{`"symbols":[`, `"label":"L`, `"order"`} {
		if strings.Contains(string(text), key) == (key == `"order"`) {
			t.Errorf("%s: %s", key, text)
		}
	}
}

// A broken object is an error that names the place, and never a panic.
func FuzzRead(f *testing.F) {
	data, err := asmfile.Assemble(source.NewFile("t.s", small))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<15 {
			return
		}
		v, err := Read(data)
		if err != nil {
			if !errors.As(err, new(*object.FormatError)) && !strings.HasPrefix(err.Error(), "function ") {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	})
}

// Every cut of an object and every changed byte of it is read or refused.
func TestBroken(t *testing.T) {
	data, err := asmfile.Assemble(source.NewFile("t.s", small))
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		_, _ = Read(data[:n])
		changed := slices.Clone(data)
		for _, c := range []byte{0, 0xff, changed[n] ^ 1} {
			changed[n] = c
			_, _ = Read(changed)
		}
	}
}
