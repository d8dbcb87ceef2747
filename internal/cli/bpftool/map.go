package bpftool

import (
	"fmt"
	"strconv"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

func mapCommands() []command {
	return []command{
		{"show", (*tool).mapShow},
		{"list", (*tool).mapShow},
		{"dump", (*tool).mapDump},
		{"update", (*tool).mapUpdate},
		{"lookup", (*tool).mapLookup},
		{"getnext", (*tool).mapGetNext},
		{"delete", (*tool).mapDelete},
		{"pin", (*tool).mapPin},
		{"event_pipe", absent("map event_pipe", "events of a perf event array")},
		{"peek", (*tool).mapPeek},
		{"push", (*tool).mapPush},
		{"pop", (*tool).mapPop},
		{"enqueue", (*tool).mapPush},
		{"dequeue", (*tool).mapPop},
		{"freeze", (*tool).mapFreeze},
		{"create", (*tool).mapCreate},
	}
}

func (t *tool) mapPin(a *arguments) error {
	return t.pin(a, func() (sys.FD, error) {
		fds, err := t.maps(a, readWrite)
		return one(fds, err, "maps")
	})
}

func (t *tool) mapShow(a *arguments) error {
	l, err := t.newListing(sys.Maps)
	if err != nil {
		return err
	}
	var fds []sys.FD
	if a.len() == 2 {
		if fds, err = t.maps(a, readOnly); err != nil {
			return err
		}
	}
	if err := a.end(); err != nil {
		closeAll(fds)
		return err
	}
	write := func(fd sys.FD) error {
		m, err := inspect.MapInfo(fd)
		if err != nil {
			return fmt.Errorf("can't get map info: %s%w", strerror(err), quiet{err})
		}
		if t.opts.json {
			t.writeMap(l, fd, m)
		} else {
			t.printMap(l, fd, m)
		}
		return nil
	}
	if fds != nil {
		return t.show(sys.Maps, fds, write)
	}
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	return eachObject(sys.Maps, readOnly, func(_ uint32, fd sys.FD) (bool, error) { return false, write(fd) })
}

func (t *tool) writeMapHeader(m *inspect.Map) {
	t.json.UintField("id", uint64(m.ID))
	t.writeKind("type", m.Type, uint32(m.Type))
	if m.Name != "" {
		t.json.StringField("name", m.Name)
	}
	t.json.UintField("flags", uint64(m.Flags))
}

func (t *tool) writeMap(l *listing, fd sys.FD, m *inspect.Map) {
	j := t.json
	j.BeginObject()
	defer j.EndObject()
	t.writeMapHeader(m)
	t.writeDevice(m.Device)
	j.UintField("bytes_key", uint64(m.KeySize))
	j.UintField("bytes_value", uint64(m.ValueSize))
	j.UintField("max_entries", uint64(m.MaxEntries))
	if n, ok := memlock(fd); ok {
		j.UintField("bytes_memlock", n)
	}
	if m.Type == facts.MapTypeProgArray {
		if typ, ok := ownerType(fd); ok {
			t.writeKind("owner_prog_type", typ, uint32(typ))
		}
		if text, ok := inspect.FDInfo(fd, "owner_jited:"); ok {
			j.BoolField("owner_jited", text != "0")
		}
	}
	frozen, _ := inspect.FDInfo(fd, "frozen:")
	n, err := strconv.ParseInt(frozen, 10, 64)
	if err == nil {
		j.IntField("frozen", n)
	}
	if m.BTFID != 0 {
		j.UintField("btf_id", uint64(m.BTFID))
	}
	t.writePins(l, m.ID)
	t.writeHolders(l, m.ID)
}

// ownerType is the type of the programs in a map of programs, once there was
// one.
func ownerType(fd sys.FD) (facts.ProgType, bool) {
	text, ok := inspect.FDInfo(fd, "owner_prog_type:")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return facts.ProgType(n), err == nil
}

func (t *tool) printMapHeader(m *inspect.Map) {
	t.printf("%d: %s  ", m.ID, kindText("type ", m.Type, uint32(m.Type)))
	if m.Name != "" {
		t.printf("name %s  ", m.Name)
	}
	t.printf("flags %#x", m.Flags)
	t.printDevice(m.Device)
	t.printf("\n")
}

func (t *tool) printMap(l *listing, fd sys.FD, m *inspect.Map) {
	t.printMapHeader(m)
	t.printf("\tkey %dB  value %dB  max_entries %d", m.KeySize, m.ValueSize, m.MaxEntries)
	if n, ok := memlock(fd); ok {
		t.printf("  memlock %dB", n)
	}
	if m.Type == facts.MapTypeProgArray {
		typ, hasType := ownerType(fd)
		jited, hasJited := inspect.FDInfo(fd, "owner_jited:")
		if hasType || hasJited {
			t.printf("\n\t")
		}
		if hasType {
			t.printf("owner_prog_type %s  ", typ)
		}
		if hasJited {
			if jited == "0" {
				t.printf("owner not jited")
			} else {
				t.printf("owner jited")
			}
		}
	}
	t.printPins(l, m.ID)
	frozen, _ := inspect.FDInfo(fd, "frozen:")
	isFrozen := frozen != "" && frozen != "0"
	switch {
	case m.BTFID != 0 && isFrozen:
		t.printf("\n\tbtf_id %d  frozen", m.BTFID)
	case m.BTFID != 0:
		t.printf("\n\tbtf_id %d", m.BTFID)
	case isFrozen:
		t.printf("\n\tfrozen")
	}
	t.printHolders(l, m.ID)
	t.printf("\n")
}

func (t *tool) mapFreeze(a *arguments) error {
	if err := a.need(2, "freeze"); err != nil {
		return err
	}
	fds, err := t.maps(a, readWrite)
	fd, err := one(fds, err, "maps")
	if err != nil {
		return err
	}
	defer fd.Close()
	if err := a.end(); err != nil {
		return err
	}
	if err := sys.MapFreeze(fd); err != nil {
		return fmt.Errorf("failed to freeze map: %s%w", strerror(err), quiet{err})
	}
	return t.done()
}

func (t *tool) mapCreate(a *arguments) error {
	if err := a.need(7, "create"); err != nil {
		return err
	}
	path, err := a.next("a path")
	if err != nil {
		return err
	}
	spec, hasKey, hasValue, err := t.mapSpec(a)
	defer func() {
		if spec.InnerMap > 0 {
			spec.InnerMap.Close()
		}
	}()
	if err != nil {
		return err
	}
	keyless := spec.Type == uint32(facts.MapTypeQueue) || spec.Type == uint32(facts.MapTypeStack) ||
		spec.Type == uint32(facts.MapTypeBloomFilter) || isRing(spec.Type)
	switch {
	case spec.Name == "":
		return usagef("map name not specified")
	case spec.Type == 0:
		return usagef("map type not specified")
	case !hasKey && !keyless, !hasValue && !isRing(spec.Type):
		return usagef("map key and value size not specified")
	}
	fd, err := sys.MapCreate(spec)
	if err != nil {
		return fmt.Errorf("map create failed: %s%w", strerror(err), quiet{err})
	}
	defer fd.Close()
	if err := t.pinAt(fd, path); err != nil {
		return err
	}
	return t.done()
}

func isRing(typ uint32) bool {
	return typ == uint32(facts.MapTypeRingbuf) || typ == uint32(facts.MapTypeUserRingbuf) || typ == uint32(facts.MapTypeArena)
}

// mapSpec reads the description of a map to create.
func (t *tool) mapSpec(a *arguments) (s sys.MapSpec, hasKey, hasValue bool, err error) {
	number := func(what string, to *uint32) {
		a.skip()
		*to, err = a.number(what)
	}
	for !a.empty() && err == nil {
		switch {
		case a.take("type"):
			s.Type, err = mapTypeWord(a)
		case a.take("name"):
			s.Name, err = a.next("a name")
		case a.is("key"):
			number("key size", &s.KeySize)
			hasKey = true
		case a.is("value"):
			number("value size", &s.ValueSize)
			hasValue = true
		case a.is("entries"):
			number("max entries", &s.MaxEntries)
		case a.is("flags"):
			number("flags", &s.Flags)
		case a.take("dev"), a.take("offload_dev"):
			var name string
			if name, err = a.next("a device"); err == nil {
				s.IfIndex, err = deviceIndex(name)
			}
		case a.take("inner_map"):
			if s.InnerMap > 0 {
				return s, hasKey, hasValue, usagef("inner_map is given twice")
			}
			s.InnerMap, _, err = t.oneMap(a, readWrite)
		default:
			err = usagef("unknown arg %s", a.peek())
		}
	}
	return s, hasKey, hasValue, err
}

func mapTypeWord(a *arguments) (uint32, error) {
	word, err := a.next("a map type")
	if err != nil {
		return 0, err
	}
	if typ, ok := facts.MapTypeByName(word); ok {
		return uint32(typ), nil
	}
	if n, err := strconv.ParseUint(word, 0, 32); err == nil {
		return uint32(n), nil
	}
	return 0, usagef("unrecognized map type: %s", word)
}
