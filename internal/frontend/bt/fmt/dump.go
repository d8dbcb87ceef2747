package btfmt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// DumpOptions are what a dump shows beside the nodes.
type DumpOptions struct {
	Places bool // line:column of the start and end of every node
	// Note returns what else is known about a node, such as its type; nil for
	// nothing. It is shown at the end of the node's line.
	Note func(n ast.Node) string
}

// Dump returns the tree below n, one node a line, children indented below
// their parent. The line names the node as package ast does, and what it holds
// beside its children.
func Dump(n ast.Node, o DumpOptions) string {
	d := dumper{opts: o}
	ast.Walk(&d, n)
	return d.out.String()
}

type dumper struct {
	out   strings.Builder
	opts  DumpOptions
	stack []frame
}

// frame is a node whose children are being visited.
type frame struct {
	node  ast.Node
	roles []role // of the children, in the order of Walk
}

// role says what a child is to its parent.
type role struct {
	node ast.Node
	name string
}

// Visit writes a line for n.
func (d *dumper) Visit(n ast.Node) ast.Visitor {
	if n == nil {
		d.stack = d.stack[:len(d.stack)-1]
		return nil
	}
	d.out.WriteString(strings.Repeat("  ", len(d.stack)))
	if len(d.stack) > 0 {
		for _, r := range d.stack[len(d.stack)-1].roles {
			if r.node == n {
				d.out.WriteString(r.name + ": ")
			}
		}
	}
	d.out.WriteString(strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."))
	if s := detail(n); s != "" {
		d.out.WriteString(" " + s)
	}
	if at := n.Span(); d.opts.Places && at.IsValid() {
		l1, c1 := at.File.Position(at.Start)
		l2, c2 := at.File.Position(at.End)
		fmt.Fprintf(&d.out, " @%d:%d-%d:%d", l1, c1, l2, c2)
	}
	if d.opts.Note != nil {
		if s := d.opts.Note(n); s != "" {
			d.out.WriteString("  ; " + s)
		}
	}
	d.out.WriteByte('\n')
	d.stack = append(d.stack, frame{n, roles(n)})
	return d
}

// detail is what a node holds beside its children.
func detail(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Program:
		if n.Shebang != "" {
			return strconv.Quote(n.Shebang)
		}
	case *ast.CDef:
		kind := [...]string{ast.CPreproc: "#", ast.CStruct: "struct ", ast.CUnion: "union ", ast.CEnum: "enum "}[n.Kind]
		return kind + n.Name + " " + strconv.Quote(n.Text)
	case *ast.ConfigAssign:
		return n.Key.Text
	case *ast.Macro:
		return n.Name.Text
	case *ast.Subprog:
		return n.Name.Text
	case *ast.MapDecl:
		return n.Kind.Text
	case *ast.AttachPoint:
		return attachPointDetail(n)
	case *ast.Assign:
		return n.Op.String() + "="
	case ast.TypeExpr:
		if t, ok := n.(*ast.NamedType); ok {
			return strings.TrimSpace(t.Tag + " " + t.Name)
		}
	case ast.Expr:
		return exprDetail(n)
	case *ast.RecordField:
		return n.Name.Text
	}
	return ""
}

func attachPointDetail(ap *ast.AttachPoint) string {
	var b strings.Builder
	if ap.Label != "" {
		b.WriteString(ap.Label + "=")
	}
	b.WriteString(ap.Provider)
	for _, a := range ap.Args {
		b.WriteString(" " + strconv.Quote(a))
	}
	return b.String()
}

func exprDetail(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.IntLit:
		if s := strconv.FormatUint(x.Value, 10); s != x.Raw {
			return x.Raw + " = " + s
		}
		return x.Raw
	case *ast.StrLit:
		return strconv.Quote(x.Value)
	case *ast.BoolLit:
		return strconv.FormatBool(x.Value)
	case *ast.Ident:
		return x.Name
	case *ast.Var:
		return "$" + x.Name
	case *ast.Param:
		return "$" + strconv.Itoa(x.N)
	case *ast.MapRef:
		return "@" + x.Name
	case *ast.Field:
		if x.Arrow {
			return "->" + x.Name.Text
		}
		return "." + x.Name.Text
	case *ast.TupleField:
		return "." + strconv.Itoa(x.Index)
	case *ast.Call:
		return x.Func.Text
	case *ast.Unary:
		if x.Op.IsPostfix() {
			return "postfix " + x.Op.String()
		}
		return x.Op.String()
	case *ast.Binary:
		return x.Op.String()
	case *ast.Offsetof:
		var fields []string
		for _, f := range x.Fields {
			fields = append(fields, f.Text)
		}
		return "." + strings.Join(fields, ".")
	}
	return ""
}

// roles names those children of a node whose part is not plain from their
// kind and order.
func roles(n ast.Node) []role {
	switch n := n.(type) {
	case *ast.Probe:
		return []role{{n.Pred, "pred"}}
	case *ast.Block:
		return []role{{n.Value, "value"}}
	case *ast.Subprog:
		return []role{{n.Result, "result"}}
	case *ast.If:
		return []role{{n.Cond, "cond"}, {n.Then, "then"}, {n.Else, "else"}}
	case *ast.IfExpr:
		return []role{{n.Cond, "cond"}, {n.Then, "then"}, {n.Else, "else"}}
	case *ast.Ternary:
		return []role{{n.Cond, "cond"}, {n.Then, "then"}, {n.Else, "else"}}
	case *ast.While:
		return []role{{n.Cond, "cond"}}
	case *ast.Unroll:
		return []role{{n.Count, "count"}}
	case *ast.VarDecl:
		return []role{{n.Type, "type"}, {n.Value, "value"}}
	case *ast.Assign:
		return []role{{n.Value, "value"}}
	case *ast.Index:
		return []role{{n.Index, "index"}}
	}
	return nil
}
