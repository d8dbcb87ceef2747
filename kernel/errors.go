package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/plan"
)

// ProgramError is a program that the kernel refused.
type ProgramError struct {
	Spec *ebpf.ProgramSpec
	Err  error
	// Log is what the verifier said, line by line; empty when the refusal
	// did not come from the verifier.
	Log []string
}

func newProgramError(spec *ebpf.ProgramSpec, err error) *ProgramError {
	e := &ProgramError{Spec: spec, Err: err}
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		e.Log = refused.Log
	}
	return e
}

func (e *ProgramError) Error() string {
	return fmt.Sprintf("the kernel refused program %s: %v", e.Spec.Name, e.Err)
}

func (e *ProgramError) Unwrap() error { return e.Err }

// ProbeError is a probe that could not be attached or run.
type ProbeError struct {
	Probe *plan.Probe
	Err   error
}

func (e *ProbeError) Error() string { return fmt.Sprintf("%s: %v", e.Probe.Name, e.Err) }
func (e *ProbeError) Unwrap() error { return e.Err }

// ErrNotYet is wrapped by errors about kinds of probes that this version
// can't attach.
var ErrNotYet = errors.New("not supported by this version of skep yet")

// ErrNoProbe is wrapped by errors about probes that this kernel doesn't have.
var ErrNoProbe = errors.New("no such probe on this kernel")

// ErrPrivilege is wrapped by errors that come from a lack of privileges.
var ErrPrivilege = errors.New("not permitted")

// explainLoad marks an error that comes from a lack of privileges. EPERM and
// EACCES are such errors unless they carry a verifier log: the verifier
// answers EACCES and EPERM to programs that it finds unsafe.
func (s *Session) explainLoad(err error) error {
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) && len(refused.Log) > 0 {
		return err
	}
	if !s.memlocked && errors.Is(err, syscall.EPERM) {
		err = &withoutGuess{err}
	}
	return markPrivilege(err)
}

// withoutGuess is an error of cilium/ebpf without its guess that the limit of
// locked memory is to blame, for kernels that don't count by it.
type withoutGuess struct{ err error }

func (e *withoutGuess) Error() string {
	return strings.ReplaceAll(e.err.Error(), " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)", "")
}

func (e *withoutGuess) Unwrap() error { return e.err }

func markPrivilege(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", ErrPrivilege, err)
	}
	return err
}
