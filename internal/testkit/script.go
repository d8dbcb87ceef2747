package testkit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skep-dev/skep/internal/features"
)

// statusFile is the environment variable that names the file into which a
// command under test writes its exit status, for the script command status.
const statusFile = "SKEP_SCRIPT_STATUS"

// Command makes a command of a program's main function, for testscript.Main:
// scripts run it as a process of its own, which is this test binary.
func Command(run func(args []string) int) func() {
	return func() {
		status := run(os.Args)
		if name := os.Getenv(statusFile); name != "" {
			if err := os.WriteFile(name, []byte(strconv.Itoa(status)), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(125)
			}
		}
		os.Exit(status)
	}
}

// RunScripts runs the scripts of a folder, each as a subtest. Besides
// testscript's own commands they have
//
//	status N            the last command under test ended with status N
//	await FILE PATTERN  wait until a file has text that matches, at most 10 s
//	noleaks             the kernel holds no programs, maps or links that it did
//	                    not hold at the start of the script; waits for that as well
//
// and the conditions root, kernel (root, and the kernel takes programs) and
// feature:NAME, of package features, and tool:NAME. In CI it is an error when
// one of them does not hold that is known to hold there. The environment
// variable INCLUDE is the folder of the machine's own C headers.
func RunScripts(t *testing.T, dir string) {
	lockKernel(t)
	deadline, _ := t.Deadline()
	testscript.RunT(serial{t}, testscript.Params{
		Deadline:      deadline,
		Dir:           dir,
		UpdateScripts: Update(),
		Setup: func(e *testscript.Env) error {
			e.Setenv(statusFile, filepath.Join(e.WorkDir, ".status"))
			e.Setenv("NO_COLOR", "1")
			e.Setenv("INCLUDE", archInclude())
			e.Values[leakKey{}] = leaksFrom()
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  cmdStatus,
			"await":   cmdAwait,
			"noleaks": cmdNoLeaks,
		},
	})
}

// serial is a test whose subtests run one after the other: scripts look at
// what the whole kernel holds, and share its trace pipe.
type serial struct{ *testing.T }

func (s serial) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(serial{t}) })
}

func (serial) Parallel() {}

func (serial) Verbose() bool { return testing.Verbose() }

// archInclude is where Debian keeps <asm/types.h>, for scripts that call clang.
func archInclude() string {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	return "/usr/include/" + machine + "-linux-gnu"
}

func condition(cond string) (bool, error) {
	kind, name, _ := strings.Cut(cond, ":")
	holds, required := false, true
	switch kind {
	case "root":
		holds = os.Geteuid() == 0
	case "kernel":
		f, _ := features.Find(features.BPF)
		holds = os.Geteuid() == 0 && f.Probe() == nil
	case "feature":
		f, ok := features.Find(features.Name(name))
		if !ok {
			return false, fmt.Errorf("there is no feature called %q", name)
		}
		holds, required = f.Probe() == nil, f.Common
	case "tool":
		_, err := os.Stat(name)
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			if err == nil {
				break
			}
			_, err = os.Stat(filepath.Join(dir, name))
		}
		holds = err == nil
	default:
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	if !holds && required && inCI() {
		return false, fmt.Errorf("the condition %s must hold in CI", cond)
	}
	if !holds {
		return false, noteSkip("script", "needs "+cond)
	}
	return true, nil
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: status N")
	}
	text, err := os.ReadFile(ts.Getenv(statusFile))
	ts.Check(err)
	if string(text) != args[0] {
		ts.Fatalf("exit status %s, want %s", text, args[0])
	}
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	rx, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	file := ts.MkAbs(args[0])
	var text []byte
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, err = os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Check(err)
		}
		if rx.Match(text) {
			return
		}
	}
	ts.Fatalf("%s has no text that matches %s:\n%s", args[0], args[1], text)
}

// leakKey is the key of the leak check among a script's values.
type leakKey struct{}

func cmdNoLeaks(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 || neg {
		ts.Fatalf("usage: noleaks")
	}
	l, ok := ts.Value(leakKey{}).(*leaks)
	if !ok {
		ts.Fatalf("noleaks needs root")
	}
	ts.Check(l.wait())
}
