// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Programs and maps of many kinds, for listings to show.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE = -1 };

struct inner {
	signed char tiny;
	unsigned char byte;
	char name[8];
};

struct value {
	unsigned long long wide;
	long long count;
	unsigned int bits : 3;
	int sbits : 5;
	unsigned int rest : 24;
	enum color color;
	struct inner in;
	void *where;
	_Bool yes;
	char letter;
	short list[3];
	int grid[2][2];
	union {
		int as_int;
		unsigned short as_short;
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct value);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct inner);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, int);
	__type(value, long);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 20);
	__uint(value_size, 40);
} bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(key_size, 0);
	__uint(value_size, 4);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

int counter = 5;
const volatile int limit = 7;
const char bpf_metadata_author[] SEC(".rodata") = "somebody";
long zero;

__attribute__((noinline)) int helper(int x)
{
	counter += x;
	return counter + limit + bpf_metadata_author[x & 7];
}

SEC("socket")
int filter_with_a_long_name(struct __sk_buff *skb)
{
	int k = 1;
	struct value *v = bpf_map_lookup_elem(&typed, &k);
	struct inner *p = bpf_map_lookup_elem(&per_cpu, &k);
	long *n = bpf_map_lookup_elem(&numbers, &k);
	void *e;
	char key[20] = {};

	if (v)
		v->count++;
	if (p)
		p->byte++;
	if (n)
		(*n)++;
	bpf_map_push_elem(&queue, &k, 0);
	bpf_map_delete_elem(&bytes, key);
	e = bpf_ringbuf_reserve(&ring, 8, 0);
	if (e)
		bpf_ringbuf_discard(e, 0);
	zero++;
	return helper(skb->len);
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &calls, 1);
	return 0;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep")
int on_tracepoint(void *ctx)
{
	counter++;
	return 0;
}

SEC("raw_tp/sys_enter")
int on_raw(void *ctx)
{
	return 0;
}

SEC("cgroup_skb/egress")
int allow(struct __sk_buff *skb)
{
	return 1;
}

SEC("sockops")
int ops(struct bpf_sock_ops *s)
{
	return 1;
}

SEC("sk_msg")
int verdict(struct sk_msg_md *m)
{
	return 1;
}

SEC("perf_event")
int on_event(void *ctx)
{
	return 0;
}

SEC("iter/task")
int tasks(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
