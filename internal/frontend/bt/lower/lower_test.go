package lower_test

import (
	"strings"
	"testing"

	"github.com/go-quicktest/qt"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/frontend/bt/bttest"
	"github.com/skep-dev/skep/internal/frontend/bt/check"
	"github.com/skep-dev/skep/internal/frontend/bt/lower"
	"github.com/skep-dev/skep/internal/frontend/bt/parse"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/source"
)

// compile lowers a script; ok is false when it has errors.
func compile(t testing.TB, text string) (m *ir.Module, p *plan.Plan, ok bool) {
	t.Helper()
	prog, diags := parse.Program(source.NewFile("t.bt", text), parse.Options{})
	if diags.HasErrors() {
		return nil, nil, false
	}
	env := check.Env{Resolver: bttest.World{}, Catalog: bttest.World{}}
	checked := check.Check(prog, env, diags)
	if diags.HasErrors() {
		return nil, nil, false
	}
	m, p = lower.Lower(checked, lower.Options{Env: env, Source: "t.bt", CPUs: 2}, diags)
	return m, p, !diags.HasErrors()
}

func mustCompile(t testing.TB, text string) (*ir.Module, *plan.Plan) {
	t.Helper()
	m, p, ok := compile(t, text)
	if !ok {
		t.Fatalf("%s: errors", text)
	}
	if err := ir.Check(m); err != nil {
		t.Fatalf("%s\n%.500v", text, err)
	}
	return m, p
}

// scripts use each construct that there is.
var scripts = []string{
	`begin { printf("hi\n"); exit(); }`,
	`end { print(1); print("a"); print((1, "a", true)); print((x = 1, y = "b")); }`,
	`tracepoint:syscalls:sys_enter_openat { printf("%d %s %s\n", pid, comm, str(args.filename)); }`,
	`tracepoint:syscalls:sys_enter_openat /comm == "sh" && pid != 1 || uid < 5/ { @[str(args.filename), args.flags] = count(); }`,
	`tracepoint:raw_syscalls:sys_enter { @s[tid] = nsecs; @d = @s[tid] - 5; delete(@s[tid]); delete(@d); join(args.args[1]); }`,
	`tracepoint:raw_syscalls:sys_enter { @a = sum(args.id); @b = min(args.id); @c = max(args.id); @e = avg(args.id); @f = stats(args.id); @g = hist(args.id, 2); @h = lhist(args.id, 0, 100, 10); @k[comm] = hist(args.id); }`,
	`tracepoint:sched:sched_switch { @[args.prev_comm, comm == args.prev_comm, strncmp(args.prev_comm, "swap", 4)] = count(); }`,
	`begin { $x = 1; $y = -5; $z = $x / $y + $x % 3 - ~$y; if ($z > 1) { $x++; } else if ($z == 1) { --$x; } else { return; } @ = $x << 3 >> 1; }`,
	`begin { $s = "abc"; $t = ($s, 1); $s = "de"; @m = $t; $u = @m.0; @n[$s] = "x"; $q = @n["de"]; print($q); if ($s == $u) { print($u); } }`,
	`begin { @x += 2; @x -= 1; @x *= 3; @y[1] += 2; @y[1] |= 4; @z[1, 2]++; $a = @z[1, 2]--; print(@x); print(@y, 3, 2); clear(@z); zero(@y); }`,
	`begin { @c = count(); @a[1] = avg(5); if (@c > 3 || @a[1] < 2) { exit(3); } print(@a[1]); }`,
	`interval:s:1 { time("%H\n"); print(strftime("%H", nsecs)); printf("%r %s", buf(comm, 4), username); unroll(3) { if (rand > 5) { break; } @++; } }`,
	`rawtracepoint:sys_enter { @[arg1] = count(); $p = (uint64 *)arg0; @v = *$p; @w = $p[3]; @q = *($p + 1); }`,
	`begin { let $a: uint16 = 5; let $b; $b = "str"; $c = { let $d = 3; $d + 1 }; @ = $a > 3 ? $c : 2; print($b); if (has_key(@h, 3)) { @h[3] = 1 } }`,
	`begin { print((elapsed, pid, tid, uid, gid, cpu, cgroup, numaid, jiffies, ncpus, cpid, probe, curtask)); }`,
}

func TestScriptsLower(t *testing.T) {
	for _, s := range scripts {
		_, p := mustCompile(t, s)
		data, err := p.Encode()
		qt.Assert(t, qt.IsNil(err))
		back, err := plan.Decode(data)
		qt.Assert(t, qt.IsNil(err), qt.Commentf("%s", s))
		qt.Assert(t, qt.DeepEquals(back, p), qt.Commentf("%s", s))
	}
}

// Helpers are called with the numbers and names that the kernel knows.
func TestHelperNumbers(t *testing.T) {
	for _, s := range scripts {
		m, _ := mustCompile(t, s)
		for _, f := range m.Funcs {
			for _, b := range f.Blocks {
				for _, v := range b.Instrs {
					if v.Op != ir.OpHelper {
						continue
					}
					h, ok := facts.HelperByName(v.Sym)
					if !ok || int64(h.Number) != v.Imm {
						t.Errorf("%s: helper %s#%d, the kernel's is %d", s, v.Sym, v.Imm, h.Number)
					}
				}
			}
		}
	}
}

func count(m *ir.Module, f func(*ir.Value) bool) (n int) {
	for _, fn := range m.Funcs {
		for _, b := range fn.Blocks {
			for _, v := range b.Instrs {
				if f(v) {
					n++
				}
			}
		}
	}
	return n
}

// A value that is longer than the limit is never on the stack.
func TestLargeValuesAreNotOnTheStack(t *testing.T) {
	for _, s := range scripts {
		m, _ := mustCompile(t, s)
		for _, f := range m.Funcs {
			total := int64(0)
			for _, v := range f.Entry().Instrs {
				if v.Op == ir.OpAlloca {
					if v.Imm > 32 {
						t.Errorf("%s: %d bytes on the stack", s, v.Imm)
					}
					total += v.Imm
				}
			}
			if total > 512 {
				t.Errorf("%s: %s has %d bytes of stack before any is shared", s, f.Name, total)
			}
		}
	}
}

// Scratch memory is claimed once and given back on every way out.
func TestScratchIsReleased(t *testing.T) {
	m, _ := mustCompile(t, `tracepoint:syscalls:sys_enter_openat { $s = str(args.filename); if ($s == "x") { return; } @[$s] = count(); exit(); }`)
	isXchg := func(v *ir.Value) bool { return v.Op == ir.OpAtomic && v.Atomic == ir.AtomicXchg }
	qt.Assert(t, qt.Equals(count(m, isXchg), 4))
	qt.Assert(t, qt.IsTrue(m.Map(plan.Scratch) != nil))
	returns := 0
	for _, b := range m.Funcs[0].Blocks {
		if b.Term.Kind == ir.Return {
			returns++
		}
	}
	qt.Assert(t, qt.Equals(returns, 2)) // no slot; and the end, which releases
}

// A script without large values claims none.
func TestNoScratchWithoutNeed(t *testing.T) {
	m, _ := mustCompile(t, `tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }`)
	qt.Assert(t, qt.IsTrue(m.Map(plan.Scratch) == nil))
}

func TestRecordLayout(t *testing.T) {
	_, p := mustCompile(t, `begin { printf("%d %s %d\n", (uint8)1, comm, pid); }`)
	e := p.Events[0]
	var at []int
	for _, a := range e.Args {
		at = append(at, a.Offset)
	}
	qt.Assert(t, qt.DeepEquals(at, []int{8, 16, 32}))
	qt.Assert(t, qt.Equals(e.Size, 40))
}

func TestProbeSharing(t *testing.T) {
	m, p := mustCompile(t, `tracepoint:syscalls:sys_e* { @ = count(); }`)
	qt.Assert(t, qt.HasLen(m.Funcs, 1))
	qt.Assert(t, qt.HasLen(p.Probes, 2))
	m, _ = mustCompile(t, `tracepoint:syscalls:sys_e* { @[probe] = count(); }`)
	qt.Assert(t, qt.HasLen(m.Funcs, 2))
}

func TestRingIsAsLargeAsNeeded(t *testing.T) {
	_, quiet := mustCompile(t, `begin { exit(); }`)
	_, loud := mustCompile(t, `begin { printf("x"); }`)
	_, none := mustCompile(t, `begin { @ = 1; }`)
	_, set := mustCompile(t, `config = { perf_rb_pages = 100 } begin { printf("x"); }`)
	qt.Assert(t, qt.DeepEquals([]int{quiet.Config.RingPages, loud.Config.RingPages, none.Config.RingPages, set.Config.RingPages},
		[]int{16, 1024, 0, 64}))
}

// FuzzLower lowers whatever passes the checker; the result must be sound IR.
func FuzzLower(f *testing.F) {
	for _, s := range scripts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "unroll") > 2 {
			return // long, not interesting
		}
		m, p, ok := compile(t, text)
		if !ok {
			return
		}
		if err := ir.Check(m); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(m))
		}
		if _, err := p.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
