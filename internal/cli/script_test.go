package cli

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skep-dev/skep/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"skep":     testkit.Command(Run),
		"bpftrace": testkit.Command(Run),
		childName:  testkit.Command(Run), // how the binary starts itself for -c
	})
}

func TestScripts(t *testing.T) { testkit.RunScripts(t, "../../suite/cli") }
