package helpers

import (
	"math/rand/v2"
	"os"
	"time"

	"github.com/skep-dev/skep/internal/vm/cpu"
)

// Env is the world that programs see through helpers. Fields that are nil or
// zero have the values of the real world (DefaultEnv); setting them all makes
// runs repeat exactly.
type Env struct {
	// Monotonic is bpf_ktime_get_ns: nanoseconds of running since boot.
	// Boot includes suspension, TAI is international atomic time.
	Monotonic, Boot, TAI func() uint64
	// Random gives bpf_get_prandom_u32.
	Random func() uint32
	// Task is the task that programs find running.
	Task func() Task
	// Print gets the lines of bpf_trace_printk.
	Print func(cpu int, text string)
	// ReadKernel and ReadUser fill p from memory outside of the engine and
	// report whether they could. Without them such memory can't be read.
	ReadKernel, ReadUser func(addr uint64, p []byte) bool
	// Stack is the kernel's or the user's stack, innermost address first.
	Stack func(user bool) []uint64
	// Event gets what programs write to perf event arrays.
	Event    func(array, cpu uint32, data []byte)
	NUMANode uint32
	// FuncIP and Cookie are what bpf_get_func_ip and bpf_get_attach_cookie
	// answer.
	FuncIP, Cookie uint64
}

// Task describes a task.
type Task struct {
	PID, TGID uint32 // as the kernel counts: PID is the thread
	UID, GID  uint32
	Comm      string
	CgroupID  uint64
	Address   uint64 // of its task_struct
}

// DefaultEnv is the real world as far as a process sees it.
func DefaultEnv() *Env {
	start := time.Now()
	offset := uint64(start.UnixNano())
	since := func() uint64 { return uint64(time.Since(start)) + 1 }
	pid := uint32(os.Getpid())
	return &Env{
		Monotonic: since, Boot: since, TAI: func() uint64 { return offset + since() },
		Random: rand.Uint32,
		Task: func() Task {
			return Task{PID: pid, TGID: pid, UID: uint32(max(os.Getuid(), 0)), GID: uint32(max(os.Getgid(), 0)), Comm: "skep"}
		},
		Print:      func(int, string) {},
		ReadKernel: func(uint64, []byte) bool { return false },
		ReadUser:   func(uint64, []byte) bool { return false },
		Stack:      func(bool) []uint64 { return nil },
		Event:      func(uint32, uint32, []byte) {},
	}
}

// Complete fills what isn't set from the real world.
func (e Env) Complete() *Env {
	d := DefaultEnv()
	if e.Monotonic != nil {
		d.Monotonic, d.Boot = e.Monotonic, e.Monotonic
	}
	if e.Boot != nil {
		d.Boot = e.Boot
	}
	if e.TAI != nil {
		d.TAI = e.TAI
	}
	if e.Random != nil {
		d.Random = e.Random
	}
	if e.Task != nil {
		d.Task = e.Task
	}
	if e.Print != nil {
		d.Print = e.Print
	}
	if e.ReadKernel != nil {
		d.ReadKernel = e.ReadKernel
	}
	if e.ReadUser != nil {
		d.ReadUser = e.ReadUser
	}
	if e.Stack != nil {
		d.Stack = e.Stack
	}
	if e.Event != nil {
		d.Event = e.Event
	}
	d.NUMANode, d.FuncIP, d.Cookie = e.NUMANode, e.FuncIP, e.Cookie
	return d
}

func env(c *cpu.CPU) *Env { return c.Env.(*Env) }
