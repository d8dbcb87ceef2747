package check

import (
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
)

// function is one of the language's functions: how many arguments it takes
// and how its type is found. The arguments have been typed before, except
// when raw is set. A nil typ means: known to the language, but without a
// meaning in this version.
type function struct {
	min, max int
	raw      bool // the arguments are not all expressions
	typ      func(*checker, *ast.Call) *types.Type
}

// many is the most arguments that a function with any number takes.
const many = 128

func functions() map[string]function {
	return map[string]function{
		"printf":   {1, many, false, (*checker).format},
		"errorf":   {1, many, false, (*checker).format},
		"warnf":    {1, many, false, (*checker).format},
		"system":   {1, many, false, (*checker).format},
		"cat":      {1, many, false, (*checker).format},
		"print":    {1, 3, true, (*checker).print},
		"clear":    {1, 1, true, (*checker).wholeMap},
		"zero":     {1, 1, true, (*checker).wholeMap},
		"delete":   {1, 2, true, (*checker).deleteKey},
		"has_key":  {2, 2, true, (*checker).hasKey},
		"exit":     {0, 1, false, (*checker).exit},
		"time":     {0, 1, false, (*checker).time},
		"join":     {1, 2, false, (*checker).join1},
		"str":      {1, 2, false, (*checker).str},
		"buf":      {1, 2, false, (*checker).buf},
		"strncmp":  {3, 3, false, (*checker).strncmp},
		"strftime": {2, 2, false, (*checker).strftime},
		"nsecs":    {0, 1, true, (*checker).nsecs},
		"ksym":     {1, 1, false, (*checker).ksym},
		"macaddr":  {1, 1, false, (*checker).macaddr},
		"len":      {1, 1, true, (*checker).length},

		"bswap": {}, "cgroup_path": {}, "cgroupid": {}, "getopt": {}, "kaddr": {}, "kptr": {}, "kstack": {},
		"ntop": {}, "offsetof": {}, "override": {}, "path": {}, "percpu_kaddr": {}, "pton": {}, "reg": {},
		"signal": {}, "skboutput": {}, "socket_cookie": {}, "strerror": {}, "strcontains": {}, "strstr": {},
		"syscall_name": {}, "uaddr": {}, "unwatch": {}, "uptr": {}, "ustack": {}, "usym": {}, "write_user": {},
		"assert": {}, "comm": {}, "container_of": {}, "fail": {}, "find": {}, "kfunc_allowed": {}, "kfunc_exist": {},
		"memcmp": {}, "signal_name": {}, "signal_thread": {}, "static_assert": {}, "str_concat": {}, "strcap": {},
		"strlen": {}, "tseries": {}, "config": {}, "is_err": {}, "ppid": {}, "pcomm": {},
	}
}

func (c *checker) call(x *ast.Call) *types.Type {
	name := x.Func.Text
	if _, isAgg := aggregates[name]; isAgg {
		c.errorf("bt-args", x.Span(), "%s() should be assigned to a map", name).WithHint("write @ = %s(...)", name)
		return types.InvalidType()
	}
	f, known := functions()[name]
	if !known && len(x.Args) == 0 {
		if t := builtins()[name]; t != nil { // pid() means pid
			return t
		}
		if name == "probe" || name == "probetype" {
			return types.StringOf(c.longestName(name) + 1)
		}
	}
	switch {
	case !known:
		c.unknownFunction(x)
		return types.InvalidType()
	case f.typ == nil:
		c.errorf("unsupported", x.Func.At, "the function %s() is not supported by this version of skep", name)
		return types.InvalidType()
	case !c.arity(x, f.min, f.max):
		return types.InvalidType()
	}
	if !f.raw {
		for _, a := range x.Args {
			if c.expr(a).Kind == types.Invalid {
				if c.diags == nil || c.diags.HasErrors() {
					continue
				}
			}
		}
	}
	return f.typ(c, x)
}

func (c *checker) unknownFunction(x *ast.Call) {
	d := c.errorf("bt-undefined", x.Func.At, "unknown function: '%s'", x.Func.Text)
	var names []string
	for n, f := range functions() {
		if f.typ != nil {
			names = append(names, n)
		}
	}
	for n := range aggregates {
		names = append(names, n)
	}
	if near := probe.Nearest(x.Func.Text, names, 2); len(near) > 0 {
		d.WithHint("did you mean %s()?", strings.Join(near, "() or "))
	}
}

func (c *checker) arity(x *ast.Call, low, high int) bool {
	n := len(x.Args)
	if n >= low && n <= high {
		return true
	}
	want := ""
	switch {
	case low == high && low == 1:
		want = "one argument"
	case low == high && low == 0:
		want = "no arguments"
	case low == high:
		want = itoa(low) + " arguments"
	case n < low:
		want = "at least " + itoa(low) + " arguments"
	default:
		want = "at most " + itoa(high) + " arguments"
	}
	c.errorf("bt-args", x.Span(), "%s() requires %s (%d provided)", x.Func.Text, want, n)
	return false
}

func itoa(n int) string { return string(appendInt(nil, n)) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// literal returns an argument that must be a string literal.
func (c *checker) literal(x *ast.Call, i int) (string, bool) {
	if s, ok := x.Args[i].(*ast.StrLit); ok {
		return s.Value, true
	}
	if p, ok := x.Args[i].(*ast.Param); ok {
		text, _ := c.env.Param(p.N)
		return text, true
	}
	c.errorf("bt-args", x.Args[i].Span(), "%s() expects a string literal here", x.Func.Text)
	return "", false
}

func (c *checker) format(x *ast.Call) *types.Type {
	if x.Func.Text == "system" && !c.env.Unsafe {
		c.errorf("unsafe", x.Func.At, "system() is an unsafe function being used in safe mode").
			WithHint("allow it with --unsafe")
	}
	format, ok := c.literal(x, 0)
	if !ok {
		return types.VoidType()
	}
	var args []plan.Type
	for _, a := range x.Args[1:] {
		t := c.in.types[a]
		if t.Kind == types.Invalid {
			return types.VoidType()
		}
		if t.CastsToInt() {
			t = types.IntOf(8, t.Signed)
		}
		if t.IsAggregate() || t.Kind == types.Void {
			c.errorf("bt-args", a.Span(), "%s() can not print a value of type '%s'", x.Func.Text, t)
			return types.VoidType()
		}
		args = append(args, t.Plan())
	}
	if c.diags != nil && c.env.CheckFormat != nil {
		if err := c.env.CheckFormat(format, args); err != nil {
			c.errorf("bt-format", x.Args[0].Span(), "%s(): %v", x.Func.Text, err)
		}
	}
	return types.VoidType()
}

// mapArg returns the map that an argument names, or nil.
func (c *checker) mapArg(x *ast.Call, i int) (*ast.MapRef, *Map) {
	ref, ok := x.Args[i].(*ast.MapRef)
	if !ok {
		c.errorf("bt-args", x.Args[i].Span(), "%s() expects a map to be provided", x.Func.Text)
		return nil, nil
	}
	m := c.mapOf(ref)
	c.in.types[ref] = m.Value
	return ref, m
}

func (c *checker) print(x *ast.Call) *types.Type {
	ref, ok := x.Args[0].(*ast.MapRef)
	if !ok || ref.Keys != nil {
		t := c.expr(x.Args[0])
		if len(x.Args) > 1 && !ok {
			c.errorf("bt-args", x.Span(), "print() with a top or div argument needs a map")
		}
		if t.IsAggregate() && ok {
			return types.VoidType() // one element, printed by the user side
		}
		if t.Kind == types.Void {
			c.errorf("bt-args", x.Args[0].Span(), "print() can not print a value of type '%s'", t)
		}
		return types.VoidType()
	}
	c.mapArg(x, 0)
	for _, a := range x.Args[1:] {
		c.expr(a)
		if n, ok := c.constant(a); !ok || n < 0 {
			c.errorf("bt-args", a.Span(), "print() takes literal numbers for top and div")
		}
	}
	return types.VoidType()
}

func (c *checker) wholeMap(x *ast.Call) *types.Type {
	if ref, _ := c.mapArg(x, 0); ref != nil && ref.Keys != nil {
		c.errorf("bt-args", ref.Span(), "%s() takes a whole map, without a key", x.Func.Text).
			WithHint("delete(%s) removes one key", ref.Span().Text())
	}
	return types.VoidType()
}

// deleteKey types delete(@x), delete(@x[k]) and delete(@x, k).
func (c *checker) deleteKey(x *ast.Call) *types.Type {
	ref, m := c.mapArg(x, 0)
	if ref == nil {
		return types.BoolType()
	}
	if len(x.Args) == 2 {
		if ref.Keys != nil {
			c.errorf("bt-args", ref.Span(), "delete() with two arguments takes the map without a key")
			return types.BoolType()
		}
		m.keyed = true
		c.key(m, KeyList(x.Args[1]), x.Args[1].Span())
		if _, isTuple := x.Args[1].(*ast.Tuple); isTuple {
			c.expr(x.Args[1])
		}
		return types.BoolType()
	}
	c.element(ref)
	return types.BoolType()
}

// KeyList gives the keys of a key that is written as one expression.
func KeyList(e ast.Expr) []ast.Expr {
	if t, ok := e.(*ast.Tuple); ok && len(t.Elems) > 1 {
		return t.Elems
	}
	return []ast.Expr{e}
}

func (c *checker) hasKey(x *ast.Call) *types.Type {
	ref, m := c.mapArg(x, 0)
	if ref != nil {
		m.keyed = true
		c.key(m, KeyList(x.Args[1]), x.Args[1].Span())
	}
	return types.BoolType()
}

func (c *checker) length(x *ast.Call) *types.Type {
	c.errorf("unsupported", x.Func.At, "the function len() is not supported by this version of skep")
	return types.Int64()
}

func (c *checker) exit(x *ast.Call) *types.Type {
	if len(x.Args) == 1 {
		c.wantInt(x, 0)
	}
	return types.VoidType()
}

// wantInt checks that an argument is an integer.
func (c *checker) wantInt(x *ast.Call, i int) bool {
	t := c.in.types[x.Args[i]]
	if t.Kind == types.Int || t.Kind == types.Invalid || t.Kind == types.Bool || t.CastsToInt() {
		return t.Kind != types.Invalid
	}
	c.errorf("bt-args", x.Args[i].Span(), "%s() only supports an integer here (%s provided)", x.Func.Text, t)
	return false
}

func (c *checker) time(x *ast.Call) *types.Type {
	if len(x.Args) == 1 {
		c.literal(x, 0)
	}
	return types.VoidType()
}

func (c *checker) join1(x *ast.Call) *types.Type {
	t := c.in.types[x.Args[0]]
	if t.Kind != types.Invalid && t.Kind != types.Int && t.Kind != types.Pointer {
		c.errorf("bt-args", x.Args[0].Span(), "join() only supports int or pointer arguments (%s provided)", t)
	}
	if len(x.Args) == 2 {
		c.literal(x, 1)
	}
	return types.VoidType()
}

// Size limits of values that come from memory.
func (c *checker) strSize(x *ast.Call, i int) (int, bool) {
	most := c.prog.Config.MaxStrlen
	if len(x.Args) <= i {
		return most, true
	}
	if !c.wantInt(x, i) {
		return 0, false
	}
	n, isConst := c.constant(x.Args[i])
	if !isConst || n > int64(most) {
		return most, true
	}
	if n <= 0 {
		c.errorf("bt-args", x.Args[i].Span(), "%s() length must be positive (%d provided)", x.Func.Text, n)
		return 0, false
	}
	return int(n), true
}

func (c *checker) str(x *ast.Call) *types.Type {
	t := c.in.types[x.Args[0]]
	if t.Kind == types.Invalid {
		return t
	}
	if p, ok := x.Args[0].(*ast.Param); ok {
		text, _ := c.env.Param(p.N)
		return stringLiteral(text)
	}
	n, ok := c.strSize(x, 1)
	if !ok {
		return types.InvalidType()
	}
	switch t.Kind {
	case types.String:
		return &types.Type{Kind: types.String, Size: min(t.Size, c.stringBytes(x, n)), Space: types.Kernel}
	case types.Int, types.Pointer, types.Array:
		return &types.Type{Kind: types.String, Size: c.stringBytes(x, n), Space: types.Kernel}
	}
	c.errorf("bt-args", x.Args[0].Span(), "str() expects an integer or a pointer type as first argument (%s provided)", t)
	return types.InvalidType()
}

// stringBytes is the size of what str() gives: a length that the script asks
// for includes the final NUL, the limit of the settings does not.
func (c *checker) stringBytes(x *ast.Call, n int) int {
	if len(x.Args) == 2 {
		if _, isConst := c.constant(x.Args[1]); isConst && n < c.prog.Config.MaxStrlen {
			return n
		}
	}
	return n + 1
}

func (c *checker) buf(x *ast.Call) *types.Type {
	t := c.in.types[x.Args[0]]
	if t.Kind == types.Invalid {
		return t
	}
	n, ok := c.strSize(x, 1)
	switch {
	case !ok:
		return types.InvalidType()
	case t.Kind == types.Array || t.Kind == types.String:
		n = min(n, t.Size)
	case t.Kind == types.Int || t.Kind == types.Pointer:
		if len(x.Args) == 1 {
			c.errorf("bt-args", x.Span(), "buf() expects a length argument for type '%s'", t)
			return types.InvalidType()
		}
	default:
		c.errorf("bt-args", x.Args[0].Span(), "buf() expects an integer or a pointer type as first argument (%s provided)", t)
		return types.InvalidType()
	}
	return types.BufferOf(n)
}

func (c *checker) strncmp(x *ast.Call) *types.Type {
	for i := range 2 {
		if t := c.in.types[x.Args[i]]; t.Kind != types.String && t.Kind != types.Invalid {
			c.errorf("bt-args", x.Args[i].Span(), "strncmp() expects strings (%s provided)", t)
			return types.InvalidType()
		}
	}
	if n, ok := c.constant(x.Args[2]); !ok || n < 0 {
		c.errorf("bt-args", x.Args[2].Span(), "strncmp() takes a literal length that isn't negative")
		return types.InvalidType()
	}
	return types.Uint64()
}

func (c *checker) strftime(x *ast.Call) *types.Type {
	format, ok := c.literal(x, 0)
	if !ok || !c.wantInt(x, 1) {
		return types.InvalidType()
	}
	return &types.Type{Kind: types.Timestamp, Size: 8, Format: format}
}

// nsecs takes the name of a clock.
func (c *checker) nsecs(x *ast.Call) *types.Type {
	if len(x.Args) == 0 {
		return types.Uint64()
	}
	if id, ok := x.Args[0].(*ast.Ident); ok {
		switch id.Name {
		case "boot", "monotonic", "tai":
			return types.Uint64()
		case "sw_tai":
			c.errorf("unsupported", id.Span(), "nsecs(sw_tai) is not supported by this version of skep").WithHint("use nsecs(tai)")
			return types.InvalidType()
		}
	}
	c.errorf("bt-args", x.Args[0].Span(), "nsecs() takes one of boot, monotonic, tai, sw_tai")
	return types.InvalidType()
}

func (c *checker) ksym(x *ast.Call) *types.Type {
	t := c.in.types[x.Args[0]]
	if t.Kind != types.Int && t.Kind != types.Pointer && t.Kind != types.Invalid {
		c.errorf("bt-args", x.Args[0].Span(), "ksym() expects an integer or pointer argument (%s provided)", t)
	}
	return &types.Type{Kind: types.Ksym, Size: 8}
}

func (c *checker) macaddr(x *ast.Call) *types.Type {
	t := c.in.types[x.Args[0]]
	if t.Kind != types.Invalid && !t.IsScalar() && (t.Size != 6 || t.Kind != types.Array && t.Kind != types.String) {
		c.errorf("bt-args", x.Args[0].Span(), "macaddr() only supports array or pointer arguments of 6 bytes (%s provided)", t)
	}
	return &types.Type{Kind: types.MAC, Size: 6}
}
