package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/skep-dev/skep"
	"github.com/skep-dev/skep/internal/codegen"
	"github.com/skep-dev/skep/internal/features"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/sys"
	"github.com/skep-dev/skep/internal/tracer"
	"github.com/skep-dev/skep/kernel"
)

// attachedWord is printed on a line of its own once all probes are attached,
// when the environment has it: test harnesses of bpftrace wait for it.
const attachedWord = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"

// trace is `skep trace`.
func trace(ctx context.Context, std *streams, f *traceFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	switch {
	case f.version:
		_, err := fmt.Fprintln(std.out, readVersion())
		return err
	case f.list:
		return listProbes(std, f, args)
	}
	src, params, err := f.script(std, args)
	if err != nil {
		return err
	}
	if f.fmt {
		return printCanonical(std, src)
	}
	if ctx == nil {
		ctx = context.Background()
	}
	if len(f.dump) == 0 {
		if err := mayTrace(); err != nil {
			return err
		}
	}
	r := &traceRun{std: std, flags: f, src: src}
	r.params, r.named = expand.SplitArgs(params)
	return r.run(ctx)
}

// mayTrace fails when the process lacks what every tracing program needs, so
// that this is said rather than what fails first.
func mayTrace() error {
	have, err := features.Effective()
	if err != nil || have.Allows(features.CapBPF) && have.Allows(features.CapPerfmon) {
		return nil // when it can't be known, the kernel will say it
	}
	return fmt.Errorf("loading tracing programs is %w: %w", kernel.ErrPrivilege, os.ErrPermission)
}

// traceRun is one run of a script in the kernel.
type traceRun struct {
	std    *streams
	flags  *traceFlags
	src    skep.Source
	params []string // positional parameters
	named  []string

	child   *child
	unit    *skep.Unit
	session *kernel.Session
	out     io.Writer
	sink    render.Sink
}

func (r *traceRun) run(ctx context.Context) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if r.flags.command != "" {
		// The kernel ends the child when the thread that started it ends.
		runtime.LockOSThread()
		if r.child, err = startChild(r.flags.command, r.std); err != nil {
			return fmt.Errorf("-c: %w", err)
		}
		defer r.child.stop()
	}
	if err := r.compile(ctx); err != nil || len(r.flags.dump) > 0 {
		return err
	}
	closeOutput, err := r.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOutput()) }()
	if r.session, err = kernel.Load(ctx, r.unit.ELF(), r.unit.Plan(), kernel.Options{Narrate: r.narrate()}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.session.CloseBehind()) }()
	if err := r.attach(ctx); err != nil || r.flags.dryRun {
		return err
	}
	return r.follow(ctx)
}

// compile compiles the script and shows what the compiler has to say.
func (r *traceRun) compile(ctx context.Context) (err error) {
	cpus, err := sys.PossibleCPUs()
	if err != nil {
		return err
	}
	release, err := features.CheckKernel()
	if err != nil {
		return err
	}
	target, err := codegen.ForKernel(release.Major, release.Minor)
	if err != nil {
		return err
	}
	o := &skep.Options{Params: r.params, Named: r.named, Getenv: os.Getenv, Unsafe: r.flags.unsafe, PID: r.flags.tracedPID(), CPUs: cpus, Features: target}
	if r.child != nil {
		o.ChildPID = r.child.pid()
	}
	if len(r.flags.dump) > 0 {
		o.Dump = func(stage string) io.Writer {
			if slices.Contains(r.flags.dump, stage) || slices.Contains(r.flags.dump, "all") {
				return r.std.out
			}
			return nil
		}
	}
	if r.unit, err = skep.Compile(ctx, r.src, o); err != nil {
		return err
	}
	return showDiags(r.std, r.unit.Warnings, r.flags.noWarnings || r.flags.quiet)
}

// open makes the sink for the script's output, and returns what closes it.
func (r *traceRun) open() (func() error, error) {
	r.out = r.std.out
	done := func() error { return nil }
	if name := r.flags.output; name != "" && name != "-" {
		file, err := os.Create(name)
		if err != nil {
			return nil, err
		}
		r.out, done = file, file.Close
	}
	r.sink = render.NewText(r.out, r.std.err)
	if r.flags.format == "json" {
		r.sink = render.NewJSON(r.out)
	}
	return done, nil
}

// narrate is what tells the steps of loading, for -v.
func (r *traceRun) narrate() func(kernel.Step) {
	if !r.flags.verbose {
		return nil
	}
	return func(s kernel.Step) { fmt.Fprintln(r.std.err, s) }
}

// attach runs the begin probes, attaches all others, and says so.
func (r *traceRun) attach(ctx context.Context) error {
	if m, ok := r.session.Map(plan.Start); ok {
		now, err := sys.BootTime()
		if err != nil {
			return err
		}
		if err := m.Put(uint32(0), now); err != nil {
			return err
		}
	}
	if err := r.session.RunProbe(plan.Begin); err != nil {
		return err
	}
	if err := r.session.Attach(ctx); err != nil {
		return err
	}
	for _, m := range r.session.Missing() {
		if r.unit.Plan().Config.MissingProbes == "warn" && !r.flags.quiet {
			fmt.Fprintf(r.std.err, "skep trace: warning: %v\n", m)
		}
	}
	n := len(r.unit.Plan().Probes) - len(r.session.Missing())
	if !r.flags.quiet {
		r.sink.Attached(n)
	}
	if err := r.sink.Flush(); err != nil {
		return err
	}
	if os.Getenv(attachedWord) != "" {
		fmt.Fprintln(r.std.out, attachedWord)
	}
	if r.child != nil {
		return r.child.release()
	}
	return nil
}

// follow shows what the script's programs send, until its end.
func (r *traceRun) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.child != nil {
		go func() { <-r.child.done; cancel() }()
	} else if r.flags.pid != "" {
		go func() {
			if sys.WaitForExit(ctx, r.flags.tracedPID()) == nil {
				cancel()
			}
		}()
	}
	boot, err := sys.BootTime()
	if err != nil {
		return err
	}
	status, err := tracer.Run(ctx, tracer.Config{
		Plan: r.unit.Plan(), Session: r.session.Target(), Sink: r.sink, Stderr: r.std.err,
		Env:         &render.Env{Boot: time.Now().Add(-time.Duration(boot)), Users: render.NewPasswdFile("/etc/passwd")},
		Buffering:   buffering(r.flags.buffering),
		Interactive: isTerminal(r.out),
		Unsafe:      r.flags.unsafe,
		NoWarnings:  r.flags.noWarnings,
		Detach:      r.session.Detach,
		End:         func() error { return r.session.RunProbe(plan.End) },
	})
	if err == nil && status != 0 {
		return exitStatus(status)
	}
	return err
}

func buffering(mode string) tracer.Buffering {
	switch strings.ToLower(mode) {
	case "line":
		return tracer.BufferLine
	case "full":
		return tracer.BufferFull
	case "none":
		return tracer.BufferNone
	}
	return tracer.BufferAuto
}

// isTerminal reports whether somebody watches what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, ok = sys.TerminalWidth(f.Fd())
	return ok
}
