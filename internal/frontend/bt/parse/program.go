package parse

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// The parts of a program must come in this order.
const (
	partC = iota
	partConfig
	partBody
)

// program = [shebang] {cdef} {config | import} {probe | macro | subprog | mapdecl}
func (p *parser) program() *ast.Program {
	prog := &ast.Program{Place: p.place(0, len(p.src))}
	if p.tok.kind == tHash && p.at(p.tok.end) == '!' {
		end := p.lineEnd(p.tok.start)
		prog.Shebang = trimRight(p.src[p.tok.start:end])
		p.jump(end)
	}
	part := partC
	for p.tok.kind != tEOF && !p.stopped {
		start := p.tok.start
		part = max(part, p.decl(prog, part))
		if p.failed {
			p.syncTop(start)
		}
		if p.tok.start == start && p.tok.kind != tEOF {
			p.next()
		}
	}
	prog.Comments = p.comments
	return prog
}

// decl parses one declaration into prog and returns the part of the program
// that it belongs to; part is the one reached so far.
func (p *parser) decl(prog *ast.Program, part int) int {
	start := p.tok
	word := ""
	if start.kind == tIdent {
		word = p.text(start)
	}
	switch {
	case start.kind == tHash, p.isTag() && p.atCDef():
		if start.kind == tHash {
			prog.CDefs = append(prog.CDefs, p.preproc())
		} else {
			prog.CDefs = append(prog.CDefs, p.cdef())
		}
		if part > partC {
			p.report(Order, p.spanOf(start), "C definitions must come before everything else").
				WithHint("move it to the top of the file")
		}
		return partC
	case word == "config" && p.at(start.end) != ':':
		if len(prog.Config) > 0 {
			p.report(Order, p.spanOf(start), "a program has only one config block").
				Note(prog.Config[0].At, "the first one is here")
		} else if part > partConfig {
			p.report(Order, p.spanOf(start), "the config block must come before probes, macros, functions and map declarations")
		}
		prog.Config = append(prog.Config, p.config())
		return partConfig
	case word == "import" && p.at(start.end) != ':':
		if part > partConfig {
			p.report(Order, p.spanOf(start), "imports must come before probes, macros, functions and map declarations")
		}
		if imp := p.importPath(); imp != nil {
			prog.Imports = append(prog.Imports, imp)
		}
		return partConfig
	}
	p.bodyDecl(prog, word)
	return partBody
}

func (p *parser) bodyDecl(prog *ast.Program, word string) {
	switch {
	case word == "macro" && p.at(p.tok.end) != ':':
		if m := p.macro(); m != nil {
			prog.Macros = append(prog.Macros, m)
		}
	case word == "fn" && p.at(p.tok.end) != ':':
		if s := p.subprog(); s != nil {
			prog.Subprogs = append(prog.Subprogs, s)
		}
	case word == "let" && p.at(p.tok.end) != ':':
		if m := p.mapDecl(); m != nil {
			prog.MapDecls = append(prog.MapDecls, m)
		}
	default:
		if pr := p.probe(); pr != nil {
			prog.Probes = append(prog.Probes, pr)
		}
	}
}

// config = "config" "=" "{" [key "=" value {";" key "=" value} [";"]] "}"
func (p *parser) config() *ast.Config {
	start := p.tok.start
	p.next()
	p.expect(tAssign, "after 'config'")
	c := &ast.Config{}
	open := p.tok
	if p.expect(tLBrace, "to begin the config block") {
		for p.tok.kind != tRBrace && p.tok.kind != tEOF && !p.failed {
			if a := p.configAssign(); a != nil {
				c.Assigns = append(c.Assigns, a)
			}
			if p.tok.kind != tRBrace {
				p.expect(tSemi, "between config variables")
			}
		}
		p.closing(tRBrace, open, "to end the config block")
	}
	c.Place = p.from(start)
	return c
}

func (p *parser) configAssign() *ast.ConfigAssign {
	start := p.tok.start
	key, ok := p.name("the name of a config variable")
	if !ok || !p.expect(tAssign, "after the name of a config variable") {
		return nil
	}
	a := &ast.ConfigAssign{Key: key}
	switch {
	case p.tok.kind == tInt:
		a.Value = p.intLit()
	case p.tok.kind == tString, p.tok.kind == tOpenString:
		a.Value = p.strLit()
	case p.is("true"), p.is("false"):
		a.Value = p.boolLit()
	case p.tok.kind == tIdent:
		a.Value = p.ident()
	default:
		p.expected("a string, a number, true, false or a word")
		return nil
	}
	a.Place = p.from(start)
	return a
}

// importPath = "import" string ";"
func (p *parser) importPath() *ast.Import {
	start := p.tok.start
	p.next()
	if p.tok.kind != tString && p.tok.kind != tOpenString {
		p.expected("a path in double quotes after 'import'")
		return nil
	}
	imp := &ast.Import{Path: p.strLit()}
	imp.Place = p.from(start)
	p.expect(tSemi, "after the import")
	return imp
}

// macro = "macro" name "(" [param {"," param}] ")" block
func (p *parser) macro() *ast.Macro {
	start := p.tok.start
	p.next()
	name, ok := p.name("the name of a macro")
	if !ok {
		return nil
	}
	m := &ast.Macro{Name: name}
	open := p.tok
	if p.tok.kind == tLBrace {
		p.expected("'('").WithHint("a macro without parameters is written 'macro %s() {...}'", name.Text)
		return nil
	}
	if !p.expect(tLParen, "after the name of a macro") {
		return nil
	}
	for p.tok.kind != tRParen && !p.failed {
		m.Params = append(m.Params, p.macroParam())
		if !p.accept(tComma) {
			break
		}
		if p.tok.kind == tRParen {
			p.expected("another parameter")
		}
	}
	if !p.closing(tRParen, open, "to end the parameters") {
		return nil
	}
	m.Body = p.block(true)
	m.Place = p.from(start)
	return m
}

func (p *parser) macroParam() ast.Expr {
	switch p.tok.kind {
	case tVar:
		return p.variable()
	case tMap:
		return p.mapName()
	case tIdent:
		if name := p.text(p.tok); isBuiltin(name) || isKeyword(name) {
			p.report(Syntax, p.spanOf(p.tok), "'%s' can't be the name of a parameter", name)
		}
		return p.ident()
	}
	p.expected("a parameter ($variable, @map or a name)")
	return p.bad()
}

// subprog = "fn" name "(" [$var ":" type {"," $var ":" type}] ")" ":" type block
func (p *parser) subprog() *ast.Subprog {
	start := p.tok.start
	p.next()
	name, ok := p.name("the name of a function")
	if !ok {
		return nil
	}
	s := &ast.Subprog{Name: name}
	open := p.tok
	if !p.expect(tLParen, "after the name of a function") {
		return nil
	}
	for p.tok.kind != tRParen && !p.failed {
		if param := p.subprogParam(); param != nil {
			s.Params = append(s.Params, param)
		}
		if !p.accept(tComma) {
			break
		}
		if p.tok.kind == tRParen {
			p.expected("another parameter")
		}
	}
	if !p.closing(tRParen, open, "to end the parameters") {
		return nil
	}
	if !p.expect(tColon, "and the type of the result") {
		return nil
	}
	s.Result = p.typeAnnotation()
	s.Body = p.block(false)
	s.Place = p.from(start)
	return s
}

func (p *parser) subprogParam() *ast.SubprogParam {
	start := p.tok.start
	if p.tok.kind != tVar {
		p.expected("a parameter such as '$x: int64'")
		return nil
	}
	param := &ast.SubprogParam{Var: p.variable()}
	if !p.expect(tColon, "and the type of the parameter") {
		return nil
	}
	param.Type = p.typeAnnotation()
	param.Place = p.from(start)
	return param
}

// mapDecl = "let" @name "=" kind "(" entries ")" [";"]
func (p *parser) mapDecl() *ast.MapDecl {
	start := p.tok.start
	p.next()
	if p.tok.kind != tMap {
		p.expected("a map").WithHint("outside of probes 'let' declares a map, such as 'let @a = hash(100);'")
		return nil
	}
	d := &ast.MapDecl{Map: p.mapName()}
	if !p.expect(tAssign, "and the kind of the map") {
		return nil
	}
	kind, ok := p.name("the kind of the map")
	if !ok {
		return nil
	}
	d.Kind = kind
	open := p.tok
	if !p.expect(tLParen, "and the number of entries") {
		return nil
	}
	if p.tok.kind != tInt {
		p.expected("the number of entries")
		return nil
	}
	d.MaxEntries = p.intLit()
	if !p.closing(tRParen, open, "after the number of entries") {
		return nil
	}
	d.Place = p.from(start)
	p.accept(tSemi)
	return d
}
