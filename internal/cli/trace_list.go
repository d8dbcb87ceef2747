package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/skep-dev/skep"
	"github.com/skep-dev/skep/internal/catalog"
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
)

// listProbes is -l: the probes that match a search, or those of a script. With
// -v each is followed by the declarations of its arguments, indented.
func listProbes(std *streams, f *traceFlags, args []string) error {
	machine := catalog.Running()
	names, err := probesToList(machine, std, f, args)
	if err != nil {
		return err
	}
	if len(names) == 0 && len(args) > 0 && !isTypeSearch(args[0]) {
		fmt.Fprintf(std.err, "skep trace: no probe matches %s\n", args[0])
		return exitStatus(statusFailed)
	}
	var out strings.Builder
	for _, name := range names {
		out.WriteString(name)
		out.WriteByte('\n')
		if !f.verbose {
			continue
		}
		fields, err := machine.Fields(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, d := range fields {
			fmt.Fprintf(&out, "    %s\n", d)
		}
	}
	_, err = io.WriteString(std.out, out.String())
	return err
}

func probesToList(machine *catalog.Machine, std *streams, f *traceFlags, args []string) ([]string, error) {
	if f.program == "" {
		if len(args) == 0 {
			return machine.List("")
		}
		if _, err := os.Stat(args[0]); err != nil {
			return searchProbes(machine, std, f, args[0])
		}
	}
	src, params, err := f.script(std, args)
	if err != nil {
		return nil, err
	}
	positional, named := expand.SplitArgs(params)
	checked, _, err := skep.Check(src, &skep.Options{Params: positional, Named: named, Unsafe: true,
		Machine: &skep.Machine{Catalog: machine, Resolver: machine.Resolver()}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, in := range checked.Instances {
		for _, p := range in.Points {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// searchProbes lists the probes of a search, or defines the C types that it
// names: "struct task_struct,struct file".
func searchProbes(machine *catalog.Machine, std *streams, f *traceFlags, search string) ([]string, error) {
	if !isTypeSearch(search) {
		return machine.List(search)
	}
	for name := range strings.SplitSeq(search, ",") {
		t, err := machine.Resolver().Type(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(std.out, "vmlinux: %s\n", ctypes.Define(t)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// isTypeSearch reports whether a search is for C types.
func isTypeSearch(search string) bool {
	word, _, _ := strings.Cut(search, " ")
	return word == "struct" || word == "union" || word == "enum"
}
