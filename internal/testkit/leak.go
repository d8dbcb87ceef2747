package testkit

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/skep-dev/skep/internal/sys"
)

// settle is how long the kernel may take to free what was closed: it does so
// after a grace period, and other processes come and go meanwhile.
const settle = 5 * time.Second

// NoLeaks makes the test fail when, at its end, the kernel holds programs,
// maps or links that it did not hold now. It sees those of other processes as
// well, so such tests don't run in parallel with others of their kind.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := bpfObjects(t)
	t.Cleanup(func() {
		t.Helper()
		deadline := time.Now().Add(settle)
		for {
			leaked := make(map[sys.ObjectKind][]uint32)
			for kind, ids := range bpfObjects(t) {
				for id := range ids {
					if !before[kind][id] {
						leaked[kind] = append(leaked[kind], id)
					}
				}
			}
			if len(leaked) == 0 {
				return
			}
			if time.Now().After(deadline) {
				for _, kind := range slices.Sorted(maps.Keys(leaked)) {
					t.Errorf("left behind in the kernel: %s ids %d", kind, leaked[kind])
				}
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func bpfObjects(t testing.TB) map[sys.ObjectKind]map[uint32]bool {
	t.Helper()
	all := make(map[sys.ObjectKind]map[uint32]bool)
	for _, kind := range []sys.ObjectKind{sys.Programs, sys.Maps, sys.Links} {
		ids, err := sys.ObjectIDs(kind)
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = make(map[uint32]bool)
		for _, id := range ids {
			all[kind][id] = true
		}
	}
	return all
}
