/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the programs in this directory need of the kernel's interface. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;
typedef int s32;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __noinline __attribute__((noinline))
#define __array(name, val) typeof(val) *name[]

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex, ifindex,
	    tc_index, cb[5], hash, tc_classid, data, data_end, napi_id, family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4],
	    remote_port, local_port, data_meta;
	u64 flow_keys, tstamp;
	u32 wire_len, gso_segs;
	u64 sk;
	u32 gso_size;
};

static void *(*const map_lookup)(void *, const void *) = (void *)1;
static long (*const map_update)(void *, const void *, const void *, u64) = (void *)2;
static long (*const map_delete)(void *, const void *) = (void *)3;
static long (*const skb_store_bytes)(void *, u32, const void *, u32, u64) = (void *)9;
static long (*const l3_csum_replace)(void *, u32, u64, u64, u64) = (void *)10;
static long (*const l4_csum_replace)(void *, u32, u64, u64, u64) = (void *)11;
static long (*const tail_call)(void *, void *, u32) = (void *)12;
static long (*const skb_vlan_push)(void *, u16, u16) = (void *)18;
static long (*const skb_vlan_pop)(void *) = (void *)19;
static long (*const skb_load_bytes)(const void *, u32, void *, u32) = (void *)26;
static s64 (*const csum_diff)(const void *, u32, const void *, u32, u32) = (void *)28;
static long (*const skb_change_tail)(void *, u32, u64) = (void *)38;
static long (*const skb_pull_data)(void *, u32) = (void *)39;
static long (*const skb_change_head)(void *, u32, u64) = (void *)43;
static long (*const xdp_adjust_head)(void *, int) = (void *)44;
static long (*const xdp_adjust_meta)(void *, int) = (void *)54;
static long (*const xdp_adjust_tail)(void *, int) = (void *)65;
static long (*const map_push)(void *, const void *, u64) = (void *)87;
static long (*const map_pop)(void *, void *) = (void *)88;
static long (*const strtol)(const char *, u64, u64, long *) = (void *)105;
static long (*const strtoul)(const char *, u64, u64, unsigned long *) = (void *)106;
static long (*const ringbuf_output)(void *, void *, u64, u64) = (void *)130;
static void *(*const ringbuf_reserve)(void *, u64, u64) = (void *)131;
static void (*const ringbuf_submit)(void *, u64) = (void *)132;
static void (*const ringbuf_discard)(void *, u64) = (void *)133;
static u64 (*const ringbuf_query)(void *, u64) = (void *)134;
static long (*const for_each_map_elem)(void *, void *, void *, u64) = (void *)164;
static long (*const snprintf)(char *, u32, const char *, u64 *, u32) = (void *)165;
static long (*const loop)(u32, void *, void *, u64) = (void *)181;
static long (*const strncmp)(const char *, u32, const char *) = (void *)182;
static u64 (*const xdp_get_buff_len)(struct xdp_md *) = (void *)188;
static long (*const xdp_load_bytes)(struct xdp_md *, u32, void *, u32) = (void *)189;
static long (*const xdp_store_bytes)(struct xdp_md *, u32, void *, u32) = (void *)190;
