// Package btfmt prints syntax trees of the tracing language: as source text
// in the canonical format (Print), which parses back to the same tree, and as
// an indented dump of the nodes (Dump).
//
// It imports ast, source and the standard library only.
package btfmt
