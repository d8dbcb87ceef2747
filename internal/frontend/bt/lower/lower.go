// Package lower turns a checked script into IR and a plan: one function for
// each instance of a probe, the maps they use, and the layouts of the records
// that they send.
//
// Integers, booleans and pointers are I64 values in their 64-bit form,
// extended as their type says. Everything else lives in memory: on the stack
// up to a limit, above that in a slot of a scratch map that the function
// claims when it starts and releases when it returns. What becomes an event
// is built straight in the ring buffer.
//
// It imports ir, plan, ctypes, source, diag, facts and the front end's syntax
// tree, types and check.
package lower

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/diag"
	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/source"
)

// Options are the facts about a run that the code depends on.
type Options struct {
	Env    check.Env
	Source string // the script's name
	// PID limits the probes that aren't attached to a process to events
	// of that process; 0 is all.
	PID int
	// ChildPID is the value of the builtin cpid.
	ChildPID int
	// CPUs is the number of possible CPUs.
	CPUs int
}

// ringPages is the size of the ring buffer when the script doesn't choose:
// 4 MiB hold some 50,000 lines, and more costs start-up time and memory.
const ringPages = 1024

// quietRingPages is its size for scripts that only send control records.
const quietRingPages = 16

type lowerer struct {
	prog  *check.Program
	opts  Options
	diags *diag.List
	mod   *ir.Module
	plan  *plan.Plan

	symbols map[string]string // map name to its symbol
	scratch int64             // bytes that the largest function needs
	names   map[string]int    // function names in use
	prints  bool              // some record carries output
}

// Lower translates the program. The result is usable only when no error was
// added to diags.
func Lower(p *check.Program, o Options, diags *diag.List) (*ir.Module, *plan.Plan) {
	l := &lowerer{
		prog: p, opts: o, diags: diags, names: map[string]int{}, symbols: map[string]string{},
		mod: &ir.Module{License: p.Config.License},
		plan: &plan.Plan{Version: plan.Version, Source: o.Source, Config: plan.Settings{
			PrintMapsOnExit: p.Config.PrintMapsOnExit, TruncTrailer: p.Config.StrTruncTrailer,
			StackMode: p.Config.StackMode, MaxCatBytes: p.Config.MaxCatBytes, MissingProbes: p.Config.MissingProbes,
		}},
	}
	for _, m := range p.Maps {
		l.userMap(m)
	}
	for _, in := range p.Instances {
		l.instance(in)
	}
	l.runtimeMaps()
	return l.mod, l.plan
}

// runtimeMaps adds the maps that the script's code uses besides its own.
func (l *lowerer) runtimeMaps() {
	if len(l.plan.Events) > 0 {
		pages := l.prog.Config.PerfRBPages
		switch {
		case pages != 0:
			for pages&(pages-1) != 0 {
				pages &= pages - 1 // a ring buffer's size is a power of two
			}
		case l.prints:
			pages = ringPages
		default:
			pages = quietRingPages
		}
		l.plan.Config.RingPages = pages
		l.mod.Maps = append(l.mod.Maps, &ir.Map{Name: plan.Ring, Type: mapRingbuf, MaxEntries: uint32(pages) * 4096})
	}
	if l.scratch > 0 {
		l.mod.Maps = append(l.mod.Maps, &ir.Map{
			Name: plan.Scratch, Type: mapPercpuArray, KeySize: 4, ValueSize: uint32(8 + l.scratch), MaxEntries: scratchLevels, Key: u32,
		})
	}
}

// missed makes the map of counters exist and returns its symbol.
func (l *lowerer) missed() string {
	if l.mod.Map(plan.Missed) == nil {
		l.mod.Maps = append(l.mod.Maps, &ir.Map{
			Name: plan.Missed, Type: mapPercpuArray, KeySize: 4, ValueSize: 8, MaxEntries: plan.NumMissed,
			Key: u32, Value: u64,
		})
	}
	return plan.Missed
}

// instance lowers one meaning of a probe's body.
func (l *lowerer) instance(in *check.Instance) {
	name := l.funcName(in)
	f := l.mod.NewFunc(name, section(in), ir.I64, ir.Ptr)
	f.Span = in.Probe.Span()
	f.Proto = &ctypes.Func{Name: name, Result: &ctypes.Int{Name: "int", Size: 4, Signed: true},
		Params: []ctypes.Param{{Name: "ctx", Type: &ctypes.Pointer{Elem: &ctypes.Void{}}}}}
	fn := newFunction(l, in, f)
	fn.body()
	for _, p := range in.Points {
		pr := p.Probe
		pr.Program = name
		pr.Place = p.At.String()
		l.plan.Probes = append(l.plan.Probes, pr)
	}
}

// section is the ELF section of an instance's program, as libbpf names it.
func section(in *check.Instance) string {
	p := in.Points[0]
	switch p.Kind {
	case plan.Tracepoint:
		return "tracepoint/" + p.Category + "/" + p.Event
	case plan.RawTracepoint:
		return "raw_tracepoint/" + p.Event
	case plan.Interval, plan.Profile, plan.Software, plan.Hardware:
		return "perf_event"
	}
	return "raw_tracepoint/" + string(p.Kind) // begin and end are run by BPF_PROG_TEST_RUN
}

// funcName gives the program a name that says what it is attached to. The
// kernel shows the first 15 characters.
func (l *lowerer) funcName(in *check.Instance) string {
	p := in.Points[0]
	base := string(p.Kind)
	if p.Event != "" {
		base = p.Event
	}
	base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, base)
	l.names[base]++
	if n := l.names[base]; n > 1 {
		return fmt.Sprintf("%s_%d", base, n)
	}
	return base
}

// event adds a kind of record to the plan and returns its number.
func (l *lowerer) event(e plan.Event, at ast.Node) int64 {
	e.Place = callPlace(at.Span())
	switch e.Kind {
	case plan.Exit, plan.Clear, plan.Zero, plan.PrintMap:
	default:
		l.prints = true
	}
	l.plan.Events = append(l.plan.Events, e)
	return int64(len(l.plan.Events) - 1)
}

// callPlace is where a call stands, as bpftrace writes it: "file:line:col-col", or
// "file:line-line" for more than one line.
func callPlace(s source.Span) string {
	if !s.IsValid() {
		return ""
	}
	line, col := s.File.Position(s.Start)
	endLine, end := s.File.Position(s.End)
	if line != endLine {
		return fmt.Sprintf("%s:%d-%d", s.File.Name, line, endLine)
	}
	return fmt.Sprintf("%s:%d:%d-%d", s.File.Name, line, col, end)
}

// userMap adds one of the script's maps to the module and the plan.
func (l *lowerer) userMap(m *check.Map) {
	symbol := "AT_" + strings.TrimPrefix(m.Name, "@")
	l.symbols[m.Name] = symbol
	v := plan.Map{Name: m.Name, Symbol: symbol, Agg: m.Agg, Bits: m.Bits, Min: m.Min, Max: m.Max, Step: m.Step}
	x := &ir.Map{Name: symbol, KeySize: 4, Key: u32, MaxEntries: 1}
	v.PerCPU = m.Agg != plan.Plain
	v.Value = storedType(m.Value).Plan()
	x.ValueSize, v.Present = valueSize(m)
	if m.Scalar && !v.PerCPU {
		v.Symbol = plan.DataPrefix + symbol
		l.mod.Data = append(l.mod.Data, &ir.Data{Name: symbol, Section: v.Symbol, Bytes: make([]byte, x.ValueSize), Align: 8})
		l.plan.Maps = append(l.plan.Maps, v)
		return
	}
	if m.Scalar {
		x.Type = mapPercpuArray
	} else {
		key := m.Key.Plan()
		v.Key = &key
		x.Type, x.KeySize, x.Key = mapHash, uint32(m.Key.Size), nil
		if v.PerCPU {
			x.Type = mapPercpuHash
		}
		if strings.Contains(m.Kind, "lru") {
			x.Type = map[uint32]uint32{mapHash: mapLRUHash, mapPercpuHash: mapLRUPercpuHash}[x.Type]
		}
		x.MaxEntries = uint32(l.prog.Config.MaxMapKeys)
		if m.MaxEntries != 0 {
			x.MaxEntries = m.MaxEntries
		}
		l.preallocate(x)
	}
	l.mod.Maps = append(l.mod.Maps, x)
	l.plan.Maps = append(l.plan.Maps, v)
}

// preallocLimit is how many bytes a hash map may take before its elements are
// allocated when they are first used. Elements that exist already are faster
// to take and can be taken in any context.
const preallocLimit = 4 << 20

func (l *lowerer) preallocate(x *ir.Map) {
	cpus := int64(1)
	if x.Type == mapPercpuHash {
		cpus = int64(max(l.opts.CPUs, 1))
	}
	size := int64(x.MaxEntries) * (int64(x.KeySize) + 64 + int64(x.ValueSize)*cpus)
	if size > preallocLimit && x.Type != mapLRUHash && x.Type != mapLRUPercpuHash {
		x.Flags |= noPrealloc
	}
}

// storedType is the type in which a map holds its values: integers take 8
// bytes, so that they can be added to atomically.
func storedType(t *types.Type) *types.Type {
	if t.Kind == types.Int && t.C == nil {
		return types.IntOf(8, t.Signed)
	}
	if t.IsAggregate() {
		return types.IntOf(8, t.Signed)
	}
	return t
}

// valueSize is the size of a map's value and, for a scalar kept in an array,
// the offset of the word that says that it was assigned.
func valueSize(m *check.Map) (size uint32, present int) {
	n := align8(int64(storedType(m.Value).Size))
	switch m.Agg {
	case plan.Count, plan.Sum:
		n = 8
	case plan.Min, plan.Max, plan.Avg, plan.Stats:
		n = 16
	case plan.Hist:
		n = 8 * int64(plan.HistBuckets(m.Bits))
	case plan.Lhist:
		n = 8 * int64(plan.LhistBuckets(m.Min, m.Max, m.Step))
	}
	if m.Scalar {
		return uint32(n + 8), int(n)
	}
	return uint32(n), 0
}

func align8(n int64) int64 { return (n + 7) &^ 7 }

var (
	u32 = &ctypes.Int{Name: "unsigned int", Size: 4}
	u64 = &ctypes.Int{Name: "unsigned long long", Size: 8}
)
