package render

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/plan"
)

// TypeName writes a type as messages of the language name it: "int64",
// "string[64]", "(int64,string[16])".
func TypeName(t *plan.Type) string {
	switch t.Kind {
	case plan.Int:
		if t.Signed {
			return fmt.Sprintf("int%d", 8*t.Size)
		}
		return fmt.Sprintf("uint%d", 8*t.Size)
	case plan.Enum:
		return "enum " + t.Name
	case plan.String, plan.Buffer, plan.Inet:
		return fmt.Sprintf("%s[%d]", t.Kind, t.Size)
	case plan.Pointer:
		if t.Name != "" {
			return t.Name
		}
	case plan.Array:
		if t.Elem != nil {
			return fmt.Sprintf("%s[%d]", TypeName(t.Elem), t.Len)
		}
	case plan.Tuple:
		return "(" + fieldNames(t, ",", false) + ")"
	case plan.Record:
		if t.Name != "" {
			return t.Name
		}
		return "record { " + fieldNames(t, ", ", true) + " }"
	case plan.Ksym, plan.Usym, plan.Username:
		return string(t.Kind) + "_t"
	case plan.MAC:
		return "mac_address"
	case plan.Strftime:
		return "timestamp"
	}
	return string(t.Kind)
}

func fieldNames(t *plan.Type, sep string, named bool) string {
	var b strings.Builder
	for i := range t.Fields {
		f := &t.Fields[i]
		if i > 0 {
			b.WriteString(sep)
		}
		if named {
			b.WriteString("." + f.Name + " = ")
		}
		b.WriteString(TypeName(&f.Type))
	}
	return b.String()
}
