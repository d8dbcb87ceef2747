package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// streams are the three standard streams of one invocation.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commands lists the subcommands in the order in which help shows them.
func commands() []func(*streams) *cobra.Command {
	return []func(*streams) *cobra.Command{
		newTraceCmd,
		newRunCmd,
		newExecCmd,
		newInspectCmd,
		newBuildCmd,
		newVersionCmd,
	}
}

// aliases maps the name by which the binary was invoked to the subcommand
// that it then stands for.
func aliases() map[string]string {
	return map[string]string{
		"bpftool":  "bpftool",
		"bpftrace": "trace",
	}
}

// Run executes the command line args, whose first element is the name by
// which the binary was invoked, and returns the exit status.
func Run(args []string) int {
	std := &streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if len(args) == 0 {
		args = []string{"skep"}
	}
	if args[0] == childName {
		return becomeCommand(args[1:])
	}
	invoked := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	rest := args[1:]
	if sub, ok := aliases()[invoked]; ok {
		rest = append([]string{sub}, rest...)
	}
	root, begun := newRootCmd(std)
	root.SetArgs(bpftoolFirst(rest))
	cmd, err := root.ExecuteC()
	if err == nil {
		return statusDone
	}
	if !*begun {
		// Cobra found the fault before any command ran: an unknown command
		// or flag, or a wrong number of arguments.
		err = &usageError{err}
	}
	return report(std.err, cmd, args, err)
}

// newRootCmd builds the command tree. The returned flag becomes true as soon
// as a subcommand has been found and its flags and arguments accepted.
func newRootCmd(std *streams) (*cobra.Command, *bool) {
	begun := new(bool)
	root := &cobra.Command{
		Use:   "skep",
		Short: "eBPF in one binary: trace, run, inspect",
		Long: "skep compiles tracing scripts and C programs to eBPF, verifies them, runs them in\n" +
			"the kernel, and shows what they saw. Invoked as bpftrace it is skep trace.",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			*begun = true
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			msg := fmt.Sprintf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				msg += fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
			}
			return usagef("%s", msg)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(std.err)
			if err := cmd.Help(); err != nil {
				return err
			}
			return exitStatus(statusUsage)
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	for _, c := range commands() {
		root.AddCommand(c(std))
	}
	root.AddCommand(newBPFToolCmds(std)...)
	return root, begun
}
