package ctypes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// kernelBTF is where Linux shows its BTF, one file for the kernel and one for
// each module (since Linux 5.11).
const kernelBTF = "/sys/kernel/btf"

// ErrNoBTF is wrapped by KernelBTF's error when the running kernel was built
// without BTF.
var ErrNoBTF = errors.New("the kernel shows no BTF (it needs CONFIG_DEBUG_INFO_BTF)")

// Kernel resolves types, functions and raw tracepoints from the BTF of a
// kernel, and of its modules where the kernel proper does not know a name. It
// may be used by several goroutines.
type Kernel struct {
	Unknown

	// BTF is the kernel proper's.
	BTF *BTF

	dir     string
	modules func() (list []module, err error)

	mu     sync.Mutex
	opened map[string]*BTF
	raw    map[string]*Func
}

type module struct{ name, path string }

// KernelBTF opens the BTF of the running kernel.
func KernelBTF() (*Kernel, error) { return openKernel(kernelBTF) }

func openKernel(dir string) (*Kernel, error) {
	path := filepath.Join(dir, "vmlinux")
	data, err := mapFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoBTF
	}
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	b, err := OpenBTF(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k := NewKernel(b)
	k.dir = dir
	k.modules = sync.OnceValues(k.listModules)
	return k, nil
}

// NewKernel makes a resolver over the BTF of a kernel that is not the running
// one, without modules.
func NewKernel(b *BTF) *Kernel {
	return &Kernel{
		BTF:     b,
		modules: func() ([]module, error) { return nil, nil },
		opened:  map[string]*BTF{},
		raw:     map[string]*Func{},
	}
}

func (k *Kernel) listModules() ([]module, error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	var list []module
	for _, e := range entries {
		if e.Name() != "vmlinux" {
			list = append(list, module{e.Name(), filepath.Join(k.dir, e.Name())})
		}
	}
	return list, nil
}

// Modules returns the names of the modules that have BTF.
func (k *Kernel) Modules() ([]string, error) {
	list, err := k.modules()
	var names []string
	for _, m := range list {
		names = append(names, m.name)
	}
	return names, err
}

// Module returns the BTF of a loaded module, which is split from k.BTF.
func (k *Kernel) Module(name string) (*BTF, error) {
	list, err := k.modules()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(m module) bool { return m.name == name })
	if i < 0 {
		return nil, NotFound("BTF of module", name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if b := k.opened[name]; b != nil {
		return b, nil
	}
	data, err := os.ReadFile(list[i].path)
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	b, err := OpenBTF(data, k.BTF)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list[i].path, err)
	}
	k.opened[name] = b
	return b, nil
}

// place is a type in one BTF.
type place struct {
	btf    *BTF
	id     uint32
	module string
}

// find looks a name up in the kernel, then in its modules.
func (k *Kernel) find(what, name string, kinds ...BTFKind) (place, error) {
	if mod, bare, ok := strings.Cut(name, ":"); ok {
		b := k.BTF
		if mod != "vmlinux" {
			var err error
			if b, err = k.Module(mod); err != nil {
				return place{}, err
			}
		} else {
			mod = ""
		}
		if ids := b.own(bare, kinds); len(ids) > 0 {
			return place{b, ids[0], mod}, nil
		}
		return place{}, NotFound(what, name)
	}
	if ids := k.BTF.Find(name, kinds...); len(ids) > 0 {
		return place{k.BTF, ids[0], ""}, nil
	}
	mods, err := k.Modules()
	if err != nil {
		return place{}, err
	}
	for _, m := range mods {
		b, err := k.Module(m)
		if err != nil {
			return place{}, err
		}
		if ids := b.own(name, kinds); len(ids) > 0 {
			return place{b, ids[0], m}, nil
		}
	}
	return place{}, NotFound(what, name)
}

// own is Find without the types of the base.
func (b *BTF) own(name string, kinds []BTFKind) []uint32 {
	ids := b.Find(name, kinds...)
	return ids[sortedFrom(ids, b.first):]
}

func sortedFrom(ids []uint32, first uint32) int {
	i, _ := slices.BinarySearch(ids, first)
	return i
}

// typeKinds are the kinds that a keyword asks for.
var typeKinds = map[string][]BTFKind{
	"struct": {BTFStruct},
	"union":  {BTFUnion},
	"enum":   {BTFEnum, BTFEnum64},
	"":       {BTFTypedef, BTFInt, BTFFloat},
}

// Type implements Resolver. A definition wins over a forward declaration.
func (k *Kernel) Type(name string) (Type, error) {
	keyword, bare := "", strings.TrimSpace(name)
	if w, rest, ok := strings.Cut(bare, " "); ok && typeKinds[w] != nil {
		keyword, bare = w, strings.TrimSpace(rest)
	}
	at, err := k.find("type", bare, typeKinds[keyword]...)
	if err == nil {
		return at.btf.Type(at.id)
	}
	if keyword == "" && errors.Is(err, ErrNotFound) {
		if t := Builtin(bare); t != nil {
			return t, nil
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil, NotFound("type", name)
	}
	return nil, err
}

// Func implements Resolver. "module:function" asks for a function of that
// module ("vmlinux" is the kernel proper).
func (k *Kernel) Func(name string) (*Func, error) {
	at, err := k.find("kernel function", name, BTFFunc)
	if err != nil {
		return nil, err
	}
	f, err := at.fn()
	if err != nil {
		return nil, fmt.Errorf("kernel function %q: %w", name, err)
	}
	return f, nil
}

func (p place) fn() (*Func, error) {
	t, err := p.btf.Type(p.id)
	if err != nil {
		return nil, err
	}
	f, ok := t.(*Func)
	if !ok {
		return nil, fmt.Errorf("BTF: type %d is no function", p.id)
	}
	if p.module != "" {
		g := *f
		g.Module = p.module
		return &g, nil
	}
	return f, nil
}

// rawPrefix is what the kernel puts before a raw tracepoint's name for the
// typedef from which the verifier takes the arguments.
const rawPrefix = "btf_trace_"

// rawNames are the functions whose prototype is a raw tracepoint's, names
// included, with the probe's private data first. Which of them there are
// depends on the kernel's version.
var rawNames = []string{"__probestub_", "__bpf_trace_", "__traceiter_"}

// RawTracepoint implements Resolver. The function's parameters are what the
// program finds in its context; their names come from the kernel's own
// functions for the tracepoint when there are any.
func (k *Kernel) RawTracepoint(name string) (*Func, error) {
	k.mu.Lock()
	f := k.raw[name]
	k.mu.Unlock()
	if f != nil {
		return f, nil
	}
	at, err := k.find("raw tracepoint", rawPrefix+name, BTFTypedef)
	if errors.Is(err, ErrNotFound) {
		return nil, NotFound("raw tracepoint", name)
	}
	if err != nil {
		return nil, err
	}
	t, err := at.btf.Type(at.id)
	if err != nil {
		return nil, fmt.Errorf("raw tracepoint %q: %w", name, err)
	}
	p, ok := Strip(t).(*Pointer)
	if !ok {
		return nil, fmt.Errorf("raw tracepoint %q: %s%s is no pointer", name, rawPrefix, name)
	}
	proto, ok := Strip(p.Elem).(*Func)
	if !ok || len(proto.Params) == 0 {
		return nil, fmt.Errorf("raw tracepoint %q: %s%s points to no function", name, rawPrefix, name)
	}
	f = &Func{Name: name, Result: proto.Result, Params: slices.Clone(proto.Params[1:]), Module: at.module}
	k.nameParams(at, f)
	k.mu.Lock()
	k.raw[name] = f
	k.mu.Unlock()
	return f, nil
}

// nameParams fills in the names that a typedef's prototype lacks.
func (k *Kernel) nameParams(at place, f *Func) {
	for _, prefix := range rawNames {
		for _, id := range at.btf.Find(prefix+f.Name, BTFFunc) {
			g, err := place{btf: at.btf, id: id}.fn()
			if err != nil || len(g.Params) != len(f.Params)+1 || len(f.Params) > 0 && g.Params[1].Name == "" {
				continue
			}
			for i := range f.Params {
				f.Params[i].Name = g.Params[i+1].Name
			}
			return
		}
	}
}

// RawTracepoints lists the raw tracepoints of the kernel proper, sorted.
func (k *Kernel) RawTracepoints() []string {
	var names []string
	k.BTF.Names(BTFTypedef, func(_ uint32, name string) bool {
		if rest, ok := strings.CutPrefix(name, rawPrefix); ok {
			names = append(names, rest)
		}
		return true
	})
	slices.Sort(names)
	return slices.Compact(names)
}
