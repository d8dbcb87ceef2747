package tracer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
)

// compile prepares what to do with the records of an event.
func (t *tracer) compile(e *plan.Event) (handler, error) {
	h := handler{event: e}
	makers := map[plan.EventKind]func(*plan.Event) (func([]byte) error, error){
		plan.Printf:   t.printf,
		plan.Errorf:   t.report,
		plan.Warnf:    t.report,
		plan.Print:    t.print,
		plan.PrintMap: t.printMap,
		plan.PrintKey: t.printKey,
		plan.Clear:    t.clear,
		plan.Zero:     t.zero,
		plan.Exit:     t.exit,
		plan.Time:     t.time,
		plan.Join:     t.join,
		plan.System:   t.system,
		plan.Cat:      t.cat,
	}
	maker, ok := makers[e.Kind]
	if !ok {
		return h, errors.New("this version knows no such event")
	}
	if e.Size < 8 {
		return h, fmt.Errorf("a record of %d bytes", e.Size)
	}
	for i := range e.Args {
		a := &e.Args[i]
		if a.Offset < 0 || a.Type.Size < 0 || a.Offset+a.Type.Size > e.Size {
			return h, fmt.Errorf("argument %d lies outside of the record", i+1)
		}
	}
	var err error
	h.run, err = maker(e)
	return h, err
}

// args fails unless an event has a number of arguments.
func args(e *plan.Event, least, most int) error {
	if n := len(e.Args); n < least || n > most {
		return fmt.Errorf("%d arguments", n)
	}
	return nil
}

func (t *tracer) format(e *plan.Event) (*render.Format, error) {
	return render.NewFormat(e.Format, e.Args, e.Size, t.env)
}

func (t *tracer) printf(e *plan.Event) (func([]byte) error, error) {
	f, err := t.format(e)
	return func(record []byte) (err error) {
		if t.line, err = f.Append(t.line[:0], record); err != nil {
			return err
		}
		t.Sink.Text(render.Printf, t.line)
		return nil
	}, err
}

// report is errorf() and warnf().
func (t *tracer) report(e *plan.Event) (func([]byte) error, error) {
	severity := render.Warning
	if e.Kind == plan.Errorf {
		severity = render.Error
	}
	f, err := t.format(e)
	return func(record []byte) (err error) {
		if severity == render.Warning && t.NoWarnings {
			return nil
		}
		if t.line, err = f.Append(t.line[:0], record); err != nil {
			return err
		}
		t.Sink.Report(severity, e.Place, t.line)
		return nil
	}, err
}

func (t *tracer) print(e *plan.Event) (func([]byte) error, error) {
	if err := args(e, 1, 1); err != nil {
		return nil, err
	}
	return func(record []byte) error {
		v, err := render.DecodeField(t.env, &e.Args[0], record)
		if err != nil {
			return err
		}
		t.Sink.Value(v)
		return nil
	}, nil
}

func (t *tracer) printMap(e *plan.Event) (func([]byte) error, error) {
	m, err := t.eventMap(e)
	return func([]byte) error {
		return m.print(t, render.Selection{Top: e.Top, Div: e.Div}, true)
	}, err
}

func (t *tracer) printKey(e *plan.Event) (func([]byte) error, error) {
	if err := args(e, 1, 1); err != nil {
		return nil, err
	}
	m, err := t.eventMap(e)
	if err != nil {
		return nil, err
	}
	key := &e.Args[0]
	if size := int(m.KeySize()); key.Type.Size < size {
		return nil, fmt.Errorf("a key of %d bytes, the map has %d", key.Type.Size, size)
	}
	return func(record []byte) error {
		return m.printKey(t, record[key.Offset:key.Offset+int(m.KeySize())])
	}, nil
}

func (t *tracer) clear(e *plan.Event) (func([]byte) error, error) {
	m, err := t.eventMap(e)
	return func([]byte) error { return m.clear() }, err
}

func (t *tracer) zero(e *plan.Event) (func([]byte) error, error) {
	m, err := t.eventMap(e)
	return func([]byte) error { return m.zero() }, err
}

func (t *tracer) exit(e *plan.Event) (func([]byte) error, error) {
	if err := args(e, 0, 1); err != nil {
		return nil, err
	}
	return func(record []byte) error {
		t.exited = true
		if len(e.Args) == 0 {
			t.status = 0
			return nil
		}
		n, err := t.number(&e.Args[0], record)
		t.status = int(n & 0xff)
		return err
	}, nil
}

// number reads an integer argument.
func (t *tracer) number(f *plan.Field, record []byte) (int64, error) {
	v, err := render.DecodeField(t.env, f, record)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case render.Int:
		return int64(v), nil
	case render.Uint:
		return int64(v), nil
	}
	return 0, fmt.Errorf("a number of type %s", f.Type.Kind)
}

func (t *tracer) time(e *plan.Event) (func([]byte) error, error) {
	return func([]byte) error {
		now := t.Now()
		if t.env.Location != nil {
			now = now.In(t.env.Location)
		}
		t.line = render.AppendTime(t.line[:0], e.Format, now)
		t.Sink.Text(render.Time, t.line)
		return nil
	}, nil
}

func (t *tracer) join(e *plan.Event) (func([]byte) error, error) {
	if err := args(e, 2, 2); err != nil {
		return nil, err
	}
	list := &e.Args[1]
	elem := list.Type.Elem
	if list.Type.Kind != plan.Array || elem == nil || elem.Kind != plan.String || elem.Size <= 0 ||
		list.Type.Len < 0 || list.Type.Len > list.Type.Size/elem.Size {
		return nil, fmt.Errorf("strings of type %s", render.TypeName(&list.Type))
	}
	return func(record []byte) error {
		n, err := t.number(&e.Args[0], record)
		if err != nil {
			return err
		}
		line := t.line[:0]
		for i := range int(min(max(n, 0), int64(list.Type.Len))) {
			if i > 0 {
				line = append(line, e.Format...)
			}
			at := list.Offset + i*elem.Size
			word, _, _ := bytes.Cut(record[at:at+elem.Size], []byte{0})
			line = append(line, word...)
		}
		t.line = line
		t.Sink.Text(render.Join, line)
		return nil
	}, nil
}
