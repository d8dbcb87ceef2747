package sys

// FD is an open file descriptor. Whoever gets one closes it, once.
type FD int
