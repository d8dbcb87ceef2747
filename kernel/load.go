package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-dev/skep/internal/features"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/sys"
)

// Options changes how an object is loaded and attached. The zero value is the
// usual way.
type Options struct {
	// Narrate, when not nil, is called with each step once it has succeeded.
	// Calls don't overlap. It costs a few system calls per object.
	Narrate func(Step)
	// LogLevel asks the kernel's verifier for its log also of programs that
	// it accepts: 1 is basic, 2 detailed, 4 statistics only. See Session.Log.
	LogLevel uint32
}

// Session is an object that has been loaded into the kernel. Its methods may
// be called from several goroutines.
type Session struct {
	plan     *plan.Plan
	opts     Options
	narrator narrator

	maps    map[string]*ebpf.Map
	progs   map[string]*ebpf.Program
	events  *Events
	tracefs *sys.Tracefs // while attaching, when a probe needs it
	// memlocked is true when the kernel limits maps and programs by
	// RLIMIT_MEMLOCK.
	memlocked bool

	mu       sync.Mutex // guards what follows
	attached []attachment
	missing  []*ProbeError
	detached bool
	closed   bool
}

// Load loads the maps and programs of an object, given as the bytes of an ELF
// file, and prepares the probes of p, which name programs of the object.
//
// The error is a *features.OldKernelError on a kernel that is too old, and
// wraps a *ProgramError when the kernel refuses a program.
func Load(ctx context.Context, elf []byte, p *plan.Plan, opts Options) (*Session, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return LoadSpec(ctx, spec, p, opts)
}

// LoadSpec is Load for an object that has been read already. The spec is not
// changed.
func LoadSpec(ctx context.Context, spec *ebpf.CollectionSpec, p *plan.Plan, opts Options) (_ *Session, err error) {
	if _, err := features.CheckKernel(); err != nil {
		return nil, err
	}
	for i := range p.Probes {
		if spec.Programs[p.Probes[i].Program] == nil {
			return nil, fmt.Errorf("probe %s: the object has no program %q", p.Probes[i].Name, p.Probes[i].Program)
		}
	}
	s := &Session{plan: p, opts: opts, narrator: narrator{tell: opts.Narrate}}
	s.memlocked = features.UnlimitMemory()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.maps, err = s.loadMaps(spec); err != nil {
		return nil, err
	}
	if err = ctx.Err(); err != nil {
		return nil, err
	}
	if s.progs, err = s.loadPrograms(ctx, spec); err != nil {
		return nil, err
	}
	if err = s.fillProgramMaps(spec); err != nil {
		return nil, err
	}
	if ring := s.maps[plan.Ring]; ring != nil {
		if s.events, err = NewEvents(ring); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Map returns the map with the object's name for it.
func (s *Session) Map(name string) (*ebpf.Map, bool) {
	m, ok := s.maps[name]
	return m, ok
}

// Program returns the program with the object's name for it.
func (s *Session) Program(name string) (*ebpf.Program, bool) {
	p, ok := s.progs[name]
	return p, ok
}

// Programs returns the names of the loaded programs, sorted.
func (s *Session) Programs() []string { return slices.Sorted(maps.Keys(s.progs)) }

// Events returns the reader of the ring buffer map plan.Ring, or nil when the
// object has none.
func (s *Session) Events() *Events { return s.events }

// loadMaps creates and fills all maps of the spec, except that maps of
// programs stay empty until there are programs. No map is pinned or taken
// from where one is pinned, whatever the object says.
func (s *Session) loadMaps(spec *ebpf.CollectionSpec) (map[string]*ebpf.Map, error) {
	sub := &ebpf.CollectionSpec{Maps: maps.Clone(spec.Maps), Types: spec.Types, ByteOrder: spec.ByteOrder}
	for name, m := range sub.Maps {
		if m.Type == ebpf.StructOpsMap {
			return nil, fmt.Errorf("map %s: struct_ops can't be loaded yet", name)
		}
		m = m.Copy()
		if m.Type == ebpf.ProgramArray {
			m.Contents = nil
		}
		m.Pinning = ebpf.PinNone // nothing is left behind
		sub.Maps[name] = m
	}
	coll, err := ebpf.NewCollection(sub)
	if err != nil {
		return nil, s.explainLoad(err)
	}
	for _, name := range slices.Sorted(maps.Keys(coll.Maps)) {
		s.narrator.mapCreated(name, coll.Maps[name], spec.Maps[name])
	}
	return coll.Maps, nil
}

// fillProgramMaps puts the programs that the object names into its maps of
// programs.
func (s *Session) fillProgramMaps(spec *ebpf.CollectionSpec) error {
	for name, m := range spec.Maps {
		if m.Type != ebpf.ProgramArray {
			continue
		}
		for _, kv := range m.Contents {
			target, ok := kv.Value.(string)
			if !ok || s.progs[target] == nil {
				return fmt.Errorf("map %s: no program %v", name, kv.Value)
			}
			if err := s.maps[name].Put(kv.Key, s.progs[target]); err != nil {
				return fmt.Errorf("map %s: program %s: %w", name, target, err)
			}
		}
	}
	return nil
}

// loadPrograms loads all programs of the spec, in parallel.
func (s *Session) loadPrograms(ctx context.Context, spec *ebpf.CollectionSpec) (map[string]*ebpf.Program, error) {
	names := slices.Sorted(maps.Keys(spec.Programs))
	names = slices.DeleteFunc(names, func(n string) bool { return spec.Programs[n].Type == ebpf.UnspecifiedProgram })
	cache := btf.NewCache() // kernel BTF is decoded once, and only when a program needs it
	loaded := make([]*ebpf.Program, len(names))
	err := parallel(ctx, len(names), loadWorkers, func(i int) error {
		prog, err := s.loadProgram(spec, names[i], cache)
		if err != nil {
			return newProgramError(spec.Programs[names[i]], s.explainLoad(err))
		}
		loaded[i] = prog
		return nil
	})
	progs := make(map[string]*ebpf.Program, len(names))
	for i, p := range loaded {
		if p != nil {
			progs[names[i]] = p
		}
	}
	if err != nil {
		for _, p := range progs {
			p.Close()
		}
		return nil, err
	}
	for _, name := range names {
		s.narrator.programLoaded(name, progs[name], spec.Programs[name])
	}
	return progs, nil
}

// loadProgram loads one program with the maps that it uses.
func (s *Session) loadProgram(spec *ebpf.CollectionSpec, name string, cache *btf.Cache) (*ebpf.Program, error) {
	prog := spec.Programs[name]
	sub := &ebpf.CollectionSpec{
		Maps:      make(map[string]*ebpf.MapSpec),
		Programs:  map[string]*ebpf.ProgramSpec{name: prog},
		Types:     spec.Types,
		ByteOrder: spec.ByteOrder,
	}
	replacements := make(map[string]*ebpf.Map)
	for i := range prog.Instructions {
		ins := &prog.Instructions[i]
		ref := ins.Reference()
		if !ins.IsLoadFromMap() || ref == "" || replacements[ref] != nil || s.maps[ref] == nil {
			continue
		}
		// The map exists and is filled: nothing of its spec may be applied again.
		m := spec.Maps[ref].Copy()
		m.Contents, m.Flags, m.Pinning = nil, s.maps[ref].Flags(), ebpf.PinNone
		sub.Maps[ref], replacements[ref] = m, s.maps[ref]
	}
	coll, err := ebpf.NewCollectionWithOptions(sub, ebpf.CollectionOptions{
		MapReplacements: replacements,
		Cache:           cache,
		Programs:        ebpf.ProgramOptions{LogLevel: ebpf.LogLevel(s.opts.LogLevel)},
	})
	if err != nil {
		return nil, err
	}
	p := coll.Programs[name]
	delete(coll.Programs, name)
	coll.Close() // the clones of the maps
	return p, nil
}

// RunProbe runs each program of the plan's probes of one kind, begin or end,
// once and in the plan's order.
func (s *Session) RunProbe(kind plan.ProbeKind) error {
	for i := range s.plan.Probes {
		p := &s.plan.Probes[i]
		if p.Kind != kind {
			continue
		}
		if _, err := sys.ProgTestRun(s.progs[p.Program].FD()); err != nil {
			return &ProbeError{Probe: p, Err: err}
		}
	}
	return nil
}

// Log returns what the verifier said about a program that it accepted; empty
// unless Options.LogLevel asked for it.
func (s *Session) Log(program string) string {
	p := s.progs[program]
	if p == nil {
		return ""
	}
	return p.VerifierLog
}

// Close detaches all programs, as Detach does, waits until the kernel has let
// go of every probe, and frees programs and maps. Closing again does nothing.
//
// The kernel takes its time for perf events: it waits for a grace period for
// each tracepoint (33 ms on the machine this was written on), one after the
// other, whoever closes them and from however many threads.
func (s *Session) Close() error { return s.end(closeAll) }

// manyEvents is from how many perf events on CloseBehind is worth a process.
const manyEvents = 8

// CloseBehind is Close for a process that is about to end. Programs are
// detached and programs and maps are freed when it returns, but when there
// are many perf events a child process is left behind to close them, which
// does nothing else and ends with that.
func (s *Session) CloseBehind() error {
	return s.end(func(events []sys.FD) error {
		if len(events) < manyEvents {
			return closeAll(events)
		}
		return sys.CloseBehind(events)
	})
}

func (s *Session) end(closeEvents func([]sys.FD) error) error {
	err := s.Detach()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return err
	}
	s.closed = true
	errs := []error{err}
	if s.events != nil {
		// Before anything is left to a child, which would inherit the mapping
		// and with it the map.
		errs = append(errs, s.events.Close())
	}
	errs = append(errs, s.closeProbes(closeEvents))
	for _, p := range s.progs {
		errs = append(errs, p.Close())
	}
	for _, m := range s.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
