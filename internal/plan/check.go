package plan

import "fmt"

// maxSize bounds the sizes and offsets in a plan that was read from an object,
// so that a broken one can't ask for more than a record may hold.
const maxSize = 1 << 26

func (p *Plan) check() error {
	for i, e := range p.Events {
		if e.Size < 8 || e.Size > maxSize {
			return fmt.Errorf("event %d has a size of %d bytes", i, e.Size)
		}
		for j, a := range e.Args {
			if err := a.check(e.Size); err != nil {
				return fmt.Errorf("event %d, argument %d: %w", i, j, err)
			}
		}
		if e.Map != "" && p.Map(e.Map) == nil {
			return fmt.Errorf("event %d names the unknown map %s", i, e.Map)
		}
	}
	for _, m := range p.Maps {
		if m.Key != nil {
			if err := m.Key.check(); err != nil {
				return fmt.Errorf("key of %s: %w", m.Name, err)
			}
		}
		if err := m.Value.check(); err != nil {
			return fmt.Errorf("value of %s: %w", m.Name, err)
		}
		if m.Agg == Lhist && (m.Step <= 0 || m.Max <= m.Min || uint64(m.Max-m.Min)/uint64(m.Step) > maxSize/8) {
			return fmt.Errorf("%s: lhist from %d to %d by %d", m.Name, m.Min, m.Max, m.Step)
		}
		if m.Bits < 0 || m.Bits > 5 {
			return fmt.Errorf("%s: hist with %d bits", m.Name, m.Bits)
		}
	}
	return nil
}

func (f *Field) check(size int) error {
	if f.Offset < 0 || f.Type.Size < 0 || f.Offset+f.Type.Size > size {
		return fmt.Errorf("bytes %d to %d lie outside of %d", f.Offset, f.Offset+f.Type.Size, size)
	}
	if f.BitOffset < 0 || f.BitSize < 0 || f.BitOffset > 8*f.Type.Size-f.BitSize {
		return fmt.Errorf("bits %d to %d lie outside of %d bytes", f.BitOffset, f.BitOffset+f.BitSize, f.Type.Size)
	}
	return f.Type.check()
}

func (t *Type) check() error {
	if t.Size < 0 || t.Size > maxSize {
		return fmt.Errorf("type %s of %d bytes", t.Kind, t.Size)
	}
	switch t.Kind {
	case Int, Enum:
		if t.Size != 1 && t.Size != 2 && t.Size != 4 && t.Size != 8 {
			return fmt.Errorf("%s of %d bytes", t.Kind, t.Size)
		}
	case Array:
		if t.Elem == nil || t.Len < 0 || t.Len > 0 && (t.Elem.Size <= 0 || t.Len > t.Size/t.Elem.Size) {
			return fmt.Errorf("array of %d elements in %d bytes", t.Len, t.Size)
		}
		return t.Elem.check()
	}
	for _, f := range t.Fields {
		if err := f.check(t.Size); err != nil {
			return err
		}
	}
	return nil
}
