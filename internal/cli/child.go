package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// childName is what the binary is called, as its argv[0], when it stands in
// for a command that waits to be traced: see startChild.
const childName = "skep-child"

// childGate is the descriptor on which the stand-in waits for its word to go.
const childGate = 3

// child is a command that was given with -c. It is started before the probes
// are attached, so that its process number is known, and becomes the command
// only when it is released: the execve itself is seen by the probes.
type child struct {
	cmd  *exec.Cmd
	gate *os.File
	done chan struct{} // closed when it has ended
	err  error         // of Wait, valid after done
}

// splitCommand splits a command line into words as a shell would, without
// expanding anything: quotes and backslashes are understood.
func splitCommand(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inWord := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			inWord = true
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	return words, nil
}

// startChild starts the stand-in for a command.
func startChild(line string, std *streams) (*child, error) {
	words, err := splitCommand(line)
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{childName, path}, words...),
		Stdin: std.in, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: []*os.File{r},
		SysProcAttr: dieWithParent(),
	}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, err
	}
	c := &child{cmd: cmd, gate: w, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// pid is the process number that the command will have.
func (c *child) pid() int { return c.cmd.Process.Pid }

// release lets the command run.
func (c *child) release() error {
	_, err := c.gate.Write([]byte{1})
	return errors.Join(err, c.gate.Close())
}

// killGrace is how long a command may take to end after SIGTERM.
const killGrace = 2 * time.Second

// stop ends the command, if it still runs, and waits for its end.
func (c *child) stop() {
	c.gate.Close() // a stand-in that was never released ends by itself
	select {
	case <-c.done:
		return
	default:
	}
	// An error means that it has ended just now, which done tells as well.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(killGrace):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// becomeCommand is the whole life of the stand-in: it waits for its word and
// becomes the command. args are the command's path and its argv.
func becomeCommand(args []string) int {
	gate := os.NewFile(childGate, "gate")
	if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
		return statusFailed // the tracer ended before it attached
	}
	gate.Close()
	err := syscall.Exec(args[0], args[1:], os.Environ())
	fmt.Fprintf(os.Stderr, "skep: %s: %v\n", args[0], err)
	return 127
}
