package vm

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// CO-RE relocations are for the running kernel's types, kernel memory comes
// from the environment, and constants can be set before loading.
func TestCORE(t *testing.T) {
	spec := compile(t, "core")
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("no types of the running kernel: %v", err)
	}
	var task *btf.Struct
	if err := kernel.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	const base = 0xffff_8880_0000_1000
	memory := map[uint64]uint32{}
	at := map[string]uint64{}
	for _, m := range task.Members {
		if m.Name == "pid" || m.Name == "tgid" {
			at[m.Name] = uint64(m.Offset.Bytes())
			memory[base+at[m.Name]] = map[string]uint32{"pid": 41, "tgid": 77}[m.Name]
		}
	}
	env := Env{ReadKernel: func(addr uint64, p []byte) bool {
		v, ok := memory[addr]
		if ok && len(p) == 4 {
			binary.LittleEndian.PutUint32(p, v)
		}
		return ok
	}}
	if err := spec.Variables["add"].Set(int32(100)); err != nil {
		t.Fatal(err)
	}
	c, err := NewCollectionWithOptions(spec, CollectionOptions{MachineOptions: MachineOptions{Env: env}})
	if err != nil {
		t.Fatal(err)
	}
	if ret, err := c.Programs["on_switch"].Run(&RunOptions{Context: []uint64{5, base}}); ret != 5 || err != nil {
		t.Fatalf("%d, %v", ret, err)
	}
	var pid, tgid int32
	var offset uint64
	for name, out := range map[string]any{"pid": &pid, "tgid": &tgid, "offset": &offset} {
		if err := c.Variables[name].Get(out); err != nil {
			t.Fatal(err)
		}
	}
	if pid != 141 || tgid != 77 || offset != at["tgid"]-at["pid"] {
		t.Errorf("pid %d, tgid %d, offset %d", pid, tgid, offset)
	}
	if err := c.Variables["add"].Set(int32(1)); err == nil {
		t.Error("a constant was changed")
	}
}
