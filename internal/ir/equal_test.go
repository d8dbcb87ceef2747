package ir_test

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ir"
)

// equalModules reports how two modules differ in structure. Spans do not
// count, nor the IDs of values without result, which have no name in text.
func equalModules(a, b *ir.Module) error {
	e := &equality{types: map[[2]ctypes.Type]bool{}}
	if a.License != b.License || len(a.Maps) != len(b.Maps) || len(a.Data) != len(b.Data) || len(a.Funcs) != len(b.Funcs) {
		return fmt.Errorf("licence or number of maps, data or functions differ")
	}
	for i, x := range a.Maps {
		y := *b.Maps[i]
		key, value := y.Key, y.Value
		y.Key, y.Value = x.Key, x.Value
		if *x != y || !e.same(x.Key, key) || !e.same(x.Value, value) {
			return fmt.Errorf("map %s differs", x.Name)
		}
	}
	for i, x := range a.Data {
		y := b.Data[i]
		sameBytes := bytes.Equal(x.Bytes, y.Bytes) || x.Section == ".bss" && len(x.Bytes) == len(y.Bytes)
		if x.Name != y.Name || x.Section != y.Section || x.Align != y.Align || !sameBytes || !e.same(x.Type, y.Type) {
			return fmt.Errorf("data %s differs", x.Name)
		}
	}
	for i, x := range a.Funcs {
		if err := e.funcs(x, b.Funcs[i]); err != nil {
			return fmt.Errorf("func %s: %w", x.Name, err)
		}
	}
	return nil
}

type equality struct {
	types map[[2]ctypes.Type]bool // pairs taken for equal
}

func (e *equality) funcs(f, g *ir.Func) error {
	if f.Name != g.Name || f.Section != g.Section || f.Static != g.Static || f.Result != g.Result {
		return fmt.Errorf("head differs")
	}
	if (f.Proto == nil) != (g.Proto == nil) || f.Proto != nil && !e.same(f.Proto, g.Proto) {
		return fmt.Errorf("prototype differs")
	}
	if !sameNames(f.Params, g.Params) || len(f.Blocks) != len(g.Blocks) {
		return fmt.Errorf("parameters or number of blocks differ")
	}
	for i, b := range f.Blocks {
		c := g.Blocks[i]
		if b.ID != c.ID || !sameNames(b.Params, c.Params) || len(b.Instrs) != len(c.Instrs) {
			return fmt.Errorf("block %s differs", b)
		}
		for j, v := range b.Instrs {
			if !e.values(v, c.Instrs[j]) {
				return fmt.Errorf("block %s: instruction %d differs", b, j)
			}
		}
		if s, t := b.Term, c.Term; s.Kind != t.Kind || !sameName(s.Cond, t.Cond) || !sameEdge(s.Then, t.Then) || !sameEdge(s.Else, t.Else) {
			return fmt.Errorf("block %s: terminator differs", b)
		}
	}
	return nil
}

func (e *equality) values(v, w *ir.Value) bool {
	if (v.CORE == nil) != (w.CORE == nil) {
		return false
	}
	if c := v.CORE; c != nil && (c.Kind != w.CORE.Kind || c.Access != w.CORE.Access || !e.same(c.Type, w.CORE.Type)) {
		return false
	}
	return v.Op == w.Op && v.Type == w.Type && (v.ID == w.ID || v.Type == ir.Void) && sameNames(v.Args, w.Args) &&
		v.Imm == w.Imm && v.Width == w.Width && v.Signed == w.Signed && v.Volatile == w.Volatile &&
		v.Atomic == w.Atomic && v.Sym == w.Sym
}

func sameName(v, w *ir.Value) bool {
	if v == nil || w == nil {
		return v == w
	}
	return v.ID == w.ID && v.Type == w.Type
}

func sameNames(v, w []*ir.Value) bool { return slices.EqualFunc(v, w, sameName) }

func sameEdge(a, b ir.Edge) bool {
	if a.Block == nil || b.Block == nil {
		return a.Block == b.Block
	}
	return a.Block.ID == b.Block.ID && sameNames(a.Args, b.Args)
}

// same compares types as graphs: a pair met again is taken for equal.
func (e *equality) same(s, t ctypes.Type) bool {
	if s == nil || t == nil {
		return s == t
	}
	if s == t || e.types[[2]ctypes.Type{s, t}] {
		return true
	}
	e.types[[2]ctypes.Type{s, t}] = true
	switch s := s.(type) {
	case *ctypes.Void:
		_, ok := t.(*ctypes.Void)
		return ok
	case *ctypes.Int:
		t, ok := t.(*ctypes.Int)
		return ok && *s == *t
	case *ctypes.Float:
		t, ok := t.(*ctypes.Float)
		return ok && *s == *t
	case *ctypes.Pointer:
		t, ok := t.(*ctypes.Pointer)
		return ok && s.Tag == t.Tag && e.same(s.Elem, t.Elem)
	case *ctypes.Array:
		t, ok := t.(*ctypes.Array)
		return ok && s.Len == t.Len && e.same(s.Elem, t.Elem)
	case *ctypes.Struct:
		t, ok := t.(*ctypes.Struct)
		return ok && s.Name == t.Name && s.Union == t.Union && s.Size == t.Size && s.Align == t.Align &&
			slices.EqualFunc(s.Fields, t.Fields, func(f, g ctypes.Field) bool {
				of := g.Type
				g.Type = f.Type
				return f == g && e.same(f.Type, of)
			})
	case *ctypes.Enum:
		t, ok := t.(*ctypes.Enum)
		return ok && s.Name == t.Name && s.Size == t.Size && s.Signed == t.Signed && slices.Equal(s.Values, t.Values)
	case *ctypes.Typedef:
		t, ok := t.(*ctypes.Typedef)
		return ok && s.Name == t.Name && e.same(s.Type, t.Type)
	case *ctypes.Qual:
		t, ok := t.(*ctypes.Qual)
		return ok && s.Kind == t.Kind && e.same(s.Type, t.Type)
	case *ctypes.Fwd:
		t, ok := t.(*ctypes.Fwd)
		return ok && *s == *t
	case *ctypes.Lazy:
		t, ok := t.(*ctypes.Lazy)
		return ok && s.Kind == t.Kind && s.Name == t.Name
	case *ctypes.Func:
		t, ok := t.(*ctypes.Func)
		return ok && s.Name == t.Name && s.Variadic == t.Variadic && s.Module == t.Module && e.same(s.Result, t.Result) &&
			slices.EqualFunc(s.Params, t.Params, func(p, q ctypes.Param) bool { return p.Name == q.Name && e.same(p.Type, q.Type) })
	}
	return false
}
