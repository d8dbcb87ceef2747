// Package tracepipe reads what programs say with bpf_trace_printk: the lines
// of tracefs's trace_pipe, a stream that the whole system shares.
//
// It imports sys and, for a tap beside the pipe, kernel and plan.
package tracepipe
