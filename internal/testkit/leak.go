package testkit

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	before objects
	err    error
}

func leaksFrom() *leaks {
	before, err := bpfObjects()
	return &leaks{before, err}
}

// wait waits until the kernel holds nothing that it holds now and did not
// hold before, and says what it still holds when that takes too long. What
// comes while it waits is somebody else's.
func (l *leaks) wait() error {
	if l.err != nil {
		return l.err
	}
	suspects, err := bpfObjects()
	if err != nil {
		return err
	}
	suspects.remove(l.before)
	for deadline := time.Now().Add(settle); ; time.Sleep(10 * time.Millisecond) {
		now, err := bpfObjects()
		if err != nil {
			return err
		}
		suspects.keep(now)
		if suspects.empty() {
			return nil
		}
		if time.Now().After(deadline) {
			suspects.remove(heldByOthers())
			return suspects.err()
		}
	}
}

// objects are ids of what the kernel holds, by kind.
type objects map[sys.ObjectKind]map[uint32]bool

func (o objects) remove(other objects) {
	for kind, ids := range o {
		maps.DeleteFunc(ids, func(id uint32, _ bool) bool { return other[kind][id] })
	}
}

func (o objects) keep(other objects) {
	for kind, ids := range o {
		maps.DeleteFunc(ids, func(id uint32, _ bool) bool { return !other[kind][id] })
	}
}

func (o objects) empty() bool {
	for _, ids := range o {
		if len(ids) > 0 {
			return false
		}
	}
	return true
}

func (o objects) err() error {
	var left []error
	for _, kind := range leakKinds() {
		for _, id := range slices.Sorted(maps.Keys(o[kind])) {
			left = append(left, fmt.Errorf("left behind in the kernel: %s %d", kind, id))
		}
	}
	return errors.Join(left...)
}

// heldByOthers returns the objects of which other processes have descriptors.
// Processes may end while it looks: what can't be read is passed over.
func heldByOthers() objects {
	fields := map[string]sys.ObjectKind{"prog_id:": sys.Programs, "map_id:": sys.Maps, "link_id:": sys.Links}
	held := make(objects)
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

func bpfObjects() (objects, error) {
	all := make(objects)
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
