package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf/btf"
	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/features"
	"github.com/skep-dev/skep/internal/sys"
	"github.com/skep-dev/skep/internal/verifierlog"
	"github.com/skep-dev/skep/kernel"
)

// Exit statuses.
const (
	statusDone   = 0
	statusFailed = 1 // the request was understood and failed
	statusUsage  = 2 // the request was not understood
)

// usageError is a request that makes no sense: exit status 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// exitStatus ends a command with a status of its own and without a message,
// because what there was to say has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// hinted is an error with a line about what to do.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// report writes err to w the way every command does it, and returns the exit
// status that goes with it. args is the command line.
func report(w io.Writer, cmd *cobra.Command, args []string, err error) int {
	var silent exitStatus
	if errors.As(err, &silent) {
		return int(silent)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(w, "%s: interrupted\n", cmd.CommandPath())
		return statusFailed
	}
	var list *diag.List
	if errors.As(err, &list) {
		_ = diag.Render(w, list, renderOptions(w)) // stderr is the last resort
		return statusFailed
	}
	if d := refusal(err); d != nil {
		_ = diag.RenderOne(w, d, renderOptions(w))
		return statusFailed
	}
	fmt.Fprintf(w, "%s: %v\n", cmd.CommandPath(), err)
	var hint *hinted
	if errors.As(err, &hint) {
		fmt.Fprintf(w, "  %s\n", hint.hint)
	}
	if advice := features.Advise(err, args); advice != nil {
		for _, m := range advice.Missing {
			fmt.Fprintf(w, "  missing: %s\n", m)
		}
		for i, c := range advice.Commands {
			fmt.Fprintf(w, "  %s %s\n", [...]string{"try:    ", "or:     "}[min(i, 1)], c)
		}
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "Try '%s --help'.\n", cmd.CommandPath())
		return statusUsage
	}
	return statusFailed
}

// refusal draws up the diagnostic for a program that the verifier refused, or
// returns nil when err is about something else.
func refusal(err error) *diag.Diagnostic {
	var refused *kernel.ProgramError
	if !errors.As(err, &refused) || len(refused.Log) == 0 {
		return nil
	}
	var lines []verifierlog.SourceLine
	for it := refused.Spec.Instructions.Iterate(); it.Next(); {
		if l, ok := it.Ins.Source().(*btf.Line); ok && l != nil {
			lines = append(lines, verifierlog.SourceLine{
				Insn: int(it.Offset), File: l.FileName(), Line: int(l.LineNumber()), Column: int(l.LineColumn()), Text: l.Line(),
			})
		}
	}
	return verifierlog.Explain(refused.Spec.Name, refused.Err.Error(), refused.Log, lines)
}

// renderOptions fits diagnostics to where they go.
func renderOptions(w io.Writer) diag.RenderOptions {
	var o diag.RenderOptions
	if dir, err := os.Getwd(); err == nil {
		o.Base = dir
	}
	if f, ok := w.(*os.File); ok {
		if width, ok := sys.TerminalWidth(f.Fd()); ok {
			o.Width = width
			o.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		}
	}
	return o
}
