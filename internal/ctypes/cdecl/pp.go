package cdecl

import (
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// maxTokens bounds what macros may expand to.
const maxTokens = 1 << 20

// macro is an object-like macro, or a function-like one that can't be used.
type macro struct {
	name     string
	span     source.Span
	body     []token
	text     string // the body as written
	function bool
}

// Include is an #include line.
type Include struct {
	Path   string // without the quotes or angle brackets
	System bool   // <path>
	Span   source.Span
}

// preproc turns parts of a file into tokens: it obeys the directives and
// expands object-like macros.
type preproc struct {
	dl       *diag.List
	macros   map[string]*macro
	order    []string
	includes []Include
	eval     func(p *preproc, toks []token, at source.Span) int64
	out      []token
	conds    []cond
	steps    int // tokens looked at in expansions
	full     bool
}

// cond is an open #if.
type cond struct {
	span              source.Span
	live, taken, elze bool
	outer             bool // the lines around it are live
}

func (p *preproc) live() bool {
	return len(p.conds) == 0 || p.conds[len(p.conds)-1].live
}

// part reads one part. A declaration that the part leaves open at its end is
// closed, since a script's definitions come without their semicolon.
func (p *preproc) part(f *source.File, start, end int) {
	l := newLexer(f, start, end)
	before := len(p.out)
	for {
		t := l.next(false)
		if t.kind == eof {
			break
		}
		if t.kind == hash {
			p.directive(l, t)
			continue
		}
		if p.live() {
			p.expand(t, nil)
		}
	}
	if n := len(p.out); n > before && !p.out[n-1].is(";") {
		p.out = append(p.out, token{kind: punct, text: ";", span: source.Span{File: f, Start: end, End: end}})
	}
}

// finish reports what is still open.
func (p *preproc) finish() {
	for _, c := range p.conds {
		p.dl.Errorf("c-preproc", c.span, "#if without #endif")
	}
}

// expand appends a token, or what a macro makes of it. active are the macros
// whose expansion it comes from, which don't expand again.
func (p *preproc) expand(t token, active []string) {
	if p.steps++; p.steps > maxTokens {
		if !p.full {
			p.dl.Errorf("c-preproc", t.span, "macros expand to more than %d tokens", maxTokens)
			p.full = true
		}
		return
	}
	m := p.macros[t.text]
	if t.kind != ident || m == nil || m.function || contains(active, t.text) {
		p.out = append(p.out, t)
		return
	}
	active = append(active, t.text)
	for _, b := range m.body {
		if p.full {
			return
		}
		b.span = t.span
		p.expand(b, active)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// directive reads a directive's line.
func (p *preproc) directive(l *lexer, at token) {
	var line []token
	for {
		t := l.next(true)
		if t.kind == newline || t.kind == eof {
			break
		}
		line = append(line, t)
	}
	if len(line) == 0 {
		return
	}
	name, args := line[0], line[1:]
	span := at.span.To(line[len(line)-1].span)
	if p.conditional(name.text, args, span) || !p.live() {
		return
	}
	switch name.text {
	case "define":
		p.define(args, span)
	case "undef":
		if len(args) != 1 || args[0].kind != ident {
			p.dl.Errorf("c-preproc", span, "#undef takes one name")
			return
		}
		delete(p.macros, args[0].text)
	case "include":
		p.include(args, span)
	case "pragma":
		if len(args) > 0 && args[0].text == "pack" {
			p.dl.Errorf("c-preproc", span, "#pragma pack is not supported").WithHint("write __attribute__((packed)) after the struct")
		}
	case "error":
		p.dl.Errorf("c-preproc", span, "%s", strings.TrimSpace(span.Text()))
	case "warning":
		p.dl.Warnf("c-preproc", span, "%s", strings.TrimSpace(span.Text()))
	case "line":
	default:
		p.dl.Errorf("c-preproc", name.span, "unknown directive #%s", name.text)
	}
}

// conditional handles the directives that are obeyed in dead parts too, and
// reports whether name is one.
func (p *preproc) conditional(name string, args []token, span source.Span) bool {
	top := func() *cond {
		if len(p.conds) == 0 {
			p.dl.Errorf("c-preproc", span, "#%s without #if", name)
			return nil
		}
		return &p.conds[len(p.conds)-1]
	}
	switch name {
	case "if", "ifdef", "ifndef":
		outer := p.live()
		live := outer && p.holds(name, args, span)
		p.conds = append(p.conds, cond{span: span, live: live, taken: live, outer: outer})
	case "elif":
		if c := top(); c != nil {
			c.live = c.outer && !c.taken && !c.elze && p.holds("if", args, span)
			c.taken = c.taken || c.live
		}
	case "else":
		if c := top(); c != nil {
			if c.elze {
				p.dl.Errorf("c-preproc", span, "second #else")
			}
			c.live = c.outer && !c.taken
			c.taken, c.elze = true, true
		}
	case "endif":
		if c := top(); c != nil {
			p.conds = p.conds[:len(p.conds)-1]
		}
	default:
		return false
	}
	return true
}

// holds says whether a condition is true.
func (p *preproc) holds(name string, args []token, span source.Span) bool {
	if name != "if" {
		if len(args) != 1 || args[0].kind != ident {
			p.dl.Errorf("c-preproc", span, "#%s takes one name", name)
			return false
		}
		return (p.macros[args[0].text] != nil) == (name == "ifdef")
	}
	return p.eval(p, p.condition(args), span) != 0
}

// condition replaces defined(X) and then expands macros; names that are left
// are 0, as C has it.
func (p *preproc) condition(args []token) []token {
	sub := &preproc{dl: p.dl, macros: p.macros}
	constant := func(at token, v bool) {
		at.kind, at.text = number, "0"
		if v {
			at.text = "1"
		}
		sub.out = append(sub.out, at)
	}
	for i := 0; i < len(args); i++ {
		t := args[i]
		switch {
		case t.is("defined") && i+3 < len(args) && args[i+1].is("(") && args[i+3].is(")"):
			constant(t, p.macros[args[i+2].text] != nil)
			i += 3
		case t.is("defined") && i+1 < len(args) && args[i+1].kind == ident:
			constant(t, p.macros[args[i+1].text] != nil)
			i++
		default:
			sub.expand(t, nil)
		}
	}
	for i, t := range sub.out {
		if t.kind == ident {
			sub.out[i].kind, sub.out[i].text = number, "0"
		}
	}
	return sub.out
}

func (p *preproc) define(args []token, span source.Span) {
	if len(args) == 0 || args[0].kind != ident {
		p.dl.Errorf("c-preproc", span, "#define takes a name")
		return
	}
	name := args[0]
	m := &macro{name: name.text, span: name.span, body: args[1:]}
	if len(m.body) > 0 {
		first, last := m.body[0], m.body[len(m.body)-1]
		m.function = first.is("(") && first.span.Start == name.span.End
		m.text = first.span.To(last.span).Text()
	}
	if p.macros[m.name] == nil {
		p.order = append(p.order, m.name)
	}
	p.macros[m.name] = m
}

func (p *preproc) include(args []token, span source.Span) {
	inc := Include{Span: span}
	switch {
	case len(args) == 1 && args[0].kind == str && len(args[0].text) > 2:
		inc.Path = strings.Trim(args[0].text, `"`)
	case len(args) > 2 && args[0].is("<") && args[len(args)-1].is(">"):
		inc.Path, inc.System = args[1].span.To(args[len(args)-2].span).Text(), true
	default:
		p.dl.Errorf("c-preproc", span, "#include takes \"file\" or <file>")
		return
	}
	p.includes = append(p.includes, inc)
}
