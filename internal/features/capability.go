package features

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Capability is one of the kernel's capabilities, by its number in
// <linux/capability.h>.
type Capability uint

// The capabilities that loading and attaching programs can need.
const (
	CapDACReadSearch Capability = 2
	CapNetAdmin      Capability = 12
	CapSysAdmin      Capability = 21
	CapPerfmon       Capability = 38
	CapBPF           Capability = 39
)

// String is the name as setcap(8) takes it.
func (c Capability) String() string {
	switch c {
	case CapDACReadSearch:
		return "cap_dac_read_search"
	case CapNetAdmin:
		return "cap_net_admin"
	case CapSysAdmin:
		return "cap_sys_admin"
	case CapPerfmon:
		return "cap_perfmon"
	case CapBPF:
		return "cap_bpf"
	}
	return fmt.Sprintf("capability %d", uint(c))
}

// purpose says what skep needs a capability for.
func (c Capability) purpose() string {
	switch c {
	case CapDACReadSearch:
		return "to read the tracing file system, which belongs to root"
	case CapNetAdmin:
		return "to attach programs to the network"
	case CapSysAdmin:
		return "to mount the tracing file system"
	case CapPerfmon:
		return "to attach programs to tracepoints and other events"
	case CapBPF:
		return "to create maps and load programs"
	}
	return ""
}

// Set is a set of capabilities.
type Set uint64

// Has reports whether the set holds c.
func (s Set) Has(c Capability) bool { return s>>c&1 == 1 }

// Allows reports whether a process with these capabilities may do what c is
// asked for. CAP_SYS_ADMIN stands for those that were once part of it.
func (s Set) Allows(c Capability) bool {
	return s.Has(c) || (c == CapPerfmon || c == CapBPF) && s.Has(CapSysAdmin)
}

// Effective returns the capabilities that this process has in effect.
func Effective() (Set, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	return parseStatus(string(text))
}

// parseStatus finds the effective capabilities in the text of
// /proc/PID/status.
func parseStatus(text string) (Set, error) {
	for line := range strings.Lines(text) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			v, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("effective capabilities: %w", err)
			}
			return Set(v), nil
		}
	}
	return 0, fmt.Errorf("effective capabilities: not in the process status")
}
