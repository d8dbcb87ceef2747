package render

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/plan"
)

// maxWidth bounds a conversion's width, so that no format asks for more
// output than a record is worth.
const maxWidth = 1 << 16

// spec is one conversion of a format.
type spec struct {
	start, end int // bytes of the format
	verb       verb
	length     string // length modifier: "", hh, h, l, ll, j, z, t, L
	conv       string // the conversion: d, s, rx, ...
}

// segments is a format taken apart: texts[i] comes before specs[i], and one
// more text comes last.
type segments struct {
	texts []string
	specs []spec
}

// FormatError is a mistake in a format or in its arguments.
type FormatError struct {
	Start, End int // the bytes of the format that are meant
	Arg        int // index of the argument that is meant, or -1
	Message    string
}

func (e *FormatError) Error() string { return e.Message }

// conversions in the order in which they are tried: a longer one before the
// one that it starts with. The non-standard gr, rh, rx and r are bpftrace's.
const conversionLetters = "diouxXeEfFGaAcspn%"

func conversionAt(s string) string {
	switch {
	case s == "":
		return ""
	case strings.IndexByte(conversionLetters, s[0]) >= 0:
		return s[:1]
	case strings.HasPrefix(s, "gr"), strings.HasPrefix(s, "rh"), strings.HasPrefix(s, "rx"):
		return s[:2]
	case s[0] == 'g', s[0] == 'r':
		return s[:1]
	}
	return ""
}

// parseFormat takes a format apart. A percent sign that starts no conversion
// stands for itself, as in bpftrace.
func parseFormat(format string) (*segments, error) {
	var (
		segs segments
		text strings.Builder
	)
	for i := 0; i < len(format); {
		n := strings.IndexByte(format[i:], '%')
		if n < 0 {
			text.WriteString(format[i:])
			break
		}
		text.WriteString(format[i : i+n])
		i += n
		sp, ok, err := parseSpec(format, i)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			text.WriteByte('%')
			i++
			continue
		case sp.conv == "%":
			text.WriteByte('%')
		default:
			segs.texts = append(segs.texts, text.String())
			segs.specs = append(segs.specs, sp)
			text.Reset()
		}
		i = sp.end
	}
	segs.texts = append(segs.texts, text.String())
	return &segs, nil
}

// parseSpec reads the conversion that starts with the '%' at offset start: the
// flags - + space # 0, each at most once and in this order; a width, a dot and
// a precision, either of which may be "*" and then counts as absent; a length
// modifier; the conversion. Space and precision have no effect.
func parseSpec(format string, start int) (sp spec, ok bool, err error) {
	i := start + 1
	flag := func(c byte) bool {
		if i < len(format) && format[i] == c {
			i++
			return true
		}
		return false
	}
	sp.start = start
	sp.verb.left = flag('-')
	sp.verb.plus = flag('+')
	flag(' ')
	sp.verb.showAlt = flag('#')
	sp.verb.zero = flag('0')

	var tooWide bool
	sp.verb.width, i, tooWide = parseWidth(format, i)
	if i < len(format) && format[i] == '.' {
		_, end, wide := parseWidth(format, i+1)
		if end == i+1 {
			return sp, false, nil
		}
		i, tooWide = end, tooWide || wide
	}
	n := i
	for i < len(format) && strings.IndexByte("hlLjzt", format[i]) >= 0 {
		i++
	}
	sp.length = format[n:i]
	sp.conv = conversionAt(format[i:])
	if sp.conv == "" {
		return sp, false, nil
	}
	sp.end = i + len(sp.conv)
	if tooWide {
		return sp, false, &FormatError{start, sp.end, -1,
			fmt.Sprintf("width or precision of more than %d in format specifier: %s", maxWidth, format[start:sp.end])}
	}
	switch sp.conv {
	case "o":
		sp.verb.base = 8
	case "x", "X":
		sp.verb.base, sp.verb.upper = 16, sp.conv == "X"
	}
	return sp, true, nil
}

// parseWidth reads "*" or digits from offset i on.
func parseWidth(format string, i int) (width, end int, tooWide bool) {
	if i < len(format) && format[i] == '*' {
		return 0, i + 1, false
	}
	for i < len(format) && format[i] >= '0' && format[i] <= '9' {
		if width = width*10 + int(format[i]-'0'); width > maxWidth {
			width, tooWide = maxWidth, true
		}
		i++
	}
	return width, i, tooWide
}

// argClass is a set of kinds of arguments that a conversion accepts.
type argClass uint8

const (
	anyArg argClass = iota
	integerArg
	bufferArg
)

// acceptedArgs is what the conversions that are supported accept.
func acceptedArgs(conv string) (argClass, bool) {
	switch conv {
	case "d", "i", "u", "o", "x", "X", "c", "p", "gr":
		return integerArg, true
	case "r", "rx", "rh":
		return bufferArg, true
	case "s":
		return anyArg, true
	}
	return 0, false
}

func (c argClass) has(k plan.TypeKind) bool {
	switch c {
	case integerArg:
		return k == plan.Int || k == plan.Enum || k == plan.Bool || k == plan.Pointer
	case bufferArg:
		return k == plan.Buffer
	}
	return true
}

// CheckFormat reports whether a format and the types of its arguments go
// together, as a *FormatError with the place in the format.
func CheckFormat(format string, args []plan.Type) error {
	segs, err := parseFormat(format)
	if err != nil {
		return err
	}
	return segs.check(format, args)
}

func (s *segments) check(format string, args []plan.Type) error {
	if len(args) != len(s.specs) {
		e := &FormatError{0, len(format), -1, ""}
		word := "not enough"
		if len(args) > len(s.specs) {
			word, e.Arg = "too many", len(s.specs)
		} else {
			e.Start, e.End = s.specs[len(args)].start, s.specs[len(args)].end
		}
		e.Message = fmt.Sprintf("%s arguments for format string (%d supplied, %d expected)", word, len(args), len(s.specs))
		return e
	}
	for i, sp := range s.specs {
		t := &args[i]
		e := &FormatError{Start: sp.start, End: sp.end, Arg: i}
		if t.Kind == plan.None {
			e.Message = "unable to print none type for specifier: " + sp.conv
			return e
		}
		class, ok := acceptedArgs(sp.conv)
		if !ok {
			e.Message = "unsupported format specifier: " + sp.conv
			return e
		}
		if !class.has(t.Kind) {
			e.Message = fmt.Sprintf("unsupported format specifier for type '%s': %s", TypeName(t), sp.conv)
			return e
		}
	}
	return nil
}
