// Package diag holds diagnostics as data (code, span, message, notes, hint)
// and the one renderer that draws them, for parsers, the verifier and the
// kernel's own log alike.
//
// It imports source and the standard library only.
package diag

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skep-dev/skep/internal/source"
)

// Severity orders diagnostics by weight.
type Severity uint8

// The severities. Only an Error makes a request fail.
const (
	Error Severity = iota
	Warning
	Info
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "info"}[s]
}

// Code is the stable name of a kind of diagnostic, such as "bt-syntax" or
// "unknown-probe". Tests and documentation refer to codes, never to wording.
type Code string

// Note adds a fact to a diagnostic, with its own place when it has one.
type Note struct {
	Span    source.Span
	Message string
}

// Diagnostic is one thing to tell the user about their input.
type Diagnostic struct {
	Severity Severity
	Code     Code
	Span     source.Span
	Message  string // one line, lower-case start, no final stop
	Notes    []Note
	Hint     string // what to do about it; may be empty
}

// Error is the one-line form: "file:line:col: message".
func (d *Diagnostic) Error() string {
	if !d.Span.IsValid() {
		return d.Message
	}
	return fmt.Sprintf("%s: %s", d.Span, d.Message)
}

// Note appends a note and returns the diagnostic.
func (d *Diagnostic) Note(at source.Span, format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, Note{at, fmt.Sprintf(format, args...)})
	return d
}

// WithHint sets the hint and returns the diagnostic.
func (d *Diagnostic) WithHint(format string, args ...any) *Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// Errorf makes an error diagnostic.
func Errorf(code Code, at source.Span, format string, args ...any) *Diagnostic {
	return &Diagnostic{Severity: Error, Code: code, Span: at, Message: fmt.Sprintf(format, args...)}
}

// List collects diagnostics. A nil *List may not be added to.
type List struct {
	Items []*Diagnostic
}

// Limit is how many errors a front end reports before it says "too many".
const Limit = 20

// Errorf adds an error and returns it for notes and hints.
func (l *List) Errorf(code Code, at source.Span, format string, args ...any) *Diagnostic {
	d := Errorf(code, at, format, args...)
	l.Items = append(l.Items, d)
	return d
}

// Warnf adds a warning and returns it for notes and hints.
func (l *List) Warnf(code Code, at source.Span, format string, args ...any) *Diagnostic {
	d := l.Errorf(code, at, format, args...)
	d.Severity = Warning
	return d
}

// Add appends a ready diagnostic.
func (l *List) Add(d *Diagnostic) { l.Items = append(l.Items, d) }

// HasErrors reports whether any item is an error.
func (l *List) HasErrors() bool {
	return slices.ContainsFunc(l.Items, func(d *Diagnostic) bool { return d.Severity == Error })
}

// Err returns the list as an error when it holds an error, else nil.
func (l *List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error is the first error's one-line form and how many more there are.
func (l *List) Error() string {
	var first *Diagnostic
	n := 0
	for _, d := range l.Items {
		if d.Severity == Error {
			if first == nil {
				first = d
			}
			n++
		}
	}
	switch {
	case first == nil:
		return "no errors"
	case n == 1:
		return first.Error()
	}
	return fmt.Sprintf("%s (and %d more)", first.Error(), n-1)
}

// Sort orders the items by file and place; items without a place come last.
func (l *List) Sort() {
	slices.SortStableFunc(l.Items, func(a, b *Diagnostic) int {
		if av, bv := a.Span.IsValid(), b.Span.IsValid(); av != bv {
			if av {
				return -1
			}
			return 1
		} else if !av {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Span.File.Name, b.Span.File.Name), cmp.Compare(a.Span.Start, b.Span.Start))
	})
}
