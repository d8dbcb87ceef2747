// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The smallest object for `skep run`: one tracepoint program that says hello
// for each execve, and counts them per user in a map.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(void *ctx)
{
	__u32 uid = bpf_get_current_uid_gid();
	__u64 one = 1, *n = bpf_map_lookup_elem(&execs, &uid);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&execs, &uid, &one, BPF_NOEXIST);
	bpf_printk("hello from uid %u", uid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
