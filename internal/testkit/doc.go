// Package testkit is what tests share: gates for privileges and kernel
// features, a check that nothing is left behind in the kernel, golden files,
// and the setup of the command line's script tests.
//
// A gate that can't be passed skips the test and says so loudly, in the list
// that `make test` prints at its end. When the environment has CI=true, where
// every privilege and all of gates' required features are there, a gate that
// can't be passed fails the test instead: a test that never runs is no test.
//
// It is imported by tests only.
package testkit
