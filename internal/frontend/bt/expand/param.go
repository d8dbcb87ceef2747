package expand

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/source"
)

// SplitArgs divides the arguments that follow a script on the command line:
// those that begin with two dashes are named parameters, without the dashes,
// all others are positional. A "--" by itself is neither.
func SplitArgs(args []string) (positional, named []string) {
	for _, a := range args {
		switch name, ok := strings.CutPrefix(a, "--"); {
		case a == "--":
		case ok:
			named = append(named, name)
		default:
			positional = append(positional, a)
		}
	}
	return positional, named
}

// param is the value of a positional parameter: a number if it looks like one,
// else a string. One that was not given, or is empty, is 0.
func (f *folder) param(x *ast.Param) ast.Expr {
	text := f.paramText(x)
	if text == "" {
		if !f.warned[x.N] {
			f.warned[x.N] = true
			f.diags.Warnf(Param, x.At, "the positional parameter $%d is empty or was not given: it counts as 0", x.N)
		}
		return intLit(0, x.Place)
	}
	if n, problem := parseNumber(text); problem == "" {
		return numLit(n, x.Place)
	}
	return &ast.StrLit{Place: x.Place, Value: text}
}

func (f *folder) paramString(x *ast.Param) ast.Expr {
	return &ast.StrLit{Place: x.Place, Value: f.paramText(x)}
}

func (f *folder) paramText(x *ast.Param) string {
	if x.N >= 1 && x.N <= len(f.opts.Params) {
		return f.opts.Params[x.N-1]
	}
	return ""
}

func intText(n number) string {
	if n.neg {
		return strconv.FormatInt(int64(n.v), 10)
	}
	return strconv.FormatUint(n.v, 10)
}

// parseNumber reads a number as the language writes it, or with a minus sign,
// or with 0b in binary.
func parseNumber(text string) (n number, problem string) {
	digits, neg := strings.CutPrefix(text, "-")
	var v uint64
	var err error
	if len(digits) > 2 && (digits[:2] == "0b" || digits[:2] == "0B") {
		v, err = strconv.ParseUint(digits[2:], 2, 64)
	} else {
		v, _, err = parse.Int(digits)
	}
	switch {
	case err != nil && digits != "" && strings.Trim(digits, "0123456789") == "":
		return n, "value is out of range"
	case err != nil:
		return n, "invalid integer"
	case neg && v > 1<<63:
		return n, "value is out of range"
	case neg:
		return number{-v, v != 0}, ""
	}
	return number{v, false}, ""
}

// NamedParam is a named parameter that a script asks for.
type NamedParam struct {
	Name        string
	Description string // may be empty
	// Default is a literal: true or false, a string or a number.
	Default ast.Expr
	At      source.Span // where the script asks first
}

// namedParams are the parameters that were given and those that are asked for.
type namedParams struct {
	given map[string]*string // nil without a value
	order []string
	asked map[string]*NamedParam
	bad   map[string]bool // values that were reported
}

func (p *namedParams) read(args []string) {
	p.given, p.asked, p.bad = map[string]*string{}, map[string]*NamedParam{}, map[string]bool{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if _, again := p.given[name]; !again {
			p.order = append(p.order, name)
		}
		if p.given[name] = nil; ok {
			p.given[name] = &value
		}
	}
}

// getopt is the value that stands in place of a call of getopt, whose
// arguments have been folded.
func (p *namedParams) getopt(x *ast.Call, diags *diag.List) ast.Expr {
	if n := len(x.Args); n < 1 || n > 3 {
		diags.Errorf(Param, x.Span(), "getopt() takes 1 to 3 arguments, not %d", n).
			WithHint(`getopt("name", default, "description")`)
		return x
	}
	name, ok := x.Args[0].(*ast.StrLit)
	if !ok {
		diags.Errorf(Param, x.Args[0].Span(), "the first argument of getopt() must be a string literal")
		return x
	}
	asked := &NamedParam{Name: name.Value, Default: boolLit(false, x.Place), At: x.Span()}
	if len(x.Args) > 1 {
		asked.Default = x.Args[1]
		if !IsLiteral(asked.Default) || sameGroup(asked.Default, asked.Default) {
			diags.Errorf(Param, asked.Default.Span(), "the second argument of getopt() must be a number, a string, true or false")
			return x
		}
	}
	if len(x.Args) > 2 {
		d, ok := x.Args[2].(*ast.StrLit)
		if !ok {
			diags.Errorf(Param, x.Args[2].Span(), "the third argument of getopt() must be a string literal")
			return x
		}
		asked.Description = d.Value
	}
	if !p.ask(asked, diags) {
		return x
	}
	return p.value(asked, x, diags)
}

// ask notes a parameter; it must be asked for alike everywhere.
func (p *namedParams) ask(n *NamedParam, diags *diag.List) bool {
	first := p.asked[n.Name]
	if first == nil {
		p.asked[n.Name] = n
		return true
	}
	if same, _ := equal(first.Default, n.Default); !same {
		diags.Errorf(Param, n.At, "the parameter %s has two default values", n.Name).
			Note(first.Default.Span(), "it had another one here").
			WithHint("put the call of getopt into a macro")
		return false
	}
	if first.Description != "" && n.Description != "" && first.Description != n.Description {
		diags.Errorf(Param, n.At, "the parameter %s has two descriptions", n.Name).
			Note(first.At, "the first one").
			WithHint("put the call of getopt into a macro")
		return false
	}
	first.Description = cmp.Or(first.Description, n.Description)
	return true
}

// value is what was given for a parameter, or its default. Numbers get the
// type that the default has: uint64, or int64 for a negative one.
func (p *namedParams) value(n *NamedParam, x *ast.Call, diags *diag.List) ast.Expr {
	given, ok := p.given[n.Name]
	_, isBool := n.Default.(*ast.BoolLit)
	text := "true"
	if given != nil {
		text = *given
	}
	switch def := n.Default.(type) {
	case *ast.BoolLit:
		if !ok {
			return boolLit(def.Value, x.Place)
		}
		v, valid := parseBool(text)
		if !valid {
			p.invalid(n, text, "expects a boolean (e.g. 'true')", diags)
		}
		return boolLit(v, x.Place)
	case *ast.StrLit:
		if !ok {
			text = def.Value
		} else if given == nil {
			p.invalid(n, text, "expects a string", diags)
		}
		return &ast.StrLit{Place: x.Place, Value: text}
	}
	v, _ := numberOf(n.Default)
	typ := "uint64"
	if v.neg {
		typ = "int64"
	}
	if ok {
		var problem string
		switch v, problem = parseNumber(text); {
		case given == nil && !isBool:
			problem = "expects an integer"
		case problem == "" && typ == "uint64" && v.neg:
			problem = "value is out of range"
		case problem == "" && typ == "int64" && !v.neg && v.v>>63 != 0:
			problem = "value is out of range"
		}
		if problem != "" {
			p.invalid(n, text, problem, diags)
		}
	}
	return &ast.Cast{Place: x.Place, Type: &ast.NamedType{Place: x.Place, Name: typ}, X: numLit(v, x.Place)}
}

// parseBool reads a boolean as bpftrace takes it.
func parseBool(text string) (v, ok bool) {
	switch strings.ToLower(text) {
	case "1", "true", "on", "yes":
		return true, true
	case "0", "false", "off", "no":
		return false, true
	}
	return false, false
}

func (p *namedParams) invalid(n *NamedParam, text, problem string, diags *diag.List) {
	if p.bad[n.Name] {
		return
	}
	p.bad[n.Name] = true
	diags.Errorf(Param, source.Span{}, "program command line option --%s %s (value: %s)", n.Name, problem, text).
		Note(n.At, "the script asks for it here")
}

// finish reports what was given but is not asked for. The order of the result
// is that of the names.
func (p *namedParams) finish(diags *diag.List) []NamedParam {
	var all []NamedParam
	for _, n := range p.asked {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b NamedParam) int { return cmp.Compare(a.Name, b.Name) })
	var unknown []string
	for _, name := range p.order {
		if p.asked[name] == nil {
			unknown = append(unknown, "--"+name)
		}
	}
	if len(unknown) == 0 {
		return all
	}
	d := diags.Errorf(Param, source.Span{}, "unexpected program command line options: %s", strings.Join(unknown, ", "))
	var known []string
	for _, n := range all {
		s := "--" + n.Name
		if n.Description != "" {
			s += ": " + n.Description
		}
		known = append(known, s)
	}
	switch {
	case len(known) > 0:
		d.WithHint("expected program options:\n%s", strings.Join(known, "\n"))
	default:
		d.WithHint("the script has no options; positional parameters are given without dashes")
	}
	return all
}
