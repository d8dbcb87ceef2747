package render

// Value is a value of the output: one of the types of this file. Text and
// json are two ways to write it down.
type Value interface{ value() }

type (
	// Null is a value that can't be read, such as a field of a kind that
	// the language has no type for.
	Null struct{}
	// Bool is a truth value.
	Bool bool
	// Int is a signed integer of any width.
	Int int64
	// Uint is an unsigned integer of any width.
	Uint uint64
	// String is text. It need not be valid UTF-8.
	String string
	// Buffer is a run of bytes that is shown as such.
	Buffer []byte
	// Array is a sequence of values of one type.
	Array []Value
	// Tuple is a sequence of values of several types.
	Tuple []Value
	// Record is a sequence of named values.
	Record []Member
)

// Member is one named value of a Record.
type Member struct {
	Name  string
	Value Value
}

// Symbol is a number that has a name: text shows the name and json the number.
type Symbol struct {
	Text   string
	Number uint64
}

// Map is a sequence of keys with their values, in the order to show them in.
type Map struct {
	Entries []Entry
}

// Entry is one element of a Map.
type Entry struct {
	Key   Value
	Value Value
}

// Stats marks the value of an avg() or stats() map, which json names apart.
type Stats struct {
	Of Value
}

// Histogram is a row of adjacent buckets. Bucket i reaches from Upper[i-1] to
// below Upper[i]. The first one starts at Lower, or has no lower bound when
// that is nil; the last one has no upper bound when Upper is one short.
type Histogram struct {
	Lower  *Bound
	Upper  []Bound
	Counts []uint64
}

// Bound is a bucket's limit. Text is its short form ("4K"), empty for a limit
// that is shown in full. The limit 2^63 wraps to the smallest int64.
type Bound struct {
	N    int64
	Text string
}

func (Null) value()       {}
func (Bool) value()       {}
func (Int) value()        {}
func (Uint) value()       {}
func (String) value()     {}
func (Buffer) value()     {}
func (Array) value()      {}
func (Tuple) value()      {}
func (Record) value()     {}
func (Symbol) value()     {}
func (*Map) value()       {}
func (*Stats) value()     {}
func (*Histogram) value() {}

// simple reports whether v fits on the line of its key.
func simple(v Value) bool {
	switch v.(type) {
	case *Map, *Stats, *Histogram:
		return false
	}
	return true
}
