package ctypes

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestLiveDefinitions compares the C definitions of all structs and unions of
// the running kernel with those that bpftool prints.
func TestLiveDefinitions(t *testing.T) {
	k := liveKernel(t)
	if _, err := exec.LookPath("bpftool"); err != nil {
		t.Skip("SKIPPED, bpftool is not installed")
	}
	out, err := exec.Command("bpftool", "btf", "dump", "file", kernelBTF+"/vmlinux", "format", "c").Output()
	if err != nil {
		t.Fatal(err)
	}
	// What bpftool adds, and names that it has had to make unique.
	padding := regexp.MustCompile(`(?m)^\t+(long|int|short|char): ?\d+;\n`)
	attribute := regexp.MustCompile(`(?m) __attribute__\(\([a-z_()0-9, ]+\)\)`)
	unique := regexp.MustCompile(`___\d+\b`)
	definition := regexp.MustCompile(`(?ms)^((?:struct|union) \w+) \{$.*?^\}[^\n]*;$`)
	n, bad := 0, 0
	for _, m := range definition.FindAllStringSubmatch(string(out), -1) {
		if unique.MatchString(m[0]) {
			continue
		}
		n++
		typ, err := k.Type(m[1])
		if err != nil {
			t.Fatal(err)
		}
		want := attribute.ReplaceAllString(padding.ReplaceAllString(m[0]+"\n", ""), "")
		if got := Define(typ); got != want {
			if bad++; bad < 20 {
				t.Errorf("%s: %s", m[1], firstDifference(got, want))
			}
		}
	}
	t.Logf("%d of %d definitions differ", bad, n)
	if n < 1000 {
		t.Errorf("%d definitions found", n)
	}
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return "got  " + x[i] + "\nwant " + strings.Join(y[min(i, len(y)):min(i+1, len(y))], "")
		}
	}
	return "got less"
}
