package parse

import (
	"fmt"

	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// report adds an error that does not disturb the parse.
func (p *parser) report(code diag.Code, at source.Span, format string, args ...any) *diag.Diagnostic {
	if p.failed || p.stopped || at.Start == p.lastErr {
		return diag.Errorf(code, at, "")
	}
	p.lastErr = at.Start
	p.errors++
	if p.errors > diag.Limit {
		p.stopped = true
		p.diags.Errorf(code, at, "too many errors")
		return diag.Errorf(code, at, "")
	}
	return p.diags.Errorf(code, at, format, args...)
}

// warn adds a warning, unless there are many already.
func (p *parser) warn(at source.Span, hint, format string, args ...any) {
	if p.warnings++; p.warnings <= diag.Limit {
		p.diags.Warnf(Syntax, at, format, args...).WithHint("%s", hint)
	}
}

// errorf adds an error at which the current rule can't go on. No token is
// consumed from here until recover.
func (p *parser) errorf(code diag.Code, at source.Span, format string, args ...any) *diag.Diagnostic {
	d := p.report(code, at, format, args...)
	p.fail()
	return d
}

func (p *parser) fail() {
	if !p.failed {
		p.failed, p.failTok = true, p.tok
		p.tok = token{tFailed, p.tok.start, p.tok.start}
	}
}

// recover ends the failed state: the token of the error is current again.
func (p *parser) recover() {
	if p.failed {
		p.failed, p.tok = false, p.failTok
	}
}

// found describes the current token in a message.
func (p *parser) found() string {
	t := p.tok
	if p.failed {
		t = p.failTok
	}
	switch t.kind {
	case tEOF:
		return "the end of the file"
	case tString, tOpenString:
		return "a string"
	}
	if text := p.text(t); text != "'" {
		return "'" + text + "'"
	}
	return "a single quote"
}

// expect consumes a token of kind k or reports that it is missing; what says
// what it is for ("after the condition").
func (p *parser) expect(k kind, what string) bool {
	if p.accept(k) {
		return true
	}
	if what != "" {
		what = " " + what
	}
	if k == tSemi && p.onNewLine() { // it belongs on the line before
		p.errorf(Syntax, p.span(p.prevEnd, p.prevEnd), "expected ';'%s", what)
		return false
	}
	p.errorf(Syntax, p.spanOf(p.tok), "expected '%s'%s, found %s", spelling[k], what, p.found())
	return false
}

// closing consumes the token that closes the one at open, or reports that it
// is missing and shows where the construct began.
func (p *parser) closing(k kind, open token, what string) bool {
	if p.accept(k) {
		return true
	}
	d := p.errorf(Syntax, p.spanOf(p.tok), "expected '%s' %s, found %s", spelling[k], what, p.found()).
		Note(p.spanOf(open), "this '%s' is not closed", p.text(open))
	p.slipHint(d)
	return false
}

// slipHint adds a hint when the token in the way is a common slip.
func (p *parser) slipHint(d *diag.Diagnostic) {
	switch p.failTok.kind {
	case tAssign:
		d.WithHint("use '==' to compare")
	case tIllegal:
		d.Hint = p.illegalHint(p.failTok)
	case tHash:
		d.WithHint("comments start with '//'")
	case tSlash:
		if p.inPred {
			d.WithHint("the '/' before the block ends the predicate")
		}
	}
}

// illegalHint says what a character that starts no token may have been meant
// to be.
func (p *parser) illegalHint(t token) string {
	switch p.text(t) {
	case "'":
		return "strings are written with double quotes; for a character use its code, such as 65 for 'A'"
	case "$":
		return "a variable is written '$' and a name; a positional parameter '$' and a number"
	case "`", "“", "”", "‘", "’", "«", "»":
		return "strings are written with straight double quotes"
	}
	return ""
}

// expected reports that something else than the current token was needed.
func (p *parser) expected(what string) *diag.Diagnostic {
	d := p.errorf(Syntax, p.spanOf(p.tok), "expected %s, found %s", what, p.found())
	p.slipHint(d)
	return d
}

// name consumes an identifier that is no expression.
func (p *parser) name(what string) (ast.Name, bool) {
	if p.tok.kind != tIdent {
		p.expected(what)
		return ast.Name{}, false
	}
	n := ast.Name{Text: p.text(p.tok), At: p.spanOf(p.tok)}
	p.next()
	return n, true
}

// enter counts one more level of nesting and reports whether the parser may
// go on; leave takes it back.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxNesting {
		p.tooDeep(fmt.Sprintf("nested more than %d levels deep", maxNesting))
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

func (p *parser) tooDeep(how string) {
	p.errorf(Nesting, p.spanOf(p.tok), "%s", how).
		WithHint("store parts of it in variables first")
}

// bad is the expression that stands for one that could not be parsed.
func (p *parser) bad() ast.Expr {
	return &ast.BadExpr{Place: p.place(p.tok.start, p.tok.start)}
}

// syncStmt gives up a statement after an error: it skips to past its ';', or
// to the '}' that closes the block around it, or to what looks like the next
// declaration.
func (p *parser) syncStmt() {
	p.recover()
	for depth := 0; ; p.next() {
		switch p.tok.kind {
		case tEOF:
			return
		case tLBrace:
			depth++
		case tRBrace:
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				p.next()
				return
			}
		case tSemi:
			if depth == 0 {
				p.next()
				return
			}
		case tIdent:
			if p.atTopLevel() {
				return
			}
		}
	}
}

// syncTop gives up a declaration after an error: it skips past the block that
// follows, or to the next declaration at the start of a line.
func (p *parser) syncTop(start int) {
	p.recover()
	for depth := 0; ; p.next() {
		switch p.tok.kind {
		case tEOF:
			return
		case tLBrace:
			depth++
		case tRBrace:
			if depth--; depth <= 0 {
				p.next()
				return
			}
		case tIdent, tHash:
			if p.tok.start > start && p.atDecl() {
				return
			}
		}
	}
}

// atTopLevel reports whether the current token starts a line and looks like
// the start of a probe, macro or function, which means that the blocks around
// it were not closed. No statement begins like that.
func (p *parser) atTopLevel() bool {
	if p.tok.kind != tIdent || !p.onNewLine() {
		return false
	}
	word := p.text(p.tok)
	if p.at(p.tok.end) == ':' {
		next := p.at(p.tok.end + 1)
		_, known := ast.CanonicalProvider(word)
		return known && next != 0 && !isSpace(next)
	}
	switch word {
	case "macro", "fn":
		return p.after(p.tok).kind == tIdent
	case "begin", "end", "BEGIN", "END":
		k := p.after(p.tok).kind
		indented := p.tok.start > 0 && p.src[p.tok.start-1] != '\n'
		return k == tLBrace || k == tComma || k == tSlash && !indented
	}
	return false
}

// atDecl reports whether the current token starts a line and a declaration.
func (p *parser) atDecl() bool {
	if !p.onNewLine() {
		return false
	}
	if p.tok.kind == tHash {
		return isIdentStart(p.at(p.tok.end))
	}
	switch p.text(p.tok) {
	case "config", "import":
		return true
	case "struct", "union", "enum":
		return p.atCDef()
	case "let":
		return p.after(p.tok).kind == tMap
	}
	return p.atTopLevel()
}
