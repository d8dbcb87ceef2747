package ast

import "github.com/skep-dev/skep/internal/source"

// Cloner copies trees. The copies share nothing with the originals that can
// be changed, so that side tables keyed by node can tell them apart.
type Cloner struct {
	// Place gives the place of a copy from that of its original; nil keeps
	// it.
	Place func(source.Span) source.Span
}

// Expr copies an expression; nil stays nil.
func (c *Cloner) Expr(x Expr) Expr {
	switch x := x.(type) {
	case *IntLit:
		return c.intLit(x)
	case *StrLit:
		return c.strLit(x)
	case *BoolLit:
		return &BoolLit{c.place(x.Place), x.Value}
	case *Ident:
		return &Ident{c.place(x.Place), x.Name}
	case *Var:
		return c.variable(x)
	case *Param:
		return &Param{c.place(x.Place), x.N}
	case *ParamCount:
		return &ParamCount{c.place(x.Place)}
	case *MapRef:
		return c.mapRef(x)
	case *Field:
		return &Field{c.place(x.Place), c.Expr(x.X), c.name(x.Name), x.Arrow}
	case *TupleField:
		return &TupleField{c.place(x.Place), c.Expr(x.X), x.Index, c.span(x.IdxAt)}
	case *Index:
		return &Index{c.place(x.Place), c.Expr(x.X), c.Expr(x.Index)}
	case *Call:
		return &Call{c.place(x.Place), c.name(x.Func), cloneList(x.Args, c.Expr)}
	case *TypeArg:
		return &TypeArg{c.place(x.Place), c.Type(x.Type)}
	case *BadExpr:
		return &BadExpr{c.place(x.Place)}
	}
	return c.compound(x)
}

// compound copies the expressions with operators and blocks.
func (c *Cloner) compound(x Expr) Expr {
	switch x := x.(type) {
	case *Unary:
		return &Unary{c.place(x.Place), x.Op, c.span(x.OpSpan), c.Expr(x.X)}
	case *Binary:
		return &Binary{c.place(x.Place), x.Op, c.span(x.OpSpan), c.Expr(x.X), c.Expr(x.Y)}
	case *Ternary:
		return &Ternary{c.place(x.Place), c.Expr(x.Cond), c.Expr(x.Then), c.Expr(x.Else)}
	case *IfExpr:
		return &IfExpr{c.place(x.Place), c.Expr(x.Cond), c.Block(x.Then), c.Expr(x.Else)}
	case *BlockExpr:
		return &BlockExpr{c.place(x.Place), c.Block(x.Block)}
	case *Cast:
		return &Cast{c.place(x.Place), c.Type(x.Type), c.Expr(x.X)}
	case *Tuple:
		return &Tuple{c.place(x.Place), cloneList(x.Elems, c.Expr)}
	case *Record:
		return &Record{c.place(x.Place), cloneList(x.Fields, func(f *RecordField) *RecordField {
			return &RecordField{c.place(f.Place), c.name(f.Name), c.Expr(f.Value)}
		})}
	case *Sizeof:
		return &Sizeof{c.place(x.Place), c.Type(x.Type), c.Expr(x.X)}
	case *Offsetof:
		return &Offsetof{c.place(x.Place), c.Type(x.Type), c.Expr(x.X), cloneList(x.Fields, c.name)}
	case *Typeinfo:
		return &Typeinfo{c.place(x.Place), c.Type(x.Type), c.Expr(x.X)}
	case *Comptime:
		return &Comptime{c.place(x.Place), c.Expr(x.X)}
	}
	return nil
}

// Type copies a type; nil stays nil.
func (c *Cloner) Type(t TypeExpr) TypeExpr {
	switch t := t.(type) {
	case *NamedType:
		return &NamedType{c.place(t.Place), t.Tag, t.Name}
	case *PointerType:
		return &PointerType{c.place(t.Place), c.Type(t.Elem)}
	case *ArrayType:
		return &ArrayType{c.place(t.Place), c.Type(t.Elem), c.intLit(t.Len)}
	case *TypeofType:
		return &TypeofType{c.place(t.Place), c.Type(t.Type), c.Expr(t.X)}
	}
	return nil
}

// Stmt copies a statement; nil stays nil.
func (c *Cloner) Stmt(s Stmt) Stmt {
	switch s := s.(type) {
	case *Block:
		return c.Block(s)
	case *ExprStmt:
		return &ExprStmt{c.place(s.Place), c.Expr(s.X)}
	case *Assign:
		return &Assign{c.place(s.Place), c.Expr(s.Target), s.Op, c.span(s.OpSpan), c.Expr(s.Value)}
	case *VarDecl:
		return &VarDecl{c.place(s.Place), c.variable(s.Var), c.Type(s.Type), c.Expr(s.Value)}
	case *If:
		return &If{c.place(s.Place), c.Expr(s.Cond), c.Block(s.Then), c.Stmt(s.Else)}
	case *While:
		return &While{c.place(s.Place), c.Expr(s.Cond), c.Block(s.Body)}
	case *Unroll:
		return &Unroll{c.place(s.Place), c.Expr(s.Count), c.Block(s.Body)}
	case *For:
		return c.forStmt(s)
	case *Break:
		return &Break{c.place(s.Place)}
	case *Continue:
		return &Continue{c.place(s.Place)}
	case *Return:
		return &Return{c.place(s.Place), c.Expr(s.X)}
	case *Discard:
		return &Discard{c.place(s.Place), c.Expr(s.X)}
	case *Import:
		return &Import{c.place(s.Place), c.strLit(s.Path)}
	}
	return nil
}

// Block copies a block; nil stays nil.
func (c *Cloner) Block(b *Block) *Block {
	if b == nil {
		return nil
	}
	return &Block{c.place(b.Place), cloneList(b.Stmts, c.Stmt), c.Expr(b.Value)}
}

func (c *Cloner) forStmt(s *For) *For {
	f := &For{Place: c.place(s.Place), Var: c.variable(s.Var), Map: c.mapRef(s.Map), Body: c.Block(s.Body)}
	if s.Range != nil {
		f.Range = &Range{c.place(s.Range.Place), c.Expr(s.Range.Low), c.Expr(s.Range.High)}
	}
	return f
}

func (c *Cloner) intLit(x *IntLit) *IntLit {
	if x == nil {
		return nil
	}
	return &IntLit{c.place(x.Place), x.Value, x.Raw, x.Suffix}
}

func (c *Cloner) strLit(x *StrLit) *StrLit {
	if x == nil {
		return nil
	}
	return &StrLit{c.place(x.Place), x.Value}
}

func (c *Cloner) variable(x *Var) *Var {
	if x == nil {
		return nil
	}
	return &Var{c.place(x.Place), x.Name}
}

func (c *Cloner) mapRef(x *MapRef) *MapRef {
	if x == nil {
		return nil
	}
	return &MapRef{c.place(x.Place), x.Name, c.span(x.NameSpan), cloneList(x.Keys, c.Expr)}
}

func (c *Cloner) name(n Name) Name { return Name{n.Text, c.span(n.At)} }

func (c *Cloner) place(p Place) Place { return Place{c.span(p.At)} }

func (c *Cloner) span(s source.Span) source.Span {
	if c.Place == nil || !s.IsValid() {
		return s
	}
	return c.Place(s)
}

// cloneList copies a list; nil, which can mean something else than an empty
// list, stays nil.
func cloneList[T any](list []T, clone func(T) T) []T {
	if list == nil {
		return nil
	}
	copies := make([]T, len(list))
	for i, e := range list {
		copies[i] = clone(e)
	}
	return copies
}
