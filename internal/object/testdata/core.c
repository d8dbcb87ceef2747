/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* CO-RE relocations of each kind, kernel functions, variables and config. */
#include "defs.h"

#define access_index __attribute__((preserve_access_index))

struct list_head {
	struct list_head *next, *prev;
} access_index;

struct task_struct {
	int pid;
	int tgid;
	unsigned in_execve : 1;
	struct task_struct *real_parent;
	struct list_head tasks;
	char comm[16];
} access_index;

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
};

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __weak __ksym;
extern void bpf_prog_active __weak __ksym;
extern void vfs_read __ksym;
extern __u32 LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_HZ __kconfig;

SEC("raw_tp/sys_enter")
int fields(void *ctx)
{
	struct task_struct *t = (void *)current_task(), *parent = 0;
	int pid = 0;

	probe_read_kernel(&pid, sizeof(pid), &t->pid);
	probe_read_kernel(&parent, sizeof(parent), &t->real_parent);
	probe_read_kernel(&pid, sizeof(pid), &parent->tasks.next);
	pid += __builtin_preserve_field_info(t->comm, 1);
	pid += __builtin_preserve_field_info(t->tgid, 2);
	pid += __builtin_preserve_field_info(t->in_execve, 4);
	pid += __builtin_preserve_field_info(t->in_execve, 5);
	pid += __builtin_preserve_type_info(*(struct task_struct *)0, 0);
	pid += __builtin_preserve_type_info(*(struct task_struct *)0, 1);
	pid += __builtin_btf_type_id(*(struct task_struct *)0, 1);
	pid += __builtin_preserve_enum_value(*(enum pid_type *)PIDTYPE_TGID, 1);
	return pid;
}

SEC("raw_tp/sys_exit")
int externs(void *ctx)
{
	bpf_rcu_read_lock();
	if (bpf_rcu_read_unlock)
		bpf_rcu_read_unlock();
	if (&bpf_prog_active == 0 && (long)&vfs_read > 1)
		return 3;
	return LINUX_KERNEL_VERSION + CONFIG_HZ;
}

char _license[] SEC("license") = "GPL";
