package isa

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/testkit/kprog"
)

var liveLine = regexp.MustCompile(`(?m)^ *(\d+): [0-9.]+ (\(..\) .*)$`)

// kernelListing has the kernel list a program. Since 6.16 its log begins with
// all instructions, before any of them is judged.
func kernelListing(t *testing.T, insns []Instruction) map[string]string {
	t.Helper()
	code, err := Encode(nil, insns, binary.LittleEndian)
	qt.Assert(t, qt.IsNil(err))
	p, err := kprog.Load(kprog.Spec{Type: kprog.SocketFilter, Code: code, LogLevel: 2})
	if err == nil {
		defer p.Close()
	}
	lines := map[string]string{}
	for _, m := range liveLine.FindAllStringSubmatch(p.Log, -1) {
		lines[m[1]] = m[2]
	}
	return lines
}

func compareListing(t *testing.T, name string, insns []Instruction) (compared int) {
	t.Helper()
	kernel := kernelListing(t, insns)
	slot := 0
	for _, in := range insns {
		if want, ok := kernel[fmt.Sprint(slot)]; ok {
			compared++
			got := fmt.Sprintf("(%02x) %s", uint8(in.Op), in)
			qt.Check(t, qt.Equals(got, want), qt.Commentf("%s: instruction %d", name, slot))
		}
		slot += in.Slots()
	}
	return compared
}

// The text of every instruction is what the running kernel's verifier writes.
func TestKernelSpelling(t *testing.T) {
	kprog.Require(t)
	if compareListing(t, "exit", mustAssemble(t, "r0 = 0\nexit")) == 0 {
		t.Skip("this kernel's log has no listing of the instructions (6.16 and later have)")
	}
	var straight []Instruction
	for _, in := range valid() {
		switch in.Op.Form() {
		case facts.FormWide:
			if in.Src != WideImm {
				continue // the loader resolves these before they are listed
			}
		case facts.FormCall:
			if in.Src != CallHelper || in.Imm <= 0 {
				continue
			}
		case facts.FormCallReg, facts.FormExit:
			continue
		default:
			if _, ok := in.Target(); ok {
				in.Off, in.Imm = 0, in.Imm*0+immOf(in)
			}
		}
		if in.Op == OpToBE || in.Op == OpToLE || in.Check() == nil {
			straight = append(straight, in)
		}
	}
	for start := 0; start < len(straight); start += 500 {
		chunk := append([]Instruction{}, straight[start:min(start+500, len(straight))]...)
		chunk = append(chunk, ALUImm(Mov, R0, 0), Return())
		if n := compareListing(t, "all", chunk); n != len(chunk) {
			// One that the loader itself refuses hides the rest.
			for _, in := range chunk[:len(chunk)-2] {
				compareListing(t, "single", []Instruction{in, ALUImm(Mov, R0, 0), Return()})
			}
		}
	}
}

// immOf keeps a comparison's immediate and makes a long jump's distance 0.
func immOf(in Instruction) int64 {
	if in.Op == OpGotoLong {
		return 0
	}
	return in.Imm
}

func TestKernelSpellingOfSuite(t *testing.T) {
	kprog.Require(t)
	compared := 0
	for name, code := range suite(t) {
		insns, err := Decode(code, binary.LittleEndian)
		qt.Assert(t, qt.IsNil(err))
		compared += compareListing(t, name, insns)
	}
	if compared == 0 {
		t.Skip("this kernel's log has no listing of the instructions (6.16 and later have)")
	}
	t.Logf("%d instructions compared", compared)
}

// bpftool lists a loaded program in the same words, with map ids.
func TestBpftoolSpelling(t *testing.T) {
	kprog.Require(t)
	if _, err := exec.LookPath("bpftool"); err != nil {
		t.Skip("no bpftool")
	}
	m, err := kprog.NewArray(8, 1)
	qt.Assert(t, qt.IsNil(err))
	defer os.NewFile(uintptr(m), "map").Close()
	insns := mustAssemble(t, fmt.Sprintf(`
		*(u32 *)(r10 -4) = 0
		r1 = map[fd:%d]
		r2 = r10
		r2 += -4
		call bpf_map_delete_elem
		r1 = map[fd:%d][0]+0
		r0 = *(u32 *)(r1 +4)
		exit`, m, m))
	code, err := Encode(nil, insns, binary.LittleEndian)
	qt.Assert(t, qt.IsNil(err))
	p, err := kprog.Load(kprog.Spec{Type: kprog.SocketFilter, Code: code, LogLevel: 2})
	qt.Assert(t, qt.IsNil(err))
	defer p.Close()
	pin := fmt.Sprintf("/sys/fs/bpf/skep-test-%d", os.Getpid())
	if err := kprog.Pin(p.FD, pin); err != nil {
		t.Skipf("can't pin below /sys/fs/bpf: %v", err)
	}
	defer os.Remove(pin)
	out, err := exec.Command("bpftool", "prog", "dump", "xlated", "pinned", pin).Output()
	qt.Assert(t, qt.IsNil(err))
	qt.Check(t, qt.StringContains(string(out), "r1 = map[id:"), qt.Commentf("%s", out))
	again, err := assemble(strings.ReplaceAll(string(out), "array_map_delete_elem", "bpf_map_delete_elem"))
	qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", out))
	qt.Check(t, qt.HasLen(again, len(insns)), qt.Commentf("%s", out))
}

func mustAssemble(t *testing.T, s string) []Instruction {
	t.Helper()
	insns, err := assemble(s)
	qt.Assert(t, qt.IsNil(err))
	return insns
}
