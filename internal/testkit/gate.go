package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/skep-dev/skep/internal/features"
)

// skipsFile is the environment variable that names a file to which every
// skipped test appends a line.
const skipsFile = "SKEP_SKIPS"

// inCI reports whether a gate that can't be passed is to fail the test.
func inCI() bool { return os.Getenv("CI") == "true" }

// skip skips the test for a reason, or fails it in CI when required.
func skip(t testing.TB, required bool, reason string) {
	t.Helper()
	if required && inCI() {
		t.Fatalf("this test may not be skipped in CI: %s", reason)
	}
	if err := noteSkip(t.Name(), reason); err != nil {
		t.Fatal(err)
	}
	t.Skip(reason)
}

// noteSkip adds a line to the list of skipped tests, when there is one.
func noteSkip(test, reason string) error {
	name := os.Getenv(skipsFile)
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s: %s\n", test, reason)
	return errors.Join(err, f.Close())
}

// NeedsRoot skips the test unless it runs as root on Linux.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, true, "needs root")
	}
}

// NeedsKernel skips the test unless this process may use the named features of
// the running kernel. Which names there are: see package features. Test
// binaries that need the kernel run one after the other.
func NeedsKernel(t testing.TB, names ...features.Name) {
	t.Helper()
	lockKernel(t)
	for _, name := range names {
		f, ok := features.Find(name)
		if !ok {
			t.Fatalf("there is no feature called %q", name)
		}
		if err := f.Probe(); err != nil {
			skip(t, f.Common, fmt.Sprintf("needs %s (Linux %s): %v", f.Name, f.Since, err))
		}
	}
}

// NeedsTool skips the test unless a program is installed, of which it
// returns the path. Every tool of which apt packages are installed by
// `make packages` is required in CI.
func NeedsTool(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, true, fmt.Sprintf("needs one of the programs %v", names))
	return ""
}

// NeedsFile skips the test unless the file or folder is there: test data that
// lies outside of the repository.
func NeedsFile(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		skip(t, false, err.Error())
	}
	return path
}
