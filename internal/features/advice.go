package features

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/skep-dev/skep/internal/sys"
)

// Advice says what stands between this process and what it tried to do, and
// what to type about it.
type Advice struct {
	Missing  []string // facts, one per line
	Commands []string // each of them helps
}

// tracing lists what loading and attaching tracing programs needs.
func tracing() []Capability { return []Capability{CapBPF, CapPerfmon, CapDACReadSearch} }

// Advise looks for the reason why the kernel did not permit what skep tried,
// when err comes from a lack of privileges. args is the command line as it was
// typed, for a command that repeats it. The result is nil when there is
// nothing to advise.
func Advise(err error, args []string) *Advice {
	var tracefs *sys.TracefsError
	if errors.As(err, &tracefs) {
		return &Advice{
			Missing:  []string{"tracefs, the file system that lists the tracepoints"},
			Commands: []string{"sudo mount -t tracefs nodev " + sys.TracefsDir},
		}
	}
	if !errors.Is(err, os.ErrPermission) {
		return nil
	}
	have, err := Effective()
	if err != nil {
		return nil
	}
	return advise(have, os.Geteuid() == 0, readLockdown(), executable(), args)
}

// advise is Advise for given facts: the effective capabilities, whether the
// user is root, the kernel's lockdown mode and the binary's path.
func advise(have Set, root bool, lockdown, binary string, args []string) *Advice {
	a := &Advice{}
	var names, all []string
	for _, c := range tracing() {
		all = append(all, c.String())
		if !have.Allows(c) {
			a.Missing = append(a.Missing, fmt.Sprintf("%s, %s", strings.ToUpper(c.String()), c.purpose()))
			names = append(names, c.String())
		}
	}
	switch {
	case len(names) > 0 && root:
		// Root without capabilities is root of a container.
		flags := make([]string, len(names))
		for i, n := range names {
			flags[i] = "--cap-add " + strings.ToUpper(strings.TrimPrefix(n, "cap_"))
		}
		a.Missing = append(a.Missing, "this root user lacks capabilities; it may be that of a container")
		a.Commands = append(a.Commands, "docker run "+strings.Join(flags, " ")+" ...")
	case len(names) > 0:
		a.Commands = append(a.Commands, "sudo "+quote(args))
		if binary != "" {
			a.Commands = append(a.Commands, fmt.Sprintf("sudo setcap %s+ep %s", strings.Join(all, ","), quote([]string{binary})))
		}
	}
	if lockdown == "confidentiality" {
		a.Missing = append(a.Missing, "the kernel is locked down for confidentiality, which keeps BPF programs from reading kernel memory")
	}
	if len(a.Missing) == 0 {
		return nil
	}
	return a
}

// readLockdown returns the lockdown mode in effect, or "" when there is none.
func readLockdown() string {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "[")
	mode, _, _ := strings.Cut(rest, "]")
	return mode
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

// quote writes a command line so that a shell reads it back as it was.
func quote(args []string) string {
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		if a != "" && strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%") == "" {
			b.WriteString(a)
			continue
		}
		b.WriteString("'" + strings.ReplaceAll(a, "'", `'\''`) + "'")
	}
	return b.String()
}
