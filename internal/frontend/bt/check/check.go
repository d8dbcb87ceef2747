// Package check resolves names and types of a script: which probes it has,
// which variables and maps, and what type each expression has. Types live in
// side tables, per Instance, because one probe body can mean different things
// at different attach points.
//
// Types are found by walking the script again and again: a walk computes the
// types of expressions bottom-up from what is known of variables and maps and
// widens those by what is assigned to them, until a walk changes nothing.
// Widening only ever grows, so this ends. A last walk reports what is wrong.
//
// It imports source, diag, ctypes, plan, the front end's syntax tree, types
// and probe, and the standard library only.
package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/source"
)

// Env is what a script is checked against.
type Env struct {
	Resolver ctypes.Resolver
	Catalog  probe.Catalog
	Params   []string                // positional parameters $1, $2, ...
	Getenv   func(key string) string // the environment's settings; nil for none
	Unsafe   bool                    // allow system() and its like
	// CheckFormat checks a format string against its arguments' types.
	CheckFormat func(format string, args []plan.Type) error
}

// Program is a script with everything resolved.
type Program struct {
	AST       *ast.Program
	Config    Config
	Maps      []*Map // in order of their names
	Instances []*Instance
}

// Instance is one meaning of a probe's body: the attach points at which all
// expressions have the same types.
type Instance struct {
	Probe  *ast.Probe
	Points []probe.Point

	types map[ast.Expr]*types.Type
	vars  map[*ast.Var]*Variable
	decls map[ast.Node]*Variable
	sizes map[*ast.Sizeof]int
}

// Sizeof returns the bytes of what a sizeof names.
func (in *Instance) Sizeof(x *ast.Sizeof) int { return in.sizes[x] }

// Type returns the type of an expression of the probe.
func (in *Instance) Type(e ast.Expr) *types.Type {
	if t := in.types[e]; t != nil {
		return t
	}
	return types.InvalidType()
}

// Var returns the variable that a use names.
func (in *Instance) Var(v *ast.Var) *Variable { return in.vars[v] }

// Variable is a scratch variable of an instance.
type Variable struct {
	Name  string
	Type  *types.Type
	Fixed bool // declared with a type
}

// Map is one of the script's maps.
type Map struct {
	Name   string // with the "@"
	Scalar bool   // used without a key
	Key    *types.Type
	Value  *types.Type
	Agg    plan.Aggregate
	Bits   int   // hist
	Min    int64 // lhist
	Max    int64
	Step   int64
	At     source.Span // the first use
	// Kind and MaxEntries are those of a map declaration.
	Kind       string
	MaxEntries uint32

	keyed, plain bool
	assigned     bool // something is assigned to it, whatever its type
}

// maxRounds bounds the walks. Each changes a type at least once and a type
// can only grow a few times, so a script that needs more is not sensible.
const maxRounds = 64

type checker struct {
	env    Env
	prog   *Program
	maps   map[string]*Map
	diags  *diag.List // what is reported; nil while types are being found
	in     *Instance
	scopes []map[string]*Variable
	loops  int // loops around the current statement
	copies int // how often unrolling repeats it
	change bool
	all    *diag.List
	also   map[*diag.Diagnostic][]string // other probes that an error holds for
}

// Check resolves a script. The result is usable only when no error was added
// to diags.
func Check(p *ast.Program, env Env, diags *diag.List) *Program {
	c := &checker{env: env, prog: &Program{AST: p}, maps: map[string]*Map{}, all: diags, also: map[*diag.Diagnostic][]string{}}
	c.config(p)
	c.unsupportedDecls(p)
	c.mapDecls(p)
	if diags.HasErrors() {
		return c.prog
	}
	c.instances(p)
	if diags.HasErrors() {
		return c.prog
	}
	if len(c.prog.Instances) == 0 {
		diags.Errorf("no-probes", p.Span(), "the script has no probes")
		return c.prog
	}
	for i := 0; ; i++ {
		c.change = false
		c.walk()
		if !c.change || i == maxRounds {
			break
		}
	}
	c.diags = diags
	c.walk()
	c.in = nil
	c.noteOthers()
	for _, m := range c.maps {
		if m.keyed || m.plain || m.Key != nil { // else it is declared and never used
			c.prog.Maps = append(c.prog.Maps, m)
		}
	}
	slices.SortFunc(c.prog.Maps, func(a, b *Map) int { return cmp.Compare(a.Name, b.Name) })
	c.checkMaps()
	return c.prog
}

// unsupportedDecls refuses the declarations whose meaning isn't there yet.
func (c *checker) unsupportedDecls(p *ast.Program) {
	for _, m := range p.Macros {
		c.all.Errorf("unsupported", m.Name.At, "macros are not supported by this version of skep")
	}
	for _, s := range p.Subprogs {
		c.all.Errorf("unsupported", s.Name.At, "functions are not supported by this version of skep")
	}
	for _, i := range p.Imports {
		c.all.Errorf("unsupported", i.Span(), "imports are not supported by this version of skep")
	}
}

func (c *checker) mapDecls(p *ast.Program) {
	for _, d := range p.MapDecls {
		name := "@" + d.Map.Name
		switch d.Kind.Text {
		case "hash", "lruhash", "percpuhash", "percpulruhash":
		default:
			c.all.Errorf("bt-map", d.Kind.At, "unknown map type %q", d.Kind.Text).
				WithHint("map types are hash, lruhash, percpuhash and percpulruhash")
			continue
		}
		if c.maps[name] != nil {
			c.all.Errorf("bt-map", d.Map.Span(), "%s is declared twice", name)
			continue
		}
		if d.MaxEntries.Value == 0 || d.MaxEntries.Value > 1<<31 {
			c.all.Errorf("bt-map", d.MaxEntries.Span(), "a map holds between 1 and 2147483648 keys")
			continue
		}
		c.maps[name] = &Map{Name: name, At: d.Map.Span(), Kind: d.Kind.Text, MaxEntries: uint32(d.MaxEntries.Value)}
	}
}

// instances expands the probes and groups the attach points for which a body
// means the same.
func (c *checker) instances(p *ast.Program) {
	x := &probe.Expander{Catalog: c.env.Catalog, Resolver: c.env.Resolver, Max: c.prog.Config.MaxProbes, Diags: c.all}
	total := 0
	for _, pr := range p.Probes {
		each := dependsOnPoint(pr)
		byKind := map[plan.ProbeKind]*Instance{}
		for _, ap := range pr.AttachPoints {
			for _, pt := range x.Expand(ap) {
				total++
				in := byKind[pt.Kind]
				if in == nil || each {
					in = &Instance{Probe: pr, types: map[ast.Expr]*types.Type{}, vars: map[*ast.Var]*Variable{}, decls: map[ast.Node]*Variable{}, sizes: map[*ast.Sizeof]int{}}
					byKind[pt.Kind] = in
					c.prog.Instances = append(c.prog.Instances, in)
				}
				in.Points = append(in.Points, pt)
			}
		}
	}
	if max := c.prog.Config.MaxProbes; total > max && !c.all.HasErrors() {
		c.all.Errorf("bt-probe", p.Span(), "the script has %d probes, more than the limit of %d", total, max).
			WithHint("raise max_probes in the config block")
	}
}

// dependsOnPoint reports whether the probe's code reads something that differs
// between attach points.
func dependsOnPoint(p *ast.Probe) bool {
	found := false
	ast.Inspect(p, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			found = found || pointNames[x.Name] || isArgN(x.Name)
		case *ast.Call:
			found = found || pointNames[x.Func.Text]
		}
		return !found
	})
	return found
}

var pointNames = map[string]bool{
	"args": true, "ctx": true, "probe": true, "probetype": true, "func": true, "retval": true, "reg": true,
}

func (c *checker) walk() {
	for _, in := range c.prog.Instances {
		c.in, c.scopes, c.loops, c.copies = in, nil, 0, 1
		c.push()
		if in.Probe.Pred != nil {
			c.condition(in.Probe.Pred)
		}
		c.block(in.Probe.Body)
		c.pop()
	}
}

func (c *checker) push() { c.scopes = append(c.scopes, map[string]*Variable{}) }
func (c *checker) pop()  { c.scopes = c.scopes[:len(c.scopes)-1] }

func (c *checker) lookup(name string) *Variable {
	for i := len(c.scopes) - 1; i >= 0; i-- {
		if v := c.scopes[i][name]; v != nil {
			return v
		}
	}
	return nil
}

// declare makes the variable of a declaring node in the current scope; later
// walks find the same one.
func (c *checker) declare(name string, at ast.Node) *Variable {
	v := c.in.decls[at]
	if v == nil {
		v = &Variable{Name: name, Type: types.InvalidType()}
		c.in.decls[at] = v
		c.change = true
	}
	c.scopes[len(c.scopes)-1][name] = v
	return v
}

// errorf reports an error in the last walk and is silent before. It always
// returns a diagnostic, so that notes and hints can be added.
func (c *checker) errorf(code diag.Code, at source.Span, format string, args ...any) *diag.Diagnostic {
	if c.diags == nil {
		return &diag.Diagnostic{}
	}
	// The same place may be wrong for many probes: it is reported once.
	i := slices.IndexFunc(c.diags.Items, func(o *diag.Diagnostic) bool { return o.Code == code && o.Span == at })
	if i < 0 {
		return c.diags.Errorf(code, at, format, args...)
	}
	if c.in != nil && len(c.in.Points) > 0 {
		first := c.diags.Items[i]
		c.also[first] = append(c.also[first], c.in.Points[0].Name)
	}
	return &diag.Diagnostic{}
}

// noteOthers says for which other probes of a list an error holds as well.
func (c *checker) noteOthers() {
	const shown = 3
	for d, names := range c.also {
		slices.Sort(names)
		names = slices.Compact(names)
		more := ""
		if n := len(names) - shown; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
			names = names[:shown]
		}
		d.Note(source.Span{}, "the same holds for %s%s", strings.Join(names, ", "), more)
	}
}

func (c *checker) warnf(code diag.Code, at source.Span, format string, args ...any) *diag.Diagnostic {
	d := c.errorf(code, at, format, args...)
	d.Severity = diag.Warning
	return d
}

// widen gives a variable a type that also holds t.
func (c *checker) widen(v *Variable, t *types.Type, at source.Span) {
	if t.Kind == types.Invalid || v.Fixed {
		if v.Fixed && t.Kind != types.Invalid {
			c.assignable(v.Type, t, at, "$"+v.Name)
		}
		return
	}
	if t.IsAggregate() && !t.CastsToInt() || t.Kind == types.Void {
		c.errorf("bt-type", at, "value of type %s can't be assigned to a variable", t)
		return
	}
	c.mixedSigns(v.Type, t, at)
	n, ok := types.Promote(v.Type, t)
	if !ok {
		c.errorf("bt-type", at, "type mismatch for $%s: trying to assign value of type '%s' when variable already has a type '%s'", v.Name, t, v.Type)
		return
	}
	if !n.Equal(v.Type) {
		v.Type, c.change = n, true
	}
}

// mixedSigns warns where a signed value meets an unsigned one of 64 bits: no
// type holds both, so large values become negative ones.
func (c *checker) mixedSigns(a, b *types.Type, at source.Span) {
	if a == nil || a.Kind != types.Int || b.Kind != types.Int || a.Signed == b.Signed || a.Flexible || b.Flexible {
		return
	}
	if u := max(unsignedSize(a), unsignedSize(b)); u == 8 {
		c.warnf("bt-sign", at, "values of types '%s' and '%s' meet, and are taken as int64", a, b).
			WithHint("cast one of them to say which is meant")
	}
}

func unsignedSize(t *types.Type) int {
	if t.Signed {
		return 0
	}
	return t.Size
}

// assignable checks that a value fits what was declared with a type.
func (c *checker) assignable(to, from *types.Type, at source.Span, what string) {
	n, ok := types.Promote(to, from)
	if ok && (n.Size <= to.Size || to.Kind == types.Int) {
		return
	}
	c.errorf("bt-type", at, "type mismatch for %s: trying to assign value of type '%s' when variable has the declared type '%s'", what, from, to)
}

// mapOf returns the map of a reference, which is noted as keyed or not.
func (c *checker) mapOf(m *ast.MapRef) *Map {
	name := "@" + m.Name
	x := c.maps[name]
	if x == nil {
		x = &Map{Name: name, At: m.NameSpan, Key: types.InvalidType(), Value: types.InvalidType()}
		c.maps[name] = x
		c.change = true
	}
	if x.Key == nil {
		x.Key, x.Value = types.InvalidType(), types.InvalidType()
	}
	return x
}

// element types a reference to one element: its keys, or none of a scalar.
func (c *checker) element(m *ast.MapRef) *Map {
	x := c.mapOf(m)
	if m.Keys == nil {
		x.plain = true
		return x
	}
	x.keyed = true
	c.key(x, m.Keys, m.Span())
	return x
}

// key widens the map's key type by the type of the given keys.
func (c *checker) key(x *Map, keys []ast.Expr, at source.Span) {
	elems := make([]*types.Type, len(keys))
	for i, k := range keys {
		t := c.expr(k)
		if t.Kind == types.Invalid {
			return
		}
		if t.CastsToInt() {
			t = types.IntOf(8, t.Signed)
		}
		if t.IsAggregate() || t.Kind == types.Void {
			c.errorf("bt-type", k.Span(), "value of type %s can't be a map key", t)
			return
		}
		elems[i] = t
	}
	t := elems[0]
	if len(elems) > 1 {
		t = types.TupleOf(elems...)
	}
	c.mixedSigns(x.Key, t, at)
	n, ok := types.Promote(x.Key, t)
	if !ok {
		c.errorf("bt-type", at, "argument mismatch for %s: trying to access with arguments: '%s' when map expects arguments: '%s'", x.Name, t, x.Key)
		return
	}
	if !n.Equal(x.Key) {
		x.Key, c.change = n, true
	}
}

// setValue widens the map's value type by t.
func (c *checker) setValue(x *Map, t *types.Type, at source.Span) {
	x.assigned = true
	if t.Kind == types.Invalid {
		return
	}
	if x.Agg != plan.Plain {
		c.errorf("bt-type", at, "type mismatch for %s: trying to assign value of type '%s' when map already has a type '%s'", x.Name, t, x.Value)
		return
	}
	if t.IsAggregate() || t.Kind == types.Void {
		d := c.errorf("bt-type", at, "value of type '%s' can't be assigned to a map", t)
		if t.CastsToInt() {
			d.WithHint("add a cast to integer if you want the value of the aggregation: %s = (int64)...", x.Name)
		}
		return
	}
	c.mixedSigns(x.Value, t, at)
	n, ok := types.Promote(x.Value, t)
	if !ok {
		c.errorf("bt-type", at, "type mismatch for %s: trying to assign value of type '%s' when map already has a type '%s'", x.Name, t, x.Value)
		return
	}
	if !n.Equal(x.Value) {
		x.Value, c.change = n, true
	}
}

// checkMaps reports maps whose use doesn't add up once all is known.
func (c *checker) checkMaps() {
	for _, m := range c.prog.Maps {
		m.Scalar = !m.keyed
		switch {
		case m.keyed && m.plain:
			c.errorf("bt-map", m.At, "%s is used both with and without a key", m.Name).
				WithHint("a map either is a scalar or takes keys everywhere")
		case !m.assigned:
			c.errorf("bt-undefined", m.At, "undefined map: %s", m.Name).
				WithHint("nothing is ever assigned to it")
		}
	}
	if c.diags.HasErrors() {
		return // what is unknown below may follow from an error above
	}
	for _, m := range c.prog.Maps {
		if m.Value.Kind == types.Invalid {
			c.errorf("bt-undefined", m.At, "the type of %s can't be found from itself", m.Name).
				WithHint("assign it a value of a known type first, or use an operator such as %s += 1", m.Name)
		} else if m.keyed && m.Key.Kind == types.Invalid {
			c.errorf("bt-undefined", m.At, "the key of %s has no known type", m.Name)
		}
	}
}
