// Package archtest keeps the architecture as tests: which package may import
// which, and the habits of this code base that a program can check.
//
// It has no code outside of its tests and imports the standard library only.
package archtest
