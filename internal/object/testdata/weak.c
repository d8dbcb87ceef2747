/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Externs that libbpf takes and cilium/ebpf does not. */
#include "defs.h"

extern const int bpf_prog_active __weak __ksym;
extern int CONFIG_NONE __weak __kconfig;

SEC("raw_tp/sys_enter")
int weak(void *ctx)
{
	return &bpf_prog_active != 0 && CONFIG_NONE;
}

char _license[] SEC("license") = "GPL";
