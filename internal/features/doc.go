// Package features finds out what the running kernel and the privileges of
// this process allow, each fact with the kernel version it came with, and says
// what is missing together with the command that grants it.
//
// It imports sys and the standard library only.
package features
