package opt

import (
	"fmt"
	"strings"

	"github.com/skep-dev/skep/internal/ir"
)

// Options of Run. The zero value runs all passes.
type Options struct {
	// Disable names passes to leave out.
	Disable map[string]bool
	// Dump is called after each pass over each function.
	Dump func(pass string, f *ir.Func)
	// Check checks the module before the first pass and each function
	// after each pass.
	Check bool
}

// Error says which pass went wrong on which function. It is always a bug of
// ours: in the pass, or in the code that made the IR.
type Error struct {
	Pass, Func string
	Err        error
}

func (e *Error) Error() string {
	return fmt.Sprintf("internal error in pass %s over @%s: %v", e.Pass, e.Func, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Run improves all functions of a module that passes ir.Check. The result
// depends on the module alone. When it fails the module is in no state to be
// used.
func Run(m *ir.Module, o Options) error {
	if err := checkOrder(passes, order); err != nil {
		return err
	}
	if err := o.known(); err != nil {
		return err
	}
	if o.Check {
		if err := ir.Check(m); err != nil {
			return fmt.Errorf("before the passes: %w", err)
		}
	}
	for _, f := range m.Funcs {
		w := &work{m: m, f: f}
		for _, p := range passes {
			if o.Disable[p.name] {
				continue
			}
			if err := w.pass(p, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Passes returns the names of the passes in the order in which they run.
func Passes() []string {
	names := make([]string, len(passes))
	for i, p := range passes {
		names[i] = p.name
	}
	return names
}

func (o *Options) known() error {
	for name := range o.Disable {
		if indexOf(passes, name) < 0 {
			return fmt.Errorf("there is no pass %q; the passes are %s", name, strings.Join(Passes(), ", "))
		}
	}
	return nil
}

func (w *work) pass(p pass, o Options) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{p.name, w.f.Name, fmt.Errorf("panic: %v", r)}
		}
	}()
	p.run(w)
	if o.Dump != nil {
		o.Dump(p.name, w.f)
	}
	if o.Check {
		if err := ir.CheckFunc(w.m, w.f); err != nil {
			return &Error{p.name, w.f.Name, err}
		}
	}
	return nil
}
