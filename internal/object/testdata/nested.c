/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Maps of maps and of programs with initial values. */
#include "defs.h"

struct inner {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, 12);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { &first, 0, &second },
};

int target(void *ctx);

struct {
	__uint(type, 3);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&target },
};

SEC("socket")
int target(void *ctx)
{
	return 1;
}

SEC("socket")
int entry(void *ctx)
{
	__u32 k = 2;
	void *m = map_lookup(&outer, &k);

	if (m)
		map_lookup(m, &k);
	tail_call(ctx, &jumps, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
