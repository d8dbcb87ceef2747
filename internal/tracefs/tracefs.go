package tracefs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skep-dev/skep/internal/ctypes"
)

// ErrNotMounted is wrapped by Find's error when tracefs is mounted at none of
// the usual places.
var ErrNotMounted = errors.New("tracefs is not mounted")

// Places are where tracefs is looked for, in this order.
func Places() []string { return []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} }

// FS is a mounted tracefs. It implements ctypes.Resolver for tracepoints, and
// may be used by several goroutines.
type FS struct {
	ctypes.Unknown

	dir   string
	close func() error

	mu      sync.Mutex
	records map[Event]*ctypes.Struct
}

// Event names a trace event.
type Event struct{ Category, Name string }

func (e Event) String() string { return e.Category + ":" + e.Name }

// Find opens the tracefs that is mounted at one of Places. It mounts nothing:
// when there is none, or it may not be read, the error says which and what
// would help.
func Find() (*FS, error) { return find(Places()) }

func find(places []string) (*FS, error) {
	var denied error
	for _, dir := range places {
		fsys, err := Open(dir)
		if err == nil {
			return fsys, nil
		}
		if denied == nil && errors.Is(err, fs.ErrPermission) {
			denied = err
		}
	}
	if denied != nil {
		return nil, fmt.Errorf("tracefs can't be read (root can, or who has been given access to it): %w", denied)
	}
	return nil, fmt.Errorf("%w at %s (root can: mount -t tracefs nodev %s)",
		ErrNotMounted, strings.Join(places, " or "), places[0])
}

// Open opens the tracefs mounted at dir.
func Open(dir string) (*FS, error) {
	// An unmounted mount point is an empty directory.
	f, err := os.Open(filepath.Join(dir, "available_events"))
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	f.Close()
	return &FS{dir: dir, records: map[Event]*ctypes.Struct{}}, nil
}

// Dir returns the directory of the mount, for files that this package has no
// function for.
func (t *FS) Dir() string { return t.dir }

// Close releases a private mount; it does nothing for a public one.
func (t *FS) Close() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}

// Events lists the events that can be attached to, in the kernel's order.
func (t *FS) Events() ([]Event, error) {
	data, err := os.ReadFile(filepath.Join(t.dir, "available_events"))
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	events := make([]Event, 0, bytes.Count(data, []byte("\n")))
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		if cat, name, ok := strings.Cut(sc.Text(), ":"); ok {
			events = append(events, Event{strings.Clone(cat), strings.Clone(name)})
		}
	}
	return events, sc.Err()
}

// Directories lists the events that have a directory with a format, sorted.
// Those of the category ftrace, the records of the kernel's own tracers, are
// not among Events.
func (t *FS) Directories() ([]Event, error) {
	root := filepath.Join(t.dir, "events")
	cats, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	var events []Event
	for _, c := range cats {
		if !c.IsDir() {
			continue
		}
		names, err := os.ReadDir(filepath.Join(root, c.Name()))
		if err != nil {
			return nil, fmt.Errorf("tracefs: %w", err)
		}
		for _, n := range names {
			if !n.IsDir() {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, c.Name(), n.Name(), "format")); err == nil {
				events = append(events, Event{c.Name(), n.Name()})
			}
		}
	}
	return events, nil
}

// Format reads the format of an event. The error wraps ctypes.ErrNotFound
// when there is no such event.
func (t *FS) Format(category, event string) (*Format, error) {
	e := Event{category, event}
	if !plain(category) || !plain(event) {
		return nil, ctypes.NotFound("tracepoint", e.String())
	}
	text, err := os.ReadFile(filepath.Join(t.dir, "events", category, event, "format"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ctypes.NotFound("tracepoint", e.String())
	}
	if err != nil {
		return nil, fmt.Errorf("tracepoint %s: %w", e, err)
	}
	f, err := ParseFormat(text)
	if err != nil {
		return nil, fmt.Errorf("tracepoint %s: format: %w", e, err)
	}
	return f, nil
}

// plain reports whether a name stays in its directory.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// Tracepoint implements ctypes.Resolver. The struct is named
// "trace_event_CATEGORY_EVENT", and asking again gives the same one.
func (t *FS) Tracepoint(category, event string) (*ctypes.Struct, error) {
	e := Event{category, event}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.records[e]; s != nil {
		return s, nil
	}
	f, err := t.Format(category, event)
	if err != nil {
		return nil, err
	}
	s := f.Struct("trace_event_" + category + "_" + event)
	t.records[e] = s
	return s, nil
}
