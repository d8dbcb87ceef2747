package bpftool

import (
	"fmt"
	"slices"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/sys"
)

func btfCommands() []command {
	return []command{{"show", (*tool).btfShow}, {"list", (*tool).btfShow}, {"dump", (*tool).btfDump}}
}

// btfUsers finds the programs and maps that use each BTF.
func btfUsers() (progs, maps map[uint32][]uint32, err error) {
	progs, maps = map[uint32][]uint32{}, map[uint32][]uint32{}
	err = eachObject(sys.Programs, 0, func(id uint32, fd sys.FD) (bool, error) {
		p, err := inspect.ProgramInfo(fd)
		if err == nil && p.BTFID != 0 {
			progs[p.BTFID] = append(progs[p.BTFID], id)
		}
		return false, err
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachObject(sys.Maps, readOnly, func(id uint32, fd sys.FD) (bool, error) {
		m, err := inspect.MapInfo(fd)
		if err == nil && m.BTFID != 0 && (m.ValueType != 0 || m.KeyType != 0) {
			maps[m.BTFID] = append(maps[m.BTFID], id)
		}
		return false, err
	})
	return progs, maps, err
}

func (t *tool) btfShow(a *arguments) error {
	l, err := t.newListing(sys.BTFs)
	if err != nil {
		return err
	}
	progs, maps, err := btfUsers()
	if err != nil {
		return err
	}
	var fds []sys.FD
	if !a.empty() {
		if !a.take("id") {
			return usagef("expected 'id', got: '%s'?", a.peek())
		}
		id, err := a.number("ID")
		if err != nil {
			return err
		}
		fd, err := openBTF(id)
		if err != nil {
			return err
		}
		fds = []sys.FD{fd}
	}
	if err := a.end(); err != nil {
		closeAll(fds)
		return err
	}
	return t.show(sys.BTFs, fds, func(fd sys.FD) error {
		b, err := inspect.BTFInfo(fd)
		if err != nil {
			return fmt.Errorf("can't get BTF object info: %s%w", strerror(err), quiet{err})
		}
		if t.opts.json {
			t.json.BeginObject()
			t.json.UintField("id", uint64(b.ID))
			t.json.UintField("size", uint64(b.Size))
			t.writeIDs("prog_ids", progs[b.ID])
			t.writeIDs("map_ids", maps[b.ID])
			t.writeHolders(l, b.ID)
			t.json.BoolField("kernel", b.Kernel)
			if b.Name != "" {
				t.json.StringField("name", b.Name)
			}
			t.json.EndObject()
			return nil
		}
		name := b.Name
		switch {
		case b.Kernel:
			name = "[" + name + "]"
		case name == "":
			name = "<anon>"
		}
		t.printf("%d: name %s  size %dB", b.ID, name, b.Size)
		if ids := progs[b.ID]; len(ids) > 0 {
			t.printf("  prog_ids %s", idList(ids))
		}
		if ids := maps[b.ID]; len(ids) > 0 {
			t.printf("  map_ids %s", idList(ids))
		}
		t.printHolders(l, b.ID)
		t.printf("\n")
		return nil
	})
}

func openBTF(id uint32) (sys.FD, error) {
	fd, err := inspect.OpenBTF(id)
	if err != nil {
		return -1, fmt.Errorf("can't get BTF object by id (%d): %s%w", id, strerror(err), quiet{err})
	}
	return fd, nil
}

func (t *tool) btfDump(a *arguments) error {
	if err := a.need(2, "dump"); err != nil {
		return err
	}
	var base *btfraw.BTF
	var err error
	if t.opts.baseBTF != "" {
		if base, err = inspect.LoadBTFFile(t.opts.baseBTF, nil); err != nil {
			return fmt.Errorf("failed to parse base BTF: %w", err)
		}
	}
	b, roots, err := t.btfSource(a, base)
	if err != nil {
		return err
	}
	asC := false
	for !a.empty() {
		switch {
		case a.take("format"):
			switch {
			case a.take("c"):
				asC = true
			case a.take("raw"):
				asC = false
			case a.take("unsorted"): // ours are in the order of the types anyway
			default:
				return usagef("unrecognized format specifier: '%s', possible values: raw, c", a.peek())
			}
			a.take("unsorted")
		case a.take("root_id"):
			id, err := a.number("root_id")
			if err != nil {
				return err
			}
			if _, ok := b.Type(id); !ok {
				return usagef("invalid root_id %d", id)
			}
			roots = append(roots, id)
		default:
			return usagef("unrecognized option: '%s'", a.peek())
		}
	}
	switch {
	case asC && t.opts.json:
		return fmt.Errorf("JSON output for C-syntax dump is not supported")
	case asC:
		return btfraw.NewCDump(b).WriteAll(t.out, roots...)
	}
	t.dumpRaw(b, roots)
	return nil
}

// btfSource opens the BTF that the next words name, and which types of it are
// meant; none means all.
func (t *tool) btfSource(a *arguments, base *btfraw.BTF) (b *btfraw.BTF, roots []uint32, err error) {
	id := uint32(0)
	switch {
	case a.take("map"):
		fd, m, err := t.oneMap(a, readOnly)
		if err != nil {
			return nil, nil, err
		}
		fd.Close()
		if roots, err = mapRoots(a, m); err != nil {
			return nil, nil, err
		}
		id = m.BTFID
		if m.VmlinuxValueType != 0 && id == 0 {
			b, err := inspect.LoadBTFFile(inspect.KernelBTFPath, nil)
			return b, roots, err
		}
	case a.take("prog"):
		fd, err := t.program(a)
		if err != nil {
			return nil, nil, err
		}
		p, err := inspect.ProgramInfo(fd)
		fd.Close()
		if err != nil {
			return nil, nil, fmt.Errorf("can't get prog info: %s%w", strerror(err), quiet{err})
		}
		id = p.BTFID
	case a.take("id"):
		if id, err = a.number("BTF ID"); err != nil {
			return nil, nil, err
		}
	case a.take("file"):
		path, err := a.next("a path")
		if err != nil {
			return nil, nil, err
		}
		if b, err = inspect.LoadBTFFile(path, base); err != nil {
			return nil, nil, fmt.Errorf("failed to load BTF from %s: %w", path, err)
		}
		return b, nil, nil
	default:
		return nil, nil, usagef("unrecognized BTF source specifier: '%s'", a.peek())
	}
	if id == 0 {
		return nil, nil, fmt.Errorf("the object has no BTF")
	}
	if b, err = inspect.LoadBTF(id); err != nil {
		return nil, nil, fmt.Errorf("get btf by id (%d): %s%w", id, strerror(err), quiet{err})
	}
	return b, roots, nil
}

// mapRoots are the types of a map's key, value or both.
func mapRoots(a *arguments, m *inspect.Map) ([]uint32, error) {
	value := m.ValueType
	if m.VmlinuxValueType != 0 {
		value = m.VmlinuxValueType
	}
	var roots []uint32
	switch {
	case a.is("format") || a.empty() || a.is("root_id"), a.take("kv"):
		roots = []uint32{m.KeyType, value}
	case a.take("key"):
		roots = []uint32{m.KeyType}
	case a.take("value"):
		roots = []uint32{value}
	case a.take("all"):
		return nil, nil
	default:
		return nil, usagef("unrecognized part of a map: '%s', possible values: key, value, kv, all", a.peek())
	}
	roots = slices.DeleteFunc(roots, func(id uint32) bool { return id == 0 })
	if len(roots) == 0 {
		return nil, fmt.Errorf("the map has no BTF type there")
	}
	return roots, nil
}

func (t *tool) dumpRaw(b *btfraw.BTF, roots []uint32) {
	each := func(id uint32) {
		typ, _ := b.Type(id)
		if t.opts.json {
			t.writeRawType(typ)
			return
		}
		t.out.Write(typ.AppendRaw(t.out.AvailableBuffer()))
	}
	if t.opts.json {
		t.json.BeginObject()
		t.json.Name("types")
		t.json.BeginArray()
		defer t.json.EndObject()
		defer t.json.EndArray()
	}
	for _, id := range roots {
		each(id)
	}
	if len(roots) > 0 {
		return
	}
	for id := b.First(); id < b.End(); id++ {
		each(id)
	}
}

func (t *tool) writeRawType(typ btfraw.Type) {
	j := t.json
	j.BeginObject()
	defer j.EndObject()
	j.UintField("id", uint64(typ.ID))
	j.StringField("kind", btfraw.KindName(typ.Kind))
	j.StringField("name", btfraw.NameOr(typ.Name))
	switch typ.Kind {
	case ctypes.BTFInt:
		enc, off, bits := typ.Int()
		j.UintField("size", uint64(typ.Size))
		j.UintField("bits_offset", uint64(off))
		j.UintField("nr_bits", uint64(bits))
		j.StringField("encoding", btfraw.Encoding(enc))
	case ctypes.BTFPtr, ctypes.BTFConst, ctypes.BTFVolatile, ctypes.BTFRestrict, ctypes.BTFTypedef, ctypes.BTFTypeTag:
		j.UintField("type_id", uint64(typ.Size))
	case ctypes.BTFArray:
		elem, index, n := typ.Array()
		j.UintField("type_id", uint64(elem))
		j.UintField("index_type_id", uint64(index))
		j.UintField("nr_elems", uint64(n))
	case ctypes.BTFFwd:
		j.StringField("fwd_kind", typ.Fwd())
	case ctypes.BTFFunc, ctypes.BTFVar:
		j.UintField("type_id", uint64(typ.Size))
		j.StringField("linkage", typ.LinkageName())
	case ctypes.BTFFloat:
		j.UintField("size", uint64(typ.Size))
	case ctypes.BTFDeclTag:
		j.UintField("type_id", uint64(typ.Size))
		j.IntField("component_idx", int64(typ.Component()))
	default:
		t.writeRawParts(typ)
	}
}

// writeRawParts writes the types that have members, values and the like.
func (t *tool) writeRawParts(typ btfraw.Type) {
	j := t.json
	list := func(name string, n int, each func(i int)) {
		j.Name(name)
		j.BeginArray()
		for i := range n {
			j.BeginObject()
			each(i)
			j.EndObject()
		}
		j.EndArray()
	}
	switch typ.Kind {
	case ctypes.BTFStruct, ctypes.BTFUnion:
		members := typ.Members()
		j.UintField("size", uint64(typ.Size))
		j.UintField("vlen", uint64(typ.Vlen))
		list("members", typ.Vlen, func(i int) {
			m := members[i]
			j.StringField("name", btfraw.NameOr(m.Name))
			j.UintField("type_id", uint64(m.Type))
			j.UintField("bits_offset", uint64(m.Offset))
			if m.BitSize != 0 {
				j.UintField("bitfield_size", uint64(m.BitSize))
			}
		})
	case ctypes.BTFEnum, ctypes.BTFEnum64:
		values := typ.Enums()
		j.StringField("encoding", typ.EnumSign())
		j.UintField("size", uint64(typ.Size))
		j.UintField("vlen", uint64(typ.Vlen))
		list("values", typ.Vlen, func(i int) {
			j.StringField("name", btfraw.NameOr(values[i].Name))
			if typ.Flag {
				j.IntField("val", values[i].Value)
			} else {
				j.UintField("val", uint64(values[i].Value))
			}
		})
	case ctypes.BTFFuncProto:
		params := typ.Params()
		j.UintField("ret_type_id", uint64(typ.Size))
		j.UintField("vlen", uint64(typ.Vlen))
		list("params", typ.Vlen, func(i int) {
			j.StringField("name", btfraw.NameOr(params[i].Name))
			j.UintField("type_id", uint64(params[i].Type))
		})
	case ctypes.BTFDatasec:
		vars := typ.Vars()
		j.UintField("size", uint64(typ.Size))
		j.UintField("vlen", uint64(typ.Vlen))
		list("vars", typ.Vlen, func(i int) {
			j.UintField("type_id", uint64(vars[i].Type))
			j.UintField("offset", uint64(vars[i].Offset))
			j.UintField("size", uint64(vars[i].Size))
		})
	}
}
