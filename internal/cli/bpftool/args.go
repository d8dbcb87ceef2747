package bpftool

import (
	"strconv"
	"strings"
)

// arguments are the words of a command that are left to read.
type arguments struct{ rest []string }

func (a *arguments) empty() bool { return len(a.rest) == 0 }

func (a *arguments) len() int { return len(a.rest) }

// peek is the next word, "" at the end.
func (a *arguments) peek() string {
	if a.empty() {
		return ""
	}
	return a.rest[0]
}

func (a *arguments) skip() { a.rest = a.rest[1:] }

// is reports whether the next word is a beginning of a keyword.
func (a *arguments) is(keyword string) bool {
	return !a.empty() && a.rest[0] != "" && strings.HasPrefix(keyword, a.rest[0])
}

// take consumes the next word when it is a beginning of a keyword.
func (a *arguments) take(keyword string) bool {
	if !a.is(keyword) {
		return false
	}
	a.skip()
	return true
}

// next consumes a word; what says what is missing at the end.
func (a *arguments) next(what string) (string, error) {
	if a.empty() {
		return "", usagef("%s is missing", what)
	}
	w := a.rest[0]
	a.skip()
	return w, nil
}

// need fails unless so many words are left.
func (a *arguments) need(n int, command string) error {
	if len(a.rest) < n {
		return usagef("'%s' needs at least %d arguments, %d found", command, n, len(a.rest))
	}
	return nil
}

// end fails when words are left.
func (a *arguments) end() error {
	if !a.empty() {
		return usagef("what is '%s'?", a.rest[0])
	}
	return nil
}

// number consumes a number, decimal, octal or hexadecimal as C has them.
func (a *arguments) number(what string) (uint32, error) {
	w, err := a.next(what)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(w, 0, 32)
	if err != nil {
		return 0, usagef("can't parse %s as %s", w, what)
	}
	return uint32(v), nil
}
