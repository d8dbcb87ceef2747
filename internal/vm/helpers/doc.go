// Package helpers holds the helper functions of the user-space engine: a
// table from numbers to bodies, which programs may call which, and the reason
// for each one that isn't there.
//
// What the bodies need of the world (time, random numbers, the current task)
// comes from an Env. Results and errno values are the kernel's.
//
// It imports cpu, maps, mem, packet and facts.
package helpers
