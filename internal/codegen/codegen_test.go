package codegen

import (
	"bufio"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-quicktest/qt"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/isa"
)

var show = flag.Bool("show", false, "log the code of every case")

func parse(t testing.TB, name, text string) *ir.Module {
	t.Helper()
	m, errs := ir.Parse(name, text)
	qt.Assert(t, qt.IsNil(errs.Err()))
	qt.Assert(t, qt.IsNil(ir.Check(m)), qt.Commentf("%s", name))
	return m
}

func listing(funcs []Func) string {
	var b strings.Builder
	for _, f := range funcs {
		fmt.Fprintf(&b, "%s: stack %d\n", f.Name, f.Stack)
		isa.Fprint(&b, f.Insns, isa.Style{Bare: true})
		for _, r := range f.CORE {
			fmt.Fprintf(&b, "core %d: %s\n", r.Insn, r.Reloc.Access)
		}
	}
	return b.String()
}

func kernel(t testing.TB, version string) Features {
	t.Helper()
	major, minor, _ := strings.Cut(version, ".")
	m, err := strconv.Atoi(major)
	qt.Assert(t, qt.IsNil(err))
	n, err := strconv.Atoi(minor)
	qt.Assert(t, qt.IsNil(err))
	feat, err := ForKernel(m, n)
	qt.Assert(t, qt.IsNil(err))
	return feat
}

// Each case of testdata is IR and what must be true of its code, whatever
// else it may be:
//
//	kernel 5.10    the target from here on (6.18 at first)
//	slots 7        how many slots the code has, all functions together
//	has REGEXP     some line matches; in the order of the lines
//	not REGEXP     no line matches
//	count N REGEXP so many lines match
//	error REGEXP   the code can't be made
//	# COMMENT
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	qt.Assert(t, qt.IsNil(err))
	qt.Assert(t, qt.IsTrue(len(files) > 0))
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		qt.Assert(t, qt.IsNil(err))
		for i := 0; i+1 < len(ar.Files); i += 2 {
			code, checks := ar.Files[i], ar.Files[i+1]
			name := strings.TrimSuffix(code.Name, ".ir")
			qt.Assert(t, qt.Equals(checks.Name, name+".want"))
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				m := parse(t, code.Name, string(code.Data))
				runChecks(t, m, string(checks.Data))
			})
		}
	}
}

func runChecks(t *testing.T, m *ir.Module, checks string) {
	feat := kernel(t, "6.18")
	funcs, err := Generate(m, feat)
	rest := listing(funcs)
	if *show {
		t.Log("\n" + rest)
	}
	for sc := bufio.NewScanner(strings.NewReader(checks)); sc.Scan(); {
		verb, arg, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		arg = strings.TrimSpace(arg)
		all := listing(funcs)
		if verb != "error" && verb != "kernel" && verb != "" && verb != "#" {
			qt.Assert(t, qt.IsNil(err))
		}
		switch verb {
		case "", "#":
		case "kernel":
			feat = kernel(t, arg)
			funcs, err = Generate(m, feat)
			rest = listing(funcs)
			if *show {
				t.Logf("kernel %s\n%s", arg, rest)
			}
		case "slots":
			n := 0
			for _, f := range funcs {
				n += isa.Slots(f.Insns)
			}
			qt.Check(t, qt.Equals(strconv.Itoa(n), arg), qt.Commentf("%s", all))
		case "has":
			at := regexp.MustCompile(`(?m)^.*(?:` + arg + `).*$`).FindStringIndex(rest)
			if at == nil {
				t.Errorf("no line (after the last one found) has %s:\n%s", arg, all)
				continue
			}
			rest = rest[at[1]:]
		case "not":
			if s := regexp.MustCompile(`(?m)^.*(?:` + arg + `).*$`).FindString(all); s != "" {
				t.Errorf("%s matches %s:\n%s", s, arg, all)
			}
		case "count":
			n, re, _ := strings.Cut(arg, " ")
			got := len(regexp.MustCompile(`(?m)^.*(?:`+re+`).*$`).FindAllString(all, -1))
			qt.Check(t, qt.Equals(strconv.Itoa(got), n), qt.Commentf("%s\n%s", re, all))
		case "error":
			qt.Check(t, qt.ErrorMatches(err, ".*(?:"+arg+").*"))
		default:
			t.Fatalf("unknown check %q", verb)
		}
	}
}
