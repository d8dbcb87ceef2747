package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/cli/bpftool"
)

// objectSummaries say what bpftool's objects are for, in the list of commands.
var objectSummaries = map[string]string{
	"prog": "List, dump, load, run and pin programs", "map": "List, dump, create and change maps", "link": "List, pin and detach links",
	"cgroup": "Programs at cgroups", "perf": "Programs at perf events and tracepoints", "net": "Programs at network devices",
	"feature": "What the kernel can do", "btf": "List BTF, and dump it as records or as C", "gen": "Skeletons and linked objects",
	"struct_ops": "Registered struct_ops", "iter": "Pinned iterators", "token": "BPF tokens",
}

// newBPFToolCmds makes a command of each of bpftool's objects.
func newBPFToolCmds(std *streams) []*cobra.Command {
	var all []*cobra.Command
	for _, object := range bpftool.Objects() {
		all = append(all, newBPFToolCmd(std, object, objectSummaries[object], object))
	}
	all = append(all, newBPFToolCmd(std, "batch", "Run a file of commands of prog, map and the like", "batch"))
	whole := newBPFToolCmd(std, "bpftool", "All commands of bpftool under its own name")
	whole.Hidden = true
	return append(all, whole)
}

// newBPFToolCmd makes a command whose words are bpftool's behind a prefix.
// The grammar is not that of flags: options may stand anywhere and words may
// be cut short, so all arguments go through as they are.
func newBPFToolCmd(std *streams, use, short string, prefix ...string) *cobra.Command {
	return &cobra.Command{
		Use:                use + " COMMAND",
		Short:              short,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBPFTool(cmd.Context(), std, slices.Concat(prefix, args))
		},
	}
}

func runBPFTool(ctx context.Context, std *streams, args []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	err := bpftool.Run(ctx, bpftool.Streams{In: std.in, Out: std.out, Err: std.err}, args)
	var usage *bpftool.UsageError
	var reported *bpftool.Reported
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reported) && errors.As(err, &usage):
		return exitStatus(statusUsage)
	case errors.As(err, &reported), err.Error() == "":
		return exitStatus(statusFailed)
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "Error: %v\n", usage.Reason)
		_, _ = io.WriteString(std.err, usage.Usage) // stderr is the last resort
		return exitStatus(statusUsage)
	}
	return err
}

// bpftoolFirst moves bpftool's options that stand before its object, as in
// `skep -j prog`, to where they are read. Other command lines stay as they
// are.
func bpftoolFirst(args []string) []string {
	for _, a := range args {
		switch {
		case a == "-j" || a == "-p" || a == "-f" || a == "-m" || a == "-n" || a == "-d" || a == "-l" || a == "-L",
			a == "-jf" || a == "-pf" || a == "-jp" || a == "--json" || a == "--pretty" || a == "--bpffs" || a == "--mapcompat" || a == "--nomount" || a == "--debug":
			continue
		case strings.HasPrefix(a, "-"):
			return args
		}
		if a == args[0] || !slices.Contains(bpftool.Objects(), a) && a != "batch" {
			return args
		}
		return append([]string{"bpftool"}, args...)
	}
	return args
}
