package parse

import (
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/source"
)

// probe = attachpoint {"," attachpoint} [","] ["/" expr "/"] block
func (p *parser) probe() *ast.Probe {
	start := p.tok.start
	pr := &ast.Probe{}
	for {
		ap := p.attachPoint()
		if ap == nil {
			return nil
		}
		pr.AttachPoints = append(pr.AttachPoints, ap)
		if !p.accept(tComma) || p.tok.kind == tSlash || p.tok.kind == tLBrace {
			break
		}
	}
	if p.tok.kind == tSlash {
		pr.Pred = p.predicate()
	}
	if p.failed {
		p.skipToBody()
	}
	if p.tok.kind != tLBrace {
		p.missingBody(pr)
		return nil
	}
	pr.Body = p.block(false)
	pr.Place = p.from(start)
	return pr
}

// skipToBody recovers from an error in the predicate: the body may have
// errors to tell, too.
func (p *parser) skipToBody() {
	p.recover()
	for p.tok.kind != tLBrace && p.tok.kind != tEOF && !(p.tok.kind == tIdent && p.atDecl()) {
		p.next()
	}
}

// missingBody reports what stands between an attach point and its block.
func (p *parser) missingBody(pr *ast.Probe) {
	last := pr.AttachPoints[len(pr.AttachPoints)-1]
	d := p.errorf(Syntax, p.spanOf(p.tok), "expected '{' to begin the block of the probe, found %s", p.found())
	switch {
	case pr.Pred != nil:
	case strings.HasSuffix(last.Raw, ":"):
		d.WithHint("an attach point holds no spaces unless it is quoted")
	case len(last.Args) == 0 && p.failTok.kind == tIdent && isProvider(last.Raw):
		d.WithHint("the type of a probe and its target are joined by ':', as in '%s:%s'", last.Raw, p.text(p.failTok))
	case p.failTok.kind == tIdent:
		d.WithHint("attach points are separated by commas; a predicate stands between '/'")
	}
}

func isProvider(name string) bool {
	_, known := ast.CanonicalProvider(name)
	return known
}

// predicate = "/" expr "/"
func (p *parser) predicate() ast.Expr {
	open := p.tok
	p.next()
	p.inPred = true
	x := p.expr()
	p.inPred = false
	if !p.accept(tSlash) {
		d := p.errorf(Syntax, p.spanOf(p.tok), "expected '/' to end the predicate, found %s", p.found()).
			Note(p.spanOf(open), "the predicate begins here")
		p.slipHint(d)
	}
	return x
}

// attachPoint takes the raw text of an attach point from the current token on.
func (p *parser) attachPoint() *ast.AttachPoint {
	start := p.tok.start
	switch p.tok.kind {
	case tIdent, tString, tOpenString, tParam, tStar, tQuestion, tLBracket:
	case tRBrace:
		p.errorf(Syntax, p.spanOf(p.tok), "this '}' closes nothing")
		return nil
	default:
		p.expected("a probe").WithHint("a probe is written 'type:target {...}', such as 'tracepoint:sched:sched_switch {...}'")
		return nil
	}
	end := p.attachPointEnd(start)
	ap := p.newAttachPoint(start, end)
	failed := p.failed
	p.recover()
	p.jump(end)
	if failed {
		p.fail()
	}
	return ap
}

// attachPointEnd returns where the attach point that begins at pos ends: at
// white space, '{' or ',' outside of quotes, or at the '/' of a predicate. A
// '/' belongs to the attach point after the first colon of a probe type whose
// targets are paths.
func (p *parser) attachPointEnd(pos int) int {
	start := pos
	paths := false
	for pos < len(p.src) {
		switch c := p.src[pos]; {
		case c == '{', c == ',', isSpace(c):
			return pos
		case c == '/' && !paths:
			return pos
		case c == ':' && !paths:
			paths = takesPaths(p.src[start:pos])
		case c == '"':
			pos = p.quoteEnd(pos)
			continue
		}
		pos++
	}
	return pos
}

// quoteEnd returns the position after the quoted text that begins at pos. It
// ends with its line at the latest.
func (p *parser) quoteEnd(pos int) int {
	for pos++; pos < len(p.src) && p.src[pos] != '\n'; pos++ {
		switch p.src[pos] {
		case '"':
			return pos + 1
		case '\\':
			if p.at(pos+1) != '\n' {
				pos++
			}
		}
	}
	return min(pos, len(p.src))
}

// takesPaths reports whether the targets of a probe type may hold slashes.
// Text is what stands before the first colon.
func takesPaths(text string) bool {
	if i := strings.LastIndexByte(text, '='); i >= 0 {
		text = text[i+1:]
	}
	switch provider, known := ast.CanonicalProvider(text); provider {
	case "uprobe", "uretprobe", "usdt", "iter":
		return true
	default:
		return !known
	}
}

// newAttachPoint takes the text in [start, end) apart.
func (p *parser) newAttachPoint(start, end int) *ast.AttachPoint {
	ap := &ast.AttachPoint{Place: p.place(start, end), Raw: p.src[start:end]}
	s := attachPointSplitter{p: p, start: start}
	if !s.split(end) {
		return ap
	}
	front, frontAt := s.parts[0], s.spans[0]
	if i := strings.IndexByte(front, '='); i >= 0 && i != len(front)-1 {
		ap.Label, front = front[:i], front[i+1:]
		if p.at(frontAt.Start+i) == '=' { // else quotes or parameters moved it
			frontAt.Start += i + 1
		}
	}
	if front == "" && frontAt.Start == frontAt.End {
		p.errorf(Syntax, frontAt, "expected the type of a probe before the first ':'")
		return ap
	}
	ap.Provider, _ = ast.CanonicalProvider(front)
	ap.ProviderSpan = frontAt
	ap.Args, ap.ArgSpans = s.parts[1:], s.spans[1:]
	return ap
}

// attachPointSplitter splits the text of an attach point at colons and around
// '@', removes quotes and replaces positional parameters.
type attachPointSplitter struct {
	p     *parser
	parts []string
	spans []source.Span
	part  strings.Builder // the current part
	start int             // where it starts
}

// split reports whether the text up to end is well formed; what is wrong with
// it has been reported.
func (s *attachPointSplitter) split(end int) bool {
	for pos := s.start; pos < end; pos++ {
		switch s.p.src[pos] {
		case '"':
			stop := s.p.quoteEnd(pos)
			if stop == pos+1 || s.p.src[stop-1] != '"' || !s.unescape(s.p.src[pos+1:stop-1]) {
				s.p.errorf(Syntax, s.p.span(pos, pos+1), "this quote is not closed")
				return false
			}
			pos = stop - 1
		case '$':
			n := s.param(pos, end)
			if n == 0 {
				return false
			}
			pos += n - 1
		default:
			s.add(s.p.src[pos], pos)
		}
	}
	s.flush(end)
	return true
}

// add takes one character that stands at pos.
func (s *attachPointSplitter) add(c byte, pos int) {
	switch c {
	case ':':
		s.flush(pos)
	case '@':
		s.flush(pos)
		s.parts = append(s.parts, "@")
		s.spans = append(s.spans, s.p.span(pos, pos+1))
	default:
		s.part.WriteByte(c)
	}
}

func (s *attachPointSplitter) flush(pos int) {
	s.parts = append(s.parts, s.part.String())
	s.spans = append(s.spans, s.p.span(s.start, pos))
	s.part.Reset()
	s.start = pos + 1
}

// unescape takes quoted text, in which a backslash stands for the character
// after it, and reports whether it ends properly.
func (s *attachPointSplitter) unescape(quoted string) bool {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' {
			if i++; i == len(quoted) {
				return false
			}
		}
		s.part.WriteByte(quoted[i])
	}
	return true
}

// param takes the value of the positional parameter at pos and returns the
// length of its name, 0 when it has been reported as wrong. A value may hold
// colons, which separate parts as elsewhere.
func (s *attachPointSplitter) param(pos, end int) int {
	i := pos + 1
	for i < end && isDigit(s.p.src[i]) {
		i++
	}
	name := s.p.src[pos:i]
	if len(name) == 1 || name[1] == '0' {
		s.p.errorf(Syntax, s.p.span(pos, i), "'$' in an attach point must be followed by the number of a parameter, from 1 on").
			WithHint("put this part in double quotes if the '$' belongs to a name")
		return 0
	}
	num, err := strconv.Atoi(name[1:])
	if err != nil {
		s.p.errorf(Literal, s.p.span(pos, i), "the number of the parameter %s is too large", name)
		return 0
	}
	if num <= len(s.p.opts.Params) {
		for _, c := range []byte(s.p.opts.Params[num-1]) {
			s.add(c, pos)
		}
	}
	return len(name)
}
