/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Maps, data of all kinds, subprograms and a callback. */
#include "defs.h"

struct key {
	__u32 pid;
	char comm[16];
};

struct value {
	__u64 count;
	__u64 total;
	struct {
		__u32 low : 3;
		__u32 high : 29;
	};
};

struct {
	__uint(type, 1);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
	__uint(map_flags, 1);
} stats SEC(".maps");

struct {
	__uint(type, 27);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

struct {
	__uint(type, 6);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(max_entries, 7);
	__uint(pinning, 1);
} counters SEC(".maps");

const volatile __u32 threshold = 42;
static volatile const char greeting[] = "hello";
__u64 total;
static __u64 hidden;
int seed = 7;
static int states[3] = { 1, 2, 3 };
__u32 custom SEC(".data.custom") = 9;

static __noinline int square(int x)
{
	hidden += x;
	return x * x + states[x & 1];
}

__noinline int scale(int x)
{
	return square(x) * seed;
}

static int step(__u32 i, void *ctx)
{
	total += i;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int on_open(void *ctx)
{
	struct key k = { .pid = threshold };
	struct value *v, init = { .count = 1 };

	v = map_lookup(&stats, &k);
	if (v)
		v->count++;
	else
		map_update(&stats, &k, &init, 0);
	trace_printk("open %d\n", 9, scale(3));
	loop(8, step, 0, 0);
	custom++;
	return greeting[threshold & 3];
}

SEC("tracepoint/syscalls/sys_enter_openat")
int on_open_again(void *ctx)
{
	__u32 zero = 0;
	__u64 *v = map_lookup(&counters, &zero);

	if (v)
		__sync_fetch_and_add(v, ktime());
	return square(threshold);
}

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	return map_lookup(&events, ctx) != 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
