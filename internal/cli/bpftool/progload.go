package bpftool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/object"
	"github.com/skep-dev/skep/internal/sys"
)

// loadFlags are the words of `prog load` and `prog loadall`.
type loadFlags struct {
	progType ebpf.ProgramType
	attach   ebpf.AttachType
	byIndex  map[int]sys.FD
	byName   map[string]sys.FD
	pinMaps  string
}

func (f *loadFlags) close() {
	for _, fd := range f.byIndex {
		fd.Close()
	}
	for _, fd := range f.byName {
		fd.Close()
	}
}

func (t *tool) progLoad(a *arguments) error    { return t.loadObject(a, false) }
func (t *tool) progLoadAll(a *arguments) error { return t.loadObject(a, true) }

func (t *tool) loadFlags(a *arguments) (*loadFlags, error) {
	f := &loadFlags{byIndex: map[int]sys.FD{}, byName: map[string]sys.FD{}}
	for !a.empty() {
		switch {
		case a.take("type"):
			word, err := a.next("a program type")
			if err != nil {
				return f, err
			}
			if f.progType, f.attach, err = loadType(word); err != nil {
				return f, err
			}
		case a.take("map"):
			if err := t.loadMap(a, f); err != nil {
				return f, err
			}
		case a.take("pinmaps"):
			var err error
			if f.pinMaps, err = a.next("a folder"); err != nil {
				return f, err
			}
		case a.is("dev"), a.is("offload_dev"), a.is("xdpmeta_dev"):
			return f, fmt.Errorf("prog load %s: loading for a device is not in this version yet", a.peek())
		case a.is("autoattach"):
			return f, errors.New("prog load autoattach: attaching is not in this version yet; skep run attaches by section name")
		default:
			return f, usagef("expected no more arguments, 'type', 'map', 'dev', 'pinmaps' or 'autoattach', got: '%s'?", a.peek())
		}
	}
	return f, nil
}

// loadMap reads which map takes the place of one of the object's.
func (t *tool) loadMap(a *arguments, f *loadFlags) error {
	switch {
	case a.take("idx"):
		n, err := a.number("the index of a map")
		if err != nil {
			return err
		}
		fd, _, err := t.oneMap(a, readWrite)
		if err != nil {
			return err
		}
		f.byIndex[int(n)] = fd
	case a.take("name"):
		name, err := a.next("the name of a map")
		if err != nil {
			return err
		}
		fd, _, err := t.oneMap(a, readWrite)
		if err != nil {
			return err
		}
		f.byName[name] = fd
	default:
		return usagef("expected 'idx' or 'name', got: '%s'?", a.peek())
	}
	return nil
}

// loadTypes are the words of `type` that name no type of the kernel, as
// sections are called.
var loadTypes = map[string]struct {
	prog   facts.ProgType
	attach facts.AttachType
}{
	"socket": {facts.ProgTypeSocketFilter, 0}, "classifier": {facts.ProgTypeSchedCls, 0}, "tc": {facts.ProgTypeSchedCls, 0},
	"action": {facts.ProgTypeSchedAct, 0}, "kretprobe": {facts.ProgTypeKprobe, 0}, "sockops": {facts.ProgTypeSockOps, facts.AttachTypeCgroupSockOps},
	"cgroup/skb": {facts.ProgTypeCgroupSkb, 0}, "cgroup/sock": {facts.ProgTypeCgroupSock, facts.AttachTypeCgroupInetSockCreate},
	"cgroup/dev": {facts.ProgTypeCgroupDevice, facts.AttachTypeCgroupDevice}, "cgroup/sysctl": {facts.ProgTypeCgroupSysctl, facts.AttachTypeCgroupSysctl},
	"cgroup/sock_release": {facts.ProgTypeCgroupSock, facts.AttachTypeCgroupInetSockRelease},
	"cgroup/getsockopt":   {facts.ProgTypeCgroupSockopt, facts.AttachTypeCgroupGetsockopt},
	"cgroup/setsockopt":   {facts.ProgTypeCgroupSockopt, facts.AttachTypeCgroupSetsockopt},
	"sk_lookup":           {facts.ProgTypeSKLookup, facts.AttachTypeSKLookup}, "sk_msg": {facts.ProgTypeSKMsg, facts.AttachTypeSKMsgVerdict},
	"raw_tp": {facts.ProgTypeRawTracepoint, 0}, "tp": {facts.ProgTypeTracepoint, 0},
}

func loadType(word string) (ebpf.ProgramType, ebpf.AttachType, error) {
	word = strings.TrimSuffix(word, "/")
	if k, ok := loadTypes[word]; ok {
		return ebpf.ProgramType(k.prog), ebpf.AttachType(k.attach), nil
	}
	if place, ok := strings.CutPrefix(word, "cgroup/"); ok {
		for _, typ := range cgroupAttachTypes() {
			if oldAttachName(typ) != place {
				continue
			}
			kind := facts.ProgTypeCgroupSockAddr
			if strings.HasPrefix(place, "post_bind") {
				kind = facts.ProgTypeCgroupSock
			}
			return ebpf.ProgramType(kind), ebpf.AttachType(typ), nil
		}
	}
	if typ, ok := facts.ProgTypeByName(word); ok {
		return ebpf.ProgramType(typ), 0, nil
	}
	return 0, 0, usagef("unknown program type '%s'", word)
}

func (t *tool) loadObject(a *arguments, all bool) (err error) {
	if err := a.need(2, "load"); err != nil {
		return err
	}
	file, path := a.rest[0], a.rest[1]
	a.rest = a.rest[2:]
	flags, err := t.loadFlags(a)
	defer flags.close()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	obj, err := object.Read(data)
	if err != nil {
		return fmt.Errorf("failed to open object file %s: %w", file, err)
	}
	spec, err := object.Spec(data)
	if err != nil {
		return fmt.Errorf("failed to open object file %s: %w", file, err)
	}
	names := programNames(obj, spec)
	if len(names) == 0 {
		return errors.New("object file doesn't contain any bpf program")
	}
	replace, err := replacements(obj, spec, flags)
	if err != nil {
		return err
	}
	defer func() {
		for _, m := range replace {
			m.Close()
		}
	}()
	prepare(spec, objectName(file), flags)
	opts := ebpf.CollectionOptions{MapReplacements: replace}
	if t.opts.debug {
		opts.Programs.LogLevel = ebpf.LogLevelBranch | ebpf.LogLevelStats
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, opts)
	if err != nil {
		return loadError(err)
	}
	defer coll.Close()
	if t.opts.debug {
		for _, n := range names {
			t.info("verifier's log of %s:\n%s", n, coll.Programs[n].VerifierLog)
		}
	}
	if err := t.pinCollection(coll, names, path, all, flags.pinMaps); err != nil {
		return err
	}
	return t.done()
}

// loadError keeps the whole log of a refused program.
func loadError(err error) error {
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		return fmt.Errorf("failed to load object file: %w\n%s", err, strings.Join(refused.Log, "\n"))
	}
	return fmt.Errorf("failed to load object file: %w", err)
}

// programNames are the programs in the order of the object.
func programNames(obj *object.Object, spec *ebpf.CollectionSpec) []string {
	var names []string
	for _, f := range obj.Programs() {
		if spec.Programs[f.Name] != nil {
			names = append(names, f.Name)
		}
	}
	return names
}

// objectName is what libbpf calls an object: its file's name without the
// suffix, with letters that the kernel takes.
func objectName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// prepare gives maps of data sections the names that libbpf gives them
// ("tool.bss"), and programs the type that was asked for.
func prepare(spec *ebpf.CollectionSpec, name string, flags *loadFlags) {
	const room = 15 // BPF_OBJ_NAME_LEN without the zero
	for key, m := range spec.Maps {
		if strings.HasPrefix(key, ".") {
			suffix := key[:min(len(key), room)]
			m.Name = name[:min(len(name), room-max(len(suffix), 7))] + suffix
		}
		m.Pinning = ebpf.PinNone
	}
	if flags.progType == ebpf.UnspecifiedProgram {
		return
	}
	for _, p := range spec.Programs {
		p.Type, p.AttachType = flags.progType, flags.attach
	}
}

// replacements opens the maps that take the places of the object's.
func replacements(obj *object.Object, spec *ebpf.CollectionSpec, flags *loadFlags) (map[string]*ebpf.Map, error) {
	out := map[string]*ebpf.Map{}
	add := func(name string, fd sys.FD) error {
		if spec.Maps[name] == nil {
			return fmt.Errorf("the object has no map '%s'", name)
		}
		m, err := ebpf.NewMapFromFD(int(fd))
		if err != nil {
			return fmt.Errorf("map for '%s': %w", name, err)
		}
		out[name] = m
		return nil
	}
	for n, fd := range flags.byIndex {
		if n >= len(obj.Maps) {
			return out, fmt.Errorf("map idx '%d' not used: the object has %d maps", n, len(obj.Maps))
		}
		delete(flags.byIndex, n) // the map owns the descriptor from here on
		if err := add(obj.Maps[n].Name, fd); err != nil {
			return out, err
		}
	}
	for name, fd := range flags.byName {
		delete(flags.byName, name)
		if err := add(name, fd); err != nil {
			return out, err
		}
	}
	return out, nil
}

// pinCollection pins what was loaded, and takes the pins away again when one
// of them fails.
func (t *tool) pinCollection(coll *ebpf.Collection, names []string, path string, all bool, mapDir string) (err error) {
	var done []string
	defer func() {
		if err != nil {
			for _, p := range done {
				err = errors.Join(err, os.Remove(p))
			}
		}
	}()
	pin := func(fd int, at string) error {
		if err := t.pinAt(sys.FD(fd), at); err != nil {
			return err
		}
		done = append(done, at)
		return nil
	}
	if !all {
		if err := pin(coll.Programs[names[0]].FD(), path); err != nil {
			return err
		}
	} else {
		for _, n := range names {
			if err := pin(coll.Programs[n].FD(), filepath.Join(path, n)); err != nil {
				return err
			}
		}
	}
	if mapDir == "" {
		return nil
	}
	for name, m := range coll.Maps {
		info, err := m.Info()
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, ".") {
			name = info.Name
		}
		if err := pin(m.FD(), filepath.Join(mapDir, strings.ReplaceAll(name, ".", "_"))); err != nil {
			return err
		}
	}
	return nil
}
