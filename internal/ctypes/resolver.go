package ctypes

import (
	"errors"
	"fmt"
	"sync"
)

// ErrNotFound is wrapped by a Resolver's errors when the name is unknown.
var ErrNotFound = errors.New("not found")

// NotFound is the error for an unknown name; what says what kind of thing was
// asked for ("type", "kernel function").
func NotFound(what, name string) error { return fmt.Errorf("%s %q: %w", what, name, ErrNotFound) }

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

// Unknown is the Resolver that knows no name. A resolver for part of the
// questions embeds it.
type Unknown struct{}

// Type implements Resolver.
func (Unknown) Type(name string) (Type, error) { return nil, NotFound("type", name) }

// Func implements Resolver.
func (Unknown) Func(name string) (*Func, error) { return nil, NotFound("kernel function", name) }

// Tracepoint implements Resolver.
func (Unknown) Tracepoint(category, event string) (*Struct, error) {
	return nil, NotFound("tracepoint", category+":"+event)
}

// RawTracepoint implements Resolver.
func (Unknown) RawTracepoint(name string) (*Func, error) {
	return nil, NotFound("raw tracepoint", name)
}

// Opener opens a resolver. A Chain calls it at most once.
type Opener func() (Resolver, error)

// Opened is the Opener of a resolver that is there already.
func Opened(r Resolver) Opener { return func() (Resolver, error) { return r, nil } }

// Chain is a Resolver that asks several ones in order, and opens each only
// when those before it did not know the answer. It may be used by several
// goroutines when its resolvers may.
type Chain struct {
	links []func() (Resolver, error)
}

// NewChain makes a chain. The usual one asks the script's C declarations,
// then tracefs, then the kernel's BTF.
func NewChain(links ...Opener) *Chain {
	c := &Chain{}
	for _, open := range links {
		c.links = append(c.links, sync.OnceValues(open))
	}
	return c
}

// Type implements Resolver.
func (c *Chain) Type(name string) (Type, error) {
	return ask(c, "type", name, func(r Resolver) (Type, error) { return r.Type(name) })
}

// Func implements Resolver.
func (c *Chain) Func(name string) (*Func, error) {
	return ask(c, "kernel function", name, func(r Resolver) (*Func, error) { return r.Func(name) })
}

// Tracepoint implements Resolver.
func (c *Chain) Tracepoint(category, event string) (*Struct, error) {
	return ask(c, "tracepoint", category+":"+event, func(r Resolver) (*Struct, error) {
		return r.Tracepoint(category, event)
	})
}

// RawTracepoint implements Resolver.
func (c *Chain) RawTracepoint(name string) (*Func, error) {
	return ask(c, "raw tracepoint", name, func(r Resolver) (*Func, error) { return r.RawTracepoint(name) })
}

// ask returns the first answer. When nobody knows the name but one of the
// resolvers could not be asked, its error is the answer: the name may well
// exist there.
func ask[T any](c *Chain, what, name string, question func(Resolver) (T, error)) (T, error) {
	var zero T
	var failed error
	for _, open := range c.links {
		r, err := open()
		if err == nil {
			var answer T
			if answer, err = question(r); err == nil {
				return answer, nil
			}
		}
		if failed == nil && !errors.Is(err, ErrNotFound) {
			failed = err
		}
	}
	if failed != nil {
		return zero, fmt.Errorf("%s %q: %w", what, name, failed)
	}
	return zero, NotFound(what, name)
}

// Complete returns the definition behind a type that is only named: a Fwd, a
// struct without members that tracefs named, or a typedef of unknown meaning.
// It returns t itself when there is nothing to complete or r does not know
// the name.
func Complete(r Resolver, t Type) Type {
	var name string
	switch x := stripNames(t).(type) {
	case *Fwd:
		name = tag(x.Union) + x.Name
	case *Struct:
		if len(x.Fields) == 0 && x.Name != "" {
			name = tag(x.Union) + x.Name
		}
	case *Enum:
		if len(x.Values) == 0 && x.Name != "" {
			name = "enum " + x.Name
		}
	case *Typedef:
		name = x.Name
	}
	if name == "" {
		return t
	}
	found, err := r.Type(name)
	if err != nil {
		return t
	}
	return found
}

// stripNames is Strip, but it stops at a typedef that stands for nothing.
func stripNames(t Type) Type {
	for {
		switch x := t.(type) {
		case *Typedef:
			if _, opaque := x.Type.(*Void); opaque {
				return x
			}
			t = x.Type
		case *Qual:
			t = x.Type
		case *Lazy:
			t = x.Load()
		default:
			return t
		}
	}
}

func tag(union bool) string {
	if union {
		return "union "
	}
	return "struct "
}
