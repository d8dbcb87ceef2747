package expand

import (
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// byValue puts variables and whole maps that are passed for an expression into
// a block, so that they can be read there but not be changed.
func byValue(arg ast.Expr) ast.Expr {
	if _, isVar := arg.(*ast.Var); !isVar && !isWholeMap(arg) {
		return arg
	}
	at := ast.Place{At: arg.Span()}
	return &ast.BlockExpr{Place: at, Block: &ast.Block{Place: at, Value: arg}}
}

// isPlace reports whether an expression means a variable or a map itself in
// some places, and not its value.
func isPlace(x ast.Expr) bool {
	switch x.(type) {
	case *ast.Var, *ast.MapRef:
		return true
	}
	return false
}

// simplify removes the blocks around an expression that hold nothing else.
func simplify(x ast.Expr) ast.Expr {
	b, ok := x.(*ast.BlockExpr)
	if !ok || len(b.Block.Stmts) > 0 || b.Block.Value == nil || isPlace(b.Block.Value) {
		return x
	}
	return simplify(b.Block.Value)
}

// unwrap removes the block around a map that is read.
func unwrap(x *ast.Expr) {
	if b, ok := (*x).(*ast.BlockExpr); ok && len(b.Block.Stmts) == 0 {
		if m, ok := b.Block.Value.(*ast.MapRef); ok {
			*x = m
		}
	}
}

// unwrapOperands does so where nothing else can be meant than a map's value:
// below operators, in keys and tuples, in what is assigned.
func unwrapOperands(n ast.Node) {
	switch n := n.(type) {
	case *ast.Unary:
		unwrap(&n.X)
	case *ast.Binary:
		unwrap(&n.X)
		unwrap(&n.Y)
	case *ast.Ternary:
		unwrap(&n.Cond)
		unwrap(&n.Then)
		unwrap(&n.Else)
	case *ast.Cast:
		unwrap(&n.X)
	case *ast.Field:
		unwrap(&n.X)
	case *ast.TupleField:
		unwrap(&n.X)
	case *ast.Index:
		unwrap(&n.X)
		unwrap(&n.Index)
	case *ast.MapRef:
		unwrapAll(n.Keys)
	case *ast.Tuple:
		unwrapAll(n.Elems)
	case *ast.Record:
		for _, f := range n.Fields {
			unwrap(&f.Value)
		}
	case *ast.Assign:
		unwrap(&n.Value)
	case *ast.VarDecl:
		unwrap(&n.Value)
	}
}

func unwrapAll(list []ast.Expr) {
	for i := range list {
		unwrap(&list[i])
	}
}

// hasValue reports whether a block or any arm of an if ends in an expression;
// other expressions always have a value.
func hasValue(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BlockExpr:
		return x.Block.Value != nil
	case *ast.IfExpr:
		return x.Then.Value != nil || x.Else != nil && hasValue(x.Else)
	}
	return true
}

// settleValue turns the value of a block into a statement when it turned out
// to have none.
func settleValue(b *ast.Block) {
	if b.Value != nil && !hasValue(b.Value) {
		dropValue(b)
	}
}

// asStmt makes a statement of an expression. Blocks and ifs lose their value:
// what was their last expression becomes a statement, too.
func asStmt(s *ast.ExprStmt) ast.Stmt {
	switch x := s.X.(type) {
	case *ast.BlockExpr:
		return dropValue(x.Block)
	case *ast.IfExpr:
		i := &ast.If{Place: x.Place, Cond: x.Cond, Then: dropValue(x.Then)}
		if x.Else != nil {
			i.Else = asStmt(&ast.ExprStmt{Place: ast.Place{At: x.Else.Span()}, X: x.Else})
		}
		return i
	}
	return s
}

func dropValue(b *ast.Block) *ast.Block {
	if b.Value != nil {
		b.Stmts = append(b.Stmts, asStmt(&ast.ExprStmt{Place: ast.Place{At: b.Value.Span()}, X: b.Value}))
		b.Value = nil
	}
	return b
}
