package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/testkit"
	"github.com/skep-dev/skep/kernel"
)

// readAnything does all that skep run does with an object before it loads it.
func readAnything(object []byte) (string, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return "", err
	}
	kernel.ProbesOf(spec)
	var out strings.Builder
	err = narrateObject(&out, "x.o", object, spec)
	return out.String(), err
}

// sample is an object made by clang, or skips the test.
func sample(t testing.TB) []byte {
	t.Helper()
	testkit.NeedsTool(t, "clang", "clang-19")
	file := filepath.Join(t.TempDir(), "sample.c")
	text := `
struct { int (*type)[1]; int (*max_entries)[4]; int *key; long *value; } counts __attribute__((section(".maps"), used));
static void *(*const lookup)(void *, const void *) = (void *)1;
const volatile int limit = 3;
int seen;
__attribute__((section("tp/sched/sched_switch"), used)) int p(void *ctx)
{
	int key = 0;
	long *v = lookup(&counts, &key);
	if (v && seen < limit)
		seen++;
	return 0;
}
char LICENSE[] __attribute__((section("license"), used)) = "GPL";
`
	qt.Assert(t, qt.IsNil(os.WriteFile(file, []byte(text), 0o644)))
	object, err := compileC(t.Context(), io.Discard, file)
	qt.Assert(t, qt.IsNil(err))
	return object
}

func TestNarrateObject(t *testing.T) {
	out, err := readAnything(sample(t))
	qt.Assert(t, qt.IsNil(err))
	for _, want := range []string{"section tp/sched/sched_switch: code, ", ": map counts\n", ": limit in .rodata\n", ": seen in .bss\n", "section .BTF.ext: "} {
		qt.Check(t, qt.StringContains(out, want))
	}
}

// An object that ends anywhere is an error or an object, never a panic.
func TestTruncatedObject(t *testing.T) {
	object := sample(t)
	for n := range object {
		if out, err := readAnything(object[:n]); err == nil && out == "" {
			t.Errorf("%d of %d bytes: neither an error nor an object", n, len(object))
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	if clang, err := findClang(); err == nil && clang != "" {
		f.Add(sample(f))
	}
	f.Fuzz(func(_ *testing.T, object []byte) { _, _ = readAnything(object) })
}
