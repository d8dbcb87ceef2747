// Package irtest makes random IR and observes what IR does, for tests that
// hold a transformation of a module against the module itself: passes now,
// code generation and engines too.
//
// It imports ir, ir/eval, ctypes and the standard library only, and is
// imported by tests only.
package irtest
