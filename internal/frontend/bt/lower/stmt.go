package lower

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
)

func (f *function) block(b *ast.Block) { f.stmts(b.Stmts) }

func (f *function) stmts(list []ast.Stmt) {
	for _, s := range list {
		if f.b.Terminated() {
			return // what follows a return is never reached
		}
		mark := f.tempBytes
		f.at(s)
		f.stmt(s)
		f.tempBytes = mark
	}
}

func (f *function) stmt(s ast.Stmt) {
	switch x := s.(type) {
	case *ast.ExprStmt:
		f.effect(x.X)
	case *ast.Discard:
		f.effect(x.X)
	case *ast.Assign:
		f.assign(x)
	case *ast.VarDecl:
		f.varDecl(x)
	case *ast.If:
		f.ifStmt(x)
	case *ast.Block:
		f.block(x)
	case *ast.Unroll:
		f.unroll(x)
	case *ast.Return:
		result := f.b.Const(0)
		if x.X != nil {
			result = f.scalar(x.X)
		}
		f.b.Jump(f.exit, result)
	case *ast.Break:
		f.b.Jump(f.loops[len(f.loops)-1].done)
	case *ast.Continue:
		f.b.Jump(f.loops[len(f.loops)-1].next)
	}
}

// effect evaluates an expression for what it does.
func (f *function) effect(e ast.Expr) {
	t := f.in.Type(e)
	switch x := e.(type) {
	case *ast.Call:
		if f.callEffect(x) {
			return
		}
	case *ast.BlockExpr:
		f.stmts(x.Block.Stmts)
		if x.Block.Value != nil && !f.b.Terminated() {
			f.effect(x.Block.Value)
		}
		return
	case *ast.Ternary, *ast.IfExpr:
		if t.Kind == types.Void {
			done := f.b.NewBlock()
			f.choose(e, func(arm func() *ir.Value) {
				arm()
				if !f.b.Terminated() {
					f.b.Jump(done)
				}
			}, func(x ast.Expr) func() *ir.Value {
				return func() *ir.Value { f.effect(x); return nil }
			})
			f.b.SetBlock(done)
			return
		}
	}
	switch {
	case t.Kind == types.Void || t.IsAggregate() && !t.CastsToInt():
	case t.IsScalar() || t.CastsToInt():
		f.scalar(e)
	default:
		f.placeOf(e)
	}
}

func (f *function) ifStmt(x *ast.If) {
	yes, no, done := f.b.NewBlock(), f.b.NewBlock(), f.b.NewBlock()
	f.branch(x.Cond, yes, no)
	f.b.SetBlock(yes)
	f.block(x.Then)
	f.goOn(done)
	f.b.SetBlock(no)
	if x.Else != nil {
		f.stmt(x.Else)
	}
	f.goOn(done)
	f.b.SetBlock(done)
}

func (f *function) goOn(to *ir.Block) {
	if !f.b.Terminated() {
		f.b.Jump(to)
	}
}

func (f *function) unroll(x *ast.Unroll) {
	n, _ := f.constant(x.Count)
	done := f.b.NewBlock()
	for range n {
		next := f.b.NewBlock()
		f.loops = append(f.loops, loop{next, done})
		f.block(x.Body)
		f.goOn(next)
		f.loops = f.loops[:len(f.loops)-1]
		f.b.SetBlock(next)
	}
	f.b.Jump(done)
	f.b.SetBlock(done)
}

func (f *function) varDecl(x *ast.VarDecl) {
	v := f.in.Var(x.Var)
	s := f.variable(v)
	switch {
	case x.Value != nil:
		f.setVar(s, x.Value)
	case s.typ.IsScalar():
		f.b.Store(s.ptr, 0, f.b.Const(0), 8)
	default:
		f.zero(s.ptr, int64(s.typ.Size))
	}
}

// setVar assigns the value of an expression to a variable.
func (f *function) setVar(s *slot, value ast.Expr) {
	if s.typ.IsScalar() {
		v := f.scalar(value)
		if from := f.in.Type(value); from.Size > s.typ.Size || from.Signed != s.typ.Signed {
			v = f.extend(v, s.typ)
		}
		f.b.Store(s.ptr, 0, v, 8)
		return
	}
	if f.mentions(value, s) {
		tmp := f.temp(int64(s.typ.Size))
		f.into(value, tmp, 0, s.typ)
		f.read(s.ptr, place{base: tmp}, int64(s.typ.Size))
		return
	}
	f.into(value, s.ptr, 0, s.typ)
}

// mentions reports whether an expression reads the variable, so that it must
// not be built in the variable's own memory.
func (f *function) mentions(e ast.Expr, s *slot) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if v, ok := n.(*ast.Var); ok {
			if d := f.in.Var(v); d != nil && f.vars[d] == s {
				found = true
			}
		}
		return !found
	})
	return found
}

func (f *function) assign(x *ast.Assign) {
	if ref, ok := x.Target.(*ast.MapRef); ok {
		f.assignMap(x, ref)
		return
	}
	target := x.Target.(*ast.Var)
	s := f.variable(f.in.Var(target))
	if x.Op == ast.NoOp {
		f.setVar(s, x.Value)
		return
	}
	old := f.b.Load(ir.I64, s.ptr, 0, 8, false)
	value := f.scalar(x.Value)
	a, b := s.typ, f.in.Type(x.Value)
	t := a
	if a.Kind == types.Int {
		t = check.ArithType(x.Op, a, b)
	}
	f.b.Store(s.ptr, 0, f.extend(f.arith(x.Op, old, value, a, b, t), s.typ), 8)
}
