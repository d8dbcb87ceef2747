/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* XDP programs that use what XDP programs use. */
#include "bpf.h"

struct {
	__uint(type, 1); /* hash */
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, 6); /* percpu array */
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} sizes SEC(".maps");

struct {
	__uint(type, 3); /* program array */
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} jumps SEC(".maps");

u64 seen;
u32 last_proto = 7;
const volatile u32 limit = 100;
static u64 hidden[4];

static __noinline u64 mix(u64 a, u32 b, u64 *out)
{
	*out += a ^ b;
	return a * 31 + b;
}

SEC("xdp") int xdp_count(struct xdp_md *ctx)
{
	u8 *d = (u8 *)(long)ctx->data, *e = (u8 *)(long)ctx->data_end;
	if (d + 34 > e)
		return 1;
	u16 proto = *(u16 *)(d + 12);
	u32 key = d[23];
	u64 one = 1, *v;
	__sync_fetch_and_add(&seen, e - d);
	last_proto = proto;
	v = map_lookup(&counts, &key);
	if (v)
		__sync_fetch_and_add(v, 1);
	else
		map_update(&counts, &key, &one, 1);
	key &= 3;
	v = map_lookup(&sizes, &key);
	if (v)
		*v += e - d;
	u64 acc = 0;
	u64 h = mix(*(u32 *)(d + 26), *(u32 *)(d + 30), &acc);
	h = mix(h, limit, &acc);
	u32 at = d[23] & 3;
	hidden[at] += h ^ acc;
	return (h ^ acc ^ hidden[at]) & 1 ? 2 : 1;
}

SEC("xdp") int xdp_swap(struct xdp_md *ctx)
{
	u8 *d = (u8 *)(long)ctx->data, *e = (u8 *)(long)ctx->data_end;
	if (d + 14 > e)
		return 1;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		u8 t = d[i];
		d[i] = d[6 + i];
		d[6 + i] = t;
	}
	return 3;
}

SEC("xdp") int xdp_head(struct xdp_md *ctx)
{
	if (xdp_adjust_head(ctx, -8))
		return 0;
	u8 *d = (u8 *)(long)ctx->data, *e = (u8 *)(long)ctx->data_end;
	if (d + 22 > e)
		return 1;
	for (int i = 0; i < 8; i++)
		d[i] = i + 1;
	long far = xdp_adjust_head(ctx, -220), near = xdp_adjust_head(ctx, -208);
	return (xdp_adjust_head(ctx, 4) & 0xff) | (far & 0xff) << 8 | (near & 0xff) << 16;
}

SEC("xdp") int xdp_tail(struct xdp_md *ctx)
{
	long a = xdp_adjust_tail(ctx, 16);
	long b = xdp_adjust_tail(ctx, -20);
	long c = xdp_adjust_tail(ctx, -4000);
	long d = xdp_adjust_tail(ctx, 4000);
	return (a == 0) | (b == 0) << 1 | (c == -22) << 2 | (d == -22) << 3 | xdp_get_buff_len(ctx) << 4;
}

SEC("xdp") int xdp_meta(struct xdp_md *ctx)
{
	if (xdp_adjust_meta(ctx, -8))
		return 0;
	u32 *m = (u32 *)(long)ctx->data_meta;
	if ((u8 *)(m + 2) > (u8 *)(long)ctx->data)
		return 1;
	m[0] = 0x11223344;
	m[1] = ctx->ingress_ifindex;
	long a = xdp_adjust_meta(ctx, -3);
	long b = xdp_adjust_meta(ctx, -1000);
	long c = xdp_adjust_meta(ctx, 4);
	long d = xdp_adjust_meta(ctx, -208);
	long e = xdp_adjust_meta(ctx, -200);
	return (a & 0xff) | (b & 0xff) << 8 | (c & 0xff) << 16 | (d & 15) << 24 | (e & 15) << 28;
}

SEC("xdp") int xdp_bytes(struct xdp_md *ctx)
{
	u8 b[16] = {};
	long a = xdp_load_bytes(ctx, 10, b, 16);
	b[0] ^= 0xff;
	long c = xdp_store_bytes(ctx, 11, b, 16);
	long d = xdp_load_bytes(ctx, 3000, b, 16);
	return (a & 0xff) | (c & 0xff) << 8 | (d & 0xff) << 16 | b[3] << 24;
}

SEC("xdp") int xdp_two(struct xdp_md *ctx)
{
	seen += 1000;
	return 77;
}

SEC("xdp") int xdp_one(struct xdp_md *ctx)
{
	seen++;
	tail_call(ctx, &jumps, 1);
	tail_call(ctx, &jumps, 3);
	return 55;
}

SEC("xdp") int xdp_again(struct xdp_md *ctx)
{
	seen++;
	tail_call(ctx, &jumps, 2);
	return seen;
}

static int step(u32 i, u64 *ctx)
{
	*ctx = *ctx * 3 + i;
	return *ctx > 1000000;
}

static long visit(void *map, u32 *key, u64 *value, u64 *ctx)
{
	*ctx += *key * *value;
	*value += 1;
	return 0;
}

SEC("xdp") int xdp_callbacks(struct xdp_md *ctx)
{
	u64 x = xdp_get_buff_len(ctx), y = 0;
	long n = loop(50, step, &x, 0);
	long m = for_each_map_elem(&counts, visit, &y, 0);
	long bad = loop(9000000, step, &x, 0);
	return x ^ y ^ n << 8 ^ m << 16 ^ bad;
}

char _license[] SEC("license") = "GPL";
