package render

import (
	"strconv"
	"time"

	"github.com/skep-dev/skep/internal/plan"
)

// Env is what rendering needs besides the bytes: the script's settings and
// what the machine knows. The zero Env shows raw numbers for what it can't
// name. An Env must not change while it is in use.
type Env struct {
	Settings plan.Settings
	Probes   []plan.Probe // for names of probes

	// Boot is the wall-clock time of the machine's boot, to which
	// timestamps are relative. Without it they show as "(?)".
	Boot time.Time
	// Location is the time zone of timestamps; nil is the local one.
	Location *time.Location
	// Users names users; nil shows the number.
	Users Usernames
	// Symbols names addresses; nil shows the address.
	Symbols Symbolizer
}

// Usernames names users by their numeric id; "" is one without a name.
type Usernames interface {
	Username(uid uint64) string
}

// Symbolizer names addresses. Both methods return one line per function at the
// address, the innermost inlined one first, and none when it has no name.
type Symbolizer interface {
	// Kernel names an address of the kernel, with the offset from the
	// function's start ("name+12") on request.
	Kernel(addr uint64, offset bool) []string
	// User names an address of a process. The process may be gone; probe,
	// an index into the plan's probes, can then tell its binary.
	User(addr uint64, pid, probe uint32, offset bool) []string
}

// Stack modes of the settings. The empty mode is StackBpftrace.
const (
	StackBpftrace = "bpftrace" // "        name+offset"
	StackPerf     = "perf"     // "\taddress name+offset"
	StackRaw      = "raw"      // "address"
)

func (e *Env) trailer() string { return e.Settings.TruncTrailer }

func (e *Env) location() *time.Location {
	if e.Location != nil {
		return e.Location
	}
	return time.Local
}

func (e *Env) probeName(i uint64) string {
	if i < uint64(len(e.Probes)) {
		return e.Probes[i].Name
	}
	return strconv.FormatUint(i, 10)
}

func (e *Env) username(uid uint64) string {
	if e.Users == nil {
		return strconv.FormatUint(uid, 10)
	}
	return e.Users.Username(uid)
}

// timestamp writes the time ns nanoseconds after boot.
func (e *Env) timestamp(ns uint64, format string) string {
	if e.Boot.IsZero() {
		return "(?)"
	}
	// In two steps, since a Duration holds half the range.
	t := e.Boot.Add(time.Duration(ns / 2)).Add(time.Duration(ns - ns/2))
	return string(AppendTimestamp(nil, format, t.In(e.location())))
}

func (e *Env) kernelSymbol(addr uint64) string {
	if e.Symbols != nil {
		if names := e.Symbols.Kernel(addr, false); len(names) > 0 {
			return names[0]
		}
	}
	return string(appendAddress(nil, addr))
}

func (e *Env) userSymbol(addr uint64, pid, probe uint32) string {
	if e.Symbols != nil {
		if names := e.Symbols.User(addr, pid, probe, false); len(names) > 0 {
			return names[0]
		}
	}
	return string(appendAddress(nil, addr))
}

func (e *Env) kernelNames(addr uint64) []string {
	if e.Symbols == nil {
		return nil
	}
	return e.Symbols.Kernel(addr, true)
}

func (e *Env) userNames(addr uint64, pid, probe uint32) []string {
	if e.Symbols == nil {
		return nil
	}
	return e.Symbols.User(addr, pid, probe, true)
}

// stack writes a line per frame, and a newline before the first.
func (e *Env) stack(frames []uint64, mode string, names func(uint64) []string) string {
	const indent = "        "
	out := []byte{'\n'}
	for _, addr := range frames {
		if addr == ^uint64(0) {
			out = append(out, indent+"<unwind failure>\n"...)
			break
		}
		if mode == StackRaw {
			out = append(strconv.AppendUint(out, addr, 16), '\n')
			continue
		}
		lines := names(addr)
		if len(lines) == 0 {
			lines = []string{string(appendAddress(nil, addr))}
		}
		for _, line := range lines {
			if mode == StackPerf {
				out = append(strconv.AppendUint(append(out, '\t'), addr, 16), ' ')
			} else {
				out = append(out, indent...)
			}
			out = append(append(out, line...), '\n')
		}
	}
	return string(out)
}
