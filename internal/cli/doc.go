// Package cli is the command line: one file per command, each a translation
// of flags and arguments into calls of the rooms that do the work.
//
// Standard output carries what the user asked for and nothing else; all that
// skep itself has to say goes to standard error. The exit status is 0 when the
// request was done, 1 when it failed, 2 when it was not understood.
//
// It may import every other package; none but cmd/skep imports it.
package cli
