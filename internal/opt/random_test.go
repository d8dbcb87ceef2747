package opt

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/ir/irtest"
)

// reparse copies a module by way of its text.
func reparse(t testing.TB, text string) *ir.Module {
	t.Helper()
	m, dl := ir.Parse("test.ir", text)
	if err := dl.Err(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

// runPass runs one row of the table alone, with the checker behind it.
func runPass(m *ir.Module, p pass) error {
	for _, f := range m.Funcs {
		w := &work{m: m, f: f}
		if err := w.pass(p, Options{Check: true}); err != nil {
			return err
		}
	}
	return ir.Check(m)
}

// differ reports a difference between what two modules do.
func differ(before, after *ir.Module, seed uint64) error {
	for run := range uint64(3) {
		want, err := irtest.Observe(before, seed+run)
		if err != nil {
			return fmt.Errorf("before: %w", err)
		}
		got, err := irtest.Observe(after, seed+run)
		if err != nil {
			return fmt.Errorf("after: %w", err)
		}
		if got != want {
			return fmt.Errorf("before:\n%s\nafter:\n%s", want, got)
		}
	}
	return nil
}

// testRandom holds what each pass alone, all of them in order, and a random
// sequence of them do to a random module against the module itself.
func testRandom(t *testing.T, seed uint64, size int) {
	rng := rand.New(rand.NewPCG(seed, 7))
	text := ir.Print(irtest.Generate(rng, size))
	before := reparse(t, text)
	try := func(name string, run func(m *ir.Module) error) {
		after := reparse(t, text)
		if err := run(after); err != nil {
			t.Fatalf("seed %d, %s: %v\n%s", seed, name, err, text)
		}
		if err := differ(before, after, seed); err != nil {
			t.Fatalf("seed %d, %s: %v\n--- before:\n%s\n--- after:\n%s", seed, name, err, text, ir.Print(after))
		}
	}
	done := map[string]bool{}
	for _, p := range passes {
		if name := fmt.Sprintf("%p", p.run); !done[name] {
			done[name] = true
			try(p.name, func(m *ir.Module) error { return runPass(m, p) })
		}
	}
	try("all", func(m *ir.Module) error { return Run(m, Options{Check: true}) })
	try("sequence", func(m *ir.Module) error {
		for range 12 {
			if err := runPass(m, passes[rng.IntN(len(passes))]); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestRandom(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 60
	}
	for seed := range uint64(n) {
		testRandom(t, seed, 5+int(seed%90))
	}
}

// FuzzRandom goes on from where TestRandom stops.
func FuzzRandom(f *testing.F) {
	f.Add(uint64(1), uint8(30))
	f.Fuzz(func(t *testing.T, seed uint64, size uint8) { testRandom(t, seed, int(size)) })
}

// FuzzRun runs all passes over any text that is a well-formed module: they
// keep it well-formed, and the second time too.
func FuzzRun(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, member := range a.Files {
			f.Add(string(member.Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, dl := ir.Parse("fuzz.ir", text)
		if dl.HasErrors() || ir.Check(m) != nil {
			return
		}
		for range 2 {
			if err := Run(m, Options{Check: true}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
