package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-dev/skep"
	"github.com/skep-dev/skep/internal/diag"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
)

// traceFlags are the flags of `skep trace`, named as bpftrace names them.
type traceFlags struct {
	program    string
	list       bool
	verbose    bool
	quiet      bool
	output     string
	command    string
	pid        string
	format     string
	dump       []string
	dryRun     bool
	fmt        bool
	unsafe     bool
	buffering  string
	noWarnings bool
	version    bool
}

func newTraceCmd(std *streams) *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [-e PROGRAM | FILE] [PARAM...]",
		Short: "Run a script of the tracing language (bpftrace's) in the kernel",
		Long: "Compiles a script with skep's own compiler, loads it into the kernel and shows\n" +
			"what it prints until Ctrl-C. The script comes from -e, from FILE, or from standard\n" +
			"input when FILE is '-'. Further arguments are the script's $1, $2, ...",
		Example: `  skep trace -e 'tracepoint:syscalls:sys_enter_execve { printf("%-6d %-8s", pid, comm); join(args.argv); }'
  skep trace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
  skep trace -l 'tracepoint:syscalls:*'
  skep trace -lv tracepoint:syscalls:sys_enter_execve`,
		RunE: func(cmd *cobra.Command, args []string) error { return trace(cmd.Context(), std, &f, args) },
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.program, "program", "e", "", "run `PROGRAM` instead of a file")
	fl.BoolVarP(&f.list, "list", "l", false, "list the probes that match the argument, or those of the script; with -v also their arguments")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say on stderr what is loaded and attached")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing on stderr but errors and what was lost")
	fl.StringVarP(&f.output, "output", "o", "", "write the script's output to `FILE`")
	fl.StringVarP(&f.command, "command", "c", "", "run `CMD` and end when it ends")
	fl.StringVarP(&f.pid, "pid", "p", "", "only events of the process `PID`; end when it ends")
	fl.StringVarP(&f.format, "format", "f", "text", "format of the output: text or json")
	fl.StringSliceVarP(&f.dump, "debug", "d", nil, "print the form of the script at `STAGE`: "+strings.Join(skep.Stages(), ", "))
	fl.BoolVar(&f.dryRun, "dry-run", false, "end after the probes have been attached")
	fl.BoolVar(&f.fmt, "fmt", false, "print the script in its canonical form and end")
	fl.BoolVar(&f.unsafe, "unsafe", false, "allow functions that change the system")
	fl.StringVarP(&f.buffering, "buffering", "B", "", "when output is written: line, full or none")
	fl.BoolVar(&f.noWarnings, "no-warnings", false, "leave out warnings")
	fl.BoolVarP(&f.version, "version", "V", false, "print the version")
	return cmd
}

// script is the source text that the flags and arguments name, and what is
// left of the arguments.
func (f *traceFlags) script(std *streams, args []string) (skep.Source, []string, error) {
	if f.program != "" {
		return skep.Source{Name: "stdin", Text: f.program}, args, nil
	}
	if len(args) == 0 {
		return skep.Source{}, nil, usagef("no script: give one with -e PROGRAM or as a FILE")
	}
	name, rest := args[0], args[1:]
	if name == "-" {
		text, err := io.ReadAll(std.in)
		return skep.Source{Name: "stdin", Text: string(text)}, rest, err
	}
	text, err := os.ReadFile(name)
	return skep.Source{Name: name, Text: string(text)}, rest, err
}

func (f *traceFlags) check() error {
	if f.format != "text" && f.format != "json" {
		return usagef("-f takes text or json, not %q", f.format)
	}
	if f.buffering != "" && !slices.Contains([]string{"line", "full", "none"}, f.buffering) {
		return usagef("-B takes line, full or none, not %q", f.buffering)
	}
	for _, d := range f.dump {
		if !slices.Contains(skep.Stages(), d) && d != "all" {
			return usagef("-d takes %s or all, not %q", strings.Join(skep.Stages(), ", "), d)
		}
	}
	if f.pid == "" {
		return nil
	}
	if f.command != "" {
		return usagef("-c and -p can't be used together")
	}
	if n, err := strconv.Atoi(f.pid); err != nil || n <= 0 {
		return usagef("-p takes a process number, not %q", f.pid)
	}
	if _, err := os.Stat("/proc/" + f.pid); err != nil {
		return fmt.Errorf("there is no process %s", f.pid)
	}
	return nil
}

// tracedPID is the process that -p names, 0 without one; check has run.
func (f *traceFlags) tracedPID() int {
	n, _ := strconv.Atoi(f.pid)
	return n
}

// showDiags draws diagnostics; warnings are left out when asked for.
func showDiags(std *streams, list *diag.List, noWarnings bool) error {
	shown := &diag.List{}
	for _, d := range list.Items {
		if d.Severity == diag.Error || !noWarnings {
			shown.Add(d)
		}
	}
	return diag.Render(std.err, shown, renderOptions(std.err))
}

// printCanonical is --fmt.
func printCanonical(std *streams, src skep.Source) error {
	prog, _, err := skep.Parse(src, &skep.Options{})
	if err != nil {
		return err
	}
	_, err = io.WriteString(std.out, btfmt.Print(prog))
	return err
}
