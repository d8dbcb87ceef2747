package asmfile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/ctypes/cdecl"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/source"
)

// CodeDirective is the code of diagnostics about directives.
const CodeDirective diag.Code = "asm-directive"

// maxZero bounds what .zero may ask for.
const maxZero = 1 << 28

// parser reads a file line by line; the instructions of each function go to
// the assembler of package isa.
type parser struct {
	file   *source.File
	errs   diag.List
	in     object.Input
	data   *object.Data      // that .bytes and .zero add to
	pieces map[string]string // the names of data by their sections
	fn     *object.Func
	body   []source.Span // the lines of fn
}

// Parse reads the text of an object. The error is a *diag.List.
func Parse(f *source.File) (object.Input, error) {
	p := &parser{file: f, pieces: map[string]string{}}
	p.in.License = "GPL"
	for n := 1; n <= f.Lines() && len(p.errs.Items) < diag.Limit; n++ {
		start := f.LineStart(n)
		p.line(f.Line(n), source.Span{File: f, Start: start, End: start + len(f.Line(n))})
	}
	p.endFunc()
	p.resolve()
	if err := p.errs.Err(); err != nil {
		return object.Input{}, err
	}
	return p.in, nil
}

// failed unwinds from an error to the end of the line.
type failed struct{}

func (p *parser) fail(at source.Span, format string, args ...any) {
	p.errs.Errorf(CodeDirective, at, format, args...)
	panic(failed{})
}

func (p *parser) line(text string, at source.Span) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failed); !ok {
				panic(r)
			}
		}
	}()
	words := &words{p: p, text: text, at: at}
	first := words.peek()
	if !strings.HasPrefix(first, ".") || first == ".8byte" {
		if p.fn != nil {
			p.body = append(p.body, at)
		} else if first != "" {
			p.fail(at, "an instruction stands before the first .func")
		}
		return
	}
	words.next()
	p.directive(first, words)
	if rest := words.peek(); rest != "" {
		p.fail(at, "unexpected %q behind %s", rest, first)
	}
}

func (p *parser) directive(name string, w *words) {
	if name != ".proto" {
		p.endFunc()
	}
	switch name {
	case ".license":
		p.in.License = w.quoted("a licence")
	case ".order":
		switch order := w.need("little or big"); order {
		case "little":
		case "big":
			p.in.Order = binary.BigEndian
		default:
			p.fail(w.at, "the byte order is little or big, not %q", order)
		}
	case ".map":
		p.mapDirective(w)
	case ".data":
		p.dataDirective(w)
	case ".bytes":
		b, err := hex.DecodeString(w.need("bytes in hexadecimal"))
		if err != nil {
			p.fail(w.at, "%v", err)
		}
		p.addData(w, b)
	case ".zero":
		n := w.number("a number of bytes")
		if n > maxZero {
			p.fail(w.at, "%d zero bytes are more than the %d that fit", n, maxZero)
		}
		p.addData(w, make([]byte, n))
	case ".kfunc", ".ksym":
		p.externDirective(name, w)
	case ".func":
		p.funcDirective(w)
	case ".proto":
		p.protoDirective(w)
	default:
		p.fail(w.at, "unknown directive %s", name)
	}
}

func (p *parser) mapDirective(w *words) {
	m := object.Map{Name: w.need("a name")}
	kind := w.need("a map type")
	typ, ok := facts.MapTypeByName(kind)
	if !ok {
		p.fail(w.at, "unknown map type %q", kind)
	}
	m.Type = uint32(typ)
	for w.peek() != "" {
		switch word := w.need("a property"); word {
		case "key":
			m.KeySize = w.number("a size")
		case "value":
			m.ValueSize = w.number("a size")
		case "entries":
			m.MaxEntries = w.number("a number of entries")
		case "flags":
			m.Flags = w.number("flags")
		default:
			p.fail(w.at, "a map has key, value, entries and flags, not %q", word)
		}
	}
	p.in.Maps = append(p.in.Maps, m)
}

func (p *parser) dataDirective(w *words) {
	d := object.Data{Section: w.need("a section")}
	if p.pieces[d.Section] != "" {
		p.fail(w.at, "section %s is there already", d.Section)
	}
	if w.take("align") {
		d.Align = int(w.number("an alignment"))
	}
	d.Name = "data" + strings.Map(func(r rune) rune {
		if r < 0x80 && ctypes.IsIdentifier("x"+string(r)) {
			return r
		}
		return '_'
	}, d.Section)
	for used := true; used; {
		used = false
		for _, other := range p.in.Data {
			if other.Name == d.Name {
				d.Name, used = d.Name+"_", true
			}
		}
	}
	p.pieces[d.Section] = d.Name
	p.in.Data = append(p.in.Data, d)
	p.data = &p.in.Data[len(p.in.Data)-1]
}

func (p *parser) addData(w *words, b []byte) {
	if p.data == nil {
		p.fail(w.at, "there is no .data before")
	}
	p.data.Bytes = append(p.data.Bytes, b...)
}

func (p *parser) externDirective(name string, w *words) {
	x := object.Extern{Weak: w.take("weak")}
	x.Name = w.need("a name")
	if name == ".kfunc" {
		x.Func = &ctypes.Func{Name: x.Name, Result: &ctypes.Void{}}
	}
	p.in.Externs = append(p.in.Externs, x)
}

func (p *parser) funcDirective(w *words) {
	p.data = nil
	p.fn = &object.Func{Name: w.need("a name")}
	for w.peek() != "" {
		switch {
		case w.take("static"):
			p.fn.Static = true
		case w.take("section"):
			p.fn.Section = w.quoted("a section")
		default:
			p.fail(w.at, "a function has a section and may be static, not %q", w.peek())
		}
	}
}

func (p *parser) protoDirective(w *words) {
	if p.fn == nil || len(p.body) > 0 {
		p.fail(w.at, ".proto stands behind .func")
	}
	text := w.rest()
	decls, list := cdecl.Parse(source.NewFile(p.file.Name, text+";"), nil)
	if list != nil && list.HasErrors() {
		p.fail(w.at, "%v", list)
	}
	fn, err := decls.Func(p.fn.Name)
	if err != nil {
		p.fail(w.at, "this is no prototype of %s", p.fn.Name)
	}
	p.fn.Proto = fn
}

// endFunc assembles the function that was being read. Its lines are all that
// is left of the file, so that places in it stay what they are.
func (p *parser) endFunc() {
	if p.fn == nil {
		return
	}
	fn, body := p.fn, p.body
	p.fn, p.body = nil, nil
	var text strings.Builder
	at := 0
	if len(body) > 0 {
		// A file of the same name from the function's first line on.
		first, _ := p.file.Position(body[0].Start)
		text.WriteString(strings.Repeat("\n", first-1))
		at = first
	}
	for _, line := range body {
		n, _ := p.file.Position(line.Start)
		for ; at < n; at++ {
			text.WriteByte('\n')
		}
		text.WriteString(line.Text())
	}
	insns, err := isa.Assemble(source.NewFile(p.file.Name, text.String()))
	if err != nil {
		var list *diag.List
		if l, ok := err.(*diag.List); ok {
			list = l
		}
		if list == nil {
			p.errs.Errorf(CodeDirective, source.Span{File: p.file}, "function %s: %v", fn.Name, err)
			return
		}
		for _, d := range list.Items {
			p.errs.Add(d)
		}
		return
	}
	fn.Insns = insns
	p.in.Funcs = append(p.in.Funcs, *fn)
}

// resolve turns sections into the pieces of data that stand for them, and
// drops externs that the assembler knows better: which function they are.
func (p *parser) resolve() {
	for i := range p.in.Funcs {
		f := &p.in.Funcs[i]
		for n := range f.Insns {
			in := &f.Insns[n]
			if in.Ref.Kind != isa.RefData {
				continue
			}
			name, ok := p.pieces[in.Ref.Name]
			if !ok {
				p.errs.Errorf(CodeDirective, in.Span, "there is no .data %s", in.Ref.Name)
				continue
			}
			in.Ref.Name = name
		}
	}
}

// words splits a directive.
type words struct {
	p    *parser
	text string
	at   source.Span
}

func (w *words) trim() {
	w.text = strings.TrimLeft(w.text, " \t\r")
	if strings.HasPrefix(w.text, "//") || strings.HasPrefix(w.text, ";") {
		w.text = ""
	}
}

// peek is the next word, "" at the end of the line.
func (w *words) peek() string {
	w.trim()
	if i := strings.IndexAny(w.text, " \t\r"); i >= 0 {
		return w.text[:i]
	}
	return w.text
}

func (w *words) next() string {
	s := w.peek()
	w.text = w.text[len(s):]
	return s
}

func (w *words) take(word string) bool {
	if w.peek() != word {
		return false
	}
	w.next()
	return true
}

func (w *words) need(what string) string {
	s := w.next()
	if s == "" {
		w.p.fail(w.at, "%s is missing", what)
	}
	return s
}

func (w *words) number(what string) uint32 {
	s := w.need(what)
	v, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		w.p.fail(w.at, "%q is not %s", s, what)
	}
	return uint32(v)
}

// quoted is a string in quotes, or a word without.
func (w *words) quoted(what string) string {
	w.trim()
	if !strings.HasPrefix(w.text, `"`) {
		return w.need(what)
	}
	prefix, err := strconv.QuotedPrefix(w.text)
	if err != nil {
		w.p.fail(w.at, "%s in quotes has no end", what)
	}
	w.text = w.text[len(prefix):]
	s, err := strconv.Unquote(prefix)
	if err != nil {
		w.p.fail(w.at, "%s: %v", what, err)
	}
	return s
}

// rest is all of the line that is left.
func (w *words) rest() string {
	w.trim()
	s := w.text
	w.text = ""
	return strings.TrimRight(s, "; \t\r")
}

// Assemble makes an object of a text.
func Assemble(f *source.File) ([]byte, error) {
	in, err := Parse(f)
	if err != nil {
		return nil, err
	}
	out, err := object.Build(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return out, nil
}
