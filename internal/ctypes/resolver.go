package ctypes

import "errors"

// ErrNotFound is wrapped by a Resolver's errors when the name is unknown.
var ErrNotFound = errors.New("not found")

// Resolver answers what the front ends ask about C types. An error that wraps
// ErrNotFound means that the name is unknown; other errors say why the
// question could not be answered (no BTF, no permission).
type Resolver interface {
	// Type finds a type by its C spelling: "struct task_struct",
	// "union x", "enum y", or a typedef or base type name.
	Type(name string) (Type, error)
	// Func finds a kernel function's prototype.
	Func(name string) (*Func, error)
	// Tracepoint returns the record of a tracefs event as a struct, with
	// the common fields first.
	Tracepoint(category, event string) (*Struct, error)
	// RawTracepoint returns the arguments of a raw tracepoint from BTF.
	RawTracepoint(name string) (*Func, error)
}
