package testkit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skep-dev/skep/internal/sys"
)

// settle is how long the kernel may take to free what was closed: it does so
// after a grace period, and other processes come and go meanwhile.
const settle = 5 * time.Second

// NoLeaks makes the test fail when, at its end, the kernel holds programs,
// maps or links that it did not hold now, and that no other process holds.
func NoLeaks(t testing.TB) {
	t.Helper()
	lockKernel(t)
	l := leaksFrom()
	t.Cleanup(func() {
		t.Helper()
		if err := l.wait(); err != nil {
			t.Error(err)
		}
	})
}

// leaks remembers the objects that the kernel held at some time.
type leaks struct {
	before map[sys.ObjectKind]map[uint32]bool
	err    error
}

func leaksFrom() *leaks {
	before, err := bpfObjects()
	return &leaks{before, err}
}

// wait waits until the kernel holds no other objects than before, and says
// which ones it still holds when that takes too long.
func (l *leaks) wait() error {
	if l.err != nil {
		return l.err
	}
	deadline := time.Now().Add(settle)
	for {
		now, err := bpfObjects()
		if err != nil {
			return err
		}
		var left []error
		for _, kind := range leakKinds() {
			for id := range now[kind] {
				if !l.before[kind][id] {
					left = append(left, fmt.Errorf("left behind in the kernel: %s %d", kind, id))
				}
			}
		}
		if len(left) > 0 {
			left = l.withoutOthers(now)
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(left...)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// withoutOthers returns an error for each object that is new and that no
// process holds but this one, or none at all.
func (l *leaks) withoutOthers(now map[sys.ObjectKind]map[uint32]bool) []error {
	held := heldByOthers()
	var left []error
	for _, kind := range leakKinds() {
		for id := range now[kind] {
			if !l.before[kind][id] && !held[kind][id] {
				left = append(left, fmt.Errorf("left behind in the kernel: %s %d", kind, id))
			}
		}
	}
	return left
}

// heldByOthers returns the objects of which other processes have descriptors.
// Processes may end while it looks: what can't be read is passed over.
func heldByOthers() map[sys.ObjectKind]map[uint32]bool {
	fields := map[string]sys.ObjectKind{"prog_id:": sys.Programs, "map_id:": sys.Maps, "link_id:": sys.Links}
	held := make(map[sys.ObjectKind]map[uint32]bool)
	for _, kind := range leakKinds() {
		held[kind] = make(map[uint32]bool)
	}
	self := fmt.Sprintf("/proc/%d/", os.Getpid())
	files, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*") // the pattern is well formed
	for _, file := range files {
		if strings.HasPrefix(file, self) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, "\t")
			kind, ok := fields[name]
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			// The line prog_id of a link is that of its program, which is held as well.
			if ok && err == nil {
				held[kind][uint32(id)] = true
			}
		}
	}
	return held
}

func leakKinds() []sys.ObjectKind { return []sys.ObjectKind{sys.Programs, sys.Maps, sys.Links} }

func bpfObjects() (map[sys.ObjectKind]map[uint32]bool, error) {
	all := make(map[sys.ObjectKind]map[uint32]bool)
	for _, kind := range leakKinds() {
		ids, err := sys.ObjectIDs(kind)
		if err != nil {
			return nil, err
		}
		all[kind] = make(map[uint32]bool)
		for _, id := range ids {
			all[kind][id] = true
		}
	}
	return all, nil
}
