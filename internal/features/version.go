package features

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/sys"
)

// Version is a Linux version. Vendors' suffixes don't count.
type Version struct{ Major, Minor, Patch int }

// Minimum is the oldest kernel that skep works with: the first long-term
// release with the ring buffer, BPF_PROG_TEST_RUN of raw tracepoints and
// CAP_BPF.
func Minimum() Version { return Version{5, 10, 0} }

func (v Version) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool {
	switch {
	case v.Major != w.Major:
		return v.Major < w.Major
	case v.Minor != w.Minor:
		return v.Minor < w.Minor
	}
	return v.Patch < w.Patch
}

// ParseRelease reads the version at the start of a kernel release such as
// "6.18.44-fc-v595" or "5.10.0+".
func ParseRelease(release string) (Version, error) {
	var parts [3]int
	rest := release
	for i := range parts {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n < 0 {
			n = len(rest)
		}
		if n == 0 && i == 2 {
			break // "7.0."
		}
		v, err := strconv.ParseUint(rest[:n], 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("kernel release %q: no version", release)
		}
		parts[i] = int(v)
		rest = rest[n:]
		if !strings.HasPrefix(rest, ".") {
			if i == 0 {
				return Version{}, fmt.Errorf("kernel release %q: no minor version", release)
			}
			break
		}
		rest = rest[1:]
	}
	return Version{parts[0], parts[1], parts[2]}, nil
}

// OldKernelError says that the running kernel is too old.
type OldKernelError struct {
	Release string // of the running kernel
	Needed  Version
}

func (e *OldKernelError) Error() string {
	return fmt.Sprintf("kernel %s is too old: skep needs Linux %s or newer", e.Release, e.Needed)
}

// CheckKernel returns the running kernel's version, and an *OldKernelError
// when skep can't work with it.
func CheckKernel() (Version, error) {
	release, err := sys.KernelRelease()
	if err != nil {
		return Version{}, err
	}
	return checkRelease(release)
}

// checkRelease is CheckKernel for a given release.
func checkRelease(release string) (Version, error) {
	v, err := ParseRelease(release)
	if err != nil {
		return Version{}, err
	}
	if v.Less(Minimum()) {
		return v, &OldKernelError{release, Minimum()}
	}
	return v, nil
}

// UnlimitMemory lifts RLIMIT_MEMLOCK where maps and programs are charged to
// it, before Linux 5.11, and reports whether they are limited nevertheless.
// That is no error: what fits below the limit works.
func UnlimitMemory() (limited bool) {
	v, err := CheckKernel()
	return err == nil && v.Less(Version{5, 11, 0}) && sys.RaiseMemlock() != nil
}
