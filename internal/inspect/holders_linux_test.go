package inspect

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/sys"
	"github.com/skep-dev/skep/internal/testkit"
)

// A process that has a map open is found by the map's id, and one that was
// closed isn't.
func TestHolders(t *testing.T) {
	testkit.NeedsRoot(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	dup, err := sys.ObjectFD(sys.Maps, uint32(id), 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(dup), "map")
	defer file.Close()
	child := exec.Command(testkit.NeedsTool(t, "sleep"), "100")
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it was killed
	}
	defer stop()
	held := func() bool {
		all, err := Holders(sys.Maps)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(all[uint32(id)], Holder{child.Process.Pid, "sleep"})
	}
	if !held() {
		t.Error("the child's map is not found")
	}
	stop()
	if held() {
		t.Error("the child is still found after its end")
	}
}
