// Package bttest holds a made-up machine against which tests check and lower
// scripts.
//
// It is imported by tests only.
package bttest

import (
	"github.com/skep-dev/skep/internal/catalog"
	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/plan"
)

// World is a machine with a few probes and types.
type World struct{ ctypes.Unknown }

var (
	long  = &ctypes.Int{Name: "long", Size: 8, Signed: true}
	ulong = &ctypes.Int{Name: "unsigned long", Size: 8}
	cint  = &ctypes.Int{Name: "int", Size: 4, Signed: true}
	char  = &ctypes.Int{Name: "char", Size: 1, Signed: true, Char: true}
)

// Tracepoint implements ctypes.Resolver.
func (World) Tracepoint(cat, event string) (*ctypes.Struct, error) {
	switch cat + ":" + event {
	case "syscalls:sys_enter_openat":
		return &ctypes.Struct{Name: event, Size: 48, Fields: []ctypes.Field{
			{Name: "common_type", Type: &ctypes.Int{Name: "unsigned short", Size: 2}},
			{Name: "dfd", Type: cint, Offset: 16 * 8},
			{Name: "filename", Type: &ctypes.Pointer{Elem: &ctypes.Qual{Kind: "const", Type: char}}, Offset: 24 * 8},
			{Name: "flags", Type: cint, Offset: 32 * 8},
		}}, nil
	case "syscalls:sys_exit_openat":
		return &ctypes.Struct{Name: event, Size: 24, Fields: []ctypes.Field{{Name: "ret", Type: long, Offset: 16 * 8}}}, nil
	case "raw_syscalls:sys_enter":
		return &ctypes.Struct{Name: event, Size: 64, Fields: []ctypes.Field{
			{Name: "id", Type: long, Offset: 8 * 8}, {Name: "args", Type: &ctypes.Array{Elem: ulong, Len: 6}, Offset: 16 * 8},
		}}, nil
	case "sched:sched_switch":
		return &ctypes.Struct{Name: event, Size: 64, Fields: []ctypes.Field{
			{Name: "prev_comm", Type: &ctypes.Array{Elem: char, Len: 16}, Offset: 8 * 8},
		}}, nil
	}
	return nil, ctypes.NotFound("tracepoint", cat+":"+event)
}

// Tracepoints implements probe.Catalog.
func (World) Tracepoints(category, event string) ([]string, error) {
	return catalog.Match(category+":"+event, []string{
		"raw_syscalls:sys_enter", "sched:sched_switch", "syscalls:sys_enter_openat", "syscalls:sys_exit_openat",
	})
}

// RawTracepoints implements probe.Catalog.
func (World) RawTracepoints(pattern string) ([]string, error) {
	return catalog.Match(pattern, []string{"sys_enter", "sys_exit"})
}

// Missing implements probe.Catalog; the machine has no kprobes.
func (World) Missing(kind plan.ProbeKind) string {
	if kind == plan.Kprobe {
		return "this kernel has no kprobes"
	}
	return ""
}
