package tracefs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
)

// live opens the machine's tracefs.
func live(t *testing.T) *FS {
	t.Helper()
	fsys, err := Find()
	if err != nil {
		t.Skipf("SKIPPED, no tracefs to read: %v", err)
	}
	return fsys
}

func TestLiveEventsAndDirectoriesAgree(t *testing.T) {
	fsys := live(t)
	events, err := fsys.Events()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := fsys.Directories()
	if err != nil {
		t.Fatal(err)
	}
	have := map[Event]bool{}
	for _, d := range dirs {
		if d.Category != "ftrace" {
			have[d] = true
		}
	}
	if len(events) == 0 || len(events) != len(have) {
		t.Errorf("%d events, %d directories", len(events), len(have))
	}
	for _, e := range events {
		if !have[e] {
			t.Errorf("%s has no directory", e)
		}
	}
}

// TestLiveFormats reads every format of the running kernel and holds the
// resolved record against the numbers in the text.
func TestLiveFormats(t *testing.T) {
	fsys := live(t)
	dirs, err := fsys.Directories()
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for _, e := range dirs {
		f, err := fsys.Format(e.Category, e.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		raw, err := os.ReadFile(filepath.Join(fsys.Dir(), "events", e.Category, e.Name, "format"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), "\tfield:"); n != len(f.Fields) {
			t.Errorf("%s: %d fields read, the text has %d", e, len(f.Fields), n)
		}
		for _, x := range f.Fields {
			fields++
			checkField(t, e, x)
		}
	}
	t.Logf("%d events, %d fields", len(dirs), fields)
}

func checkField(t *testing.T, e Event, x Field) {
	t.Helper()
	if !strings.Contains(x.Decl, x.Type.Name) || x.Type.Name == "" {
		t.Errorf("%s: field %q read as %q", e, x.Decl, x.Type.Name)
	}
	if x.Type.Offset != x.Offset*8 {
		t.Errorf("%s %s: offset %d bits, the format says byte %d", e, x.Decl, x.Type.Offset, x.Offset)
	}
	if x.Type.DataLoc {
		return
	}
	if n := ctypes.Sizeof(x.Type.Type); n != x.Size {
		t.Errorf("%s %s: size %d, the format says %d", e, x.Decl, n, x.Size)
	}
	if i, ok := ctypes.Strip(x.Type.Type).(*ctypes.Int); ok && i.Signed != x.Signed {
		t.Errorf("%s %s: signed %v, the format says %v", e, x.Decl, i.Signed, x.Signed)
	}
}

func TestLiveTracepoint(t *testing.T) {
	fsys := live(t)
	s, err := fsys.Tracepoint("sched", "sched_process_exec")
	if err != nil {
		t.Fatal(err)
	}
	f, bits, ok := s.Lookup("filename")
	if !ok || !f.DataLoc || bits%32 != 0 {
		t.Errorf("filename: %+v at bit %d, %v", f, bits, ok)
	}
	if f, bits, ok = s.Lookup("common_pid"); !ok || bits != 32 || ctypes.Sizeof(f.Type) != 4 {
		t.Errorf("common_pid: %+v at bit %d, %v", f, bits, ok)
	}
	for _, bad := range []Event{{"sched", "no_such_event"}, {"..", "events"}, {"sched/..", "sched"}, {"", ""}} {
		if _, err := fsys.Tracepoint(bad.Category, bad.Name); !errors.Is(err, ctypes.ErrNotFound) {
			t.Errorf("%v: error %v, want not found", bad, err)
		}
	}
	again, err := fsys.Tracepoint("sched", "sched_process_exec")
	if err != nil || again != s {
		t.Errorf("a second question gives another struct (%v)", err)
	}
}

func TestMount(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, mounting needs root")
	}
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skipf("SKIPPED, not on Linux: %v", err)
	}
	m, err := Mount()
	if err != nil {
		t.Skipf("SKIPPED, no private mount to be had: %v", err)
	}
	events, err := m.Events()
	if err != nil || len(events) == 0 {
		t.Errorf("%d events: %v", len(events), err)
	}
	if _, err := m.Tracepoint("sched", "sched_switch"); err != nil {
		t.Error(err)
	}
	after, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the private mount can be seen in the mount table")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Events(); err == nil {
		t.Error("the mount outlives Close")
	}
}

func TestFindSaysWhatIsWrong(t *testing.T) {
	a, b := t.TempDir(), filepath.Join(t.TempDir(), "missing")
	_, err := find([]string{a, b})
	if !errors.Is(err, ErrNotMounted) || !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), b) {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(a, "available_events"), []byte("x:y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := find([]string{b, a}); err != nil {
		t.Errorf("second place: %v", err)
	}
}

const sample = `name: sample
ID: 77
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:pid_t pid;	offset:8;	size:4;	signed:1;
	field:some_unknown_t cookie;	offset:16;	size:8;	signed:0;
	field:guid_t id;	offset:24;	size:16;	signed:0;
	field:char comm[TASK_COMM_LEN];	offset:40;	size:16;	signed:0;
	field:unsigned long args[6];	offset:56;	size:24;	signed:0;
	field:enum zone_type idx;	offset:80;	size:1;	signed:0;
	field:__data_loc char[] name;	offset:84;	size:4;	signed:0;
	field:__rel_loc unsigned int[] nums;	offset:88;	size:4;	signed:0;
	field:struct pair p;	offset:96;	size:12;	signed:0;
	field:char buf[];	offset:108;	size:0;	signed:0;
	field:unsigned signed_later;	offset:108;	size:4;	signed:1;
	field:const char __user * u;	offset:112;	size:8;	signed:0;

print fmt: "pid=%d; x", REC->pid
`

func TestParseFormat(t *testing.T) {
	f, err := ParseFormat([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "sample" || f.ID != 77 || f.Print != `"pid=%d; x", REC->pid` {
		t.Errorf("%q %d %q", f.Name, f.ID, f.Print)
	}
	want := []struct {
		decl, spell   string
		offset, size  int
		common        bool
		dataLoc, relL bool
	}{
		{"common_type", "unsigned short common_type", 0, 2, true, false, false},
		{"common_pid", "int common_pid", 4, 4, true, false, false},
		{"pid", "pid_t pid", 8, 4, false, false, false},
		{"cookie", "some_unknown_t cookie", 16, 8, false, false, false},
		{"id", "guid_t id", 24, 16, false, false, false},
		{"comm", "char comm[16]", 40, 16, false, false, false},
		{"args", "unsigned long args[6]", 56, 24, false, false, false},
		{"idx", "enum zone_type idx", 80, 1, false, false, false},
		{"name", "char name[]", 84, 0, false, true, false},
		{"nums", "unsigned int nums[]", 88, 0, false, false, true},
		{"p", "struct pair p", 96, 12, false, false, false},
		{"buf", "char buf[]", 108, 0, false, false, false},
		{"signed_later", "unsigned int signed_later", 108, 4, false, false, false},
		{"u", "const char *u", 112, 8, false, false, false},
	}
	if len(f.Fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(f.Fields), len(want))
	}
	for i, w := range want {
		x := f.Fields[i]
		if x.Type.Name != w.decl || x.Offset != w.offset || x.Common != w.common || x.Type.DataLoc != w.dataLoc || x.Type.RelLoc != w.relL {
			t.Errorf("field %d: %+v, want %+v", i, x, w)
		}
		if got := ctypes.Spell(x.Type.Type, x.Type.Name); got != w.spell {
			t.Errorf("field %d spelled %q, want %q", i, got, w.spell)
		}
		if n := ctypes.Sizeof(x.Type.Type); n != w.size {
			t.Errorf("field %s: size %d, want %d", w.decl, n, w.size)
		}
	}
	s := f.Struct("rec")
	if s.Size != 120 || len(s.Fields) != len(want) {
		t.Errorf("struct of %d bytes, %d fields", s.Size, len(s.Fields))
	}
	last, _, _ := s.Lookup("signed_later")
	if i, ok := ctypes.Strip(last.Type).(*ctypes.Int); !ok || !i.Signed {
		t.Errorf("the format's sign does not win: %+v", last.Type)
	}
	args, _, _ := s.Lookup("args")
	if n := ctypes.Sizeof(ctypes.Strip(args.Type).(*ctypes.Array).Elem); n != 4 {
		t.Errorf("the format's size does not win: elements of %d bytes", n)
	}
	if p, ok := ctypes.Strip(s.Fields[len(s.Fields)-1].Type).(*ctypes.Pointer); !ok || p.Tag != "user" {
		t.Errorf("__user is lost: %+v", s.Fields[len(s.Fields)-1].Type)
	}
}

func TestParseFormatErrors(t *testing.T) {
	for _, text := range []string{
		"", "name: x\n", "ID: 3\n", "name: x\nID: y\n", "name: x\nID: -4\n",
		"name: x\nID: 1\n\tfield:int a;\toffset:z;\tsize:4;\tsigned:1;\n",
		"name: x\nID: 1\n\tfield:int a;\toffset:0;\n",
		"name: x\nID: 1\n\tfield:;\toffset:0;\tsize:4;\tsigned:1;\n",
		"name: x\nID: 1\n\tfield:int;\toffset:0;\tsize:4;\tsigned:1;\n",
		"name: x\nID: 1\n\tfield:int a;\toffset:999999999;\tsize:4;\tsigned:1;\n",
	} {
		if f, err := ParseFormat([]byte(text)); err == nil {
			t.Errorf("%q: no error, %+v", text, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("name: a\nID: 1\n\tfield:__data_loc char[] b;\toffset:0;\tsize:4;\tsigned:0;\n"))
	f.Add([]byte("name: a\nID: 1\n\tfield:int (*f)(int, char[3]) [2];\toffset:8;\tsize:16;\tsigned:0;\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ParseFormat(text)
		if err != nil {
			return
		}
		s := got.Struct("x")
		for i, x := range s.Fields {
			if x.Type == nil || x.Name == "" {
				t.Fatalf("field %d is %+v", i, x)
			}
			if n := ctypes.Sizeof(x.Type); !x.DataLoc && !x.RelLoc && n != got.Fields[i].Size {
				t.Fatalf("%q: size %d, the format says %d", got.Fields[i].Decl, n, got.Fields[i].Size)
			}
			ctypes.Spell(x.Type, x.Name)
		}
	})
}
