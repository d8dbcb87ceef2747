package tracepipe

import (
	"errors"
	"strconv"
	"strings"
)

// Line is one line of a message.
type Line struct {
	Task    string `json:"task"` // the thread's name; "<...>" when the kernel has forgotten it
	PID     int    `json:"pid"`  // the thread's number
	CPU     int    `json:"cpu"`
	Time    string `json:"time"` // by the trace clock; by default seconds since boot, as the kernel writes them
	Message string `json:"message"`
	// Continued marks a further line of a message that holds newlines. The
	// pipe doesn't say whose it is; it is taken to be of the message before.
	Continued bool `json:"continued,omitempty"`
}

// String is "TASK-PID [CPU] TIME: message", or the message alone for a
// continued line.
func (l Line) String() string {
	if l.Continued {
		return l.Message
	}
	var b strings.Builder
	b.WriteString(l.Task)
	b.WriteByte('-')
	b.WriteString(strconv.Itoa(l.PID))
	b.WriteString(" [")
	cpu := strconv.Itoa(l.CPU)
	b.WriteString("000"[min(len(cpu), 3):])
	b.WriteString(cpu)
	b.WriteString("] ")
	b.WriteString(l.Time)
	b.WriteString(": ")
	b.WriteString(l.Message)
	return b.String()
}

// event is the name of the trace event behind bpf_trace_printk.
const event = "bpf_trace_printk"

// errNotHeader is for text that doesn't begin an event.
var errNotHeader = errors.New("not the start of an event")

// taskWidth is the width of the first column, which holds the task's name
// flush right: a name is at most 15 bytes long, and may hold anything.
const taskWidth = 16

// parseHeader reads the start of an event's line and returns what it says,
// the event's name, and the rest:
//
//	name-1234    [001] d..31 12345.678901: event: text
//	name-1234    ( 1230) [001] d..31 12345.678901: event: text
//
// From the kernel's documentation of ftrace's output format; the column of
// flags is missing when its option is off, and the time is a plain count for
// some clocks.
func parseHeader(s string) (l Line, name, text string, err error) {
	if len(s) <= taskWidth || s[taskWidth] != '-' {
		return l, "", "", errNotHeader
	}
	l.Task = strings.TrimLeft(s[:taskWidth], " ")
	rest := s[taskWidth+1:]

	pid, rest := word(rest)
	if l.PID, err = strconv.Atoi(pid); err != nil || l.PID < 0 {
		return l, "", "", errNotHeader
	}
	if strings.HasPrefix(rest, "(") { // the process, with the option record-tgid
		_, after, ok := strings.Cut(rest, ")")
		if !ok {
			return l, "", "", errNotHeader
		}
		rest = strings.TrimLeft(after, " ")
	}
	cpu, rest := word(rest)
	if len(cpu) < 3 || cpu[0] != '[' || cpu[len(cpu)-1] != ']' {
		return l, "", "", errNotHeader
	}
	if l.CPU, err = strconv.Atoi(cpu[1 : len(cpu)-1]); err != nil || l.CPU < 0 {
		return l, "", "", errNotHeader
	}
	when, rest := word(rest)
	if !isTime(when) { // flags come before it
		when, rest = word(rest)
	}
	if !isTime(when) {
		return l, "", "", errNotHeader
	}
	l.Time = when[:len(when)-1]
	name, text, ok := strings.Cut(rest, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return l, "", "", errNotHeader
	}
	return l, name, strings.TrimPrefix(text, " "), nil
}

// word splits off the first word and the spaces around it.
func word(s string) (first, rest string) {
	s = strings.TrimLeft(s, " ")
	i := strings.IndexByte(s, ' ')
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " ")
}

// isTime reports whether a word is digits, with points among them, and a
// colon at its end.
func isTime(s string) bool {
	digits, ok := strings.CutSuffix(s, ":")
	return ok && digits != "" && strings.Trim(digits, "0123456789.") == "" && digits[0] != '.'
}

// parseLost reads the line that says how many events of a CPU were
// overwritten before anybody read them: "CPU:1 [LOST 42 EVENTS]".
func parseLost(s string) (cpu int, lost uint64, ok bool) {
	s, ok = strings.CutPrefix(s, "CPU:")
	if !ok {
		return 0, 0, false
	}
	first, rest := word(s)
	cpu, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	count, ok := strings.CutPrefix(rest, "[LOST ")
	if !ok {
		return 0, 0, false
	}
	count, ok = strings.CutSuffix(count, " EVENTS]")
	if !ok {
		return 0, 0, false
	}
	if count == "" { // the kernel knows that some were lost, but not how many
		return cpu, 0, true
	}
	lost, err = strconv.ParseUint(count, 10, 64)
	return cpu, lost, err == nil
}

// Parser turns the lines of the pipe into lines of messages.
type Parser struct {
	// Lost is called for events that the kernel overwrote; 0 is an unknown
	// number.
	Lost func(cpu int, events uint64)

	last    Line
	open    bool // last is a message that may go on in the next line
	pending int  // empty lines that are of the message if it goes on
}

// Parse takes one line of the pipe, without its newline, and calls emit with
// what it says, if it belongs to a message of bpf_trace_printk.
func (p *Parser) Parse(s string, emit func(Line) error) error {
	l, name, text, err := parseHeader(s)
	if err == nil {
		p.open, p.pending = name == event, 0
		if !p.open {
			return nil
		}
		l.Message = text
		p.last = l
		return emit(l)
	}
	if cpu, lost, ok := parseLost(s); ok {
		if p.Lost != nil {
			p.Lost(cpu, lost)
		}
		return nil
	}
	if !p.open {
		return nil // of an event that is not ours
	}
	if s == "" {
		// The kernel adds a newline to each message, also to one that ends
		// with one: an empty line at the end says nothing.
		p.pending++
		return nil
	}
	p.last.Continued = true
	for ; p.pending > 0; p.pending-- {
		p.last.Message = ""
		if err := emit(p.last); err != nil {
			return err
		}
	}
	p.last.Message = s
	return emit(p.last)
}
