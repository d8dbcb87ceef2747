package skep

import (
	"fmt"
	"io"

	"github.com/skep-dev/skep/internal/codegen"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/opt"
	"github.com/skep-dev/skep/internal/plan"
)

// build runs the compiler's middle and back end: passes, code generation, and
// the object.
func build(mod *ir.Module, pl *plan.Plan, o *Options) ([]byte, error) {
	o.stage("ir", func(w io.Writer) { io.WriteString(w, ir.Print(mod)) })
	if err := opt.Run(mod, opt.Options{}); err != nil {
		return nil, err
	}
	o.stage("opt", func(w io.Writer) { io.WriteString(w, ir.Print(mod)) })
	funcs, err := codegen.Generate(mod, o.Features)
	if err != nil {
		return nil, err
	}
	o.stage("bpf", func(w io.Writer) { dumpCode(w, funcs) })
	data, err := pl.Encode()
	if err != nil {
		return nil, err
	}
	o.stage("plan", func(w io.Writer) { dumpPlan(w, data) })
	in := object.Input{License: mod.License, Plan: data}
	for _, m := range mod.Maps {
		in.Maps = append(in.Maps, object.Map(*m))
	}
	for _, d := range mod.Data {
		in.Data = append(in.Data, object.Data(*d))
	}
	for _, f := range funcs {
		in.Funcs = append(in.Funcs, objectFunc(f))
	}
	return object.Build(in)
}

// objectFunc is a generated function as the object takes it.
func objectFunc(f codegen.Func) object.Func {
	out := object.Func{Name: f.Name, Section: f.Section, Static: f.Static, Insns: f.Insns, Proto: f.Proto}
	for _, c := range f.CORE {
		out.CORE = append(out.CORE, object.CORE{
			Insn: c.Insn, Kind: object.COREKind(c.Reloc.Kind), Type: c.Reloc.Type, Access: c.Reloc.Access,
		})
	}
	return out
}

// readPlan takes the plan out of an object's bytes, as every target does.
func readPlan(elf []byte) (*plan.Plan, error) {
	obj, err := object.Read(elf)
	if err != nil {
		return nil, err
	}
	pl, err := obj.Plan()
	if err == nil && pl == nil {
		err = fmt.Errorf("the object has no section %s", plan.Section)
	}
	return pl, err
}
