// Package interp runs programs one operation at a time, checking every access
// to memory and counting every instruction. It is safe on any program that
// ops.Decode accepts, verified or not.
//
// The loops are written by genloop; what is rare or long is in the functions
// that they call. It imports ops, mem, cpu and isa.
package interp

//go:generate go run ./genloop
