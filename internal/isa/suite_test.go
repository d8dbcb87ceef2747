package isa

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/go-quicktest/qt"
)

// suitePath is where the conformance programs of the instruction set lie:
// SKEP_SUITE names the directory that holds isa/isa.jsonl.
func suitePath() string {
	if dir := os.Getenv("SKEP_SUITE"); dir != "" {
		return dir + "/isa/isa.jsonl"
	}
	return "../../../shared/suite/isa/isa.jsonl"
}

func suite(t *testing.T) map[string][]byte {
	t.Helper()
	file, err := os.Open(suitePath())
	if os.IsNotExist(err) {
		t.Skipf("no conformance programs at %s: set SKEP_SUITE", suitePath())
	}
	qt.Assert(t, qt.IsNil(err))
	defer file.Close()
	programs := map[string][]byte{}
	for sc := bufio.NewScanner(file); sc.Scan(); {
		var line struct{ Name, Insns string }
		qt.Assert(t, qt.IsNil(json.Unmarshal(sc.Bytes(), &line)))
		code, err := hex.DecodeString(line.Insns)
		qt.Assert(t, qt.IsNil(err))
		programs[line.Name] = code
	}
	return programs
}

// Every conformance program disassembles to text that assembles to the same
// bytes, in both byte orders.
func TestSuiteRoundTrip(t *testing.T) {
	programs := suite(t)
	qt.Assert(t, qt.IsTrue(len(programs) >= 300))
	for name, code := range programs {
		insns, err := Decode(code, binary.LittleEndian)
		qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", name))
		for _, in := range insns {
			qt.Check(t, qt.IsNil(in.Check()), qt.Commentf("%s: %s", name, in))
		}
		for _, style := range []Style{{}, {Bare: true}, {Bare: true, Labels: true}} {
			listing := format(insns, style)
			again, err := assemble(listing)
			qt.Assert(t, qt.IsNil(err), qt.Commentf("%s\n%s", name, listing))
			got, err := Encode(nil, again, binary.LittleEndian)
			qt.Assert(t, qt.IsNil(err))
			qt.Check(t, qt.IsTrue(bytes.Equal(got, code)), qt.Commentf("%s\n%s", name, listing))
		}
		big, err := Encode(nil, insns, binary.BigEndian)
		qt.Assert(t, qt.IsNil(err))
		back, err := Decode(big, binary.BigEndian)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(text(back), text(insns)), qt.Commentf("%s", name))
	}
}
