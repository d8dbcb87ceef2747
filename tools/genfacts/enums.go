package main

import (
	"bytes"
	"fmt"
	"go/format"
	"sort"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// enumSpec says how a kernel enumeration becomes a Go type.
type enumSpec struct {
	kernel string // name in BTF
	prefix string // of the enumerators, removed
	goType string
	doc    string
}

var enumSpecs = []enumSpec{
	{"bpf_map_type", "BPF_MAP_TYPE_", "MapType", "MapType is a kind of map (enum bpf_map_type)."},
	{"bpf_prog_type", "BPF_PROG_TYPE_", "ProgType", "ProgType is a kind of program (enum bpf_prog_type)."},
	{"bpf_attach_type", "BPF_", "AttachType", "AttachType is a place that programs attach to (enum bpf_attach_type)."},
	{"bpf_link_type", "BPF_LINK_TYPE_", "LinkType", "LinkType is a kind of link (enum bpf_link_type)."},
	{"bpf_cmd", "BPF_", "Cmd", "Cmd is a command of bpf(2) (enum bpf_cmd)."},
}

type enum struct {
	enumSpec
	values []enumValue // ascending, one name per number
}

type enumValue struct {
	name   string // lower case, without the prefix
	number uint64
}

func readEnums(path string) ([]enum, error) {
	spec, err := btf.LoadSpec(path)
	if err != nil {
		return nil, err
	}
	var out []enum
	for _, s := range enumSpecs {
		var t *btf.Enum
		if err := spec.TypeByName(s.kernel, &t); err != nil {
			return nil, err
		}
		out = append(out, enum{s, enumerators(s, t)})
	}
	return out, nil
}

// enumerators drops the end markers (__MAX_...) and, where a number has
// several names, keeps the last one that isn't marked as deprecated: the
// kernel's own print functions show that one.
func enumerators(s enumSpec, t *btf.Enum) []enumValue {
	byNumber := map[uint64]string{}
	for _, v := range t.Values {
		name, ok := strings.CutPrefix(v.Name, s.prefix)
		if !ok {
			continue
		}
		old, seen := byNumber[v.Value]
		if name = strings.ToLower(name); !seen || strings.HasSuffix(old, "_deprecated") {
			byNumber[v.Value] = name
		}
	}
	var out []enumValue
	for n, name := range byNumber {
		out = append(out, enumValue{name, n})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].number < out[j].number })
	return out
}

func renderEnums(enums []enum) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(generated)
	for _, e := range enums {
		fmt.Fprintf(&b, "// %s\ntype %s uint32\n\n// The values of %s.\nconst (\n", e.doc, e.goType, e.goType)
		for _, v := range e.values {
			fmt.Fprintf(&b, "%s%s %s = %d\n", e.goType, camel(v.name), e.goType, v.number)
		}
		table := strings.ToLower(e.goType[:1]) + e.goType[1:] + "Names"
		fmt.Fprintf(&b, ")\n\nvar %s = [...]string{\n", table)
		for _, v := range e.values {
			fmt.Fprintf(&b, "%s%s: %q,\n", e.goType, camel(v.name), v.name)
		}
		fmt.Fprintf(&b, "}\n\n")
		fmt.Fprintf(&b, "// String returns the kernel's name in lower case, without its prefix.\n")
		fmt.Fprintf(&b, "func (x %s) String() string { return enumName(%s[:], uint32(x)) }\n\n", e.goType, table)
		fmt.Fprintf(&b, "// %sByName finds a value by the name that String gives.\n", e.goType)
		fmt.Fprintf(&b, "func %sByName(name string) (%s, bool) {\nx, ok := enumByName(%s[:], name)\nreturn %s(x), ok\n}\n\n", e.goType, e.goType, table, e.goType)
	}
	return format.Source(b.Bytes())
}
