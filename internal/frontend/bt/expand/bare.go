package expand

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// Bare returns a copy of an expanded script for printing. It has no places and
// no comments: those of several texts don't fit together, and a printer that
// goes by them would put comments of the script into the bodies of macros.
func Bare(p *ast.Program) *ast.Program {
	c := ast.Cloner{Place: func(source.Span) source.Span { return source.Span{} }}
	bare := &ast.Program{Shebang: p.Shebang}
	for _, d := range p.CDefs {
		bare.CDefs = append(bare.CDefs, &ast.CDef{Kind: d.Kind, Name: d.Name, Text: d.Text})
	}
	for _, block := range p.Config {
		config := &ast.Config{}
		for _, a := range block.Assigns {
			config.Assigns = append(config.Assigns, &ast.ConfigAssign{Key: ast.Name{Text: a.Key.Text}, Value: c.Expr(a.Value)})
		}
		bare.Config = append(bare.Config, config)
	}
	for _, s := range p.Subprogs {
		sub := &ast.Subprog{Name: ast.Name{Text: s.Name.Text}, Result: c.Type(s.Result), Body: c.Block(s.Body)}
		for _, param := range s.Params {
			sub.Params = append(sub.Params, &ast.SubprogParam{Var: &ast.Var{Name: param.Var.Name}, Type: c.Type(param.Type)})
		}
		bare.Subprogs = append(bare.Subprogs, sub)
	}
	for _, d := range p.MapDecls {
		entries := &ast.IntLit{Value: d.MaxEntries.Value, Raw: d.MaxEntries.Raw, Suffix: d.MaxEntries.Suffix}
		bare.MapDecls = append(bare.MapDecls, &ast.MapDecl{
			Map: &ast.MapRef{Name: d.Map.Name}, Kind: ast.Name{Text: d.Kind.Text}, MaxEntries: entries,
		})
	}
	for _, pr := range p.Probes {
		probe := &ast.Probe{Pred: c.Expr(pr.Pred), Body: c.Block(pr.Body)}
		for _, ap := range pr.AttachPoints {
			probe.AttachPoints = append(probe.AttachPoints, &ast.AttachPoint{
				Label: ap.Label, Raw: ap.Raw, Provider: ap.Provider, Args: ap.Args,
			})
		}
		bare.Probes = append(bare.Probes, probe)
	}
	return bare
}
