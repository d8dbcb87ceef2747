package render

import "strconv"

// barWidth is the number of columns of a histogram's bars.
const barWidth = 52

// AppendText appends the text form of v. A map, or a histogram, takes several
// lines, each with its newline.
func AppendText(dst []byte, v Value) []byte {
	w := textWriter{buf: dst}
	w.value(v)
	return w.buf
}

// textWriter writes values by one verb. Its width applies to the first piece
// that is written and is then spent, as on a C++ stream.
type textWriter struct {
	buf  []byte
	verb verb
}

func (w *textWriter) str(s string) {
	w.buf = w.verb.appendString(w.buf, s)
	w.verb.width = 0
}

func (w *textWriter) value(v Value) {
	switch v := v.(type) {
	case nil, Null:
		w.str("null")
	case Bool:
		w.str(strconv.FormatBool(bool(v)))
	case Int:
		w.buf = w.verb.appendInt(w.buf, int64(v))
		w.verb.width = 0
	case Uint:
		w.buf = w.verb.appendUint(w.buf, uint64(v))
		w.verb.width = 0
	case String:
		w.str(string(v))
	case Symbol:
		w.str(v.Text)
	case Buffer:
		start := len(w.buf)
		w.buf = appendBuffer(w.buf, v, true, true)
		w.buf = w.verb.pad(w.buf, start)
		w.verb.width = 0
	case Array:
		w.list("[", v, ",", "]")
	case Tuple:
		w.list("(", v, ", ", ")")
	case Record:
		w.record(v)
	case *Stats:
		w.value(v.Of)
	case *Map:
		for _, e := range v.Entries {
			w.str("[")
			w.value(e.Key)
			w.str("]: ")
			w.value(e.Value)
			w.str("\n")
		}
	case *Histogram:
		w.histogram(v)
	}
}

func (w *textWriter) list(open string, vs []Value, sep, end string) {
	w.str(open)
	for i, v := range vs {
		if i > 0 {
			w.str(sep)
		}
		w.value(v)
	}
	w.str(end)
}

func (w *textWriter) record(r Record) {
	if len(r) == 0 {
		w.str("{}")
		return
	}
	w.str("{ ")
	for i, m := range r {
		if i > 0 {
			w.str(", ")
		}
		w.str(".")
		w.str(m.Name)
		w.str(" = ")
		w.value(m.Value)
	}
	w.str(" }")
}

func (w *textWriter) histogram(h *Histogram) {
	var most uint64
	for _, n := range h.Counts {
		most = max(most, n)
	}
	label := verb{width: 16, left: true}
	count := verb{width: 8}
	bar := verb{width: barWidth, left: true}
	for i, n := range h.Counts {
		start := len(w.buf)
		w.buf = h.appendLabel(w.buf, i)
		w.buf = label.pad(w.buf, start)
		w.buf = count.appendUint(w.buf, n)
		w.buf = append(w.buf, " |"...)
		start = len(w.buf)
		for range barLength(n, most) {
			w.buf = append(w.buf, '@')
		}
		w.buf = bar.pad(w.buf, start)
		w.buf = append(w.buf, "|\n"...)
	}
}

// barLength is computed in single precision, whose rounding decides where a
// bar ends.
func barLength(n, most uint64) int {
	if most == 0 {
		return 0
	}
	share := float32(n) / float32(most)
	return int(float32(share * barWidth))
}

// appendLabel writes the interval of bucket i, a single number when it holds
// only one and both its limits are shown in full.
func (h *Histogram) appendLabel(dst []byte, i int) []byte {
	var low, high *Bound
	if i > 0 {
		if i-1 < len(h.Upper) {
			low = &h.Upper[i-1]
		}
	} else {
		low = h.Lower
	}
	if i < len(h.Upper) {
		high = &h.Upper[i]
	}
	switch {
	case low == nil && high == nil:
		return append(dst, "(..., ...)"...)
	case low == nil:
		dst = high.append(append(dst, "(..., "...))
		return append(dst, ')')
	case high == nil:
		dst = low.append(append(dst, '['))
		return append(dst, ", ...)"...)
	case low.Text == "" && high.Text == "" && low.N+1 == high.N:
		dst = low.append(append(dst, '['))
		return append(dst, ']')
	}
	dst = low.append(append(dst, '['))
	dst = high.append(append(dst, ", "...))
	return append(dst, ')')
}

func (b *Bound) append(dst []byte) []byte {
	if b.Text != "" {
		return append(dst, b.Text...)
	}
	return strconv.AppendInt(dst, b.N, 10)
}
