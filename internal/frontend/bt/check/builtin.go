package check

import (
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/probe"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/plan"
)

// CommSize is the size of a task's name, the final NUL included.
const CommSize = 16

// builtins are the names that stand for a value without arguments and have
// the same type everywhere. A nil type means: known to the language, but
// without a meaning in this version.
func builtins() map[string]*types.Type {
	u32 := types.IntOf(4, false)
	u64 := types.Uint64()
	return map[string]*types.Type{
		"pid": u32, "tid": u32, "uid": u32, "gid": u32, "numaid": u32, "rand": u32, "ncpus": u64,
		"nsecs": u64, "elapsed": u64, "cpu": u64, "cgroup": u64, "jiffies": u64, "cpid": u64,
		"curtask":  u64,
		"comm":     {Kind: types.String, Size: CommSize, Space: types.Kernel},
		"username": {Kind: types.Username, Size: 8},

		"func": nil, "kstack": nil, "ustack": nil, "usermode": nil, "ppid": nil,
		"pcomm": nil, "leader_tid": nil, "leader_comm": nil, "has_cpid": nil, "dw_ustack": nil,
	}
}

// ident types a bare name.
func (c *checker) ident(x *ast.Ident) *types.Type {
	switch {
	case x.Name == "args":
		return c.args(x)
	case x.Name == "probe", x.Name == "probetype":
		return types.StringOf(c.longestName(x.Name) + 1)
	case x.Name == "ctx":
		return types.PointerTo(types.VoidType(), types.Kernel)
	case x.Name == "retval":
		return c.retval(x)
	case x.Name == "curtask":
		return c.curtask()
	case isArgN(x.Name):
		return c.argN(x)
	}
	t, known := builtins()[x.Name]
	if known && t != nil {
		return t
	}
	if known {
		c.errorf("unsupported", x.Span(), "the builtin %s is not supported by this version of skep", x.Name)
		return types.InvalidType()
	}
	if _, isFunc := functions()[x.Name]; isFunc {
		c.errorf("bt-syntax", x.Span(), "%s is a function", x.Name).WithHint("call it: %s(...)", x.Name)
		return types.InvalidType()
	}
	d := c.errorf("bt-undefined", x.Span(), "unknown identifier: '%s'", x.Name)
	if near := probe.Nearest(x.Name, builtinNames(), 3); len(near) > 0 {
		d.WithHint("did you mean %s?", strings.Join(near, " or "))
	} else {
		d.WithHint("a variable is written $%s, a map @%s", x.Name, x.Name)
	}
	return types.InvalidType()
}

// curtask is a pointer to the running task, whose type the kernel's BTF has.
func (c *checker) curtask() *types.Type {
	task, err := c.env.Resolver.Type("struct task_struct")
	if err != nil {
		return types.Uint64()
	}
	return types.PointerTo(types.FromC(task, types.Kernel), types.Kernel)
}

func builtinNames() []string {
	names := []string{"args", "probe", "ctx", "retval"}
	for n, t := range builtins() {
		if t != nil {
			names = append(names, n)
		}
	}
	return names
}

// isArgN reports whether the name is arg0, arg1, ...
func isArgN(name string) bool {
	n, ok := strings.CutPrefix(name, "arg")
	if !ok {
		return false
	}
	_, err := strconv.ParseUint(n, 10, 8)
	return err == nil
}

func (c *checker) longestName(builtin string) int {
	n := 0
	for _, p := range c.in.Points {
		name := p.Name
		if builtin == "probetype" {
			name = string(p.Kind)
		}
		n = max(n, len(name))
	}
	return n
}

func (c *checker) args(x *ast.Ident) *types.Type {
	p := c.in.Points[0]
	switch p.Kind {
	case plan.Tracepoint:
		space := types.Kernel
		if p.Category == "syscalls" {
			space = types.User
		}
		return &types.Type{Kind: types.Struct, C: ownFields(p.Args), Size: p.Args.Size, Space: space, Ctx: true}
	case plan.RawTracepoint:
		s, err := rawArgs(c.env.Resolver, p.Event)
		if err != nil {
			c.errorf("bt-args", x.Span(), "the arguments of %s are not known: %v", p.Name, err).
				WithHint("use arg0, arg1, ...")
			return types.InvalidType()
		}
		return &types.Type{Kind: types.Struct, C: s, Size: s.Size, Space: types.Kernel, Ctx: true}
	}
	c.errorf("bt-args", x.Span(), "the args builtin can not be used with '%s' probes", p.Kind)
	return types.InvalidType()
}

// ownFields is a tracepoint's record without the fields that all events have:
// programs may not read them from the context.
func ownFields(s *ctypes.Struct) *ctypes.Struct {
	own := *s
	own.Fields = nil
	for _, f := range s.Fields {
		if !strings.HasPrefix(f.Name, "common_") {
			own.Fields = append(own.Fields, f)
		}
	}
	return &own
}

// rawArgs is the record of a raw tracepoint's arguments: 8 bytes each, in the
// order of its prototype.
func rawArgs(r ctypes.Resolver, name string) (*ctypes.Struct, error) {
	f, err := r.RawTracepoint(name)
	if err != nil {
		return nil, err
	}
	s := &ctypes.Struct{Name: name, Size: 8 * len(f.Params)}
	for i, p := range f.Params {
		s.Fields = append(s.Fields, ctypes.Field{Name: p.Name, Type: p.Type, Offset: 64 * i})
	}
	return s, nil
}

func (c *checker) argN(x *ast.Ident) *types.Type {
	if !c.in.isKind(plan.RawTracepoint) {
		c.errorf("bt-args", x.Span(), "the %s builtin can not be used with '%s' probes", x.Name, c.in.Points[0].Kind)
		return types.InvalidType()
	}
	if n, _ := strconv.Atoi(x.Name[3:]); n > 11 {
		c.errorf("bt-args", x.Span(), "%s is not a valid argument: raw tracepoints have arg0 to arg11", x.Name)
		return types.InvalidType()
	}
	return types.Uint64()
}

func (c *checker) retval(x *ast.Ident) *types.Type {
	d := c.errorf("bt-args", x.Span(), "the retval builtin can not be used with '%s' probes", c.in.Points[0].Kind)
	if c.in.isKind(plan.Tracepoint) {
		d.WithHint("exit tracepoints have the return value in args.ret")
	}
	return types.InvalidType()
}
