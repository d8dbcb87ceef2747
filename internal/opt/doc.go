// Package opt improves IR: passes over one function at a time, from a table
// whose order is checked against a second table of constraints.
//
// A pass keeps what a program returns and does (but for loads and idle stores
// that nothing can tell apart), and keeps to what the kernel's verifier asks
// of the IR (see package ir): it never reloads, never moves code up across a
// branch, never changes the form of a comparison that guards something, and
// never merges CO-RE operations. Where removing an instruction and keeping
// the verifier content are at odds, the instruction stays.
//
// Each pass is right on its own, in any order and twice; the order only makes
// the result good. All of them take time about linear in the function's size.
//
// It imports ir and the standard library only.
package opt
