package inspect

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/sys"
)

// Holder is a process that has a descriptor of an object open.
type Holder struct {
	PID  int
	Comm string
}

// fdKinds maps what /proc/PID/fd says of a descriptor to the line of its
// fdinfo with the object's id.
var fdKinds = map[sys.ObjectKind]struct{ link, key string }{
	sys.Programs: {"anon_inode:bpf-prog", "prog_id:"},
	sys.Maps:     {"anon_inode:bpf-map", "map_id:"},
	sys.Links:    {"anon_inode:bpf_link", "link_id:"},
	sys.BTFs:     {"anon_inode:btf", "btf_id:"},
}

// Holders finds the processes that have objects of a kind open, but for this
// one, by the object's id. Processes whose descriptors may not be seen are
// left out.
func Holders(kind sys.ObjectKind) (map[uint32][]Holder, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	k := fdKinds[kind]
	all := make(map[uint32][]Holder)
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		proc := filepath.Join("/proc", d.Name())
		ids := openObjects(proc, k.link, k.key)
		if len(ids) == 0 {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(proc, "comm"))
		if err != nil {
			continue // it ended meanwhile
		}
		for _, id := range ids {
			all[id] = append(all[id], Holder{pid, strings.TrimSuffix(string(comm), "\n")})
		}
	}
	return all, nil
}

// openObjects returns the ids of the objects that a process has open, each
// once.
func openObjects(proc, link, key string) []uint32 {
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return nil // gone, or not ours to look at
	}
	var ids []uint32
	for _, fd := range fds {
		to, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if err != nil || to != link {
			continue
		}
		text, ok, err := fdInfo(filepath.Join(proc, "fdinfo", fd.Name()), key)
		if err != nil || !ok {
			continue
		}
		if id, err := strconv.ParseUint(text, 10, 32); err == nil && !slices.Contains(ids, uint32(id)) {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// fdInfo returns what stands behind a key in a file of /proc/PID/fdinfo.
func fdInfo(path, key string) (string, bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", false, err
	}
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			return string(bytes.TrimSpace(rest)), true, nil
		}
	}
	return "", false, nil
}

// FDInfo returns what the kernel says under a key ("memlock:") about a
// descriptor of this process.
func FDInfo(fd sys.FD, key string) (string, bool) {
	text, ok, err := fdInfo("/proc/self/fdinfo/"+strconv.Itoa(int(fd)), key)
	return text, ok && err == nil
}

// KindOf says what kind of object a descriptor of this process is.
func KindOf(fd sys.FD) (sys.ObjectKind, bool) {
	to, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd)))
	if err != nil {
		return 0, false
	}
	for kind, k := range fdKinds {
		if to == k.link {
			return kind, true
		}
	}
	return 0, false
}

// Pins finds where objects of a kind are pinned, by their ids, in all bpf file
// systems that are mounted.
func Pins(kind sys.ObjectKind) (map[uint32][]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	pins := make(map[uint32][]string)
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[2] != "bpf" {
			continue
		}
		root := unescapeMount(f[1])
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // folders of others, and objects that went away
			}
			if id, ok := pinnedID(path, kind); ok {
				pins[id] = append(pins[id], path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return pins, nil
}

// unescapeMount turns the octal escapes of /proc/mounts back.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func pinnedID(path string, kind sys.ObjectKind) (uint32, bool) {
	var flags uint32
	if kind == sys.Maps {
		flags = mapReadOnly
	}
	fd, err := sys.ObjectGet(path, flags)
	if err != nil {
		if fd, err = sys.ObjectGet(path, 0); err != nil {
			return 0, false
		}
	}
	defer fd.Close()
	if got, ok := KindOf(fd); !ok || got != kind {
		return 0, false
	}
	text, ok := FDInfo(fd, fdKinds[kind].key)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(text, 10, 32)
	return uint32(id), err == nil
}
