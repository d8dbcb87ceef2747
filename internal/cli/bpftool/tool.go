package bpftool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/skep-dev/skep/internal/cli/jsonout"
)

// Streams are the standard streams of an invocation.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// options are bpftool's options, which may stand anywhere.
type options struct {
	json, pretty bool
	bpffs        bool // show where objects are pinned
	nomount      bool
	debug        bool
	loader       bool
	sign         bool
	baseBTF      string
	version      bool
	help         bool
}

// tool is one invocation. In a batch file each line is one command of it.
type tool struct {
	ctx context.Context
	Streams
	opts    options
	out     *bufio.Writer // text
	json    *jsonout.Writer
	inBatch bool
}

// UsageError is a request that could not be understood. Usage, when set, is
// the text that shows what could have been meant.
type UsageError struct {
	Reason string
	Usage  string
}

func (e *UsageError) Error() string { return e.Reason }

// Reported is an error that is part of the JSON output already.
type Reported struct{ Err error }

func (e *Reported) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *Reported) Unwrap() error { return e.Err }

// errSilent ends a command with a failure and without a message, since the
// output says it all.
var errSilent = errors.New("")

func usagef(format string, args ...any) error {
	return &UsageError{Reason: fmt.Sprintf(format, args...)}
}

// strerror is an error of the kernel in the words of strerror(3).
func strerror(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	if text == "" || strings.HasPrefix(text, "errno ") {
		return fmt.Sprintf("Unknown error %d", int(errno))
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// handler runs a command with the arguments behind its name.
type handler func(*tool, *arguments) error

// command is an entry of a table of commands. The first entry is what stands
// for no word at all, and a word means the first entry that it begins.
type command struct {
	name string
	run  handler
}

// objects are the words after the command's name.
func objects() []command {
	return []command{
		{"help", (*tool).help},
		{"batch", (*tool).batch},
		{"prog", group(progCommands, progUsage)},
		{"map", group(mapCommands, mapUsage)},
		{"link", group(linkCommands, linkUsage)},
		{"cgroup", group(cgroupCommands, cgroupUsage)},
		{"perf", group(perfCommands, perfUsage)},
		{"net", group(netCommands, netUsage)},
		{"feature", group(featureCommands, featureUsage)},
		{"btf", group(btfCommands, btfUsage)},
		{"gen", absent("gen", "skeletons and static linking of objects")},
		{"struct_ops", absent("struct_ops", "registering of struct_ops maps")},
		{"iter", absent("iter", "pinning of iterators")},
		{"token", absent("token", "BPF tokens")},
		{"version", (*tool).version},
	}
}

// Objects returns the names of bpftool's objects that are commands of skep.
func Objects() []string {
	return []string{"prog", "map", "link", "cgroup", "perf", "net", "feature", "btf", "gen", "struct_ops", "iter", "token"}
}

// absent is a command that this version lacks.
func absent(name, what string) handler {
	return func(*tool, *arguments) error {
		return fmt.Errorf("%s: %s are not in this version yet", name, what)
	}
}

// group is the handler of an object with commands of its own.
func group(table func() []command, usage string) handler {
	return func(t *tool, a *arguments) error { return t.choose(table(), usage, a) }
}

// choose runs the command that the next word names.
func (t *tool) choose(table []command, usage string, a *arguments) error {
	if a.empty() {
		return table[0].run(t, a)
	}
	if a.take("help") {
		return t.showUsage(usage)
	}
	for _, c := range table {
		if a.is(c.name) {
			a.skip()
			return c.run(t, a)
		}
	}
	return &UsageError{Reason: fmt.Sprintf("unknown command '%s'", a.peek()), Usage: usage}
}

func (t *tool) showUsage(usage string) error {
	if t.opts.json {
		t.json.Null()
		return nil
	}
	_, err := fmt.Fprint(t.Err, usage)
	return err
}

// Run executes a command line without the name of the program. The error is a
// *UsageError, a *Reported one, or says what failed.
func Run(ctx context.Context, std Streams, args []string) error {
	t := &tool{ctx: ctx, Streams: std, out: bufio.NewWriterSize(std.Out, 1<<16)}
	rest, err := t.opts.parse(args)
	if err != nil {
		return err
	}
	t.json = jsonout.New(std.Out, t.opts.pretty)
	switch {
	case t.opts.version:
		rest = []string{"version"}
	case t.opts.help:
		rest = append(rest[:min(len(rest), 1):min(len(rest), 1)], "help") // of the object, when one is named
	}
	return t.finish(t.choose(objects(), toolUsage, &arguments{rest: rest}))
}

// finish ends the output of an invocation and takes its error into it.
func (t *tool) finish(err error) error {
	if !t.opts.json {
		return errors.Join(err, t.out.Flush())
	}
	if err != nil && err.Error() != "" && !errors.As(err, new(*Reported)) {
		t.jsonError(err)
		err = &Reported{err}
	}
	return errors.Join(err, t.json.Close())
}

func (t *tool) jsonError(err error) {
	t.json.BeginObject()
	t.json.StringField("error", err.Error())
	t.json.EndObject()
}

// done writes the answer of a command that has none.
func (t *tool) done() error {
	if t.opts.json {
		t.json.Null()
	}
	return nil
}

// printf writes text.
func (t *tool) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// info says on standard error what is no error.
func (t *tool) info(format string, args ...any) {
	if !t.opts.json {
		fmt.Fprintf(t.Err, format+"\n", args...)
	}
}

// flags are the options by their letters and words; value says that an
// argument follows.
func (o *options) flags() []struct {
	short byte
	long  string
	set   func(string)
	value bool
} {
	type flag = struct {
		short byte
		long  string
		set   func(string)
		value bool
	}
	return []flag{
		{'j', "json", func(string) { o.json = true }, false},
		{'p', "pretty", func(string) { o.json, o.pretty = true, true }, false},
		{'f', "bpffs", func(string) { o.bpffs = true }, false},
		{'m', "mapcompat", func(string) {}, false}, // was for map definitions of iproute2; bpftool ignores it as well
		{'n', "nomount", func(string) { o.nomount = true }, false},
		{'d', "debug", func(string) { o.debug = true }, false},
		{'l', "legacy", func(string) {}, false}, // bpftool ignores it as well
		{'L', "use-loader", func(string) { o.loader = true }, false},
		{'S', "sign", func(string) { o.sign = true }, false},
		{'B', "base-btf", func(s string) { o.baseBTF = s }, true},
		{'V', "version", func(string) { o.version = true }, false},
		{'h', "help", func(string) { o.help = true }, false},
	}
}

// parse takes the options out of the arguments.
func (o *options) parse(args []string) (rest []string, err error) {
	flags := o.flags()
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(rest, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		used, err := o.parseOne(flags, arg, args[i+1:])
		if err != nil {
			return nil, err
		}
		i += used
	}
	return rest, nil
}

// parseOne sets what one argument says, and returns how many of the following
// ones belong to it.
func (o *options) parseOne(flags []struct {
	short byte
	long  string
	set   func(string)
	value bool
}, arg string, next []string) (int, error) {
	unknown := &UsageError{Reason: fmt.Sprintf("unrecognized option '%s'", arg), Usage: toolUsage}
	need := &UsageError{Reason: fmt.Sprintf("option '%s' needs an argument", arg)}
	if word, ok := strings.CutPrefix(arg, "--"); ok {
		word, value, inline := strings.Cut(word, "=")
		for _, f := range flags {
			if word == "" || !strings.HasPrefix(f.long, word) {
				continue
			}
			switch {
			case f.value && inline, !f.value && !inline:
				f.set(value)
				return 0, nil
			case !f.value:
				return 0, unknown
			case len(next) == 0:
				return 0, need
			}
			f.set(next[0])
			return 1, nil
		}
		return 0, unknown
	}
letters:
	for i := 1; i < len(arg); i++ {
		for _, f := range flags {
			if f.short != arg[i] {
				continue
			}
			switch {
			case !f.value:
				f.set("")
				continue letters
			case i+1 < len(arg):
				f.set(arg[i+1:])
				return 0, nil
			case len(next) == 0:
				return 0, need
			}
			f.set(next[0])
			return 1, nil
		}
		return 0, unknown
	}
	return 0, nil
}
