package bpftool

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/inspect"
	"github.com/skep-dev/skep/internal/inspect/btfraw"
	"github.com/skep-dev/skep/internal/sys"
)

func progCommands() []command {
	return []command{
		{"show", (*tool).progShow},
		{"list", (*tool).progShow},
		{"dump", (*tool).progDump},
		{"pin", (*tool).progPin},
		{"load", (*tool).progLoad},
		{"loadall", (*tool).progLoadAll},
		{"attach", (*tool).progAttach},
		{"detach", (*tool).progDetach},
		{"tracelog", (*tool).traceLog},
		{"run", (*tool).progRun},
		{"profile", absent("prog profile", "counters around a program's runs")},
	}
}

func (t *tool) progShow(a *arguments) error {
	var fds []sys.FD
	l, err := t.newListing(sys.Programs)
	if err != nil {
		return err
	}
	if a.len() == 2 {
		if fds, err = t.programs(a); err != nil {
			return err
		}
	}
	if err := a.end(); err != nil {
		closeAll(fds)
		return err
	}
	boot, err := sys.BootOffset()
	if err != nil {
		return err
	}
	return t.show(sys.Programs, fds, func(fd sys.FD) error {
		p, err := inspect.ProgramInfo(fd)
		if err != nil {
			return fmt.Errorf("can't get prog info: %s%w", strerror(err), quiet{err})
		}
		if t.opts.json {
			t.writeProgram(l, fd, p, boot)
		} else {
			t.printProgram(l, fd, p, boot)
		}
		return nil
	})
}

func (t *tool) writeProgram(l *listing, fd sys.FD, p *inspect.Program, boot int64) {
	j := t.json
	j.BeginObject()
	defer j.EndObject()
	j.UintField("id", uint64(p.ID))
	t.writeKind("type", p.Type, uint32(p.Type))
	if p.Name != "" {
		j.StringField("name", inspect.FullName(fd, p))
	}
	j.StringField("tag", hex.EncodeToString(p.Tag[:]))
	j.BoolField("gpl_compatible", p.GPL)
	if p.RunTime != 0 {
		j.UintField("run_time_ns", p.RunTime)
		j.UintField("run_cnt", p.RunCount)
	}
	if p.RecursionMisses != 0 {
		j.UintField("recursion_misses", p.RecursionMisses)
	}
	t.writeDevice(p.Device)
	if p.LoadTime != 0 {
		j.IntField("loaded_at", (boot+int64(p.LoadTime))/int64(time.Second))
		j.UintField("uid", uint64(p.UID))
	}
	j.BoolField("orphaned", p.Orphaned)
	j.UintField("bytes_xlated", uint64(p.XlatedLen))
	j.BoolField("jited", p.JitedLen != 0)
	if p.JitedLen != 0 {
		j.UintField("bytes_jited", uint64(p.JitedLen))
	}
	if n, ok := memlock(fd); ok {
		j.UintField("bytes_memlock", n)
	}
	if len(p.MapIDs) > 0 {
		t.writeIDs("map_ids", p.MapIDs)
	}
	if p.BTFID != 0 {
		j.UintField("btf_id", uint64(p.BTFID))
	}
	t.writePins(l, p.ID)
	t.writeHolders(l, p.ID)
	t.writeMetadata(p)
}

func memlock(fd sys.FD) (uint64, bool) {
	text, ok := inspect.FDInfo(fd, "memlock:")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

func (t *tool) printProgram(l *listing, fd sys.FD, p *inspect.Program, boot int64) {
	t.printf("%d: %s  ", p.ID, kindText("type ", p.Type, uint32(p.Type)))
	if p.Name != "" {
		t.printf("name %s  ", inspect.FullName(fd, p))
	}
	t.printf("tag %x", p.Tag)
	t.printDevice(p.Device)
	if p.GPL {
		t.printf("  gpl")
	}
	if p.RunTime != 0 {
		t.printf(" run_time_ns %d run_cnt %d", p.RunTime, p.RunCount)
	}
	if p.RecursionMisses != 0 {
		t.printf(" recursion_misses %d", p.RecursionMisses)
	}
	t.printf("\n")
	if p.LoadTime != 0 {
		at := time.Unix(0, boot+int64(p.LoadTime))
		t.printf("\tloaded_at %s  uid %d\n", at.Format("2006-01-02T15:04:05-0700"), p.UID)
	}
	t.printf("\txlated %dB", p.XlatedLen)
	if p.JitedLen != 0 {
		t.printf("  jited %dB", p.JitedLen)
	} else {
		t.printf("  not jited")
	}
	if n, ok := memlock(fd); ok {
		t.printf("  memlock %dB", n)
	}
	if p.Orphaned {
		t.printf("  orphaned")
	}
	if len(p.MapIDs) > 0 {
		t.printf("  map_ids %s", idList(p.MapIDs))
	}
	t.printPins(l, p.ID)
	if p.BTFID != 0 {
		t.printf("\n\tbtf_id %d", p.BTFID)
	}
	t.printHolders(l, p.ID)
	t.printf("\n")
	t.printMetadata(p)
}

// metadataPrefix is what the names of variables begin with that an object puts
// into .rodata to say something about itself.
const metadataPrefix = "bpf_metadata_"

// metadata calls fn for each such variable of a program.
func metadata(p *inspect.Program, fn func(name string, b *btfraw.BTF, typ uint32, data []byte)) {
	for _, id := range p.MapIDs {
		b, section, value := rodata(id)
		if b == nil {
			continue
		}
		for _, x := range section.Vars() {
			v, ok := b.Type(x.Type)
			if !ok || v.Kind != ctypes.BTFVar || !strings.HasPrefix(v.Name, metadataPrefix) || uint64(x.Offset)+uint64(x.Size) > uint64(len(value)) {
				continue
			}
			fn(strings.TrimPrefix(v.Name, metadataPrefix), b, v.Size, value[x.Offset:x.Offset+x.Size])
		}
		return
	}
}

// rodata reads a map that a section .rodata became; b is nil for other maps.
func rodata(id uint32) (b *btfraw.BTF, section btfraw.Type, value []byte) {
	fd, err := inspect.OpenMap(id, true)
	if err != nil {
		return nil, section, nil
	}
	defer fd.Close()
	m, err := inspect.MapInfo(fd)
	if err != nil || m.Type != facts.MapTypeArray || m.KeySize != 4 || m.MaxEntries != 1 || m.ValueType == 0 || !strings.Contains(m.Name, ".rodata") {
		return nil, section, nil
	}
	value = make([]byte, m.ValueSize)
	if err := sys.MapLookup(fd, make([]byte, 4), value, 0); err != nil {
		return nil, section, nil
	}
	if b, err = inspect.LoadBTF(m.BTFID); err != nil {
		return nil, section, nil
	}
	section, ok := b.Type(m.ValueType)
	if !ok || section.Kind != ctypes.BTFDatasec {
		return nil, section, nil
	}
	return b, section, value
}

func (t *tool) writeMetadata(p *inspect.Program) {
	open := false
	metadata(p, func(name string, b *btfraw.BTF, typ uint32, data []byte) {
		if !open {
			t.json.Name("metadata")
			t.json.BeginObject()
			open = true
		}
		t.json.Name(name)
		v := btfraw.Values{BTF: b, Sink: t.json}
		_ = v.Write(typ, data) // what can't be written stands there as such
	})
	if open {
		t.json.EndObject()
	}
}

func (t *tool) printMetadata(p *inspect.Program) {
	open := false
	metadata(p, func(name string, b *btfraw.BTF, typ uint32, data []byte) {
		if !open {
			t.printf("\tmetadata:")
			open = true
		}
		t.printf("\n\t\t%s = ", name)
		j := t.textJSON(false)
		v := btfraw.Values{BTF: b, Sink: j, Plain: true}
		_ = v.Write(typ, data)
		j.Flush()
	})
	if open {
		t.printf("\n")
	}
}

func (t *tool) progPin(a *arguments) error {
	return t.pin(a, func() (sys.FD, error) { return t.program(a) })
}

// pin pins what open opens at the path that the last word is.
func (t *tool) pin(a *arguments, open func() (sys.FD, error)) error {
	if err := a.need(3, "pin"); err != nil {
		return err
	}
	fd, err := open()
	if err != nil {
		return err
	}
	defer fd.Close()
	path, err := a.next("a path")
	if err != nil {
		return err
	}
	if err := a.end(); err != nil {
		return err
	}
	if err := t.pinAt(fd, path); err != nil {
		return err
	}
	return t.done()
}
