package bpftool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

// element is what the words `key DATA value DATA FLAGS` say.
type element struct {
	key, value []byte // nil when not given
	flags      uint64
	open       []sys.FD // that the value names
}

func (e *element) close() { closeAll(e.open) }

// parseElement reads the words that are left. Which parts are wanted is said
// by wantKey and wantValue; flags only come with a value.
func (t *tool) parseElement(a *arguments, m *inspect.Map, wantKey, wantValue bool) (*element, error) {
	e := &element{}
	flags := false
	for !a.empty() {
		var err error
		switch {
		case a.take("key"):
			switch {
			case !wantKey:
				return e, usagef("unnecessary key")
			case e.key != nil:
				return e, usagef("duplicate key")
			}
			e.key, err = parseBytes(a, "key", int(m.KeySize))
		case a.take("value"):
			switch {
			case !wantValue:
				return e, usagef("unnecessary value")
			case e.value != nil:
				return e, usagef("duplicate value")
			}
			e.value, err = t.parseValue(a, m, e)
		case wantValue && (a.is("any") || a.is("noexist") || a.is("exist")):
			if flags {
				return e, usagef("flags specified multiple times: %s", a.peek())
			}
			flags = true
			switch {
			case a.take("any"):
			case a.take("noexist"):
				e.flags = 1
			case a.take("exist"):
				e.flags = 2
			}
		default:
			return e, usagef("expected key or value, got: %s", a.peek())
		}
		if err != nil {
			return e, err
		}
	}
	switch {
	case wantKey && e.key == nil:
		return e, usagef("did not find key")
	case wantValue && e.value == nil:
		return e, usagef("did not find value")
	}
	return e, nil
}

// parseBytes reads n bytes, each a word.
func parseBytes(a *arguments, what string, n int) ([]byte, error) {
	base := 0
	if a.take("hex") {
		base = 16
	}
	b := make([]byte, n)
	for i := range b {
		if a.empty() {
			return nil, usagef("%s expected %d bytes got %d", what, n, i)
		}
		v, err := strconv.ParseUint(a.peek(), base, 8)
		if base == 16 && err != nil {
			v, err = strconv.ParseUint(a.peek(), 0, 8) // 0x1f is hexadecimal as well
		}
		if err != nil {
			if _, isWord := map[string]bool{"key": true, "value": true, "any": true, "exist": true, "noexist": true}[a.peek()]; isWord {
				return nil, usagef("%s expected %d bytes got %d", what, n, i)
			}
			return nil, usagef("error parsing byte: %s", a.peek())
		}
		b[i] = byte(v)
		a.skip()
	}
	return b, nil
}

// parseValue reads a value: bytes, or the map or program that it is to be.
// Each CPU gets the same value.
func (t *tool) parseValue(a *arguments, m *inspect.Map, e *element) ([]byte, error) {
	switch {
	case m.IsMapOfMaps(), m.IsMapOfProgs():
		var fd sys.FD
		var err error
		if m.IsMapOfMaps() {
			fd, _, err = t.oneMap(a, readWrite)
		} else {
			fd, err = t.program(a)
		}
		if err != nil {
			return nil, err
		}
		e.open = append(e.open, fd)
		return binary.NativeEndian.AppendUint32(nil, uint32(fd)), nil
	}
	b, err := parseBytes(a, "value", int(m.ValueSize))
	if err != nil || !m.IsPerCPU() {
		return b, err
	}
	size, err := m.ValueLen()
	if err != nil {
		return nil, err
	}
	all := make([]byte, size)
	for at := 0; at < size; at += m.Stride() {
		copy(all[at:], b)
	}
	return all, nil
}

// withMap opens the map that the next words select for a command.
func (t *tool) withMap(a *arguments, command string, flags uint32, fn func(fd sys.FD, m *inspect.Map) error) error {
	if err := a.need(2, command); err != nil {
		return err
	}
	fd, m, err := t.oneMap(a, flags)
	if err != nil {
		return err
	}
	defer fd.Close()
	return fn(fd, m)
}

func (t *tool) mapUpdate(a *arguments) error {
	return t.withMap(a, "update", readWrite, func(fd sys.FD, m *inspect.Map) error {
		e, err := t.parseElement(a, m, m.KeySize > 0, m.ValueSize > 0)
		defer e.close()
		if err != nil {
			return err
		}
		if err := sys.MapUpdate(fd, e.key, e.value, e.flags); err != nil {
			return fmt.Errorf("update failed: %s%w", strerror(err), quiet{err})
		}
		return t.done()
	})
}

func (t *tool) mapPush(a *arguments) error {
	return t.withMap(a, "push", readWrite, func(fd sys.FD, m *inspect.Map) error {
		e, err := t.parseElement(a, m, false, true)
		defer e.close()
		if err != nil {
			return err
		}
		if err := sys.MapUpdate(fd, nil, e.value, e.flags); err != nil {
			return fmt.Errorf("update failed: %s%w", strerror(err), quiet{err})
		}
		return t.done()
	})
}

func (t *tool) mapDelete(a *arguments) error {
	return t.withMap(a, "delete", readWrite, func(fd sys.FD, m *inspect.Map) error {
		e, err := t.parseElement(a, m, true, false)
		if err != nil {
			return err
		}
		if err := sys.MapDelete(fd, e.key); err != nil {
			return fmt.Errorf("delete failed: %s%w", strerror(err), quiet{err})
		}
		return t.done()
	})
}

func (t *tool) mapLookup(a *arguments) error {
	return t.withMap(a, "lookup", readOnly, func(fd sys.FD, m *inspect.Map) error {
		e, err := t.parseElement(a, m, m.KeySize > 0, false)
		if err != nil {
			return err
		}
		size, err := m.ValueLen()
		if err != nil {
			return err
		}
		value := make([]byte, size)
		err = sys.MapLookup(fd, e.key, value, 0)
		switch {
		case errors.Is(err, syscall.ENOENT) && t.opts.json:
			t.json.Null()
			return errSilent
		case errors.Is(err, syscall.ENOENT):
			t.printf("key:\n%s\n\nNot found\n", appendHex(nil, e.key))
			return errSilent
		case err != nil:
			return fmt.Errorf("lookup failed: %s%w", strerror(err), quiet{err})
		}
		return t.writeElement(m, e.key, value)
	})
}

// writeElement writes one element on its own.
func (t *tool) writeElement(m *inspect.Map, key, value []byte) error {
	w, err := t.newElementWriter(m)
	if err != nil {
		return err
	}
	if w.btf != nil && !t.opts.json {
		w.j = t.textJSON(true)
	}
	w.write(key, value)
	if w.j != nil {
		if err := w.j.Close(); err != nil {
			return err
		}
	}
	return dumpError(t, w, m, nil)
}

func (t *tool) mapGetNext(a *arguments) error {
	return t.withMap(a, "getnext", readOnly, func(fd sys.FD, m *inspect.Map) error {
		var key []byte
		if !a.empty() {
			e, err := t.parseElement(a, m, true, false)
			if err != nil {
				return err
			}
			key = e.key
		}
		next := make([]byte, m.KeySize)
		if err := sys.MapNextKey(fd, key, next); err != nil {
			return fmt.Errorf("can't get next key: %s%w", strerror(err), quiet{err})
		}
		if t.opts.json {
			t.json.BeginObject()
			t.json.Name("key")
			if key == nil {
				t.json.Null()
			} else {
				t.json.HexBytes(key)
			}
			t.json.Name("next_key")
			t.json.HexBytes(next)
			t.json.EndObject()
			return nil
		}
		if key == nil {
			t.printf("key: None\n")
		} else {
			t.printf("key:\n%s\n", appendHex(nil, key))
		}
		t.printf("next key:\n%s\n", appendHex(nil, next))
		return nil
	})
}

func (t *tool) mapPeek(a *arguments) error {
	return t.fromEnd(a, "peek", func(fd sys.FD, value []byte) error { return sys.MapLookup(fd, nil, value, 0) })
}

func (t *tool) mapPop(a *arguments) error {
	return t.fromEnd(a, "pop", func(fd sys.FD, value []byte) error { return sys.MapTake(fd, nil, value) })
}

// fromEnd reads the next value of a queue or stack.
func (t *tool) fromEnd(a *arguments, command string, read func(sys.FD, []byte) error) error {
	flags := uint32(readWrite)
	if command == "peek" {
		flags = readOnly
	}
	return t.withMap(a, command, flags, func(fd sys.FD, m *inspect.Map) error {
		if err := a.end(); err != nil {
			return err
		}
		value := make([]byte, m.ValueSize)
		err := read(fd, value)
		switch {
		case errors.Is(err, syscall.ENOENT) && t.opts.json:
			t.json.Null()
			return errSilent
		case errors.Is(err, syscall.ENOENT):
			return errors.New("empty map")
		case err != nil:
			return fmt.Errorf("%s failed: %s%w", command, strerror(err), quiet{err})
		}
		return t.writeElement(m, nil, value)
	})
}

func deviceIndex(name string) (uint32, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("can't get netdevice ifindex of %s: %w", name, err)
	}
	return uint32(i.Index), nil
}
