package bpftool

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/skep-dev/skep/internal/cli/jsonout"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/sys"
)

const hexDigits = "0123456789abcdef"

// appendHex appends bytes in hexadecimal, 16 a line with a gap in the middle.
func appendHex(b, data []byte) []byte {
	for i, c := range data {
		switch {
		case i == 0:
		case i%16 == 0:
			b = append(b, '\n')
		case i%8 == 0:
			b = append(b, ' ', ' ')
		default:
			b = append(b, ' ')
		}
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// elementWriter writes the elements of one map.
type elementWriter struct {
	t   *tool
	m   *inspect.Map
	btf *btfraw.BTF     // nil when the elements have no types
	j   *jsonout.Writer // where typed values go
	buf []byte
	// failed counts typed values that could not be written whole.
	failed error
}

// newElementWriter prepares for the elements of a map, with its types if the
// kernel knows them.
func (t *tool) newElementWriter(m *inspect.Map) (*elementWriter, error) {
	w := &elementWriter{t: t, m: m}
	var err error
	switch {
	case m.VmlinuxValueType != 0:
		w.btf, err = inspect.LoadBTFFile(inspect.KernelBTFPath, nil)
	case m.ValueType != 0 && m.BTFID != 0:
		w.btf, err = inspect.LoadBTF(m.BTFID)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to get btf of map %d: %w", m.ID, err)
	}
	return w, nil
}

// each calls fn with the number of each CPU and its part of a value.
func (w *elementWriter) each(value []byte, fn func(cpu int, part []byte)) {
	stride := w.m.Stride()
	for cpu := 0; stride > 0 && (cpu+1)*stride <= len(value); cpu++ {
		fn(cpu, value[cpu*stride:][:w.m.ValueSize])
	}
}

// write writes an element. In JSON, typed elements are there twice, as bytes
// and formatted.
func (w *elementWriter) write(key, value []byte) {
	switch {
	case w.t.opts.json:
		w.writeJSON(key, value)
	case w.btf != nil:
		w.writeTyped(key, value)
	default:
		w.writePlain(key, value)
	}
}

func (w *elementWriter) writeJSON(key, value []byte) {
	j := w.t.json
	j.BeginObject()
	defer j.EndObject()
	j.Name("key")
	j.HexBytes(key)
	if !w.m.IsPerCPU() {
		j.Name("value")
		j.HexBytes(value)
	} else {
		j.Name("values")
		j.BeginArray()
		w.each(value, func(cpu int, part []byte) {
			j.BeginObject()
			j.UintField("cpu", uint64(cpu))
			j.Name("value")
			j.HexBytes(part)
			j.EndObject()
		})
		j.EndArray()
	}
	if w.btf != nil {
		j.Name("formatted")
		w.writeTyped(key, value)
	}
}

func (w *elementWriter) writeTyped(key, value []byte) {
	j := w.j
	if j == nil {
		j = w.t.json
	}
	v := btfraw.Values{BTF: w.btf, Sink: j, Plain: !w.t.opts.json}
	typed := func(id uint32, data []byte) {
		if err := v.Write(id, data); err != nil && w.failed == nil {
			w.failed = err
		}
	}
	valueType := w.m.ValueType
	if w.m.VmlinuxValueType != 0 {
		valueType = w.m.VmlinuxValueType
	}
	j.BeginObject()
	defer j.EndObject()
	if w.m.KeyType != 0 {
		j.Name("key")
		typed(w.m.KeyType, key)
	}
	if !w.m.IsPerCPU() {
		j.Name("value")
		typed(valueType, value)
		return
	}
	j.Name("values")
	j.BeginArray()
	defer j.EndArray()
	w.each(value, func(cpu int, part []byte) {
		j.BeginObject()
		j.UintField("cpu", uint64(cpu))
		j.Name("value")
		typed(valueType, part)
		j.EndObject()
	})
}

// layout says how a key and a value are set: whether their names stand on
// lines of their own, and whether both are on one line.
func layout(m *inspect.Map) (breakNames, oneLine bool) {
	breakNames = m.KeySize > 16 || m.ValueSize > 16
	return breakNames, !breakNames && m.KeySize+m.ValueSize <= 24
}

func (w *elementWriter) writePlain(key, value []byte) {
	b := w.buf[:0]
	breakNames, oneLine := layout(w.m)
	gap := byte(' ')
	if breakNames {
		gap = '\n'
	}
	if w.m.IsPerCPU() {
		b = append(b, "key:\n"...)
		b = append(appendHex(b, key), '\n')
		w.each(value, func(cpu int, part []byte) {
			gap := byte(' ')
			if w.m.ValueSize > 16 {
				gap = '\n'
			}
			b = fmt.Appendf(b, "value (CPU %02d):%c", cpu, gap)
			b = append(appendHex(b, part), '\n')
		})
	} else {
		if len(key) > 0 {
			b = append(b, "key:"...)
			b = appendHex(append(b, gap), key)
			if oneLine {
				b = append(b, ' ', ' ')
			} else {
				b = append(b, '\n')
			}
		}
		if len(value) > 0 {
			b = append(b, "value:"...)
			b = append(appendHex(append(b, gap), value), '\n')
		}
	}
	w.t.out.Write(b)
	w.buf = b
}

// writeError writes an element whose value can't be read. An empty slot of a
// map of maps or programs is no element.
func (w *elementWriter) writeError(key []byte, err error) {
	noEntry := errors.Is(err, syscall.ENOENT)
	if noEntry && (w.m.IsMapOfMaps() || w.m.IsMapOfProgs()) {
		return
	}
	if w.t.opts.json {
		j := w.t.json
		j.BeginObject()
		j.Name("key")
		j.HexBytes(key)
		j.Name("value")
		j.BeginObject()
		j.StringField("error", strerror(err))
		j.EndObject()
		j.EndObject()
		return
	}
	msg := strerror(err)
	switch {
	case noEntry:
		msg = "<no entry>"
	case errors.Is(err, syscall.ENOSPC) && w.m.Type == facts.MapTypeReuseportSockarray:
		msg = "<cannot read>"
	}
	// The message takes the place of a value, and follows the key on its own
	// line unless both are short.
	breakNames := w.m.KeySize > 16 || len(msg) > 16
	gap, end := byte(' '), byte('\n')
	if breakNames {
		gap = '\n'
	}
	b := append(w.buf[:0], "key:"...)
	b = appendHex(append(b, gap), key)
	if !breakNames && int(w.m.KeySize)+len(msg) <= 24 {
		b = append(b, ' ', ' ')
	} else {
		b = append(b, end)
	}
	b = append(b, "value:"...)
	b = append(append(append(b, gap), msg...), '\n')
	w.t.out.Write(b)
	w.buf = b
}

func (t *tool) mapDump(a *arguments) error {
	if a.len() != 2 {
		return &UsageError{Reason: "'dump' needs a map", Usage: mapUsage}
	}
	fds, err := t.maps(a, readOnly)
	if err != nil {
		return err
	}
	defer closeAll(fds)
	many := len(fds) > 1
	if t.opts.json && many {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	for _, fd := range fds {
		if err := t.dumpOne(fd, many); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) dumpOne(fd sys.FD, header bool) error {
	m, err := inspect.MapInfo(fd)
	if err != nil {
		return fmt.Errorf("can't get map info: %s%w", strerror(err), quiet{err})
	}
	w, err := t.newElementWriter(m)
	if err != nil {
		return err
	}
	if t.opts.json {
		if header {
			t.json.BeginObject()
			defer t.json.EndObject()
			t.writeMapHeader(m)
			t.json.Name("elements")
		}
		t.json.BeginArray()
		defer t.json.EndArray()
	} else {
		if header {
			t.printMapHeader(m)
		}
		if w.btf != nil {
			w.j = t.textJSON(true)
			w.j.BeginArray()
		}
	}
	count := 0
	err = inspect.Walk(fd, m, func(key, value []byte, lookup error) error {
		if lookup != nil {
			w.writeError(key, lookup)
			return nil
		}
		count++
		w.write(key, value)
		return nil
	})
	if !t.opts.json {
		if err := t.endDump(w, count); err != nil {
			return err
		}
	}
	return dumpError(t, w, m, err)
}

func (t *tool) endDump(w *elementWriter, count int) error {
	if w.j != nil {
		w.j.EndArray()
		return w.j.Close()
	}
	plural := "s"
	if count == 1 {
		plural = ""
	}
	t.printf("Found %d element%s\n", count, plural)
	return nil
}

// dumpError judges how a walk ended.
func dumpError(t *tool, w *elementWriter, m *inspect.Map, err error) error {
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.Errno(524)):
		t.info("the kernel can't list the elements of a map of type %s", m.Type)
		return errSilent
	case err != nil:
		return fmt.Errorf("can't get next key: %s%w", strerror(err), quiet{err})
	case w.failed != nil:
		t.info("some values do not fit their BTF: %v", w.failed)
		return errSilent
	}
	return nil
}
