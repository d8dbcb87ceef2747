// Package source holds source files, positions and spans. Every other room
// names a place in the user's text by a Span.
//
// It imports the standard library only.
package source

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// File is one source text: a script, a C file, an assembly file. The name is
// what diagnostics and line information show ("stdin", "-e", "tool.bt").
type File struct {
	Name    string
	Content string
	lines   []int // byte offset at which each line starts
}

// NewFile indexes the lines of content.
func NewFile(name, content string) *File {
	f := &File{Name: name, Content: content, lines: []int{0}}
	for i := 0; i < len(content); i++ {
		if content[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Position returns the 1-based line and column of a byte offset. Columns
// count characters, not bytes. An offset past the end is the end.
func (f *File) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(f.Content))
	i := sort.SearchInts(f.lines, offset+1) - 1
	return i + 1, utf8.RuneCountInString(f.Content[f.lines[i]:offset]) + 1
}

// Line returns the text of a 1-based line without its newline, or "" when
// there is no such line.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	start, end := f.lines[n-1], len(f.Content)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	return f.Content[start:end]
}

// LineStart returns the byte offset at which a 1-based line starts; that of the
// first or last line when there is no such line.
func (f *File) LineStart(n int) int { return f.lines[min(max(n, 1), len(f.lines))-1] }

// Lines returns how many lines the file has; an empty file has one.
func (f *File) Lines() int { return len(f.lines) }

// Span is the half-open byte range [Start, End) of a file. The zero Span is
// "no place known".
type Span struct {
	File       *File
	Start, End int
}

// IsValid reports whether the span names a place.
func (s Span) IsValid() bool { return s.File != nil }

// Text returns the source text that the span covers.
func (s Span) Text() string {
	if s.File == nil {
		return ""
	}
	n := len(s.File.Content)
	start := min(max(s.Start, 0), n)
	return s.File.Content[start:min(max(s.End, start), n)]
}

// To returns the span from the start of s to the end of t.
func (s Span) To(t Span) Span {
	if !s.IsValid() {
		return t
	}
	if t.File != s.File || t.End < s.Start {
		return s
	}
	return Span{s.File, s.Start, t.End}
}

// String is "name:line:column", or "-" for no place.
func (s Span) String() string {
	if s.File == nil {
		return "-"
	}
	line, col := s.File.Position(s.Start)
	return fmt.Sprintf("%s:%d:%d", s.File.Name, line, col)
}
