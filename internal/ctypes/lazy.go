package ctypes

import "sync"

// Lazy is a named struct, union or enum whose definition is read when it is
// asked for. It stands behind pointers and typedefs only, so that asking for
// one kernel type does not decode the thousands of types it leads to. Strip
// sees through it.
type Lazy struct {
	Kind string // "struct", "union" or "enum"
	Name string

	once sync.Once
	load func() Type
	t    Type
}

// NewLazy makes a Lazy. load is called at most once, and may be called from
// any goroutine; when it returns nil the definition is unknown.
func NewLazy(kind, name string, load func() Type) *Lazy {
	return &Lazy{Kind: kind, Name: name, load: load}
}

// Load returns the definition: a *Struct or *Enum, or a *Fwd when there is
// none.
func (l *Lazy) Load() Type {
	l.once.Do(func() {
		if l.load != nil {
			l.t = l.load()
		}
		if l.t == nil {
			l.t = &Fwd{Name: l.Name, Union: l.Kind == "union"}
		}
		l.load = nil
	})
	return l.t
}

func (*Lazy) ctype() {}
