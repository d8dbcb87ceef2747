// Package expand holds the passes between parse and check that turn a tree
// into a simpler one: scripts that are imported are merged in, macros of the
// script and of the library are replaced by their bodies, C constants and
// enumerators by their values, positional and named parameters by what was
// given for them, and expressions of literals by their value. What needs types
// is left to check, which can use Eval for it.
//
// It follows bpftrace 0.26. Where that lets a macro reach into the code around
// its use by accident (two uses of one macro within each other sharing a
// variable, a loop's variable capturing the caller's), here every use has
// variables of its own.
//
// Code that comes from a macro keeps its places in the macro's text, in a copy
// of its file that stands for one use; Result.Explain translates them into
// places of the script.
//
// It imports source, diag, ctypes, the syntax tree and its parser, and the
// standard library only.
package expand
