package btfmt

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// How tightly an expression binds, below and above the ten levels of the
// binary operators.
const (
	precNone    = 0 // anything may stand here
	precTernary = 1 // conditions of ternaries are at least binary operators
	precBinary  = 1 // plus the operator's own, from 1 to 10
	precUnary   = 12
	precPostfix = 13
)

// precOf is how tightly x binds.
func precOf(x ast.Expr) int {
	switch x := x.(type) {
	case *ast.Ternary, *ast.IfExpr, *ast.BlockExpr:
		return precNone
	case *ast.Binary:
		return precBinary + x.Op.Precedence()
	case *ast.Unary:
		if !x.Op.IsPostfix() {
			return precUnary
		}
	case *ast.Cast, *ast.Comptime:
		return precUnary
	}
	return precPostfix
}

// expr prints x, in parentheses if it binds less tightly than prec.
func (p *printer) expr(x ast.Expr, prec int) doc {
	if precOf(x) < prec {
		return p.parens(x)
	}
	switch x := x.(type) {
	case *ast.IntLit:
		if x.Raw == "" {
			return text(strconv.FormatUint(x.Value, 10))
		}
		return text(x.Raw)
	case *ast.StrLit:
		return text(quote(x.Value))
	case *ast.BoolLit:
		return text(strconv.FormatBool(x.Value))
	case *ast.Ident:
		return text(x.Name)
	case *ast.Var:
		return text("$" + x.Name)
	case *ast.Param:
		return text("$" + strconv.Itoa(x.N))
	case *ast.ParamCount:
		return text("$#")
	case *ast.BadExpr:
		return text("")
	case *ast.MapRef:
		if x.Keys == nil {
			return text("@" + x.Name)
		}
		return cat{text("@" + x.Name + "["), p.exprs(x.Keys), text("]")}
	case *ast.Field, *ast.TupleField, *ast.Index:
		return p.access(x)
	case *ast.Call:
		return cat{text(x.Func.Text + "("), p.exprs(x.Args), text(")")}
	case *ast.TypeArg:
		return p.typ(x.Type)
	case *ast.Tuple, *ast.Record:
		return p.tuple(x)
	}
	return p.compound(x)
}

// compound prints the expressions with operators and blocks.
func (p *printer) compound(x ast.Expr) doc {
	switch x := x.(type) {
	case *ast.Unary:
		return p.unary(x)
	case *ast.Binary:
		return p.binary(x)
	case *ast.Ternary:
		return p.ternary(x)
	case *ast.IfExpr:
		return group{p.ifExpr(x)}
	case *ast.BlockExpr:
		return group{p.valueBlock(x.Block)}
	case *ast.Cast:
		if u, ok := x.X.(*ast.Unary); ok && u.Op == ast.PreInc {
			return cat{text("("), p.typ(x.Type), text(")"), p.parens(u)} // "(t)++" begins no cast
		}
		return cat{text("("), p.typ(x.Type), text(")"), p.expr(x.X, precUnary)}
	case *ast.Comptime:
		return cat{text("comptime "), p.expr(x.X, precUnary)}
	case *ast.Sizeof:
		return cat{text("sizeof("), p.operand(x.Type, x.X), text(")")}
	case *ast.Typeinfo:
		return cat{text("typeinfo("), p.operand(x.Type, x.X), text(")")}
	case *ast.Offsetof:
		var fields []string
		for _, f := range x.Fields {
			fields = append(fields, f.Text)
		}
		return cat{text("offsetof("), p.operand(x.Type, x.X), text(", " + strings.Join(fields, ".") + ")")}
	}
	return text("")
}

func (p *printer) exprs(list []ast.Expr) doc {
	docs := make([]doc, 0, len(list))
	for _, x := range list {
		docs = append(docs, p.expr(x, precNone))
	}
	return commaList(docs)
}

// access prints a chain of fields, elements and indexes.
func (p *printer) access(x ast.Expr) doc {
	var chain []doc // from the last to the first
	for {
		switch y := x.(type) {
		case *ast.Field:
			sep := "."
			if y.Arrow {
				sep = "->"
			}
			chain = append(chain, text(sep+y.Name.Text))
			x = y.X
			continue
		case *ast.TupleField:
			chain = append(chain, text("."+strconv.Itoa(y.Index)))
			x = y.X
			continue
		case *ast.Index:
			chain = append(chain, cat{text("["), p.expr(y.Index, precNone), text("]")})
			if m, ok := y.X.(*ast.MapRef); ok && m.Keys == nil {
				chain = append(chain, p.parens(m)) // without, it would be a key
				return reversed(chain)
			}
			x = y.X
			continue
		}
		chain = append(chain, p.expr(x, precPostfix))
		return reversed(chain)
	}
}

func reversed(docs []doc) doc {
	d := make(cat, len(docs))
	for i, e := range docs {
		d[len(docs)-1-i] = e
	}
	return d
}

func (p *printer) tuple(x ast.Expr) doc {
	switch x := x.(type) {
	case *ast.Tuple:
		if len(x.Elems) == 1 {
			return cat{text("("), p.expr(x.Elems[0], precNone), text(",)")}
		}
		return cat{text("("), p.exprs(x.Elems), text(")")}
	case *ast.Record:
		var fields []doc
		for _, f := range x.Fields {
			fields = append(fields, cat{text(f.Name.Text + " = "), p.expr(f.Value, precNone)})
		}
		return cat{text("("), commaList(fields), text(")")}
	}
	return text("")
}

func (p *printer) unary(x *ast.Unary) doc {
	op := text(x.Op.String())
	if x.Op.IsPostfix() {
		return cat{p.expr(x.X, precPostfix), op}
	}
	// "- -x" without the space would be "--x".
	if inner, ok := x.X.(*ast.Unary); ok && x.Op == ast.Neg && (inner.Op == ast.Neg || inner.Op == ast.PreDec) {
		return cat{op, p.parens(inner)}
	}
	return cat{op, p.expr(x.X, precUnary)}
}

// binary prints a chain of operators of the same precedence without recursing
// along it.
func (p *printer) binary(x *ast.Binary) doc {
	var chain []*ast.Binary
	var left ast.Expr = x
	for {
		b, ok := left.(*ast.Binary)
		if !ok || len(chain) > 0 && !joins(b, chain[len(chain)-1]) {
			break
		}
		chain = append(chain, b)
		left = b.X
	}
	d := cat{p.operandOf(left, chain[len(chain)-1], precBinary+x.Op.Precedence())}
	for i := len(chain) - 1; i >= 0; i-- {
		b := chain[i]
		d = append(d, text(" "+b.Op.String()), line{}, p.operandOf(b.Y, b, precBinary+b.Op.Precedence()+1))
	}
	return group{align{d}}
}

// joins reports whether inner, on the left of outer, is written without
// parentheses in one chain with it.
func joins(inner, outer *ast.Binary) bool {
	return inner.Op.Precedence() == outer.Op.Precedence() && (!inner.Op.IsComparison() || !outer.Op.IsComparison())
}

// operandOf prints an operand of outer. Beyond what the grammar needs,
// parentheses are put around operators whose order few know by heart: all but
// products within sums, and arithmetic and comparisons within && and ||.
func (p *printer) operandOf(x ast.Expr, outer *ast.Binary, prec int) doc {
	b, ok := x.(*ast.Binary)
	if !ok || precOf(x) < prec {
		return p.expr(x, prec)
	}
	arithmetic := b.Op >= ast.Add
	switch {
	case outer.Op.IsLogical() && (b.Op.IsComparison() || arithmetic),
		outer.Op.IsComparison() && arithmetic,
		outer.Op >= ast.Add && arithmetic:
		return p.expr(x, prec)
	}
	return p.parens(x)
}

func (p *printer) ternary(x *ast.Ternary) doc {
	cond := p.expr(x.Cond, precTernary)
	if x.Then == nil {
		return group{align{cat{cond, line{}, text("?: "), p.expr(x.Else, precNone)}}}
	}
	then := p.expr(x.Then, precTernary)
	return group{align{cat{cond, line{}, text("? "), then, line{}, text(": "), p.expr(x.Else, precNone)}}}
}

func (p *printer) ifExpr(x *ast.IfExpr) doc {
	d := cat{p.cond("if ", x.Cond), p.valueBlock(x.Then)}
	for x.Else != nil {
		switch e := x.Else.(type) {
		case *ast.IfExpr:
			d = append(d, p.cond(" else if ", e.Cond), p.valueBlock(e.Then))
			x = e
			continue
		case *ast.BlockExpr:
			d = append(d, text(" else "), p.valueBlock(e.Block))
		}
		break
	}
	return d
}

// operand prints what sizeof and its kin are applied to.
func (p *printer) operand(t ast.TypeExpr, x ast.Expr) doc {
	if t != nil {
		return p.typ(t)
	}
	base := x
	for {
		i, ok := base.(*ast.Index)
		if !ok {
			break
		}
		base = i.X
	}
	if _, ok := base.(*ast.Ident); ok && base != x {
		return p.parens(x) // without, it would be an array type
	}
	return p.expr(x, precNone)
}

func (p *printer) typ(t ast.TypeExpr) doc {
	switch t := t.(type) {
	case *ast.NamedType:
		if t.Tag != "" {
			return text(t.Tag + " " + t.Name)
		}
		return text(t.Name)
	case *ast.PointerType:
		if _, ok := t.Elem.(*ast.PointerType); ok {
			return cat{p.typ(t.Elem), text("*")}
		}
		return cat{p.typ(t.Elem), text(" *")}
	case *ast.ArrayType:
		if t.Len == nil {
			return cat{p.typ(t.Elem), text("[]")}
		}
		return cat{p.typ(t.Elem), text("["), p.expr(t.Len, precNone), text("]")}
	case *ast.TypeofType:
		return cat{text("typeof("), p.operand(t.Type, t.X), text(")")}
	}
	return text("")
}

// quote writes a string as a literal. What is not printable becomes an escape.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == utf8.RuneError && n == 1, !unicode.IsPrint(r):
			for _, c := range []byte(s[i : i+n]) {
				const hex = "0123456789abcdef"
				b.WriteString(`\x` + string(hex[c>>4]) + string(hex[c&15]))
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}
