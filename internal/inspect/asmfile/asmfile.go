// Package asmfile is the text form of whole objects: the instructions in the
// dialect of the kernel's verifier, as package isa has them, and around them
// directives for what else an object holds.
//
//	.license "GPL"
//	.order little
//	.map counts hash key 4 value 8 entries 1024 flags 0x0
//	.data .rodata align 4
//	.bytes 07000000
//	.zero 8
//	.kfunc bpf_task_acquire
//	.ksym weak runqueues
//	.func helper static
//		r0 = 1
//		exit
//	.func on_event section "tracepoint/sched/sched_switch"
//		r1 = map[counts]
//		...
//
// A function's labels are its own. `.proto int helper(int x)` behind .func
// gives a function a prototype of base types and pointers to them; without
// one a program is `int name(void *ctx)`.
//
// Write and Parse invert each other as far as instructions, maps, data and
// sections go. Types, CO-RE relocations, source lines and elements that maps
// have from the start are not part of the text: Write says so in comments.
//
// It imports object, isa, ctypes, facts, source and diag.
package asmfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/object"
)

// Write writes an object as text.
func Write(w io.Writer, o *object.Object) error {
	var b strings.Builder
	if o.License != "" {
		fmt.Fprintf(&b, ".license %q\n", o.License)
	}
	if o.Order == binary.BigEndian {
		b.WriteString(".order big\n")
	}
	for _, m := range o.Maps {
		writeMap(&b, m)
	}
	for _, d := range o.Data {
		writeData(&b, d)
	}
	for _, x := range o.Externs {
		writeExtern(&b, x)
	}
	for _, f := range o.Funcs {
		b.WriteByte('\n')
		if err := writeFunc(&b, f); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeMap(b *strings.Builder, m *object.MapDef) {
	fmt.Fprintf(b, ".map %s %s key %d value %d entries %d flags %#x\n", m.Name, facts.MapType(m.Type), m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	for _, lost := range []struct {
		what string
		is   bool
	}{
		{"map_extra", m.Extra != 0}, {"a NUMA node", m.NumaNode != 0}, {"pinning by name", m.Pinning != 0},
		{"an inner map", m.Inner != nil}, {"elements from the start", len(m.Values) > 0},
	} {
		if lost.is {
			fmt.Fprintf(b, "// %s has %s, which this form has not\n", m.Name, lost.what)
		}
	}
}

// bytesPerLine is how much of a data section a line shows.
const bytesPerLine = 32

func writeData(b *strings.Builder, d *object.DataSection) {
	fmt.Fprintf(b, ".data %s align %d\n", d.Name, max(d.Align, 1))
	if d.Bytes == nil {
		fmt.Fprintf(b, ".zero %d\n", d.Size)
		return
	}
	content := d.Content()
	for at := 0; at < len(content); at += bytesPerLine {
		fmt.Fprintf(b, ".bytes %x\n", content[at:min(at+bytesPerLine, len(content))])
	}
}

func writeExtern(b *strings.Builder, x *object.ExternRef) {
	word := map[object.ExternKind]string{object.ExternKfunc: "kfunc", object.ExternKsym: "ksym"}[x.Kind]
	if word == "" {
		fmt.Fprintf(b, "// extern %s is of a kind that this form has not\n", x.Name)
		return
	}
	weak := ""
	if x.Weak {
		weak = "weak "
	}
	fmt.Fprintf(b, ".%s %s%s\n", word, weak, x.Name)
}

func writeFunc(b *strings.Builder, f *object.Function) error {
	fmt.Fprintf(b, ".func %s", f.Name)
	if f.Section != textSection {
		fmt.Fprintf(b, " section %q", f.Section)
	}
	if f.Static {
		b.WriteString(" static")
	}
	b.WriteByte('\n')
	if f.Proto != nil && isPlain(f.Proto) {
		fmt.Fprintf(b, ".proto %s\n", ctypes.Spell(f.Proto, f.Name))
	}
	for range f.CORE {
		b.WriteString("// it has CO-RE relocations, which this form has not\n")
		break
	}
	return isa.Fprint(b, f.Insns, isa.Style{Bare: true, Labels: true})
}

const textSection = ".text"

// isPlain reports whether a prototype is made of base types and pointers to
// them, so that it means the same without any declarations.
func isPlain(f *ctypes.Func) bool {
	plain := func(t ctypes.Type) bool {
		if p, ok := t.(*ctypes.Pointer); ok {
			t = p.Elem
		}
		switch t.(type) {
		case *ctypes.Int, *ctypes.Void:
			return true
		}
		return false
	}
	for _, p := range f.Params {
		if !plain(p.Type) || !ctypes.IsIdentifier(p.Name) {
			return false
		}
	}
	return plain(f.Result) && !f.Variadic
}
