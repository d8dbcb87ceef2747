package bpftool

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

// listing is what a listing knows besides the objects themselves.
type listing struct {
	pins    map[uint32][]string // nil unless they were asked for
	holders map[uint32][]inspect.Holder
}

// newListing gathers pins and holders for objects of a kind.
func (t *tool) newListing(kind sys.ObjectKind) (*listing, error) {
	l := &listing{}
	var err error
	if t.opts.bpffs {
		if l.pins, err = inspect.Pins(kind); err != nil {
			return nil, err
		}
	}
	l.holders, err = inspect.Holders(kind)
	return l, err
}

// writeKind writes a member with the name of a kind, or its number when it is
// newer than this program.
func (t *tool) writeKind(key string, kind fmt.Stringer, n uint32) {
	if isKnown(kind, n) {
		t.json.StringField(key, kind.String())
		return
	}
	t.json.UintField(key, uint64(n))
}

func isKnown(kind fmt.Stringer, n uint32) bool {
	return kind.String() != strconv.FormatUint(uint64(n), 10)
}

// kindText is the same for text; what stands before a bare number.
func kindText(what string, kind fmt.Stringer, n uint32) string {
	if isKnown(kind, n) {
		return kind.String()
	}
	return what + kind.String()
}

func (t *tool) writePins(l *listing, id uint32) {
	if len(l.pins) == 0 {
		return
	}
	t.json.Name("pinned")
	t.json.BeginArray()
	for _, p := range l.pins[id] {
		t.json.String(p)
	}
	t.json.EndArray()
}

func (t *tool) printPins(l *listing, id uint32) {
	for _, p := range l.pins[id] {
		t.printf("\n\tpinned %s", p)
	}
}

func (t *tool) writeHolders(l *listing, id uint32) {
	if len(l.holders[id]) == 0 {
		return
	}
	t.json.Name("pids")
	t.json.BeginArray()
	for _, h := range l.holders[id] {
		t.json.BeginObject()
		t.json.IntField("pid", int64(h.PID))
		t.json.StringField("comm", h.Comm)
		t.json.EndObject()
	}
	t.json.EndArray()
}

func (t *tool) printHolders(l *listing, id uint32) {
	for i, h := range l.holders[id] {
		sep := ", "
		if i == 0 {
			sep = "\n\tpids "
		}
		t.printf("%s%s(%d)", sep, h.Comm, h.PID)
	}
}

// deviceName is the name of a network device, if it is one of this namespace.
func deviceName(index uint32) (string, bool) {
	i, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return "", false
	}
	return i.Name, true
}

func (t *tool) writeDevice(d inspect.Device) {
	if d.IfIndex == 0 {
		return
	}
	t.json.Name("dev")
	t.json.BeginObject()
	t.json.UintField("ifindex", uint64(d.IfIndex))
	t.json.UintField("ns_dev", d.NetnsDev)
	t.json.UintField("ns_inode", d.NetnsIno)
	if name, ok := deviceName(d.IfIndex); ok {
		t.json.StringField("ifname", name)
	}
	t.json.EndObject()
}

func (t *tool) printDevice(d inspect.Device) {
	if d.IfIndex == 0 {
		return
	}
	name, ok := deviceName(d.IfIndex)
	if !ok {
		name = fmt.Sprintf("ifindex %d ns_dev %d ns_ino %d", d.IfIndex, d.NetnsDev, d.NetnsIno)
	}
	t.printf("  offloaded_to %s", name)
}

// show writes objects of a kind: all of them, or those that were selected. A
// single one is no array.
func (t *tool) show(kind sys.ObjectKind, fds []sys.FD, write func(fd sys.FD) error) error {
	if fds != nil {
		defer closeAll(fds)
		if t.opts.json && len(fds) > 1 {
			t.json.BeginArray()
			defer t.json.EndArray()
		}
		for _, fd := range fds {
			if err := write(fd); err != nil {
				return err
			}
		}
		return nil
	}
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	return eachObject(kind, 0, func(_ uint32, fd sys.FD) (bool, error) { return false, write(fd) })
}

func idList(ids []uint32) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(s, ",")
}

func (t *tool) writeIDs(key string, ids []uint32) {
	t.json.Name(key)
	t.json.BeginArray()
	for _, id := range ids {
		t.json.Uint(uint64(id))
	}
	t.json.EndArray()
}
