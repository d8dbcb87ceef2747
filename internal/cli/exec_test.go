package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runExec runs skep exec and returns what it wrote and the exit status.
func runExec(t *testing.T, stdin string, args ...string) (out, errs string, status int) {
	t.Helper()
	var o, e bytes.Buffer
	std := &streams{in: strings.NewReader(stdin), out: &o, err: &e}
	root, _ := newRootCmd(std)
	args = append([]string{"exec"}, args...)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err != nil {
		status = report(std.err, cmd, args, err)
	}
	return o.String(), e.String(), status
}

func TestExec(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	prog := write("p.s", "r0 = *(u8 *)(r1 + 1)\nr0 += r2\nexit\n")
	suite := write("ok.jsonl", `{"name":"a","mem":"","insns":"b7000000070000009500000000000000","r0":"7"}`+"\n")
	bad := write("bad.jsonl", `{"name":"a","mem":"","insns":"b7000000070000009500000000000000","r0":"8"}`+"\n")
	const seven = "b7000000070000009500000000000000"
	for _, k := range []struct {
		name   string
		stdin  string
		args   []string
		out    string
		errs   string
		status int
	}{
		{"hex", "", []string{seven}, "7\n", "", 0},
		{"hex on stdin", seven[:16] + "\n" + seven[16:], []string{"-"}, "7\n", "", 0},
		{"assembly", "", []string{"--mem", "0a0b0c", prog}, "e\n", "", 0},
		{"assembly on stdin", "w0 = -1\nexit", []string{"-"}, "ffffffff\n", "", 0},
		{"plugin", seven, []string{"--plugin", "00 01"}, "7\n", "", 0},
		{"plugin without memory", seven, []string{"--plugin"}, "7\n", "", 0},
		{"suite", "", []string{"--suite", suite}, "1 passed, 0 failed\n", "", 0},
		{"failing suite", "", []string{"--suite", bad}, "a: r0 is 7, not 8\n0 passed, 1 failed\n", "", 1},
		{"fault", "", []string{"--mem", "0a", prog}, "", "read of 1 bytes", 1},
		{"malformed", "", []string{"ff00000000000000"}, "", "unknown opcode", 1},
		{"no program", "", nil, "", "no program", 2},
		{"bad memory", "", []string{"--mem", "xyz", seven}, "", "--mem", 2},
		{"engine to come", "", []string{"--engine", "jit", seven}, "", "doesn't exist yet", 1},
		{"unknown engine", "", []string{"--engine", "z80", seven}, "", "unknown engine", 2},
		{"endless", "", []string{"--limit", "1000", "0500ffff00000000"}, "", "budget", 1},
	} {
		t.Run(k.name, func(t *testing.T) {
			out, errs, status := runExec(t, k.stdin, k.args...)
			if out != k.out || status != k.status || !strings.Contains(errs, k.errs) {
				t.Errorf("status %d, %q, %q; want %d, %q, %q", status, out, errs, k.status, k.out, k.errs)
			}
		})
	}
}
