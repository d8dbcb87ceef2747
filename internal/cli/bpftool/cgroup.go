package bpftool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/sys"
)

func cgroupCommands() []command {
	return []command{
		{"show", (*tool).cgroupShow}, {"list", (*tool).cgroupShow}, {"tree", (*tool).cgroupTree},
		{"attach", (*tool).cgroupAttach}, {"detach", (*tool).cgroupDetach},
	}
}

// The flags of attachments to cgroups.
const (
	allowOverride  = 1 << 0
	allowMulti     = 1 << 1
	queryEffective = 1 << 0
)

// cgroupAttachTypes are the places that a cgroup has, in the order of the
// kernel's numbers.
func cgroupAttachTypes() []facts.AttachType {
	var all []facts.AttachType
	for n := range uint32(256) {
		a := facts.AttachType(n)
		if !isKnown(a, n) {
			break
		}
		if strings.HasPrefix(a.String(), "cgroup_") || a == facts.AttachTypeLSMCgroup {
			all = append(all, a)
		}
	}
	return all
}

// attachTypeWord reads the name of a place, in today's form or in bpftool's
// older one without "cgroup_" and with "inet" left out.
func attachTypeWord(a *arguments) (facts.AttachType, error) {
	word := a.peek()
	for _, typ := range cgroupAttachTypes() {
		if word == typ.String() {
			a.skip()
			return typ, nil
		}
	}
	for _, typ := range cgroupAttachTypes() {
		if word != "" && strings.HasPrefix(oldAttachName(typ), word) {
			a.skip()
			return typ, nil
		}
	}
	return 0, usagef("invalid attach type '%s'", word)
}

func oldAttachName(a facts.AttachType) string {
	switch a {
	case facts.AttachTypeCgroupInetIngress:
		return "ingress"
	case facts.AttachTypeCgroupInetEgress:
		return "egress"
	case facts.AttachTypeCgroupInetSockCreate:
		return "sock_create"
	case facts.AttachTypeCgroupInetSockRelease:
		return "sock_release"
	}
	name := strings.TrimPrefix(a.String(), "cgroup_")
	for _, family := range []string{"inet4_", "inet6_"} {
		if rest, ok := strings.CutPrefix(name, family); ok {
			return rest + family[4:5] // inet4_bind: bind4
		}
	}
	for _, family := range []string{"udp4_", "udp6_"} {
		if rest, ok := strings.CutPrefix(name, family); ok {
			return rest + family[3:4]
		}
	}
	return name
}

func (t *tool) cgroupShow(a *arguments) error {
	if err := a.need(1, "show"); err != nil {
		return err
	}
	dir, err := a.next("a cgroup")
	if err != nil {
		return err
	}
	flags, err := effective(a)
	if err != nil {
		return err
	}
	fd, err := sys.OpenPath(dir)
	if err != nil {
		return fmt.Errorf("can't open cgroup %s: %w", dir, err)
	}
	defer fd.Close()
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	header := false
	return t.cgroupPrograms(fd, flags, func(typ facts.AttachType, attach string, p *inspect.Program, progFD sys.FD) {
		if !t.opts.json && !header {
			header = true
			t.printCgroupHeader(flags)
		}
		t.cgroupProgram("", flags, typ, attach, p, progFD)
	})
}

func effective(a *arguments) (uint32, error) {
	var flags uint32
	if a.take("effective") {
		flags = queryEffective
	}
	return flags, a.end()
}

func (t *tool) printCgroupHeader(flags uint32) {
	if flags&queryEffective != 0 {
		t.printf("%-8s %-15s %-15s\n", "ID", "AttachType", "Name")
		return
	}
	t.printf("%-8s %-15s %-15s %-15s\n", "ID", "AttachType", "AttachFlags", "Name")
}

// cgroupPrograms calls fn for each program at a cgroup.
func (t *tool) cgroupPrograms(cgroup sys.FD, flags uint32, fn func(facts.AttachType, string, *inspect.Program, sys.FD)) error {
	for _, typ := range cgroupAttachTypes() {
		q, err := sys.ProgQuery(uint32(cgroup), uint32(typ), flags)
		switch {
		case errors.Is(err, syscall.EINVAL):
			continue // a place that this kernel lacks, or that is no cgroup's
		case err != nil:
			return fmt.Errorf("can't query bpf programs attached to the cgroup: %s%w", strerror(err), quiet{err})
		}
		for i, id := range q.Programs {
			fd, err := inspect.OpenProgram(id)
			if err != nil {
				continue // gone meanwhile
			}
			p, err := inspect.ProgramInfo(fd)
			if err == nil {
				fn(typ, attachFlags(q, i), p, fd)
			}
			fd.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func attachFlags(q *sys.AttachQuery, i int) string {
	flags := q.Flags
	if i < len(q.ProgFlag) {
		flags |= q.ProgFlag[i]
	}
	switch flags {
	case 0:
		return ""
	case allowOverride:
		return "override"
	case allowMulti:
		return "multi"
	}
	return fmt.Sprintf("unknown(%x)", flags)
}

func (t *tool) cgroupProgram(indent string, flags uint32, typ facts.AttachType, attach string, p *inspect.Program, fd sys.FD) {
	name := inspect.FullName(fd, p)
	if !t.opts.json {
		t.printf("%s%-8d %-15s", indent, p.ID, typ)
		if flags&queryEffective == 0 {
			t.printf(" %-15s", attach)
		}
		t.printf(" %-15s", name)
		switch target := attachTarget(p); {
		case target != "":
			t.printf(" %-15s", target)
		case p.AttachBTF != 0:
			t.printf(" attach_btf_obj_id=%d attach_btf_id=%d", p.AttachBTFObj, p.AttachBTF)
		}
		t.printf("\n")
		return
	}
	j := t.json
	j.BeginObject()
	j.UintField("id", uint64(p.ID))
	j.StringField("attach_type", typ.String())
	if flags&queryEffective == 0 {
		j.StringField("attach_flags", attach)
	}
	j.StringField("name", name)
	j.StringField("attach_btf_name", attachTarget(p))
	j.UintField("attach_btf_obj_id", uint64(p.AttachBTFObj))
	j.UintField("attach_btf_id", uint64(p.AttachBTF))
	j.EndObject()
}

// attachTarget is the name of the kernel function that a program was loaded
// for, "" when there is none or its BTF can't be read.
func attachTarget(p *inspect.Program) string {
	if p.AttachBTF == 0 {
		return ""
	}
	b, err := inspect.LoadBTFFile(inspect.KernelBTFPath, nil)
	if err != nil {
		return ""
	}
	f, _ := b.Type(p.AttachBTF)
	return f.Name
}

// cgroupTree lists the programs of all cgroups below one.
func (t *tool) cgroupTree(a *arguments) error {
	root := ""
	if !a.empty() && !a.is("effective") {
		root = a.peek()
		a.skip()
	}
	flags, err := effective(a)
	if err != nil {
		return err
	}
	if root == "" {
		if root, err = cgroupRoot(); err != nil {
			return err
		}
	}
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	} else {
		t.printf("CgroupPath\n")
		t.printCgroupHeader(flags)
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // went away, or is a cgroup's file
		}
		return t.cgroupOfTree(path, flags)
	})
}

func (t *tool) cgroupOfTree(path string, flags uint32) error {
	fd, err := sys.OpenPath(path)
	if err != nil {
		return nil // went away
	}
	defer fd.Close()
	open := false
	err = t.cgroupPrograms(fd, flags, func(typ facts.AttachType, attach string, p *inspect.Program, progFD sys.FD) {
		switch {
		case !open && t.opts.json:
			t.json.BeginObject()
			t.json.StringField("cgroup", path)
			t.json.Name("programs")
			t.json.BeginArray()
		case !open:
			t.printf("%s\n", path)
		}
		open = true
		t.cgroupProgram("    ", flags, typ, attach, p, progFD)
	})
	if open && t.opts.json {
		t.json.EndArray()
		t.json.EndObject()
	}
	return err
}

func cgroupRoot() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", errors.New("cgroup v2 isn't mounted")
}

// cgroupTarget reads the cgroup, place and program of attach and detach.
func (t *tool) cgroupTarget(a *arguments, do func(cgroup, prog sys.FD, typ facts.AttachType) error) error {
	if err := a.need(4, "attach"); err != nil {
		return err
	}
	dir, err := a.next("a cgroup")
	if err != nil {
		return err
	}
	cgroup, err := sys.OpenPath(dir)
	if err != nil {
		return fmt.Errorf("can't open cgroup %s: %w", dir, err)
	}
	defer cgroup.Close()
	typ, err := attachTypeWord(a)
	if err != nil {
		return err
	}
	prog, err := t.program(a)
	if err != nil {
		return err
	}
	defer prog.Close()
	if err := do(cgroup, prog, typ); err != nil {
		return err
	}
	return t.done()
}

func (t *tool) cgroupAttach(a *arguments) error {
	return t.cgroupTarget(a, func(cgroup, prog sys.FD, typ facts.AttachType) error {
		var flags uint32
		for !a.empty() {
			switch {
			case a.take("multi"):
				flags |= allowMulti
			case a.take("override"):
				flags |= allowOverride
			default:
				return usagef("unknown option: %s", a.peek())
			}
		}
		if err := sys.ProgAttach(cgroup, prog, uint32(typ), flags); err != nil {
			return fmt.Errorf("failed to attach program: %s%w", strerror(err), quiet{err})
		}
		return nil
	})
}

func (t *tool) cgroupDetach(a *arguments) error {
	return t.cgroupTarget(a, func(cgroup, prog sys.FD, typ facts.AttachType) error {
		if err := a.end(); err != nil {
			return err
		}
		if err := sys.ProgDetach(cgroup, prog, uint32(typ)); err != nil {
			return fmt.Errorf("failed to detach program: %s%w", strerror(err), quiet{err})
		}
		return nil
	})
}
