package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
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

// report writes err to w the way every command does it, and returns the exit
// status that goes with it.
func report(w io.Writer, cmd *cobra.Command, err error) int {
	var silent exitStatus
	if errors.As(err, &silent) {
		return int(silent)
	}
	fmt.Fprintf(w, "%s: %v\n", cmd.CommandPath(), err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "Try '%s --help'.\n", cmd.CommandPath())
		return statusUsage
	}
	return statusFailed
}
