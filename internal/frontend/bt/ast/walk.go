package ast

// Visitor's Visit is called for each node that Walk meets. When it returns a
// non-nil visitor w, Walk visits the children with w and then calls
// w.Visit(nil).
type Visitor interface {
	Visit(n Node) (w Visitor)
}

// Walk visits n and all below it, depth first, in the order of evaluation as
// written. Comments are not visited.
func Walk(v Visitor, n Node) {
	if v = v.Visit(n); v == nil {
		return
	}
	switch n := n.(type) {
	case Expr:
		walkExpr(v, n)
	case TypeExpr:
		walkType(v, n)
	case Stmt:
		walkStmt(v, n)
	default:
		walkDecl(v, n)
	}
	v.Visit(nil)
}

// Inspect calls f for n and all below it. Children are visited only when f
// returned true, and are followed by a call f(nil).
func Inspect(n Node, f func(Node) bool) { Walk(inspector(f), n) }

type inspector func(Node) bool

func (f inspector) Visit(n Node) Visitor {
	if f(n) {
		return f
	}
	return nil
}

func walkList[N Node](v Visitor, list []N) {
	for _, n := range list {
		Walk(v, n)
	}
}

// walkOpt visits x unless it is a nil expression, statement or type.
func walkOpt[N interface {
	Node
	comparable
}](v Visitor, x N) {
	var none N
	if x != none {
		Walk(v, x)
	}
}

func walkDecl(v Visitor, n Node) {
	switch n := n.(type) {
	case *Program:
		walkList(v, n.Decls())
	case *Config:
		walkList(v, n.Assigns)
	case *ConfigAssign:
		walkOpt(v, n.Value)
	case *Macro:
		walkList(v, n.Params)
		walkOpt(v, n.Body)
	case *Subprog:
		walkList(v, n.Params)
		walkOpt(v, n.Result)
		walkOpt(v, n.Body)
	case *SubprogParam:
		walkOpt(v, n.Var)
		walkOpt(v, n.Type)
	case *MapDecl:
		walkOpt(v, n.Map)
		walkOpt(v, n.MaxEntries)
	case *Probe:
		walkList(v, n.AttachPoints)
		walkOpt(v, n.Pred)
		walkOpt(v, n.Body)
	case *Range:
		walkOpt(v, n.Low)
		walkOpt(v, n.High)
	case *RecordField:
		walkOpt(v, n.Value)
	}
}

func walkStmt(v Visitor, n Stmt) {
	switch n := n.(type) {
	case *Block:
		walkList(v, n.Stmts)
		walkOpt(v, n.Value)
	case *ExprStmt:
		walkOpt(v, n.X)
	case *Assign:
		walkOpt(v, n.Target)
		walkOpt(v, n.Value)
	case *VarDecl:
		walkOpt(v, n.Var)
		walkOpt(v, n.Type)
		walkOpt(v, n.Value)
	case *If:
		walkOpt(v, n.Cond)
		walkOpt(v, n.Then)
		walkOpt(v, n.Else)
	case *While:
		walkOpt(v, n.Cond)
		walkOpt(v, n.Body)
	case *Unroll:
		walkOpt(v, n.Count)
		walkOpt(v, n.Body)
	case *For:
		walkOpt(v, n.Var)
		walkOpt(v, n.Map)
		walkOpt(v, n.Range)
		walkOpt(v, n.Body)
	case *Return:
		walkOpt(v, n.X)
	case *Discard:
		walkOpt(v, n.X)
	case *Import:
		walkOpt(v, n.Path)
	}
}

func walkExpr(v Visitor, n Expr) {
	switch n := n.(type) {
	case *MapRef:
		walkList(v, n.Keys)
	case *Field:
		walkOpt(v, n.X)
	case *TupleField:
		walkOpt(v, n.X)
	case *Index:
		walkOpt(v, n.X)
		walkOpt(v, n.Index)
	case *Call:
		walkList(v, n.Args)
	case *TypeArg:
		walkOpt(v, n.Type)
	case *Unary:
		walkOpt(v, n.X)
	case *Binary:
		walkOpt(v, n.X)
		walkOpt(v, n.Y)
	case *Ternary:
		walkOpt(v, n.Cond)
		walkOpt(v, n.Then)
		walkOpt(v, n.Else)
	case *IfExpr:
		walkOpt(v, n.Cond)
		walkOpt(v, n.Then)
		walkOpt(v, n.Else)
	case *BlockExpr:
		walkOpt(v, n.Block)
	case *Cast:
		walkOpt(v, n.Type)
		walkOpt(v, n.X)
	case *Tuple:
		walkList(v, n.Elems)
	case *Record:
		walkList(v, n.Fields)
	case *Sizeof:
		walkOpt(v, n.Type)
		walkOpt(v, n.X)
	case *Offsetof:
		walkOpt(v, n.Type)
		walkOpt(v, n.X)
	case *Typeinfo:
		walkOpt(v, n.Type)
		walkOpt(v, n.X)
	case *Comptime:
		walkOpt(v, n.X)
	}
}

func walkType(v Visitor, n TypeExpr) {
	switch n := n.(type) {
	case *PointerType:
		walkOpt(v, n.Elem)
	case *ArrayType:
		walkOpt(v, n.Elem)
		walkOpt(v, n.Len)
	case *TypeofType:
		walkOpt(v, n.Type)
		walkOpt(v, n.X)
	}
}
