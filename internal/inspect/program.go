package inspect

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/sys"
)

// Program is what the kernel says about a loaded program.
type Program struct {
	ID       uint32
	Type     facts.ProgType
	Name     string // at most 15 bytes; FullName has all of it
	Tag      [8]byte
	GPL      bool
	LoadTime uint64 // nanoseconds since the boot, suspension included
	UID      uint32
	Orphaned bool // its device is gone

	XlatedLen, JitedLen uint32 // bytes
	MapIDs              []uint32
	BTFID               uint32
	NumFuncs            uint32

	RunTime, RunCount, RecursionMisses uint64 // nanoseconds and counts, when statistics are on
	VerifiedInsns                      uint32
	AttachBTFObj, AttachBTF            uint32

	Device Device
}

// Device is where an offloaded program or map is.
type Device struct {
	IfIndex            uint32
	NetnsDev, NetnsIno uint64
}

// The offsets of struct bpf_prog_info, an interface of the kernel.
const (
	progInfoSize      = 232
	progType          = 0
	progID            = 4
	progTag           = 8
	progJitedLen      = 16
	progXlatedLen     = 20
	progJited         = 24
	progXlated        = 32
	progLoadTime      = 40
	progUID           = 48
	progNrMaps        = 52
	progMaps          = 56
	progName          = 64
	progIfIndex       = 80
	progGPL           = 84
	progNetnsDev      = 88
	progNetnsIno      = 96
	progNrKsyms       = 104
	progNrFuncLens    = 108
	progKsyms         = 112
	progFuncLens      = 120
	progBTF           = 128
	progFuncRec       = 132
	progFuncInfo      = 136
	progNrFunc        = 144
	progNrLine        = 148
	progLineInfo      = 152
	progJitedLineInfo = 160
	progNrJitedLine   = 168
	progLineRec       = 172
	progJitedLineRec  = 176
	progRunTime       = 192
	progRunCnt        = 200
	progMisses        = 208
	progVerified      = 216
	progAttachObj     = 220
	progAttachBTF     = 224
)

const objectName = 16 // BPF_OBJ_NAME_LEN

// OpenProgram opens a program by its id; the caller closes it.
func OpenProgram(id uint32) (sys.FD, error) { return sys.ObjectFD(sys.Programs, id, 0) }

// ProgramInfo asks about an open program. The ids of its maps are among the
// answer.
func ProgramInfo(fd sys.FD) (*Program, error) {
	for {
		r := make(record, progInfoSize)
		_, err := sys.ObjectInfo(fd, r)
		orphaned := errors.Is(err, syscall.ENODEV)
		if err != nil && !orphaned {
			return nil, err
		}
		p := decodeProgram(r)
		p.Orphaned = orphaned
		n := r.u32(progNrMaps)
		if n == 0 || orphaned {
			return p, nil
		}
		ids := make([]byte, 4*n)
		r = make(record, progInfoSize)
		r.put32(progNrMaps, n)
		if _, err := sys.ObjectInfo(fd, r, sys.InfoBuffer{Offset: progMaps, Data: ids}); err != nil {
			return nil, err
		}
		if r.u32(progNrMaps) > n {
			continue // a map was bound to it meanwhile
		}
		p.MapIDs = words32(ids)[:r.u32(progNrMaps)]
		return p, nil
	}
}

func decodeProgram(r record) *Program {
	p := &Program{
		ID: r.u32(progID), Type: facts.ProgType(r.u32(progType)), Name: r.text(progName, objectName),
		GPL: r.u32(progGPL)&1 != 0, LoadTime: r.u64(progLoadTime), UID: r.u32(progUID),
		XlatedLen: r.u32(progXlatedLen), JitedLen: r.u32(progJitedLen), BTFID: r.u32(progBTF), NumFuncs: r.u32(progNrFunc),
		RunTime: r.u64(progRunTime), RunCount: r.u64(progRunCnt), RecursionMisses: r.u64(progMisses),
		VerifiedInsns: r.u32(progVerified), AttachBTFObj: r.u32(progAttachObj), AttachBTF: r.u32(progAttachBTF),
		Device: Device{r.u32(progIfIndex), r.u64(progNetnsDev), r.u64(progNetnsIno)},
	}
	copy(p.Tag[:], r[progTag:])
	return p
}

// FullName is the program's name from its BTF where the kernel's own is cut
// off after 15 bytes.
func FullName(fd sys.FD, p *Program) string {
	if len(p.Name) < objectName-1 || p.BTFID == 0 || p.NumFuncs == 0 {
		return p.Name
	}
	code, err := ReadCode(fd, 0)
	if err != nil || len(code.Funcs) == 0 {
		return p.Name
	}
	b, err := LoadBTF(p.BTFID)
	if err != nil {
		return p.Name
	}
	t, ok := b.Type(code.Funcs[0].TypeID)
	if !ok || t.Kind != ctypes.BTFFunc || !strings.HasPrefix(t.Name, p.Name) {
		return p.Name
	}
	return t.Name
}

// FuncInfo says which function begins at an instruction.
type FuncInfo struct{ Insn, TypeID uint32 }

// LineInfo says from which source line the instructions from one on come. The
// file and line are offsets of strings in the program's BTF.
type LineInfo struct{ Insn, File, Text, Line, Column uint32 }

// Code is the code of a program.
type Code struct {
	Xlated []byte
	Jited  []byte // of all functions, behind one another
	// Addresses and Lengths are of the functions in Jited.
	Addresses []uint64
	Lengths   []uint32
	Funcs     []FuncInfo
	Lines     []LineInfo
	LineAddrs []uint64 // the addresses in the machine code of Lines
}

// CodeParts says what ReadCode reads besides functions and lines.
type CodeParts int

// The parts.
const (
	Xlated CodeParts = 1 << iota
	Jited
)

// ReadCode reads a program's code. What the kernel keeps from this process
// (for lack of CAP_PERFMON, or by kernel.kptr_restrict) is empty.
func ReadCode(fd sys.FD, parts CodeParts) (*Code, error) {
	head := make(record, progInfoSize)
	if _, err := sys.ObjectInfo(fd, head); err != nil {
		return nil, err
	}
	r := make(record, progInfoSize)
	buffer := func(count, off int, size uint32) sys.InfoBuffer {
		n := head.u32(count)
		r.put32(count, n)
		return sys.InfoBuffer{Offset: off, Data: make([]byte, uint64(n)*uint64(size))}
	}
	const lineRec, funcRec, word = 16, 8, 8
	for _, rec := range []struct {
		off  int
		size uint32
	}{{progFuncRec, funcRec}, {progLineRec, lineRec}, {progJitedLineRec, word}} {
		if got := head.u32(rec.off); got != 0 && got < rec.size {
			return nil, fmt.Errorf("the kernel's records at offset %d of bpf_prog_info have %d bytes, not %d", rec.off, got, rec.size)
		}
		r.put32(rec.off, rec.size)
	}
	funcs, lines := buffer(progNrFunc, progFuncInfo, funcRec), buffer(progNrLine, progLineInfo, lineRec)
	addrs, ksyms := buffer(progNrJitedLine, progJitedLineInfo, word), buffer(progNrKsyms, progKsyms, word)
	lens := buffer(progNrFuncLens, progFuncLens, 4)
	buffers := []sys.InfoBuffer{funcs, lines, addrs, ksyms, lens}
	var xlated, jited sys.InfoBuffer
	if parts&Xlated != 0 {
		xlated = buffer(progXlatedLen, progXlated, 1)
		buffers = append(buffers, xlated)
	}
	if parts&Jited != 0 {
		jited = buffer(progJitedLen, progJited, 1)
		buffers = append(buffers, jited)
	}
	if _, err := sys.ObjectInfo(fd, r, buffers...); err != nil {
		return nil, err
	}
	return decodeCode(r, xlated.Data, jited.Data, buffers), nil
}

func decodeCode(r record, xlated, jited []byte, buffers []sys.InfoBuffer) *Code {
	c := &Code{
		LineAddrs: words64(buffers[2].Data), Addresses: words64(buffers[3].Data), Lengths: words32(buffers[4].Data),
	}
	if r.u64(progXlated) != 0 {
		c.Xlated = xlated[:min(len(xlated), int(r.u32(progXlatedLen)))]
	}
	if r.u64(progJited) != 0 {
		c.Jited = jited[:min(len(jited), int(r.u32(progJitedLen)))]
	}
	if r.u64(progFuncInfo) != 0 {
		w := words32(buffers[0].Data)
		for ; len(w) >= 2; w = w[2:] {
			c.Funcs = append(c.Funcs, FuncInfo{w[0], w[1]})
		}
	}
	if r.u64(progLineInfo) != 0 {
		w := words32(buffers[1].Data)
		for ; len(w) >= 4; w = w[4:] {
			c.Lines = append(c.Lines, LineInfo{w[0], w[1], w[2], w[3] >> 10, w[3] & 1023})
		}
	}
	return c
}
