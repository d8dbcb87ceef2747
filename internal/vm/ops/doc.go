// Package ops is the form in which the user-space engine runs programs:
// instructions decoded once into operations of 16 bytes with one dense code
// each, operands ready to use and jumps resolved.
//
// Operation i of a program stands for slot i of its bytecode; a second slot
// of lddw is an operation that is never reached. Some operations stand for
// several instructions (Join); the operations of the later ones stay in their
// places, so jumps into the middle need no care.
//
// It imports facts and isa only. The codes are written by
// interp/genloop.
package ops
