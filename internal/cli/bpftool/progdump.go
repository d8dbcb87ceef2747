package bpftool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/sys"
)

// dumpFlags are the words behind the program of a dump.
type dumpFlags struct {
	file                  string
	opcodes, linum, graph bool
}

func (t *tool) progDump(a *arguments) error {
	jited := false
	switch {
	case a.take("jited"):
		jited = true
	case a.take("xlated"):
	default:
		return usagef("expected 'xlated' or 'jited', got: %s", a.peek())
	}
	if err := a.need(2, "dump"); err != nil {
		return err
	}
	fds, err := t.programs(a)
	if err != nil {
		return err
	}
	defer closeAll(fds)
	flags, err := parseDumpFlags(a)
	if err != nil {
		return err
	}
	if flags.file != "" && len(fds) > 1 {
		return errors.New("several programs matched, can't dump to a file")
	}
	many := len(fds) > 1
	if t.opts.json && many {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	for i, fd := range fds {
		if err := t.dumpProgram(fd, jited, flags, many, i == len(fds)-1); err != nil {
			return err
		}
	}
	return nil
}

func parseDumpFlags(a *arguments) (f dumpFlags, err error) {
	for !a.empty() {
		switch {
		case a.take("file"):
			if f.file, err = a.next("a file path"); err != nil {
				return f, err
			}
		case a.take("opcodes"):
			f.opcodes = true
		case a.take("visual"):
			f.graph = true
		case a.take("linum"):
			f.linum = true
		default:
			return f, usagef("unrecognized argument: '%s'", a.peek())
		}
	}
	return f, nil
}

func (t *tool) dumpProgram(fd sys.FD, jited bool, flags dumpFlags, many, last bool) error {
	p, err := inspect.ProgramInfo(fd)
	if err != nil {
		return fmt.Errorf("can't get prog info: %s%w", strerror(err), quiet{err})
	}
	part := inspect.Xlated
	if jited {
		part = inspect.Jited
	}
	code, err := inspect.ReadCode(fd, part)
	if err != nil {
		return fmt.Errorf("can't get prog info: %s%w", strerror(err), quiet{err})
	}
	data := code.Xlated
	if jited {
		data = code.Jited
	}
	switch {
	case len(data) == 0 && jited && p.JitedLen == 0:
		return errors.New("no instructions returned: the program isn't JITed")
	case len(data) == 0:
		return errors.New("no instructions returned: it needs CAP_SYS_ADMIN, and kernel.kptr_restrict and net.core.bpf_jit_harden below 2")
	case flags.file != "":
		if err := os.WriteFile(flags.file, data, 0o600); err != nil {
			return err
		}
		return t.done()
	}
	var b *btfraw.BTF
	if p.BTFID != 0 {
		if b, err = inspect.LoadBTF(p.BTFID); err != nil {
			return fmt.Errorf("failed to get BTF of program %d: %w", p.ID, err)
		}
	}
	syms, err := inspect.ReadKernelSymbols()
	if err != nil {
		syms = &inspect.KernelSymbols{} // names are an extra
	}
	if many {
		t.dumpHeader(fd, p)
		defer t.dumpFooter(last)
	}
	if jited {
		return t.dumpJited(code, p, b, syms, flags)
	}
	insns, err := code.Translated(b, syms)
	switch {
	case err != nil:
		return err
	case flags.graph && t.opts.json:
		return errors.New("'visual' is not compatible with JSON output")
	case flags.graph:
		return inspect.WriteGraph(t.out, insns)
	case t.opts.json:
		t.writeXlated(insns, flags)
	default:
		t.printXlated(insns, flags)
	}
	return nil
}

// dumpHeader says which of several programs follows.
func (t *tool) dumpHeader(fd sys.FD, p *inspect.Program) {
	name := inspect.FullName(fd, p)
	if !t.opts.json {
		t.printf("%d: %s  ", p.ID, kindText("type ", p.Type, uint32(p.Type)))
		if name != "" {
			t.printf("name %s  ", name)
		}
		t.printf("tag %x", p.Tag)
		if p.GPL {
			t.printf("  gpl")
		}
		t.printf("\n")
		return
	}
	j := t.json
	j.BeginObject()
	j.UintField("id", uint64(p.ID))
	t.writeKind("type", p.Type, uint32(p.Type))
	if name != "" {
		j.StringField("name", name)
	}
	j.StringField("tag", fmt.Sprintf("%x", p.Tag))
	j.BoolField("gpl_compatible", p.GPL)
	j.Name("insns")
}

func (t *tool) dumpFooter(last bool) {
	switch {
	case t.opts.json:
		t.json.EndObject()
	case !last:
		t.printf("\n")
	}
}

func (t *tool) printLine(l *inspect.SourceLine, linum bool) {
	text := strings.TrimLeft(l.Text, " \t")
	if text == "" {
		return
	}
	if linum {
		t.printf("; %s [file:%s line_num:%d line_col:%d]\n", text, l.File, l.Line, l.Column)
		return
	}
	t.printf("; %s\n", text)
}

func (t *tool) writeLine(l *inspect.SourceLine, linum bool) {
	text := strings.TrimLeft(l.Text, " \t")
	if text == "" {
		return
	}
	t.json.StringField("src", text)
	if linum {
		t.json.StringField("file", l.File)
		if l.Line != 0 {
			t.json.UintField("line_num", uint64(l.Line))
		}
		if l.Column != 0 {
			t.json.UintField("line_col", uint64(l.Column))
		}
	}
}

func (t *tool) printXlated(insns []inspect.XlatedInsn, flags dumpFlags) {
	for i := range insns {
		in := &insns[i]
		if in.Proto != "" {
			t.printf("%s:\n", in.Proto)
		}
		if in.Line != nil {
			t.printLine(in.Line, flags.linum)
		}
		t.printf("%4d: %s\n", in.Slot, in.Text)
		if flags.opcodes {
			t.printf("       % x\n", in.Bytes)
		}
	}
}

func (t *tool) writeXlated(insns []inspect.XlatedInsn, flags dumpFlags) {
	j := t.json
	j.BeginArray()
	defer j.EndArray()
	for i := range insns {
		in := &insns[i]
		j.BeginObject()
		if in.Proto != "" {
			j.StringField("proto", in.Proto)
		}
		if in.Line != nil {
			t.writeLine(in.Line, flags.linum)
		}
		j.StringField("disasm", in.Text)
		if flags.opcodes {
			j.Name("opcodes")
			j.BeginObject()
			j.StringField("code", fmt.Sprintf("%#02x", in.Bytes[0]))
			j.StringField("src_reg", fmt.Sprintf("%#x", in.Bytes[1]>>4))
			j.StringField("dst_reg", fmt.Sprintf("%#x", in.Bytes[1]&15))
			j.Name("off")
			j.HexBytes(in.Bytes[2:4])
			j.Name("imm")
			j.HexBytes(in.Bytes[4:])
			j.EndObject()
		}
		j.EndObject()
	}
}

func (t *tool) dumpJited(code *inspect.Code, p *inspect.Program, b *btfraw.BTF, syms *inspect.KernelSymbols, flags dumpFlags) error {
	if flags.graph {
		return errors.New("'visual' is for translated code")
	}
	funcs, err := code.Native(runtime.GOARCH, p.Tag, b, syms)
	if err != nil {
		return err
	}
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	for i := range funcs {
		f := &funcs[i]
		if t.opts.json {
			t.writeNative(f, flags)
			continue
		}
		if f.Proto != "" {
			t.printf("%s:\n", f.Proto)
		}
		t.printf("%s:\n", f.Name)
		for n := range f.Insns {
			in := &f.Insns[n]
			if l := f.Lines[n]; l != nil {
				t.printLine(l, flags.linum)
			}
			t.printf("%4x:\t%s\n", in.Offset, in.Text)
			if flags.opcodes {
				t.printf("\t% x\n", in.Bytes)
			}
		}
		if i < len(funcs)-1 {
			t.printf("\n")
		}
	}
	return nil
}

// writeNative writes a function as an object, with each instruction's operands
// apart from its operation.
func (t *tool) writeNative(f *inspect.NativeFunc, flags dumpFlags) {
	j := t.json
	j.BeginObject()
	defer j.EndObject()
	if f.Proto != "" {
		j.StringField("proto", f.Proto)
	}
	j.StringField("name", f.Name)
	j.Name("insns")
	j.BeginArray()
	defer j.EndArray()
	for n := range f.Insns {
		in := &f.Insns[n]
		j.BeginObject()
		if l := f.Lines[n]; l != nil {
			t.writeLine(l, flags.linum)
		}
		j.StringField("pc", fmt.Sprintf("%#x", in.Offset))
		operation, operands, _ := strings.Cut(in.Text, " ")
		j.StringField("operation", operation)
		j.Name("operands")
		j.BeginArray()
		for _, o := range splitOperands(operands) {
			j.String(o)
		}
		j.EndArray()
		if flags.opcodes {
			j.Name("opcodes")
			j.HexBytes(in.Bytes)
		}
		j.EndObject()
	}
}

// splitOperands splits at the commas that are not within parentheses or
// brackets.
func splitOperands(s string) []string {
	var out []string
	depth, start := 0, 0
	for i, c := range s {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[start:]); rest != "" {
		out = append(out, rest)
	}
	if out == nil {
		out = []string{}
	}
	return out
}
