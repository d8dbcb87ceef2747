package skep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/skep-dev/skep/internal/codegen"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	btfmt "github.com/skep-dev/skep/internal/frontend/bt/fmt"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/isa"
)

// Stages returns the names of the forms that a script takes on its way, which
// Options.Dump can be asked for: the syntax tree, the
// script with its macros and imports expanded, the tree with types, the
// intermediate form before and after the passes, the instructions, and the
// plan.
func Stages() []string { return []string{"ast", "expand", "types", "ir", "opt", "bpf", "plan"} }

// stage runs write with the place for a stage's form, if there is one.
func (o *Options) stage(name string, write func(io.Writer)) {
	if o.Dump == nil {
		return
	}
	if w := o.Dump(name); w != nil {
		fmt.Fprintf(w, "%s\n%s\n", name, strings.Repeat("-", len(name)))
		write(w)
		fmt.Fprintln(w)
	}
}

func dumpAST(w io.Writer, p *ast.Program) {
	io.WriteString(w, btfmt.Dump(p, btfmt.DumpOptions{}))
}

// dumpTypes shows each probe's tree with the types of its expressions, once
// for each meaning that it has.
func dumpTypes(w io.Writer, p *check.Program) {
	for _, m := range p.Maps {
		fmt.Fprintf(w, "%s", m.Name)
		if !m.Scalar {
			fmt.Fprintf(w, "[%s]", m.Key)
		}
		fmt.Fprintf(w, ": %s\n", m.Value)
	}
	for _, in := range p.Instances {
		names := make([]string, len(in.Points))
		for i, pt := range in.Points {
			names[i] = pt.Name
		}
		fmt.Fprintf(w, "%s\n", strings.Join(names, ", "))
		io.WriteString(w, btfmt.Dump(in.Probe, btfmt.DumpOptions{Note: func(n ast.Node) string {
			e, ok := n.(ast.Expr)
			if !ok {
				return ""
			}
			if t := in.Type(e); t.Kind != types.Invalid {
				return t.String()
			}
			return ""
		}}))
	}
}

// dumpCode shows the instructions of all functions, as the kernel's verifier
// prints them.
func dumpCode(w io.Writer, funcs []codegen.Func) {
	for _, f := range funcs {
		fmt.Fprintf(w, "%s:\n", f.Name)
		isa.Fprint(w, f.Insns, isa.Style{})
	}
}

// dumpPlan shows the plan as indented JSON.
func dumpPlan(w io.Writer, data []byte) {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		fmt.Fprintln(w, err)
		return
	}
	b.WriteByte('\n')
	b.WriteTo(w)
}
