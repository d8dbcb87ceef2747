package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/inspect/asmfile"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/inspect/objview"
)

// inspectFlags are the flags of `skep inspect`.
type inspectFlags struct {
	views  []string
	fn     string
	bytes  bool
	asJSON bool
	html   string
}

// inspectViews are the views in their order. Those that are marked are shown
// when none is asked for.
func inspectViews() []inspectView {
	return []inspectView{
		{"header", true, showHeader}, {"sections", true, showSections}, {"symbols", false, showSymbols},
		{"relocations", false, showRelocations}, {"core", true, showCORE}, {"maps", true, showMaps}, {"globals", true, showGlobals},
		{"externs", true, showExterns}, {"programs", true, showPrograms}, {"code", true, showCode},
		{"btf", false, showBTF}, {"btf-c", false, showBTFC}, {"asm", false, showAsm},
	}
}

type inspectView struct {
	name    string
	usually bool
	show    func(w io.Writer, v *objview.View, f *inspectFlags) error
}

func newInspectCmd(std *streams) *cobra.Command {
	var f inspectFlags
	var names []string
	for _, v := range inspectViews() {
		names = append(names, v.name)
	}
	cmd := &cobra.Command{
		Use:   "inspect OBJ.o",
		Short: "Show what is in an object file",
		Long: "Shows what is in a BPF object: header, sections, maps, globals, what it leaves to the\n" +
			"kernel, programs, and their instructions with labels, source lines, the names of maps,\n" +
			"helpers and kernel functions, and CO-RE relocations spelled out.\n\n" +
			"Views: " + strings.Join(names, ", ") + "; all shows all but btf-c and asm.\n" +
			"The view asm is what skep build makes the same instructions of.",
		Example: "  skep inspect hello.o\n  skep inspect --view relocations,btf hello.o\n  skep inspect --view code --func on_exec --bytes hello.o\n  skep inspect --json hello.o",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if f.html != "" {
				return fmt.Errorf("--html: pages are not in this version yet")
			}
			return inspectObject(std, &f, args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.views, "view", nil, "what to show, by commas")
	fl.StringVar(&f.fn, "func", "", "show the code of this function only")
	fl.BoolVar(&f.bytes, "bytes", false, "show the bytes of each instruction")
	fl.BoolVar(&f.asJSON, "json", false, "print everything as JSON")
	fl.StringVar(&f.html, "html", "", "write a page to this file")
	return cmd
}

func inspectObject(std *streams, f *inspectFlags, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	v, err := objview.Read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	w := bufio.NewWriterSize(std.out, 1<<16)
	if f.asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return err
		}
		return w.Flush()
	}
	views := inspectViews()
	for _, name := range f.views {
		if name != "all" && !slices.ContainsFunc(views, func(v inspectView) bool { return v.name == name }) {
			return usagef("there is no view %q", name)
		}
	}
	all := slices.Contains(f.views, "all")
	several := len(f.views) != 1 || all
	for _, view := range views {
		switch {
		case slices.Contains(f.views, view.name):
		case all && view.name != "asm" && view.name != "btf-c":
		case len(f.views) == 0 && view.usually:
		default:
			continue
		}
		if several {
			fmt.Fprintf(w, "%s\n", strings.ToUpper(view.name))
		}
		if err := view.show(w, v, f); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if several {
			fmt.Fprintln(w)
		}
	}
	return w.Flush()
}

func showHeader(w io.Writer, v *objview.View, _ *inspectFlags) error {
	h := v.Header
	fmt.Fprintf(w, "%s %s, %s-endian, %s, %d bytes\n", h.Class, h.Machine, h.Order, h.Type, h.Size)
	if v.License != "" {
		fmt.Fprintf(w, "license: %s\n", v.License)
	}
	if v.Version != 0 {
		fmt.Fprintf(w, "version: %d\n", v.Version)
	}
	if v.BTF != nil {
		fmt.Fprintf(w, "BTF: %d types in %d bytes\n", v.BTF.Types, v.BTF.Size)
	}
	return nil
}

func showSections(w io.Writer, v *objview.View, _ *inspectFlags) error {
	fmt.Fprintf(w, "%4s %-32s %-10s %8s %8s %5s %4s %4s  %s\n", "", "name", "type", "offset", "size", "align", "link", "info", "flags")
	for _, s := range v.Sections {
		fmt.Fprintf(w, "%4d %-32s %-10s %8x %8x %5d %4d %4d  %s\n", s.Index, s.Name, s.Type, s.Offset, s.Size, s.Align, s.Link, s.Info, strings.Join(s.Flags, " "))
	}
	return nil
}

func showSymbols(w io.Writer, v *objview.View, _ *inspectFlags) error {
	fmt.Fprintf(w, "%16s %8s %-8s %-7s %-24s %s\n", "value", "size", "type", "bind", "section", "name")
	for _, s := range v.Symbols {
		fmt.Fprintf(w, "%16x %8d %-8s %-7s %-24s %s\n", s.Value, s.Size, s.Type, s.Bind, s.Section, s.Name)
	}
	return nil
}

func showRelocations(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for _, r := range v.Relocations {
		fmt.Fprintf(w, "%s+%#x %s %s", r.Section, r.Offset, r.Type, r.Symbol)
		if r.Addend != 0 {
			fmt.Fprintf(w, "%+d", r.Addend)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func showCORE(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for _, c := range v.CORE {
		fmt.Fprintf(w, "%s+%d: %s %s (%s)\n", c.Function, c.Insn, c.Kind, c.Path, c.Access)
	}
	return nil
}

func showMaps(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for i := range v.Maps {
		showMap(w, &v.Maps[i], "")
	}
	return nil
}

func showMap(w io.Writer, m *objview.Map, indent string) {
	fmt.Fprintf(w, "%s%s: %s, key %d bytes, value %d bytes, %d entries", indent, m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	if m.Flags != 0 {
		fmt.Fprintf(w, ", flags %#x", m.Flags)
	}
	if m.Extra != 0 {
		fmt.Fprintf(w, ", map_extra %#x", m.Extra)
	}
	if m.NumaNode != 0 {
		fmt.Fprintf(w, ", NUMA node %d", m.NumaNode)
	}
	if m.Pinning != 0 {
		fmt.Fprintf(w, ", pinned by name")
	}
	if m.Legacy {
		fmt.Fprintf(w, ", legacy definition")
	}
	fmt.Fprintln(w)
	if m.Key != "" {
		fmt.Fprintf(w, "%s  key: %s\n", indent, m.Key)
	}
	if m.Value != "" {
		fmt.Fprintf(w, "%s  value: %s\n", indent, m.Value)
	}
	for _, s := range m.Slots {
		fmt.Fprintf(w, "%s  [%d] = %s\n", indent, s.Index, s.Name)
	}
	if m.Inner != nil {
		showMap(w, m.Inner, indent+"  of ")
	}
}

func showGlobals(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for _, g := range v.Globals {
		static := ""
		if g.Static {
			static = "static "
		}
		what := g.Type
		if what == "" {
			what = g.Name
		}
		fmt.Fprintf(w, "%s+%d (%d bytes): %s%s", g.Section, g.Offset, g.Size, static, what)
		switch {
		case g.Bytes == "":
			fmt.Fprint(w, " = 0")
		case len(g.Bytes) > 128:
			fmt.Fprintf(w, " = %s...", g.Bytes[:128])
		default:
			fmt.Fprintf(w, " = %s", g.Bytes)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func showExterns(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for _, e := range v.Externs {
		weak := ""
		if e.Weak {
			weak = ", weak"
		}
		what := e.Type
		if what == "" {
			what = e.Name
		}
		fmt.Fprintf(w, "%s%s: %s\n", e.Kind, weak, what)
	}
	return nil
}

func showPrograms(w io.Writer, v *objview.View, _ *inspectFlags) error {
	for _, f := range slices.Concat(v.Programs, v.Subprograms) {
		fmt.Fprintf(w, "%s: section %s, %d instructions, v%d", f.Name, f.Section, f.Insns, f.CPU)
		if f.Proto != "" {
			fmt.Fprintf(w, ", %s", f.Proto)
		}
		fmt.Fprintln(w)
		if len(f.Calls) > 0 {
			fmt.Fprintf(w, "  calls: %s\n", strings.Join(f.Calls, " "))
		}
		if len(f.Maps) > 0 {
			fmt.Fprintf(w, "  maps: %s\n", strings.Join(f.Maps, " "))
		}
	}
	return nil
}

func showCode(w io.Writer, v *objview.View, flags *inspectFlags) error {
	found := flags.fn == ""
	for _, f := range slices.Concat(v.Programs, v.Subprograms) {
		if flags.fn != "" && f.Name != flags.fn {
			continue
		}
		found = true
		fmt.Fprintf(w, "%s <%s>:\n", f.Section, f.Name)
		for i := range f.Code {
			showInsn(w, &f.Code[i], flags)
		}
		fmt.Fprintln(w)
	}
	if !found {
		return fmt.Errorf("there is no function %q", flags.fn)
	}
	return nil
}

func showInsn(w io.Writer, in *objview.Insn, flags *inspectFlags) {
	if in.Label != "" {
		fmt.Fprintf(w, "%s:\n", in.Label)
	}
	if in.Line != nil {
		fmt.Fprintf(w, "; %s @ %s:%d\n", in.Line.Text, in.Line.File, in.Line.Line)
	}
	fmt.Fprintf(w, "%6d: ", in.Slot)
	if flags.bytes {
		fmt.Fprintf(w, "%-32s  ", in.Bytes)
	}
	fmt.Fprint(w, in.Text)
	if in.Note != "" {
		fmt.Fprintf(w, "  ; %s", in.Note)
	}
	fmt.Fprintln(w)
}

func showBTF(w io.Writer, v *objview.View, _ *inspectFlags) error {
	if v.Raw == nil {
		return nil
	}
	var b []byte
	for id := v.Raw.First(); id < v.Raw.End(); id++ {
		t, _ := v.Raw.Type(id)
		b = t.AppendRaw(b[:0])
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func showBTFC(w io.Writer, v *objview.View, _ *inspectFlags) error {
	if v.Raw == nil {
		return fmt.Errorf("the object has no BTF")
	}
	return btfraw.NewCDump(v.Raw).WriteAll(w)
}

func showAsm(w io.Writer, v *objview.View, _ *inspectFlags) error { return asmfile.Write(w, v.Object) }
