package expand

import (
	"fmt"
	"slices"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/source"
)

// expansion is one use of a macro.
type expansion struct {
	what string       // "macro" or "C macro"
	name string       // the macro's
	use  source.Span  // may itself lie in the copy of a file
	file *source.File // the file that the copy was made of
}

// origins tells for each copy of a file which use of a macro it stands for.
type origins map[*source.File]*expansion

// enter makes a copy of the file in which a macro is written, which stands for
// one use of it. The returned function moves places of the macro's text into
// the copy.
func (o origins) enter(e *expansion) func(source.Span) source.Span {
	copied := *e.file
	o[&copied] = e
	return func(s source.Span) source.Span {
		if s.File == e.file {
			s.File = &copied
		}
		return s
	}
}

// written is where the text of a span stands, without regard to macros' uses.
func (o origins) written(s source.Span) source.Span {
	if e := o[s.File]; e != nil {
		s.File = e.file
	}
	return s
}

// Locate returns the place in a file that a span belongs to: for code that
// came from a macro that of the outermost use, which lies in no macro.
func (r *Result) Locate(s source.Span) source.Span {
	for {
		e := r.origins[s.File]
		if e == nil {
			return s
		}
		s = e.use
	}
}

// Explain rewrites diagnostics about code that came from macros: they point to
// the outermost use, and notes say where in which macro it happened. It has to
// be called for the diagnostics of every later stage that looks at the tree;
// calling it again changes nothing.
func (r *Result) Explain(l *diag.List) {
	for _, d := range l.Items {
		for i := range d.Notes {
			d.Notes[i].Span = r.origins.written(d.Notes[i].Span)
		}
		var notes []diag.Note
		for e := r.origins[d.Span.File]; e != nil; e = r.origins[d.Span.File] {
			notes = append(notes, diag.Note{Span: r.origins.written(d.Span), Message: "in the " + e.what + " " + e.name})
			d.Span = e.use
		}
		d.Notes = append(shortChain(notes), d.Notes...)
	}
}

// maxChain is how many macros within each other a diagnostic shows.
const maxChain = 8

// shortChain leaves out the middle of a long chain of macros.
func shortChain(notes []diag.Note) []diag.Note {
	if len(notes) <= maxChain {
		return notes
	}
	left := notes[maxChain/2 : len(notes)-maxChain/2]
	gap := diag.Note{Message: fmt.Sprintf("in %d more macros", len(left))}
	return slices.Concat(notes[:maxChain/2], []diag.Note{gap}, notes[len(notes)-maxChain/2:])
}
