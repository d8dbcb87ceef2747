package tracer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/skep-dev/skep/internal/plan"
	"github.com/skep-dev/skep/internal/render"
)

// cat prints the start of a file.
func (t *tracer) cat(e *plan.Event) (func([]byte) error, error) {
	f, err := t.format(e)
	limit := int64(t.Plan.Config.MaxCatBytes)
	if limit <= 0 {
		limit = defaultCatBytes
	}
	return func(record []byte) error {
		name, err := f.Append(nil, record)
		if err != nil {
			return err
		}
		text, err := readStart(string(name), limit)
		if err != nil {
			return err
		}
		t.Sink.Text(render.Cat, text)
		return nil
	}, err
}

func readStart(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// system runs a command by the shell and prints what it writes, standard error
// included.
func (t *tracer) system(e *plan.Event) (func([]byte) error, error) {
	f, err := t.format(e)
	return func(record []byte) error {
		if !t.Unsafe {
			return errors.New("running commands is not allowed; --unsafe allows it")
		}
		command, err := f.Append(nil, record)
		if err != nil {
			return err
		}
		out, err := exec.Command("sh", "-c", string(command)).CombinedOutput()
		if err == nil || len(out) > 0 {
			t.Sink.Text(render.System, out)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Exited() {
			return fmt.Errorf("command exited with code %d", exit.ExitCode())
		}
		return err
	}, err
}
