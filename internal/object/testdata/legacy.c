/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Maps as loaders had them before BTF; built without debug information. */
#include "defs.h"

struct bpf_map_def {
	__u32 type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") table = { 1, 4, 8, 100, 1 };
struct bpf_map_def SEC("maps") ring = { .type = 4, .key_size = 4, .value_size = 4 };

SEC("kprobe/do_sys_open")
int on_open(void *ctx)
{
	__u32 k = 1;

	return map_lookup(&table, &k) != map_lookup(&ring, &k);
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 0x050a00;
