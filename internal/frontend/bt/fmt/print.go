package btfmt

import (
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// Print returns the program as source text in the canonical format: two
// columns of indentation, attach points and predicates on lines of their own,
// parentheses where they are needed or help the eye. Comments stay before or
// behind the statement that they belong to; one empty line between statements
// is kept.
//
// A tree that was parsed without errors prints to text that parses to the same
// tree.
func Print(prog *ast.Program) string {
	p := &printer{comments: prog.Comments}
	out := strings.Trim(render(p.program(prog)), "\n")
	if out == "" {
		return ""
	}
	return out + "\n"
}

// Expr returns an expression as source text.
func Expr(x ast.Expr) string { return render(new(printer).expr(x, precNone)) }

// Type returns a type as source text.
func Type(t ast.TypeExpr) string { return render(new(printer).typ(t)) }

type printer struct {
	comments []*ast.Comment // not yet printed
	// last is where the last printed statement, declaration or comment ended
	// in the source. It decides about empty lines and trailing comments.
	last source.Span
}

// lines collects the lines of a block, of a list of attach points or of the
// program.
type lines struct{ docs cat }

func (l *lines) empty() bool { return len(l.docs) == 0 }

// add puts d on a line of its own, below an empty one if blank is set.
func (l *lines) add(d doc, blank bool) {
	switch {
	case l.empty():
	case blank:
		l.docs = append(l.docs, blankLine{})
	default:
		l.docs = append(l.docs, hardLine{})
	}
	l.docs = append(l.docs, d)
}

// moved records that the text up to pos, in the file of at, has been printed.
func (p *printer) moved(at source.Span, pos int) {
	if at.IsValid() {
		p.last = source.Span{File: at.File, Start: pos, End: pos}
	}
}

// gap is the source text between what was printed last and at, "" when that
// is unknown.
func (p *printer) gap(at source.Span) string {
	if !at.IsValid() || p.last.File != at.File || p.last.End > at.Start {
		return ""
	}
	return at.File.Content[p.last.End:at.Start]
}

// blankBefore reports whether an empty line precedes at in the source.
func (p *printer) blankBefore(at source.Span) bool { return strings.Count(p.gap(at), "\n") > 1 }

// trails reports whether a comment begins on the source line on which the
// last statement ended.
func (p *printer) trails(c *ast.Comment) bool {
	return p.last.File == c.At.File && p.last.End <= c.At.Start &&
		!strings.Contains(p.gap(c.At), "\n") && !strings.Contains(c.Text, "\n")
}

// flush prints the comments that begin before the place pos: behind the last
// line those that trail it, the others on their own lines. An empty line comes
// before the first of these if blank is set; flush returns whether it still
// has to come.
func (p *printer) flush(l *lines, pos int, blank bool) bool {
	for len(p.comments) > 0 && p.comments[0].At.Start < pos {
		c := p.comments[0]
		p.comments = p.comments[1:]
		if !l.empty() && p.trails(c) {
			l.docs = append(l.docs, text(" "), comment(c.Text))
		} else {
			l.add(comment(c.Text), blank || p.blankBefore(c.At))
			blank = false
		}
		p.moved(c.At, c.At.End)
	}
	return blank
}

// item prints n on its own line with the comments before it. Comments within
// it, up to its first block, come before it, too. Build makes its doc.
func (p *printer) item(l *lines, n ast.Node, blank bool, build func() doc) {
	at := n.Span()
	if !at.IsValid() {
		l.add(build(), blank)
		return
	}
	blank = p.flush(l, at.Start, blank)
	blank = blank || p.blankBefore(at)
	if inner := p.within(at.Start, simpleEnd(n)); len(inner) > 0 {
		for _, c := range inner {
			l.add(comment(c.Text), blank)
			blank = false
		}
	}
	l.add(build(), blank)
	p.moved(at, at.End)
	if p.pending(at.End) { // behind the last block within n
		p.flush(l, at.End, false)
		p.moved(at, at.End)
	}
}

func (p *printer) pending(pos int) bool {
	return len(p.comments) > 0 && p.comments[0].At.Start < pos
}

// within removes the comments that begin in [start, end) and returns them.
func (p *printer) within(start, end int) []*ast.Comment {
	n := 0
	for n < len(p.comments) && p.comments[n].At.Start >= start && p.comments[n].At.Start < end {
		n++
	}
	taken := p.comments[:n]
	p.comments = p.comments[n:]
	return taken
}

// simpleEnd is where the first part of n that is made of items begins, or
// where n ends.
func simpleEnd(n ast.Node) int {
	switch n.(type) {
	case *ast.Config, *ast.Probe:
		return n.Span().Start
	}
	end := n.Span().End
	ast.Inspect(n, func(m ast.Node) bool {
		if b, ok := m.(*ast.Block); ok && b.At.IsValid() {
			end = min(end, b.At.Start)
			return false
		}
		return m != nil
	})
	return end
}

// commaList joins items with commas; a line that gets too long is broken between
// them.
func commaList(items []doc) doc {
	var d cat
	for i, item := range items {
		if i+1 < len(items) {
			item = cat{item, text(",")}
		}
		if i > 0 {
			d = append(d, fillLine{next: item})
		}
		d = append(d, item)
	}
	return align{d}
}
