package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/sys"
	"github.com/skep-dev/skep/internal/tracepipe"
	"github.com/skep-dev/skep/kernel"
)

// runFlags are the flags of `skep run`.
type runFlags struct {
	verbose  bool
	log      bool
	noAttach bool
	format   string
}

// drainLimit bounds the time for the lines that are in the pipe at the start
// and at the end: others may be writing all the while.
const drainLimit = time.Second

func newRunCmd(std *streams) *cobra.Command {
	f := runFlags{format: "text"}
	cmd := &cobra.Command{
		Use:   "run OBJ.o|FILE.c",
		Short: "Load an object, attach its programs, and show what they print",
		Long: "Loads an object that clang made for libbpf, or compiles a C file with an installed\n" +
			"clang first, attaches each program by the name of its section, and shows what\n" +
			"programs print with bpf_trace_printk until Ctrl-C. Everything is taken away again\n" +
			"at the end; nothing is pinned.\n\n" +
			"Sections: tracepoint/CATEGORY/NAME, tp/..., raw_tracepoint/NAME, raw_tp/...,\n" +
			"tp_btf/NAME. Programs of other sections can be loaded with --no-attach.",
		Example: "  skep run hello.o\n  skep run -v hello.c\n  skep run --no-attach --log filter.o",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.format != "text" && f.format != "json" {
				return usagef("-f takes text or json, not %q", f.format)
			}
			return run(cmd.Context(), std, &f, args[0])
		},
	}
	fl := cmd.Flags()
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say on stderr each step of the load, with the bpf(2) command behind it")
	fl.BoolVar(&f.log, "log", false, "show on stderr the verifier's whole log of each program")
	fl.BoolVar(&f.noAttach, "no-attach", false, "only load, and end")
	fl.StringVarP(&f.format, "format", "f", f.format, "format of the output: text or json, one object per line")
	return cmd
}

// readSpec reads an object for the kernel. What is wrong with a broken one is
// said by our own reader, which knows the byte.
func readSpec(elf []byte) (*ebpf.CollectionSpec, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		if _, own := object.Read(elf); own != nil {
			return nil, own
		}
		return nil, err
	}
	if spec.ByteOrder != nil && spec.ByteOrder.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0}) {
		return nil, &hinted{fmt.Errorf("the object is %v, this machine is not", spec.ByteOrder), "compile it with clang -target bpf"}
	}
	return spec, nil
}

// dropOptional leaves out the programs whose sections begin with '?', which
// libbpf doesn't load unless it is told to, and returns their names, sorted.
func dropOptional(spec *ebpf.CollectionSpec) []string {
	var names []string
	for name, p := range spec.Programs {
		if strings.HasPrefix(p.SectionName, "?") {
			names = append(names, name)
			delete(spec.Programs, name)
		}
	}
	slices.Sort(names)
	return names
}

func run(ctx context.Context, std *streams, f *runFlags, file string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()

	elf, err := readObject(ctx, std, file)
	if err != nil {
		return err
	}
	spec, err := readSpec(elf)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range dropOptional(spec) {
		if f.verbose {
			fmt.Fprintf(std.err, "program %s: left out, because its section begins with '?'\n", name)
		}
	}
	if f.verbose {
		if err := narrateObject(std.err, file, elf, spec); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	probes, err := runProbes(spec, f.noAttach)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s, err := kernel.LoadSpec(ctx, spec, probes, runOptions(std, f))
	if err != nil {
		return runRefused(std, f, err)
	}
	defer func() {
		stop() // a second Ctrl-C ends the process at once
		err = errors.Join(err, s.CloseBehind())
	}()
	if f.log {
		for _, name := range s.Programs() {
			fmt.Fprintf(std.err, "verifier's log of %s:\n%s\n", name, strings.TrimRight(s.Log(name), "\n"))
		}
	}
	if f.noAttach {
		fmt.Fprintf(std.err, "%s: loaded %d programs, attached none\n", file, len(s.Programs()))
		return nil
	}
	return runAttached(ctx, std, f, s, len(probes.Probes))
}

// runProbes makes the plan of an object. Without --no-attach every program
// must have its place in it.
func runProbes(spec *ebpf.CollectionSpec, noAttach bool) (*plan.Plan, error) {
	probes, left := kernel.ProbesOf(spec)
	if noAttach {
		return &plan.Plan{Version: plan.Version}, nil
	}
	if len(left) > 0 {
		errs := make([]error, len(left))
		for i, l := range left {
			errs[i] = l
		}
		return nil, &hinted{errors.Join(errs...), "--no-attach loads the object without attaching anything"}
	}
	if len(probes.Probes) == 0 {
		return nil, errors.New("the object has no programs")
	}
	return probes, nil
}

func runOptions(std *streams, f *runFlags) kernel.Options {
	var o kernel.Options
	if f.verbose {
		o.Narrate = func(s kernel.Step) { fmt.Fprintln(std.err, s) }
	}
	if f.log {
		o.LogLevel = uint32(ebpf.LogLevelBranch | ebpf.LogLevelStats)
	}
	return o
}

// runRefused shows the whole log of a refused program when it was asked for;
// what is wrong is said at the end.
func runRefused(std *streams, f *runFlags, err error) error {
	var refused *kernel.ProgramError
	if (f.verbose || f.log) && errors.As(err, &refused) && len(refused.Log) > 0 {
		fmt.Fprintf(std.err, "verifier's log of %s:\n%s\n", refused.Spec.Name, strings.Join(refused.Log, "\n"))
	}
	return err
}

// lines is where the lines of bpf_trace_printk come from.
type lines interface {
	Discard(limit time.Duration) error
	Read(ctx context.Context, emit func(tracepipe.Line) error) error
	Drain(limit time.Duration, emit func(tracepipe.Line) error) error
	Close() error
}

// openLines opens the trace pipe or, when somebody else has it, a tap. Lines
// that were lost are reported from when attached is set on: before, they are
// none of ours.
func openLines(ctx context.Context, std *streams, attached *atomic.Bool) (lines, error) {
	lost := func(cpu int, events uint64) {
		if !attached.Load() {
			return
		}
		count := "an unknown number of"
		if events > 0 {
			count = strconv.FormatUint(events, 10)
		}
		fmt.Fprintf(std.err, "lost %s lines on CPU %d: they came faster than they could be read\n", count, cpu)
	}
	tracefs, err := sys.OpenTracefs()
	if err != nil {
		return nil, err
	}
	defer tracefs.Close()
	pipe, err := tracepipe.Open(tracefs.Path(), lost)
	if errors.Is(err, syscall.EBUSY) {
		fmt.Fprintln(std.err, "another process reads trace_pipe, so the lines are taken from the tracepoint bpf_trace_printk")
		return tracepipe.OpenTap(ctx, lost)
	}
	if err != nil {
		return nil, err
	}
	return pipe, nil
}

// runAttached attaches the programs and shows the lines of bpf_trace_printk
// that arrive from then on until ctx ends.
func runAttached(ctx context.Context, std *streams, f *runFlags, s *kernel.Session, programs int) (err error) {
	var attached atomic.Bool
	source, err := openLines(ctx, std, &attached)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if err := source.Discard(drainLimit); err != nil {
		return err
	}
	attached.Store(true)
	if err := s.Attach(ctx); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "attached %d programs; showing the lines of bpf_trace_printk from the whole system, which share one pipe; Ctrl-C ends\n", programs)
	emit := lineWriter(std, f.format)
	if err := source.Read(ctx, emit); err != nil {
		return err
	}
	if err := s.Detach(); err != nil {
		return err
	}
	return source.Drain(drainLimit, emit)
}

func lineWriter(std *streams, format string) func(tracepipe.Line) error {
	if format == "json" {
		enc := json.NewEncoder(std.out)
		enc.SetEscapeHTML(false)
		return func(l tracepipe.Line) error { return enc.Encode(l) }
	}
	return func(l tracepipe.Line) error {
		_, err := fmt.Fprintln(std.out, l.String())
		return err
	}
}

// readObject returns an object's bytes: those of the file, or what clang
// makes of it.
func readObject(ctx context.Context, std *streams, file string) ([]byte, error) {
	switch filepath.Ext(file) {
	case ".c":
		if _, err := os.Stat(file); err != nil {
			return nil, err
		}
		return compileC(ctx, std.err, file)
	case ".s", ".S":
		return nil, fmt.Errorf("%s: this version of skep can't run assembly yet", file)
	}
	elf, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(elf, []byte("\x7fELF")) {
		return nil, fmt.Errorf("%s: neither an ELF object nor a C file", file)
	}
	return elf, nil
}
