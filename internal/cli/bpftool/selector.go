package bpftool

import (
	"encoding/hex"
	"errors"
	"fmt"
	"syscall"

	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

// closeAll closes descriptors.
func closeAll(fds []sys.FD) {
	for _, fd := range fds {
		fd.Close() // of an object that was only looked at: nothing is lost
	}
}

// pinned opens what is pinned at a path, when it is of a kind.
func pinned(path string, kind sys.ObjectKind, flags uint32) (sys.FD, error) {
	fd, err := sys.ObjectGet(path, flags)
	if err != nil {
		reason := strerror(err)
		if errors.Is(err, syscall.EACCES) {
			if ok, err := sys.IsBPFFS(path); err == nil && !ok {
				reason = "directory not in bpf file system (bpffs)"
			}
		}
		return -1, fmt.Errorf("bpf obj get (%s): %s%w", path, reason, quiet{err})
	}
	got, ok := inspect.KindOf(fd)
	if !ok || got != kind {
		fd.Close()
		name := "unknown"
		if ok {
			name = got.String()
		}
		return -1, fmt.Errorf("incorrect object type: %s", name)
	}
	return fd, nil
}

// quiet is an error that is part of a chain but not of its text, for whoever
// wants to know the kernel's number.
type quiet struct{ err error }

func (quiet) Error() string   { return "" }
func (q quiet) Unwrap() error { return q.err }

// eachObject calls fn for every object of a kind, with a descriptor that is
// open during the call, until it says that it keeps the descriptor.
func eachObject(kind sys.ObjectKind, flags uint32, fn func(id uint32, fd sys.FD) (keep bool, err error)) error {
	ids, err := sys.ObjectIDs(kind)
	if err != nil {
		return fmt.Errorf("can't get next %s: %s%w", kind, strerror(err), quiet{err})
	}
	for _, id := range ids {
		fd, err := sys.ObjectFD(kind, id, flags)
		if errors.Is(err, syscall.ENOENT) {
			continue // gone meanwhile
		}
		if err != nil {
			return fmt.Errorf("can't get %s by id (%d): %s%w", kind, id, strerror(err), quiet{err})
		}
		keep, err := fn(id, fd)
		if !keep {
			fd.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// programs opens the programs that the next two words select.
func (t *tool) programs(a *arguments) ([]sys.FD, error) {
	switch {
	case a.take("id"):
		id, err := a.number("ID")
		if err != nil {
			return nil, err
		}
		fd, err := inspect.OpenProgram(id)
		if err != nil {
			return nil, fmt.Errorf("get by id (%d): %s%w", id, strerror(err), quiet{err})
		}
		return []sys.FD{fd}, nil
	case a.take("tag"):
		word, err := a.next("a tag")
		if err != nil {
			return nil, err
		}
		tag, err := hex.DecodeString(word)
		if err != nil || len(tag) != 8 {
			return nil, usagef("can't parse tag")
		}
		return matching(sys.Programs, 0, "program with tag "+word, func(fd sys.FD) (bool, error) {
			p, err := inspect.ProgramInfo(fd)
			return err == nil && p.Tag == [8]byte(tag), err
		})
	case a.take("name"):
		name, err := a.next("a name")
		if err != nil {
			return nil, err
		}
		return matching(sys.Programs, 0, "program named "+name, func(fd sys.FD) (bool, error) {
			p, err := inspect.ProgramInfo(fd)
			return err == nil && (p.Name == name || inspect.FullName(fd, p) == name), err
		})
	case a.take("pinned"):
		path, err := a.next("a path")
		if err != nil {
			return nil, err
		}
		fd, err := pinned(path, sys.Programs, 0)
		if err != nil {
			return nil, err
		}
		return []sys.FD{fd}, nil
	}
	return nil, usagef("expected 'id', 'tag', 'name' or 'pinned', got: '%s'?", a.peek())
}

// matching opens all objects of a kind that fit; what names them when there
// are none.
func matching(kind sys.ObjectKind, flags uint32, what string, fits func(sys.FD) (bool, error)) (fds []sys.FD, err error) {
	err = eachObject(kind, flags, func(_ uint32, fd sys.FD) (bool, error) {
		ok, err := fits(fd)
		if ok && err == nil {
			fds = append(fds, fd)
		}
		return ok && err == nil, err
	})
	if err == nil && len(fds) == 0 {
		err = fmt.Errorf("there is no %s", what)
	}
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	return fds, nil
}

// program opens the one program that the next two words select.
func (t *tool) program(a *arguments) (sys.FD, error) {
	fds, err := t.programs(a)
	return one(fds, err, "programs")
}

func one(fds []sys.FD, err error, what string) (sys.FD, error) {
	if err != nil {
		return -1, err
	}
	if len(fds) > 1 {
		closeAll(fds)
		return -1, fmt.Errorf("several %s match this handle", what)
	}
	return fds[0], nil
}

// The flags with which maps are opened.
const (
	readWrite = 0
	readOnly  = 1 << 3 // BPF_F_RDONLY
)

// maps opens the maps that the next two words select.
func (t *tool) maps(a *arguments, flags uint32) ([]sys.FD, error) {
	switch {
	case a.take("id"):
		id, err := a.number("ID")
		if err != nil {
			return nil, err
		}
		fd, err := sys.ObjectFD(sys.Maps, id, flags)
		if err != nil {
			return nil, fmt.Errorf("get map by id (%d): %s%w", id, strerror(err), quiet{err})
		}
		return []sys.FD{fd}, nil
	case a.take("name"):
		name, err := a.next("a name")
		if err != nil {
			return nil, err
		}
		return matching(sys.Maps, flags, "map named "+name, func(fd sys.FD) (bool, error) {
			m, err := inspect.MapInfo(fd)
			return err == nil && m.Name == name, err
		})
	case a.take("pinned"):
		path, err := a.next("a path")
		if err != nil {
			return nil, err
		}
		fd, err := pinned(path, sys.Maps, flags)
		if err != nil {
			return nil, err
		}
		return []sys.FD{fd}, nil
	}
	return nil, usagef("expected 'id', 'name' or 'pinned', got: '%s'?", a.peek())
}

// oneMap opens the map that the next two words select, and asks about it.
func (t *tool) oneMap(a *arguments, flags uint32) (sys.FD, *inspect.Map, error) {
	fds, err := t.maps(a, flags)
	fd, err := one(fds, err, "maps")
	if err != nil {
		return -1, nil, err
	}
	m, err := inspect.MapInfo(fd)
	if err != nil {
		fd.Close()
		return -1, nil, fmt.Errorf("can't get map info: %s%w", strerror(err), quiet{err})
	}
	return fd, m, nil
}

// link opens the link that the next two words select.
func (t *tool) link(a *arguments) (sys.FD, error) {
	switch {
	case a.take("id"):
		id, err := a.number("ID")
		if err != nil {
			return -1, err
		}
		fd, err := inspect.OpenLink(id)
		if err != nil {
			return -1, fmt.Errorf("failed to get link with ID %d: %s%w", id, strerror(err), quiet{err})
		}
		return fd, nil
	case a.take("pinned"):
		path, err := a.next("a path")
		if err != nil {
			return -1, err
		}
		return pinned(path, sys.Links, 0)
	}
	return -1, usagef("expected 'id' or 'pinned', got: '%s'?", a.peek())
}
