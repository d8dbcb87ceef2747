package ast

// Rewriter replaces parts of a tree. Its functions are called with the direct
// children of a node and return what is to stand in their place; they decide
// themselves whether to go further down, with Children. A nil function leaves
// children of its kind alone.
//
// Where the grammar wants a certain kind of node, the replacement has to be
// one: variables and maps that are assigned to, counted up or down, or looped
// over stay variables and maps.
type Rewriter struct {
	Expr func(Expr) Expr
	Type func(TypeExpr) TypeExpr
	// Stmt returns the statements that stand in place of one.
	Stmt func(Stmt) []Stmt
}

// Children rewrites the direct children of a node.
func (r *Rewriter) Children(n Node) {
	switch n := n.(type) {
	case Expr:
		r.exprChildren(n)
	case TypeExpr:
		r.typeChildren(n)
	case Stmt:
		r.stmtChildren(n)
	case *Program:
		for _, s := range n.Subprogs {
			r.Children(s)
		}
		for _, p := range n.Probes {
			r.Children(p)
		}
	case *Probe:
		r.expr(&n.Pred)
		r.block(n.Body)
	case *Subprog:
		for _, p := range n.Params {
			r.typ(&p.Type)
		}
		r.typ(&n.Result)
		r.block(n.Body)
	case *Range:
		r.expr(&n.Low)
		r.expr(&n.High)
	case *RecordField:
		r.expr(&n.Value)
	}
}

func (r *Rewriter) exprChildren(n Expr) {
	switch n := n.(type) {
	case *MapRef:
		r.exprs(n.Keys)
	case *Field:
		r.expr(&n.X)
	case *TupleField:
		r.expr(&n.X)
	case *Index:
		r.expr(&n.X)
		r.expr(&n.Index)
	case *Call:
		r.exprs(n.Args)
	case *TypeArg:
		r.typ(&n.Type)
	case *Unary:
		r.expr(&n.X)
	case *Binary:
		r.expr(&n.X)
		r.expr(&n.Y)
	case *Ternary:
		r.expr(&n.Cond)
		r.expr(&n.Then)
		r.expr(&n.Else)
	case *IfExpr:
		r.expr(&n.Cond)
		r.block(n.Then)
		r.elseExpr(n)
	case *BlockExpr:
		r.block(n.Block)
	case *Cast:
		r.typ(&n.Type)
		r.expr(&n.X)
	case *Tuple:
		r.exprs(n.Elems)
	case *Record:
		for _, f := range n.Fields {
			r.Children(f)
		}
	case *Sizeof:
		r.typ(&n.Type)
		r.expr(&n.X)
	case *Offsetof:
		r.typ(&n.Type)
		r.expr(&n.X)
	case *Typeinfo:
		r.typ(&n.Type)
		r.expr(&n.X)
	case *Comptime:
		r.expr(&n.X)
	}
}

func (r *Rewriter) typeChildren(n TypeExpr) {
	switch n := n.(type) {
	case *PointerType:
		r.typ(&n.Elem)
	case *ArrayType:
		r.typ(&n.Elem)
	case *TypeofType:
		r.typ(&n.Type)
		r.expr(&n.X)
	}
}

func (r *Rewriter) stmtChildren(n Stmt) {
	switch n := n.(type) {
	case *Block:
		r.block(n)
	case *ExprStmt:
		r.expr(&n.X)
	case *Assign:
		r.expr(&n.Target)
		r.expr(&n.Value)
	case *VarDecl:
		r.variable(&n.Var)
		r.typ(&n.Type)
		r.expr(&n.Value)
	case *If:
		r.expr(&n.Cond)
		r.block(n.Then)
		r.elseStmt(n)
	case *While:
		r.expr(&n.Cond)
		r.block(n.Body)
	case *Unroll:
		r.expr(&n.Count)
		r.block(n.Body)
	case *For:
		r.forStmt(n)
	case *Return:
		r.expr(&n.X)
	case *Discard:
		r.expr(&n.X)
	}
}

func (r *Rewriter) forStmt(n *For) {
	if n.Map != nil && r.Expr != nil {
		if m, ok := r.Expr(n.Map).(*MapRef); ok {
			n.Map = m
		}
	}
	if n.Range != nil {
		r.Children(n.Range)
	}
	r.variable(&n.Var)
	r.block(n.Body)
}

// block rewrites the statements of a block and its value.
func (r *Rewriter) block(b *Block) {
	if b == nil {
		return
	}
	if r.Stmt != nil {
		var stmts []Stmt
		for _, s := range b.Stmts {
			stmts = append(stmts, r.Stmt(s)...)
		}
		b.Stmts = stmts
	}
	r.expr(&b.Value)
}

// elseStmt rewrites what follows the else of an if, which stays a block or an
// if.
func (r *Rewriter) elseStmt(n *If) {
	if n.Else == nil || r.Stmt == nil {
		return
	}
	at := Place{n.Else.Span()}
	stmts := r.Stmt(n.Else)
	n.Else = nil
	switch len(stmts) {
	case 0:
		return
	case 1:
		switch stmts[0].(type) {
		case *Block, *If:
			n.Else = stmts[0]
			return
		}
	}
	n.Else = &Block{Place: at, Stmts: stmts}
}

// elseExpr rewrites what follows the else of an if, which stays a block or an
// if.
func (r *Rewriter) elseExpr(n *IfExpr) {
	if n.Else == nil || r.Expr == nil {
		return
	}
	at := Place{n.Else.Span()}
	r.expr(&n.Else)
	switch n.Else.(type) {
	case nil, *BlockExpr, *IfExpr:
	default:
		n.Else = &BlockExpr{Place: at, Block: &Block{Place: at, Value: n.Else}}
	}
}

func (r *Rewriter) expr(x *Expr) {
	if *x != nil && r.Expr != nil {
		*x = r.Expr(*x)
	}
}

func (r *Rewriter) exprs(list []Expr) {
	for i := range list {
		r.expr(&list[i])
	}
}

func (r *Rewriter) typ(t *TypeExpr) {
	if *t != nil && r.Type != nil {
		*t = r.Type(*t)
	}
}

func (r *Rewriter) variable(v **Var) {
	if *v == nil || r.Expr == nil {
		return
	}
	if w, ok := r.Expr(*v).(*Var); ok {
		*v = w
	}
}
