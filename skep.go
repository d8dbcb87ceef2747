// Package skep compiles programs to eBPF objects: scripts of the tracing
// language today. What comes out is a Unit: the bytes of a relocatable ELF
// object with BTF and line information, which any libbpf loads, and the plan
// that tells the user side what to attach and how to show what comes back.
//
// The package imports no target. Package kernel runs a Unit in the Linux
// kernel, package vm in user space.
package skep

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/skep-dev/skep/internal/catalog"
	"github.com/skep-dev/skep/internal/codegen"
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/expand"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/lower"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/source"
)

// Plan is the user-side half of a compiled script.
type Plan = plan.Plan

// Source is the text of one script.
type Source struct {
	Name string // what diagnostics call it: a file's name, "-e", "stdin"
	Text string
}

// Options are what a script is compiled for. The zero value compiles for the
// running machine.
type Options struct {
	Params []string                // positional parameters $1, $2, ...
	Named  []string                // named parameters, "name=value" or "name"
	Getenv func(key string) string // where settings such as BPFTRACE_MAX_STRLEN come from; nil for nowhere
	Unsafe bool                    // allow system() and its like

	PID      int // only events of this process; 0 is all
	ChildPID int // what the builtin cpid says
	CPUs     int // possible CPUs; 0 is this machine's

	// Machine is what there is to attach to, and its types; nil is the
	// running machine.
	Machine *Machine
	// Features are those of the kernel that the object is for.
	Features codegen.Features

	types   ctypes.Resolver  // the script's own types, then the machine's
	explain func(*diag.List) // translates places inside macros

	// Dump, when not nil, is asked for each stage for a place to write its
	// form to (see Stages); nil skips the stage.
	Dump func(stage string) io.Writer
}

// Machine answers what can be attached to and what types there are.
type Machine struct {
	Catalog  probe.Catalog
	Resolver ctypes.Resolver
}

// Unit is one compiled script.
type Unit struct {
	elf  []byte
	plan *plan.Plan
	// Warnings are what the compiler had to say although it succeeded.
	Warnings *diag.List
}

// ELF returns the object's bytes.
func (u *Unit) ELF() []byte { return u.elf }

// Plan returns the user-side half, as it was read back from the object.
func (u *Unit) Plan() *Plan { return u.plan }

// Check parses a script and resolves its names and types without generating
// code. The error is a *diag.List when the script is wrong.
func Check(src Source, o *Options) (*check.Program, *diag.List, error) {
	prog, diags, err := Parse(src, o)
	if err != nil {
		return nil, nil, err
	}
	o.stage("ast", func(w io.Writer) { dumpAST(w, prog) })
	env := o.env()
	expanded, problems := expand.Program(prog, expand.Options{
		Params: o.Params, Named: o.Named, Files: expand.Disk{}, Outer: env.Resolver,
		Defines: map[string]string{"BPFTRACE_HAVE_BTF": "1"},
	})
	diags.Items = append(diags.Items, problems.Items...)
	if err := diags.Err(); err != nil {
		return nil, nil, err
	}
	unreadHeaders(prog, diags)
	o.stage("expand", func(w io.Writer) { io.WriteString(w, btfmt.Print(expand.Bare(prog))) })
	env.Resolver = ctypes.NewChain(ctypes.Opened(expanded.Types), ctypes.Opened(env.Resolver))
	o.types = env.Resolver
	o.explain = expanded.Explain
	checked := check.Check(prog, env, diags)
	expanded.Explain(diags)
	if err := diags.Err(); err != nil {
		diags.Sort()
		return nil, nil, err
	}
	return checked, diags, nil
}

// unreadHeaders warns of headers that the script includes: kernel types come
// from BTF without them, and what else they define is missing.
func unreadHeaders(p *ast.Program, diags *diag.List) {
	for _, d := range p.CDefs {
		if d.Kind == ast.CPreproc && d.Name == "include" {
			diags.Warnf("include", d.Span(), "headers are not read by this version of skep").
				WithHint("the kernel's types are known without them; other types and constants can be written into the script")
		}
	}
}

// Parse parses a script. The error is a *diag.List.
func Parse(src Source, o *Options) (*ast.Program, *diag.List, error) {
	prog, diags := parse.Program(source.NewFile(src.Name, src.Text), parse.Options{Params: o.Params})
	if err := diags.Err(); err != nil {
		diags.Sort()
		return nil, nil, err
	}
	return prog, diags, nil
}

// Compile turns a script into an object. The error is a *diag.List when the
// script is wrong.
func Compile(ctx context.Context, src Source, o *Options) (*Unit, error) {
	if o == nil {
		o = &Options{}
	}
	checked, diags, err := Check(src, o)
	if err != nil {
		return nil, err
	}
	o.stage("types", func(w io.Writer) { dumpTypes(w, checked) })
	env := o.env()
	env.Resolver = o.types
	mod, pl := lower.Lower(checked, lower.Options{
		Env: env, Source: src.Name, PID: o.PID, ChildPID: o.ChildPID, CPUs: o.cpus(),
	}, diags)
	o.explain(diags)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	elf, err := build(mod, pl, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.Name, err)
	}
	u := &Unit{elf: elf, Warnings: diags}
	if u.plan, err = readPlan(elf); err != nil {
		return nil, fmt.Errorf("%s: %w", src.Name, err)
	}
	return u, nil
}

func (o *Options) cpus() int {
	if o.CPUs != 0 {
		return o.CPUs
	}
	return runtime.NumCPU()
}

func (o *Options) env() check.Env {
	if o.Machine == nil {
		o.Machine = RunningMachine()
	}
	return check.Env{
		Resolver: o.Machine.Resolver, Catalog: o.Machine.Catalog, Params: o.Params, Getenv: o.Getenv,
		Unsafe: o.Unsafe, CheckFormat: render.CheckFormat,
	}
}

// RunningMachine is the machine that this process runs on.
func RunningMachine() *Machine {
	m := catalog.Running()
	return &Machine{Catalog: m, Resolver: m.Resolver()}
}
