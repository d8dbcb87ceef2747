// Package render turns the bytes that programs leave behind, records and map
// values, into values, and values into output.
//
//   - [Decode], [MapValue] and [ElementValue] read bytes by the types of a
//     plan and yield a [Value].
//   - A [Format] is a printf format compiled against the layout of a record;
//     [CheckFormat] is its type check for the compiler.
//   - A [Sink] writes values and texts: [NewText] as bpftrace prints them,
//     [NewJSON] as its json output does, one object per line.
//
// bpftrace (0.26 development) is the authority for what is printed. Where its
// output depends on the machine or loses information, this package differs:
//
//   - bytes above 0x7f in json strings are kept as UTF-8, and invalid ones
//     become U+FFFD;
//   - counts of 2^31 and more show in histograms;
//   - signed bit-fields keep their sign;
//   - maps of min() and max() are sorted by signed value when they are signed,
//     and unsigned integer keys are sorted as unsigned;
//   - entries that compare equal are ordered by key, so that the same map
//     always prints the same.
//
// Data is in the byte order of the machine that reads it.
//
// It imports plan and the standard library only.
package render
