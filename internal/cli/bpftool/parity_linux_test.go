package bpftool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/testkit"
)

// zoo loads many kinds of programs and maps and pins them, until the end of the
// test. It returns the folder and the object.
func zoo(t *testing.T) (dir, object string) {
	t.Helper()
	testkit.NeedsRoot(t)
	object = compile(t)
	testkit.NoLeaks(t)
	dir = fmt.Sprintf("/sys/fs/bpf/skep_test_%d", os.Getpid())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []string{
		"prog loadall OBJ DIR/p pinmaps DIR/m",
		"map create DIR/inner type array key 4 value 4 entries 1 name inner",
		"map create DIR/outer type hash_of_maps key 4 value 4 entries 4 name outer inner_map pinned DIR/inner",
		"map create DIR/socks type sockmap key 4 value 4 entries 2 name socks",
		"map create DIR/array type percpu_array key 4 value 12 entries 2 name array",
		"map update pinned DIR/outer key 1 0 0 0 value pinned DIR/inner",
		"map update pinned DIR/m/calls key 1 0 0 0 value pinned DIR/p/classify",
		"map update pinned DIR/m/typed key 1 0 0 0 value hex " + strings.Repeat("41 fe 07 ", 26) + "41 fe any",
		"map update pinned DIR/m/typed key 0x2 0 0 0 value hex " + strings.Repeat("00 ", 44) + strings.Repeat("62 65 65 00 ", 9),
		"map update pinned DIR/m/per_cpu key 1 0 0 0 value hex " + "ff 02 62 65 65 00 00 00 00 00",
		"map update pinned DIR/m/bytes key " + strings.Repeat("7 ", 20) + "value " + strings.Repeat("8 ", 40),
		"map update pinned DIR/array key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12 exist",
		"map push pinned DIR/m/queue value 1 2 3 4",
	} {
		if out, err := skep(strings.Fields(expand(c, dir, object))...); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, out)
		}
	}
	return dir, object
}

func expand(c, dir, object string) string {
	return strings.NewReplacer("DIR", dir, "OBJ", object).Replace(c)
}

// compile makes the object with clang.
func compile(t *testing.T) string {
	t.Helper()
	clang := testkit.NeedsTool(t, "clang-19", "clang")
	object := filepath.Join(t.TempDir(), "zoo.o")
	args := []string{"-O2", "-g", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu", "-c", "testdata/zoo.c", "-o", object}
	if out, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return object
}

func skep(args ...string) (string, error) {
	var out, msg bytes.Buffer
	err := Run(context.Background(), Streams{In: strings.NewReader(""), Out: &out, Err: &msg}, args)
	return out.String(), err
}

// known are differences from bpftool 7.1 that are meant, by the end of a
// member's path: what 7.7 has in addition, and what 7.1 says wrongly.
func known(path string, theirs, ours any) bool {
	switch {
	case strings.HasSuffix(path, ".disasm"):
		// 7.1 takes the move of a per-CPU address for a plain one.
		return strings.Contains(fmt.Sprint(ours), "__percpu")
	case path == ".type":
		// Kinds that 7.1 doesn't know are bare numbers there.
		_, number := theirs.(json.Number)
		return number
	case strings.HasSuffix(path, ".val"):
		// 7.1 sign-extends values of unsigned enumerations.
		a, aok := theirs.(json.Number)
		b, bok := ours.(json.Number)
		return aok && bok && strings.HasPrefix(a.String(), "1844674407") && len(b.String()) == 10
	}
	return false
}

// compare reports what bpftool says and skep doesn't, or says otherwise.
func compare(path string, theirs, ours any) (diffs []string) {
	switch a := theirs.(type) {
	case map[string]any:
		b, ok := ours.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: an object is %v", path, ours)}
		}
		for k := range a {
			if _, ok := b[k]; !ok {
				diffs = append(diffs, fmt.Sprintf("%s.%s is missing", path, k))
				continue
			}
			diffs = append(diffs, compare(path+"."+k, a[k], b[k])...)
		}
		for k := range b {
			if _, ok := a[k]; !ok && k != "pids" && k != "orphaned" {
				diffs = append(diffs, fmt.Sprintf("%s.%s is added", path, k))
			}
		}
		return diffs
	case []any:
		b, ok := ours.([]any)
		if !ok || len(a) != len(b) {
			return []string{fmt.Sprintf("%s: %d elements are %v", path, len(a), ours)}
		}
		if strings.HasSuffix(path, ".pinned") {
			// Where bpffs is mounted at several places, each has its own order.
			a, b = byText(a), byText(b)
		}
		for i := range a {
			diffs = append(diffs, compare(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])...)
		}
		return diffs
	}
	if theirs != ours && !known(path, theirs, ours) {
		return []string{fmt.Sprintf("%s: %v is %v", path, theirs, ours)}
	}
	return nil
}

// byText is a list in the order of its elements' text.
func byText(list []any) []any {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

func decode(t *testing.T, who, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v in %.300q", who, err, text)
	}
	return v
}

// What bpftool prints as JSON, skep prints: the same keys and values.
func TestParity(t *testing.T) {
	bpftool := testkit.NeedsTool(t, "bpftool")
	dir, object := zoo(t)
	for _, c := range []string{
		"prog show pinned DIR/p/filter_with_a_long_name", "prog show name filter_with_a_long_name", "prog show tag b11459a0e11ca14c",
		"prog show pinned DIR/p/pass -f", "-f map show pinned DIR/m/calls", "map show pinned DIR/m/typed", "map show pinned DIR/m/bytes",
		"map show pinned DIR/m/zoo_rodata", "map show pinned DIR/outer", "map sh name queue",
		"map dump pinned DIR/m/typed", "map dump pinned DIR/m/per_cpu", "map dump pinned DIR/m/numbers", "map dump pinned DIR/m/bytes",
		"map dump pinned DIR/m/zoo_data", "map dump pinned DIR/m/zoo_rodata", "map dump pinned DIR/m/zoo_bss", "map dump pinned DIR/m/calls",
		"map dump pinned DIR/m/queue", "map dump pinned DIR/outer", "map dump pinned DIR/socks", "map dump pinned DIR/array",
		"map lookup pinned DIR/m/typed key 1 0 0 0", "map lookup pinned DIR/m/per_cpu key hex 1 0 0 0", "map lookup pinned DIR/m/typed key 9 0 0 0",
		"map getnext pinned DIR/m/bytes", "map getnext pinned DIR/m/numbers key 1 0 0 0", "map peek pinned DIR/m/queue", "map dump id 4294967295",
		"prog dump xlated pinned DIR/p/filter_with_a_long_name", "prog dump xlated pinned DIR/p/filter_with_a_long_name linum",
		"prog dump xlated pinned DIR/p/filter_with_a_long_name opcodes", "p d x tag b11459a0e11ca14c", "prog dump xlated name classify",
		"btf show id 1", "btf dump prog pinned DIR/p/filter_with_a_long_name", "btf dump map pinned DIR/m/typed kv",
		"btf dump map pinned DIR/m/typed value", "btf dump file OBJ", "btf dump id 1", "cgroup tree", "link show id 2147483647", "prog show id 0",
	} {
		args := strings.Fields(expand(c, dir, object))
		theirs, theirErr := exec.Command(bpftool, append([]string{"-j"}, args...)...).Output()
		ours, ourErr := skep(append([]string{"-j"}, args...)...)
		if (theirErr == nil) != (ourErr == nil) {
			t.Errorf("%s: bpftool ends with %v, skep with %v", c, theirErr, ourErr)
		}
		for i, d := range compare("", decode(t, "bpftool "+c, string(theirs)), decode(t, "skep "+c, ours)) {
			if i == 5 {
				break
			}
			t.Errorf("%s: %s", c, d)
		}
	}
}

// The text of dumps is bpftool's, byte for byte.
func TestText(t *testing.T) {
	bpftool := testkit.NeedsTool(t, "bpftool")
	dir, object := zoo(t)
	for _, c := range []string{
		"prog show pinned DIR/p/pass", "map show pinned DIR/m/calls", "map show pinned DIR/m/zoo_rodata", "map dump pinned DIR/m/bytes",
		"map dump pinned DIR/m/typed", "map dump pinned DIR/m/per_cpu", "map dump pinned DIR/array", "map dump pinned DIR/outer",
		"map dump pinned DIR/socks", "map lookup pinned DIR/m/typed key 2 0 0 0", "map lookup pinned DIR/m/bytes key " + strings.Repeat("7 ", 20),
		"map peek pinned DIR/m/queue", "prog dump xlated pinned DIR/p/classify", "prog dump xlated pinned DIR/p/on_tracepoint linum",
		"prog dump xlated pinned DIR/p/on_tracepoint opcodes", "btf dump file OBJ", "btf dump map pinned DIR/m/typed kv format c",
		"btf dump id 1",
	} {
		args := strings.Fields(expand(c, dir, object))
		theirs, err := exec.Command(bpftool, args...).Output()
		if err != nil && !strings.Contains(c, "socks") {
			t.Errorf("bpftool %s: %v", c, err)
		}
		ours, err := skep(args...)
		if err != nil && err.Error() != "" {
			t.Errorf("skep %s: %v", c, err)
		}
		if strings.TrimSpace(ours) != strings.TrimSpace(string(theirs)) {
			t.Errorf("%s: %s", c, firstDifference(string(theirs), ours))
		}
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""), a[i])
		}
	}
	return "there are more lines"
}

// What changes things changes them.
func TestChanges(t *testing.T) {
	dir, object := zoo(t)
	run := func(want string, c string) {
		t.Helper()
		out, err := skep(append([]string{"-j"}, strings.Fields(expand(c, dir, object))...)...)
		if err != nil && !errors.As(err, new(*Reported)) && err.Error() != "" {
			t.Errorf("%s: %v", c, err)
		}
		if got := strings.TrimSpace(out); got != want {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
	}
	run(`{"key":[],"value":["0x01","0x02","0x03","0x04"]}`, "map pop pinned DIR/m/queue")
	run(`null`, "map dequeue pinned DIR/m/queue")
	run(`null`, "map enqueue pinned DIR/m/queue value 9 9 9 9")
	run(`{"key":[],"value":["0x09","0x09","0x09","0x09"]}`, "map peek pinned DIR/m/queue")
	run(`null`, "map delete pinned DIR/m/typed key 1 0 0 0")
	run(`null`, "map lookup pinned DIR/m/typed key 1 0 0 0")
	run(`{"error":"delete failed: No such file or directory"}`, "map delete pinned DIR/m/typed key 1 0 0 0")
	run(`{"error":"update failed: File exists"}`, "map update pinned DIR/array key 0 0 0 0 value 1 2 3 4 5 6 7 8 9 0 1 2 noexist")
	run(`null`, "map freeze pinned DIR/inner")
	run(`{"error":"update failed: Operation not permitted"}`, "map update pinned DIR/inner key 0 0 0 0 value 1 2 3 4")
	run(`null`, "prog pin pinned DIR/p/pass DIR/again")
	run(`{"error":"can't pin the object (`+dir+`/again): File exists"}`, "prog pin pinned DIR/p/pass DIR/again")
	run(`null`, "prog load OBJ DIR/one type socket map name typed pinned DIR/m/typed")
	run(`{"error":"incorrect object type: map"}`, "prog show pinned DIR/inner")
	run(`{"error":"key expected 4 bytes got 2"}`, "map lookup pinned DIR/m/typed key 1 2")
	run(`{"error":"error parsing byte: 256"}`, "map lookup pinned DIR/m/typed key 1 2 3 256")
}

func TestJited(t *testing.T) {
	dir, _ := zoo(t)
	out, err := skep("prog", "dump", "jited", "pinned", dir+"/p/filter_with_a_long_name", "linum")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"int filter_with_a_long_name(struct __sk_buff * skb):", "int helper(int x):", "; zero++; [file:", "\tleave", "callq __htab_map_lookup_elem"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the dump:\n%.2000s", want, out)
		}
	}
	if strings.Contains(out, ".byte") {
		t.Errorf("bytes that were not understood:\n%s", out)
	}
}

func TestRun(t *testing.T) {
	dir, _ := zoo(t)
	packet := filepath.Join(t.TempDir(), "packet")
	if err := os.WriteFile(packet, bytes.Repeat([]byte{'0'}, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := skep("-j", "prog", "run", "pinned", dir+"/p/pass", "data_in", packet, "data_out", "-", "repeat", "3")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data   []int `json:"data_out"`
		Retval int   `json:"retval"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Retval != 2 || len(got.Data) != 64 || got.Data[5] != '0' {
		t.Errorf("%v %s", err, out)
	}
}
