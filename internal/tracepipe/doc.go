// Package tracepipe reads what programs say with bpf_trace_printk: the lines
// of tracefs's trace_pipe, a stream that the whole system shares.
//
// It imports the standard library only.
package tracepipe
