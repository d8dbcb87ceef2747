// Package parse turns source text of the tracing language into its syntax
// tree. It knows the grammar of bpftrace 0.26 and nothing of types, probes
// that exist, or the kernel.
//
// The parser is a hand-written recursive descent with precedence climbing,
// driven by tokens scanned on demand, since attach points and C definitions
// are not made of tokens. It always returns what it could make sense of: an
// error gives up the innermost statement (or probe) and parsing goes on with
// the next one.
//
// It imports ast, diag, source and the standard library only.
package parse

import (
	"strings"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// The codes of the parser's diagnostics.
const (
	Syntax  diag.Code = "bt-syntax"  // the text does not fit the grammar
	Literal diag.Code = "bt-literal" // a number or string literal has no value
	Order   diag.Code = "bt-order"   // a declaration stands too late in the file
	Nesting diag.Code = "bt-nesting" // nested deeper than the parser follows
)

// Options are what the parser has to know beside the text.
type Options struct {
	// Params are the positional parameters, which stand in for $1, $2, ...
	// in attach points. One that is missing is the empty string.
	// Expressions keep theirs as ast.Param.
	Params []string
}

const (
	// maxNesting bounds how deep expressions, blocks and types may nest.
	maxNesting = 500
	// maxChain bounds the operators of one unparenthesised chain, which
	// becomes a tree as deep as the chain is long.
	maxChain = 10_000
)

type parser struct {
	file *source.File
	src  string
	opts Options

	tok     token // the current token
	prevEnd int   // where the last consumed token ended

	diags    *diag.List
	errors   int
	warnings int
	failed   bool  // an error was reported and not yet recovered from
	failTok  token // the token at which it was
	lastErr  int   // where the last error was, -1 at first
	stopped  bool  // too many errors

	depth  int
	inPred bool // within a predicate, where '/' may be its end

	comments   []*ast.Comment
	commentsTo int // comments before this place are recorded
}

func newParser(f *source.File, o Options) *parser {
	p := &parser{file: f, src: f.Content, opts: o, diags: new(diag.List), lastErr: -1}
	p.jump(0)
	return p
}

// Program parses a whole script. The tree is never nil; it is complete when
// the list holds no errors.
func Program(f *source.File, o Options) (*ast.Program, *diag.List) {
	p := newParser(f, o)
	prog := p.program()
	return prog, p.finish()
}

// Expr parses a text that is one expression, such as the body of a C macro.
// The expression is never nil.
func Expr(f *source.File, o Options) (ast.Expr, *diag.List) {
	p := newParser(f, o)
	x := p.expr()
	if p.tok.kind != tEOF {
		p.errorf(Syntax, p.spanOf(p.tok), "expected the end of the expression, found %s", p.found())
	}
	return x, p.finish()
}

// AttachPoint parses a text that is one attach point, such as the pattern of
// a listing. It is never nil.
func AttachPoint(f *source.File, o Options) (*ast.AttachPoint, *diag.List) {
	p := newParser(f, o)
	start := p.tok.start
	end := max(start, len(strings.TrimRight(p.src, " \t\r\n")))
	ap := p.newAttachPoint(start, end)
	return ap, p.finish()
}

func (p *parser) finish() *diag.List {
	p.diags.Sort()
	return p.diags
}
