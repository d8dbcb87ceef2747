/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* A tracing program with CO-RE relocations and global variables. */
#include "bpf.h"

static long (*const probe_read_kernel)(void *, u32, const void *) = (void *)113;

struct task_struct {
	int pid, tgid;
} __attribute__((preserve_access_index));

const volatile int add = 1;
int pid, tgid;
u64 offset;

SEC("raw_tp/sched_switch") int on_switch(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];
	probe_read_kernel(&pid, sizeof(pid), &t->pid);
	probe_read_kernel(&tgid, sizeof(tgid), __builtin_preserve_access_index(&t->tgid));
	pid += add;
	offset = (u64)__builtin_preserve_access_index(&t->tgid) - (u64)__builtin_preserve_access_index(&t->pid);
	return ctx[0];
}

char _license[] SEC("license") = "GPL";
