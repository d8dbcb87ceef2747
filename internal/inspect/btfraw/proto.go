package btfraw

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
)

// Signature is a type as one line, the way bpftool writes the prototypes of
// functions: "int filter(struct __sk_buff * skb)".
func (b *BTF) Signature(id uint32) string {
	var s strings.Builder
	b.signature(&s, id, 0)
	return s.String()
}

func (b *BTF) signature(s *strings.Builder, id uint32, depth int) {
	t, ok := b.Type(id)
	if !ok || depth > maxDepth || s.Len() > 1<<12 {
		s.WriteString("void ")
		return
	}
	switch t.Kind {
	case ctypes.BTFInt, ctypes.BTFTypedef, ctypes.BTFFloat:
		s.WriteString(t.Name + " ")
	case ctypes.BTFStruct:
		s.WriteString("struct " + t.Name + " ")
	case ctypes.BTFUnion:
		s.WriteString("union " + t.Name + " ")
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		s.WriteString("enum " + t.Name + " ")
	case ctypes.BTFFwd:
		s.WriteString(t.Fwd() + " " + t.Name + " ")
	case ctypes.BTFArray:
		elem, _, n := t.Array()
		b.signature(s, elem, depth+1)
		fmt.Fprintf(s, "[%d]", n)
	case ctypes.BTFPtr:
		b.signature(s, t.Size, depth+1)
		s.WriteString("* ")
	case ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict:
		s.WriteString(strings.ToLower(KindName(t.Kind)) + " ")
		b.signature(s, t.Size, depth+1)
	case ctypes.BTFTypeTag:
		b.signature(s, t.Size, depth+1)
	case ctypes.BTFFuncProto:
		b.function(s, t, "", depth)
	case ctypes.BTFFunc:
		if proto, ok := b.Type(t.Size); ok && proto.Kind == ctypes.BTFFuncProto {
			b.function(s, proto, t.Name, depth)
		}
	case ctypes.BTFVar:
		b.signature(s, t.Size, depth+1)
		s.WriteString(" " + t.Name)
	case ctypes.BTFDatasec:
		fmt.Fprintf(s, "section (%q) ", t.Name)
	}
}

func (b *BTF) function(s *strings.Builder, proto Type, name string, depth int) {
	b.signature(s, proto.Size, depth+1)
	s.WriteString(name + "(")
	for i, p := range proto.Params() {
		if i > 0 {
			s.WriteString(", ")
		}
		if p.Type == 0 {
			s.WriteString("...")
			continue
		}
		var arg strings.Builder
		b.signature(&arg, p.Type, depth+1)
		if p.Name == "" {
			s.WriteString(strings.TrimSuffix(arg.String(), " "))
		} else {
			s.WriteString(arg.String() + p.Name)
		}
	}
	s.WriteString(")")
}
