package ir

import (
	"fmt"
	"strings"
)

// Problem is one way in which a module is malformed. Value and Block are nil
// when the problem is not about one.
type Problem struct {
	Func    *Func
	Block   *Block
	Value   *Value
	Message string
}

func (p Problem) String() string {
	var s strings.Builder
	if p.Func != nil {
		fmt.Fprintf(&s, "func @%s: ", p.Func.Name)
	}
	if p.Block != nil {
		fmt.Fprintf(&s, "%s: ", p.Block)
	}
	if p.Value != nil {
		fmt.Fprintf(&s, "%s: ", (&printer{}).instr(p.Value).out)
	}
	s.WriteString(p.Message)
	return s.String()
}

// CheckError is what Check returns: everything that is wrong.
type CheckError struct {
	Problems []Problem
}

// Error lists the problems, one on a line; after the first 20 only their
// number.
func (e *CheckError) Error() string {
	const most = 20
	var s strings.Builder
	s.WriteString("malformed IR: ")
	for i, p := range e.Problems {
		if i > 0 {
			s.WriteString("\n\t")
		}
		if i == most {
			fmt.Fprintf(&s, "and %d more", len(e.Problems)-most)
			break
		}
		s.WriteString(p.String())
	}
	return s.String()
}

// Check reports everything in which the module breaks the rules of this
// package as a *CheckError, or nil. It is for code that passes and front ends
// make: a broken module is a bug of ours, not of the user's program.
func Check(m *Module) error {
	c := &checker{m: m, funcs: map[string]*Func{}, maps: map[string]*Map{}, data: map[string]*Data{}}
	c.symbols()
	for _, f := range m.Funcs {
		c.function(f)
	}
	c.recursion()
	return c.result()
}

// CheckFunc is Check for one function of the module.
func CheckFunc(m *Module, f *Func) error {
	c := &checker{m: m}
	c.function(f)
	return c.result()
}

type checker struct {
	m        *Module
	problems []Problem
	// By name; nil tables mean that the module itself is asked.
	funcs map[string]*Func
	maps  map[string]*Map
	data  map[string]*Data

	f *Func
	b *Block
	v *Value
	// By Value.ID: the value that has this ID in f, and its place in its
	// block (-1 for a parameter).
	defs  []*Value
	place []int32
	// By Block.ID.
	blocks []*Block
}

func (c *checker) result() error {
	if len(c.problems) == 0 {
		return nil
	}
	return &CheckError{c.problems}
}

func (c *checker) errorf(format string, args ...any) {
	c.problems = append(c.problems, Problem{c.f, c.b, c.v, fmt.Sprintf(format, args...)})
}

func (c *checker) symbols() {
	for _, f := range c.m.Funcs {
		if f.Name == "" {
			c.errorf("a function has no name")
		} else if c.funcs[f.Name] != nil {
			c.errorf("there are two functions @%s", f.Name)
		}
		c.funcs[f.Name] = f
	}
	for _, x := range c.m.Maps {
		if x.Name == "" {
			c.errorf("a map has no name")
		} else if c.maps[x.Name] != nil {
			c.errorf("there are two maps @%s", x.Name)
		}
		c.maps[x.Name] = x
	}
	for _, d := range c.m.Data {
		if d.Name == "" {
			c.errorf("data has no name")
		} else if c.data[d.Name] != nil {
			c.errorf("there are two data @%s", d.Name)
		}
		c.data[d.Name] = d
		if !isDataSection(d.Section) {
			c.errorf("data @%s: there is no data section %q", d.Name, d.Section)
		}
		if d.Align <= 0 || d.Align&(d.Align-1) != 0 {
			c.errorf("data @%s: alignment %d is not a power of two", d.Name, d.Align)
		}
	}
}

func (c *checker) funcNamed(name string) *Func {
	if c.funcs == nil {
		return c.m.Func(name)
	}
	return c.funcs[name]
}

func (c *checker) mapNamed(name string) *Map {
	if c.maps == nil {
		return c.m.Map(name)
	}
	return c.maps[name]
}

func (c *checker) dataNamed(name string) *Data {
	if c.data == nil {
		return c.m.Datum(name)
	}
	return c.data[name]
}

// function checks structure first: types and dominance have a meaning only
// when every name leads somewhere.
func (c *checker) function(f *Func) {
	c.f, c.b, c.v = f, nil, nil
	defer func() { c.f, c.b, c.v = nil, nil, nil }()
	before := len(c.problems)
	if len(f.Blocks) == 0 {
		c.errorf("no blocks")
		return
	}
	c.signature()
	c.definitions()
	for _, b := range f.Blocks {
		c.b = b
		c.uses()
	}
	if len(c.problems) > before {
		return
	}
	for _, b := range f.Blocks {
		c.b = b
		for _, v := range b.Instrs {
			c.v = v
			c.operation(v)
		}
		c.v = nil
		c.terminator()
	}
	c.dominance()
}

func (c *checker) signature() {
	f := c.f
	entry := f.Entry()
	same := len(f.Params) == len(entry.Params)
	for i := 0; same && i < len(f.Params); i++ {
		same = f.Params[i] == entry.Params[i]
	}
	if !same {
		c.errorf("the function's parameters are not those of its entry block")
	}
	if len(f.Params) > maxArgs {
		c.errorf("%d parameters; BPF functions have at most %d", len(f.Params), maxArgs)
	}
	if f.Result > Ptr {
		c.errorf("invalid result type")
	}
}

// definitions fills defs and place.
func (c *checker) definitions() {
	c.defs = make([]*Value, c.f.NumValues())
	c.place = make([]int32, c.f.NumValues())
	c.blocks = make([]*Block, c.f.NumBlocks())
	for _, b := range c.f.Blocks {
		c.b, c.v = b, nil
		switch {
		case b.ID < 0 || b.ID >= len(c.blocks):
			c.errorf("the block's ID is not below %d, the number of blocks", len(c.blocks))
		case c.blocks[b.ID] != nil:
			c.errorf("two blocks have this ID")
		default:
			c.blocks[b.ID] = b
		}
		if b.Func != c.f {
			c.errorf("the block says that it belongs to another function")
		}
		for _, v := range b.Params {
			c.define(v, -1)
			if v != nil && v.Op != OpParam {
				c.errorf("a block parameter is not a param operation")
			}
			if v != nil && v.Bits() == 0 {
				c.errorf("a block parameter has no type")
			}
		}
		for i, v := range b.Instrs {
			c.define(v, int32(i))
			if v != nil && v.Op == OpParam {
				c.errorf("a parameter is among the instructions")
			}
		}
	}
	c.v = nil
}

// Bits returns the width of the value's type.
func (v *Value) Bits() int { return v.Type.Bits() }

func (c *checker) define(v *Value, place int32) {
	c.v = v
	switch {
	case v == nil:
		c.errorf("there is a nil value")
	case v.ID < 0 || v.ID >= len(c.defs):
		c.errorf("the value's ID is not below %d, the number of values", len(c.defs))
	case c.defs[v.ID] == v:
		c.errorf("the value is in the function twice")
	case c.defs[v.ID] != nil:
		c.errorf("two values have the ID of %s", v)
	default:
		c.defs[v.ID], c.place[v.ID] = v, place
	}
	if v != nil && v.Block != c.b {
		c.errorf("the value says that it is in another block")
	}
}

// uses checks that all values and blocks that a block names are there.
func (c *checker) uses() {
	for _, v := range c.b.Instrs {
		if c.v = v; v != nil {
			for _, a := range v.Args {
				c.use(a)
			}
		}
	}
	c.v = nil
	t := &c.b.Term
	if t.Cond != nil {
		c.use(t.Cond)
	}
	if t.Kind == Branch && t.Cond == nil {
		c.errorf("br without a condition")
	}
	for _, e := range c.b.Succs() {
		switch {
		case e.Block == nil:
			c.errorf("an edge leads nowhere")
			continue
		case !c.hasBlock(e.Block):
			c.errorf("an edge leads to %s, which is not in the function", e.Block)
		case e.Block == c.f.Entry():
			c.errorf("an edge leads to the entry block")
		}
		for _, a := range e.Args {
			c.use(a)
		}
	}
}

func (c *checker) hasBlock(b *Block) bool {
	return b.ID >= 0 && b.ID < len(c.blocks) && c.blocks[b.ID] == b
}

func (c *checker) isDef(v *Value) bool {
	return v.ID >= 0 && v.ID < len(c.defs) && c.defs[v.ID] == v
}

func (c *checker) use(a *Value) {
	switch {
	case a == nil:
		c.errorf("an argument is nil")
	case !c.isDef(a):
		c.errorf("%s is not in the function", a)
	case a.Bits() == 0:
		c.errorf("%s has no result", a)
	}
}

func (c *checker) terminator() {
	t := &c.b.Term
	switch t.Kind {
	case Jump, Unreachable:
	case Branch:
	case Return:
		switch want := c.f.Result; {
		case want == Void && t.Cond != nil:
			c.errorf("a void function returns %s", t.Cond)
		case want != Void && t.Cond == nil:
			c.errorf("ret without a value in a function with the result %s", want)
		case want != Void && t.Cond.Type != want:
			c.errorf("%s is returned as %s, the function's result is %s", t.Cond, t.Cond.Type, want)
		}
	case NoTerm:
		c.errorf("the block has no terminator")
	default:
		c.errorf("invalid terminator")
	}
	for _, e := range c.b.Succs() {
		if len(e.Args) != len(e.Block.Params) {
			c.errorf("the edge to %s has %d arguments for %d parameters", e.Block, len(e.Args), len(e.Block.Params))
			continue
		}
		for i, a := range e.Args {
			if p := e.Block.Params[i]; a.Type != p.Type {
				c.errorf("the edge to %s gives %s, which is %s, for %s, which is %s", e.Block, a, a.Type, p, p.Type)
			}
		}
	}
}

// dominance checks that every use comes after the definition on all paths.
// Code that can't be reached may use what it likes.
func (c *checker) dominance() {
	cfg := NewCFG(c.f)
	dom := cfg.Dominators()
	for _, b := range cfg.Order {
		c.b = b
		for i, v := range b.Instrs {
			c.v = v
			for _, a := range v.Args {
				c.dominated(dom, a, int32(i))
			}
		}
		c.v = nil
		end := int32(len(b.Instrs))
		if b.Term.Cond != nil {
			c.dominated(dom, b.Term.Cond, end)
		}
		for _, e := range b.Succs() {
			for _, a := range e.Args {
				c.dominated(dom, a, end)
			}
		}
	}
}

func (c *checker) dominated(dom *DomTree, a *Value, at int32) {
	if a.Block == c.b {
		if c.place[a.ID] >= at {
			c.errorf("%s is used before its definition", a)
		}
	} else if !dom.Dominates(a.Block, c.b) {
		c.errorf("%s is used where its definition in %s need not have run", a, a.Block)
	}
}

// recursion checks that no function calls itself, directly or through others:
// the kernel has no stack for that.
func (c *checker) recursion() {
	const (
		open = 1
		done = 2
	)
	state := map[*Func]int{}
	var visit func(f *Func)
	visit = func(f *Func) {
		state[f] = open
		for _, b := range f.Blocks {
			for _, v := range b.Instrs {
				if v == nil || v.Op != OpCall {
					continue
				}
				callee := c.funcNamed(v.Sym)
				switch {
				case callee == nil:
				case state[callee] == open:
					c.f, c.b, c.v = f, b, v
					c.errorf("the call is recursive")
					c.f, c.b, c.v = nil, nil, nil
				case state[callee] == 0:
					visit(callee)
				}
			}
		}
		state[f] = done
	}
	for _, f := range c.m.Funcs {
		if state[f] == 0 {
			visit(f)
		}
	}
}

// isDataSection reports whether loaders make a map of a section of this name.
func isDataSection(name string) bool {
	switch name {
	case ".rodata", ".data", ".bss":
		return true
	}
	return strings.HasPrefix(name, ".data.") || strings.HasPrefix(name, ".rodata.")
}
