package testkit

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/skep-dev/skep/internal/sys"
)

// settle is how long the kernel may take to free what was closed: it does so
// after a grace period, and other processes come and go meanwhile.
const settle = 5 * time.Second

// NoLeaks makes the test fail when, at its end, the kernel holds programs,
// maps or links that it did not hold now. It sees those of other processes as
// well: what they load meanwhile must be gone again within a few seconds.
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
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(left...)
		}
		time.Sleep(10 * time.Millisecond)
	}
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
