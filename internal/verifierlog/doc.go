// Package verifierlog reads the log with which the kernel's verifier refuses a
// program, and condenses it to a diagnostic: the reason, the source line of
// the instruction that failed, where its operand came from, and what helps.
//
// It imports diag, source and the standard library only.
package verifierlog
