package tracer

import (
	"encoding/binary"
	"fmt"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
	"github.com/skep-dev/skep/internal/target"
)

// scriptMap is one of the script's maps with its view.
type scriptMap struct {
	target.Map
	view *plan.Map
}

func (t *tracer) eventMap(e *plan.Event) (*scriptMap, error) {
	view := t.Plan.Map(e.Map)
	if view == nil {
		return nil, fmt.Errorf("there is no map %s", e.Map)
	}
	return t.openMap(view)
}

func (t *tracer) openMap(view *plan.Map) (*scriptMap, error) {
	m, ok := t.Session.Map(view.Symbol)
	if !ok {
		return nil, fmt.Errorf("%s: the object has no map %q", view.Name, view.Symbol)
	}
	if target.IsPerCPU(m) != view.PerCPU {
		return nil, fmt.Errorf("%s: the map %q is a %v, which its view does not say", view.Name, view.Symbol, m.Type())
	}
	return &scriptMap{m, view}, nil
}

func (m *scriptMap) dump() (*render.Dump, error) {
	d := &render.Dump{ValueSize: int(m.ValueSize())}
	err := target.Dump(m.Map, func(key, value []byte) {
		d.Elements = append(d.Elements, render.Element{Key: key, Value: value})
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.view.Name, err)
	}
	return d, nil
}

// print prints the map. A scalar without a value is left out, or shown as zero
// when the script has asked for it by name.
func (m *scriptMap) print(t *tracer, sel render.Selection, asked bool) error {
	d, err := m.dump()
	if err != nil {
		return err
	}
	v, err := render.MapValue(t.env, m.view, d, sel)
	if err != nil {
		return err
	}
	if asked && m.view.Key == nil && render.Empty(v) && m.view.Agg != plan.Hist && m.view.Agg != plan.Lhist {
		if v, err = render.ZeroMap(t.env, m.view); err != nil {
			return err
		}
	}
	t.Sink.Map(m.view.Name, v)
	return nil
}

func (m *scriptMap) printKey(t *tracer, key []byte) error {
	raw, err := m.LookupBytes(key)
	if err != nil {
		return fmt.Errorf("%s: %w", m.view.Name, err)
	}
	v, err := render.ElementValue(t.env, m.view, int(m.ValueSize()), raw)
	if err != nil {
		return err
	}
	t.Sink.Value(v)
	return nil
}

func (m *scriptMap) clear() error {
	if err := target.Clear(m.Map); err != nil {
		return fmt.Errorf("%s: %w", m.view.Name, err)
	}
	return nil
}

// zero sets all values to zero. What says that a scalar is assigned stays.
func (m *scriptMap) zero() error {
	d, err := m.dump()
	if err != nil {
		return err
	}
	stride := d.ValueSize
	if m.view.PerCPU {
		stride = (stride + 7) &^ 7
	}
	for _, e := range d.Elements {
		zeros := make([]byte, len(e.Value))
		if p := m.view.Present; p > 0 && p+8 <= stride {
			for at := p; at+8 <= len(zeros); at += stride {
				copy(zeros[at:at+8], e.Value[at:at+8])
			}
		}
		if err := target.Replace(m.Map, e.Key, zeros); err != nil {
			return fmt.Errorf("%s: %w", m.view.Name, err)
		}
	}
	return nil
}

// counterKey is the key of a counter in the map of what was missed.
func counterKey(i int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(i)) }
