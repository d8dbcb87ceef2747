// Package cdecl reads C declarations: the structs, unions, enums, typedefs
// and integer macros that a script declares before its probes, the field
// declarations of tracefs formats, and type names in casts. It lays structs
// out as gcc and clang do for the supported 64-bit little-endian targets.
//
// It is not a C compiler: there are no statements, function bodies,
// initializers or function-like macros, and each such thing is refused with
// a diagnostic.
//
// It imports source, diag, ctypes and the standard library only.
package cdecl
