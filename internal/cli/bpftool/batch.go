package bpftool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// help is the command of that name.
func (t *tool) help(a *arguments) error {
	if err := a.end(); err != nil {
		return err
	}
	return t.showUsage(toolUsage)
}

// grammarVersion is what scripts ask for: whose grammar and keys these are.
const grammarVersion = "7.7.0"

// version is the command of that name.
func (t *tool) version(*arguments) error {
	if !t.opts.json {
		t.printf("skep with the grammar of bpftool v%s\nfeatures: jited disassembly, BTF, no libbpf\n", grammarVersion)
		return nil
	}
	j := t.json
	j.BeginObject()
	j.StringField("version", grammarVersion)
	j.StringField("implementation", "skep")
	j.Name("features")
	j.BeginObject()
	j.BoolField("libbfd", false)
	j.BoolField("llvm", false)
	j.BoolField("skeletons", false)
	j.BoolField("bootstrap", false)
	j.EndObject()
	j.EndObject()
	return nil
}

// batch runs the commands of a file, a line each. JSON becomes an array of
// objects with the command and its output.
func (t *tool) batch(a *arguments) error {
	if t.inBatch {
		return usagef("batch files can't contain batches")
	}
	if !a.take("file") {
		return usagef("expected 'file', got: %s", a.peek())
	}
	path, err := a.next("a path")
	if err != nil {
		return err
	}
	if err := a.end(); err != nil {
		return err
	}
	in := t.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("can't open file (%s): %w", path, err)
		}
		defer f.Close()
		in = f
	}
	t.inBatch = true
	return t.batchLines(in)
}

func (t *tool) batchLines(in io.Reader) error {
	if t.opts.json {
		t.json.BeginArray()
		defer t.json.EndArray()
	}
	lines := bufio.NewScanner(in)
	done := 0
	for pending := ""; lines.Scan(); {
		text := lines.Text()
		if before, _, ok := strings.Cut(text, "#"); ok {
			text = before
		}
		if before, ok := strings.CutSuffix(text, "\\"); ok {
			pending += before + " "
			continue
		}
		words, err := splitWords(pending + text)
		pending = ""
		if err != nil {
			return err
		}
		if len(words) == 0 {
			continue
		}
		if err := t.batchCommand(words); err != nil {
			return err
		}
		done++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading batch file failed: %w", err)
	}
	t.info("processed %d commands", done)
	return nil
}

func (t *tool) batchCommand(words []string) error {
	run := func() error { return t.choose(objects(), toolUsage, &arguments{rest: words}) }
	if !t.opts.json {
		return run()
	}
	t.json.BeginObject()
	defer t.json.EndObject()
	t.json.Name("command")
	t.json.BeginArray()
	for _, w := range words {
		t.json.String(w)
	}
	t.json.EndArray()
	t.json.Name("output")
	err := run()
	if err != nil && err.Error() != "" && !errors.As(err, new(*Reported)) {
		t.jsonError(err)
		err = &Reported{err}
	}
	return err
}

// splitWords splits a line at spaces; quotes keep them.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t' || c == '\r':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, usagef("a quote is not closed: %s", line)
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
