// Package tracefs finds the kernel's tracing file system and reads its events:
// their names, their numbers and the layout of their records.
//
// It imports ctypes (with cdecl), sys and the standard library only.
package tracefs
