package render

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/skep-dev/skep/internal/plan"
)

// Element is one element of a map as it lies in the target: the key's bytes,
// and the value's. The value of a per-CPU map has one part per possible CPU,
// each padded to a multiple of 8 bytes.
type Element struct {
	Key   []byte
	Value []byte
}

// Dump is what a map holds.
type Dump struct {
	ValueSize int // of one CPU's value
	Elements  []Element
}

// Selection says what to show of a map. The zero Selection shows all.
type Selection struct {
	Top int // only the last Top entries of the order; 0 is all
	Div int // integers are divided by it; 0 and 1 are plain
}

// MapValue joins the values of all CPUs and puts the elements in the order
// that they are shown in: by value, ascending, for numbers and aggregations;
// else by key. The result is a *Map, inside of a *Stats for avg and stats, or
// the one value of a scalar map. A scalar map without a value yields the
// empty map.
func MapValue(env *Env, view *plan.Map, d *Dump, sel Selection) (Value, error) {
	rows, err := collect(view, d)
	if err != nil {
		return nil, err
	}
	rows.sort()
	if sel.Top > 0 && sel.Top < len(rows.rows) {
		rows.rows = rows.rows[len(rows.rows)-sel.Top:]
	}
	m := &Map{}
	for i := range rows.rows {
		r := &rows.rows[i]
		v, err := rows.show(env, r, int64(sel.Div))
		if err != nil {
			return nil, fmt.Errorf("value of %s: %w", view.Name, err)
		}
		if view.Key == nil {
			return stats(view, v), nil
		}
		k, err := Decode(env, view.Key, r.key)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", view.Name, err)
		}
		m.Entries = append(m.Entries, Entry{k, v})
	}
	return stats(view, m), nil
}

func stats(view *plan.Map, v Value) Value {
	if view.Agg == plan.Avg || view.Agg == plan.Stats {
		return &Stats{v}
	}
	return v
}

// ElementValue shows one value of a map, which is the zero value when raw is
// nil.
func ElementValue(env *Env, view *plan.Map, valueSize int, raw []byte) (Value, error) {
	if raw == nil {
		return ZeroValue(env, view)
	}
	rows, err := collect(view, &Dump{valueSize, []Element{{nil, raw}}})
	if err != nil {
		return nil, err
	}
	if len(rows.rows) == 0 {
		return ZeroValue(env, view)
	}
	return rows.show(env, &rows.rows[0], 1)
}

// ZeroValue is what an element shows that has never been assigned.
func ZeroValue(env *Env, view *plan.Map) (Value, error) {
	t := table{view: view, signed: view.Value.Signed}
	r := row{}
	switch view.Agg {
	case plan.Plain:
		r.plain = make([]byte, view.Value.Size)
	case plan.Hist, plan.Lhist:
		return &Histogram{}, nil
	}
	return t.show(env, &r, 1)
}

// ZeroMap is what a scalar map shows that has never been assigned, when it is
// printed by name.
func ZeroMap(env *Env, view *plan.Map) (Value, error) {
	v, err := ZeroValue(env, view)
	if err != nil {
		return nil, err
	}
	return stats(view, v), nil
}

// Empty reports whether v, as MapValue returned it, has nothing to show.
func Empty(v Value) bool {
	if s, ok := v.(*Stats); ok {
		v = s.Of
	}
	m, ok := v.(*Map)
	return ok && len(m.Entries) == 0
}

// table is a map with the CPUs joined.
type table struct {
	view   *plan.Map
	signed bool
	rows   []row
}

// row is one element of a table: total is the count, the sum, the smallest or
// largest value; n is how many values there were; counts are the buckets of a
// histogram and total their sum.
type row struct {
	key    []byte
	total  uint64
	n      uint64
	counts []uint64
	plain  []byte
}

// Words returns how many 64-bit words the value of an aggregation has per
// CPU, 0 for a plain map.
func Words(view *plan.Map) (int, error) {
	switch view.Agg {
	case plan.Plain:
		return 0, nil
	case plan.Count, plan.Sum:
		return 1, nil
	case plan.Min, plan.Max, plan.Avg, plan.Stats:
		return 2, nil
	case plan.Hist:
		if view.Bits < 0 || view.Bits > 5 {
			return 0, fmt.Errorf("hist with %d bits", view.Bits)
		}
		return plan.HistBuckets(view.Bits), nil
	case plan.Lhist:
		span := uint64(view.Max) - uint64(view.Min)
		if view.Step <= 0 || view.Max <= view.Min || span/uint64(view.Step) > 1<<24 {
			return 0, fmt.Errorf("lhist from %d to %d by %d", view.Min, view.Max, view.Step)
		}
		return int(span/uint64(view.Step)) + 2 + int(min(span%uint64(view.Step), 1)), nil
	}
	return 0, fmt.Errorf("unknown aggregation %q", view.Agg)
}

// collect joins the CPUs of every element. Elements of a scalar map that the
// script has not assigned are left out.
func collect(view *plan.Map, d *Dump) (*table, error) {
	words, err := Words(view)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", view.Name, err)
	}
	need := 8 * words
	if view.Agg == plan.Plain {
		need = view.Value.Size
	}
	if view.Present > 0 {
		need = max(need, view.Present+8)
	}
	if need < 0 || need > d.ValueSize || d.ValueSize > math.MaxInt32 {
		return nil, fmt.Errorf("%s: value of %d bytes, want %d", view.Name, d.ValueSize, need)
	}
	t := &table{view: view, signed: view.Value.Signed, rows: make([]row, 0, len(d.Elements))}
	stride := d.ValueSize
	if view.PerCPU {
		stride = (d.ValueSize + 7) &^ 7
	}
	for _, e := range d.Elements {
		if len(e.Value) < stride {
			return nil, fmt.Errorf("%s: value of %d bytes, want %d", view.Name, len(e.Value), stride)
		}
		parts := e.Value
		if !view.PerCPU {
			parts = e.Value[:stride]
		}
		r := row{key: e.Key}
		assigned := false
		for len(parts) >= stride && stride > 0 {
			part := parts[:d.ValueSize]
			parts = parts[stride:]
			if view.Present > 0 && word(part[view.Present:]) == 0 {
				continue
			}
			assigned = true
			t.join(&r, part, words)
		}
		if assigned {
			t.rows = append(t.rows, r)
		}
	}
	return t, nil
}

func word(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

// join adds one CPU's value to a row.
func (t *table) join(r *row, b []byte, words int) {
	switch t.view.Agg {
	case plan.Plain:
		t.joinPlain(r, b)
	case plan.Count, plan.Sum:
		r.total += word(b)
	case plan.Avg, plan.Stats:
		r.total += word(b)
		r.n += word(b[8:])
	case plan.Min, plan.Max:
		v := word(b)
		if word(b[8:]) == 0 {
			return
		}
		if r.n == 0 || (t.compare(v, r.total) < 0) == (t.view.Agg == plan.Min) {
			r.total = v
		}
		r.n = 1
	default:
		if r.counts == nil {
			r.counts = make([]uint64, words)
		}
		for i := range r.counts {
			n := word(b[8*i:])
			r.counts[i] += n
			r.total += n
		}
	}
}

// joinPlain sums integers over the CPUs; of other values the first is shown.
func (t *table) joinPlain(r *row, b []byte) {
	b = b[:t.view.Value.Size]
	if t.view.Value.Kind == plan.Int || t.view.Value.Kind == plan.Enum {
		n, err := loadInt(b, t.signed)
		if err == nil {
			r.total += n
		}
	}
	if r.plain == nil {
		r.plain = b
	}
}

func (t *table) compare(a, b uint64) int {
	if t.signed {
		return cmp.Compare(int64(a), int64(b))
	}
	return cmp.Compare(a, b)
}

// rank is what rows are sorted by before their keys.
func (t *table) rank(a, b *row) int {
	switch t.view.Agg {
	case plan.Plain:
		if k := t.view.Value.Kind; k != plan.Int && k != plan.Enum {
			return 0
		}
	case plan.Count, plan.Hist, plan.Lhist:
		return cmp.Compare(a.total, b.total)
	case plan.Avg, plan.Stats:
		return t.compare(t.average(a), t.average(b))
	}
	return t.compare(a.total, b.total)
}

func (t *table) sort() {
	slices.SortStableFunc(t.rows, func(a, b row) int {
		if c := t.rank(&a, &b); c != 0 || t.view.Key == nil {
			return c
		}
		if c := compareKeys(t.view.Key, a.key, b.key); c != 0 {
			return c
		}
		return bytes.Compare(a.key, b.key)
	})
}

// compareKeys orders keys by their parts, numbers as numbers and everything
// else by bytes.
func compareKeys(t *plan.Type, a, b []byte) int {
	if t.Size < 0 || t.Size > len(a) || t.Size > len(b) {
		return 0
	}
	switch t.Kind {
	case plan.Tuple, plan.Record:
		for i := range t.Fields {
			f := &t.Fields[i]
			if f.Offset < 0 || f.Offset > t.Size || f.BitSize != 0 {
				continue
			}
			if c := compareKeys(&f.Type, a[f.Offset:t.Size], b[f.Offset:t.Size]); c != 0 {
				return c
			}
		}
		return 0
	case plan.Int, plan.Enum, plan.Bool, plan.Pointer, plan.Ksym, plan.Username, plan.Strftime, plan.ProbeName:
		x, err1 := loadInt(a[:t.Size], t.Signed)
		y, err2 := loadInt(b[:t.Size], t.Signed)
		if err1 != nil || err2 != nil {
			return 0
		}
		if t.Signed {
			return cmp.Compare(int64(x), int64(y))
		}
		return cmp.Compare(x, y)
	}
	return bytes.Compare(a[:t.Size], b[:t.Size])
}

func (t *table) average(r *row) uint64 {
	switch {
	case r.n == 0:
		return 0
	case t.signed:
		return uint64(int64(r.total) / int64(r.n))
	}
	return r.total / r.n
}

// show makes a value of a row.
func (t *table) show(env *Env, r *row, div int64) (Value, error) {
	switch t.view.Agg {
	case plan.Plain:
		if t.view.PerCPU && t.view.Value.Kind == plan.Int {
			return integer(r.total, t.signed, div), nil
		}
		return decode(env, &t.view.Value, r.plain, div)
	case plan.Count:
		return integer(r.total, false, div), nil
	case plan.Sum, plan.Min, plan.Max:
		return integer(r.total, t.signed, div), nil
	case plan.Avg:
		return integer(t.average(r), t.signed, div), nil
	case plan.Stats:
		return Record{
			{"count", integer(r.n, t.signed, 1)},
			{"average", integer(t.average(r), t.signed, div)},
			{"total", integer(r.total, t.signed, 1)},
		}, nil
	case plan.Hist:
		return logHistogram(r.counts, t.view.Bits, div), nil
	case plan.Lhist:
		return linearHistogram(r.counts, t.view.Min, t.view.Max, t.view.Step), nil
	}
	return nil, fmt.Errorf("unknown aggregation %q", t.view.Agg)
}
