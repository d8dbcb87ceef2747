/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Programs on socket buffers: tc, socket filters, cgroup. */
#include "bpf.h"

struct {
	__uint(type, 2); /* array */
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} results SEC(".maps");

struct {
	__uint(type, 22); /* queue */
	__uint(max_entries, 4);
	__type(value, u32);
} queue SEC(".maps");

struct {
	__uint(type, 27); /* ring buffer */
	__uint(max_entries, 4096);
} ring SEC(".maps");

static __attribute__((always_inline)) void put(u32 key, u64 value) { map_update(&results, &key, &value, 0); }

SEC("tc") int tc_fields(struct __sk_buff *skb)
{
	put(0, (u64)skb->len << 32 | skb->pkt_type);
	put(1, (u64)skb->protocol << 32 | skb->ifindex);
	put(2, (u64)skb->mark << 32 | skb->priority);
	put(3, (u64)skb->cb[0] << 32 | skb->cb[4]);
	put(4, (u64)skb->wire_len << 32 | skb->ingress_ifindex);
	put(5, (u64)skb->vlan_present << 32 | skb->vlan_tci);
	put(6, skb->tstamp);
	put(7, (u64)skb->hash << 32 | skb->gso_segs);
	skb->mark = 0x1234;
	skb->priority = 5;
	skb->cb[1] = 0xabcdef01;
	skb->tc_index = 3;
	return *(u8 *)&skb->len ^ *((u8 *)&skb->mark + 1);
}

SEC("tc") int tc_rewrite(struct __sk_buff *skb)
{
	u8 *d = (u8 *)(long)skb->data, *e = (u8 *)(long)skb->data_end;
	if (d + 54 > e)
		return 2;
	u32 old = *(u32 *)(d + 30), new = 0x0100007f;
	u16 op = *(u16 *)(d + 36), np = 0x5000;
	long a = l3_csum_replace(skb, 24, old, new, 4);
	long b = l4_csum_replace(skb, 50, old, new, 0x10 | 4);
	long c = l4_csum_replace(skb, 50, op, np, 2);
	long f = skb_store_bytes(skb, 30, &new, 4, 0);
	long g = skb_store_bytes(skb, 36, &np, 2, 1);
	long h = skb_store_bytes(skb, 70000, &np, 2, 0);
	put(0, csum_diff(&old, 4, &new, 4, 0));
	put(1, csum_diff(0, 0, &new, 4, 0x1234));
	put(2, a | b << 8 | c << 16 | f << 24 | g << 32);
	put(3, h);
	return 0;
}

SEC("tc") int tc_vlan(struct __sk_buff *skb)
{
	long a = skb_vlan_push(skb, 0x0081, 100);
	put(0, (u64)skb->vlan_tci << 32 | skb->vlan_present);
	long b = skb_vlan_push(skb, 0x0081, 200);
	put(1, (u64)skb->vlan_tci << 32 | skb->len);
	long c = skb_vlan_pop(skb);
	put(2, (u64)skb->vlan_tci << 32 | skb->len);
	put(3, a | b << 8 | c << 16);
	return 0;
}

SEC("tc") int tc_resize(struct __sk_buff *skb)
{
	u8 b[4] = {1, 2, 3, 4};
	long a = skb_change_tail(skb, skb->len + 30, 0);
	long c = skb_change_tail(skb, 20, 0);
	long h = skb_change_head(skb, 14, 0);
	long s = skb_store_bytes(skb, 2, b, 4, 0);
	long l = skb_load_bytes(skb, 16, b, 4);
	long p = skb_pull_data(skb, skb->len);
	long q = skb_pull_data(skb, 5000);
	put(0, skb->len);
	put(1, a | c << 8 | h << 16 | s << 24 | l << 32 | p << 40);
	put(2, q);
	return b[0] | b[3] << 8;
}

SEC("tc") int tc_maps(struct __sk_buff *skb)
{
	u32 v = skb->len;
	long r[6];
	for (int i = 0; i < 6; i++) {
		u32 x = v + i;
		r[i] = map_push(&queue, &x, i == 5 ? 2 : 0);
	}
	u32 first = 0, second = 0;
	long p = map_pop(&queue, &first);
	map_pop(&queue, &second);
	put(0, r[0] | r[3] << 8 | (r[4] & 0xff) << 16 | r[5] << 24);
	put(1, (u64)first << 32 | second);
	u64 *rec = ringbuf_reserve(&ring, 24, 0);
	if (rec) {
		rec[0] = 1;
		rec[1] = skb->len;
		rec[2] = 3;
		ringbuf_submit(rec, 0);
	}
	rec = ringbuf_reserve(&ring, 100, 0);
	if (rec)
		ringbuf_discard(rec, 0);
	put(2, ringbuf_output(&ring, r, sizeof(r), 0));
	put(3, ringbuf_query(&ring, 0) << 32 | ringbuf_query(&ring, 1));
	put(4, ringbuf_query(&ring, 3));
	rec = ringbuf_reserve(&ring, 5000, 0);
	put(5, rec == 0);
	if (rec)
		ringbuf_discard(rec, 0);
	return p;
}

SEC("tc") int tc_text(struct __sk_buff *skb)
{
	static const char fmt[] = "%d %u %x|%5d|%-5d|%05d|%lld %llu %llx %s %c%%";
	static const char word[] = "word";
	u64 args[11] = {-5, 7, 255, 42, 42, 42, -1, 18446744073709551615ULL, 0xdeadbeefcafeULL, (u64)(long)word, 'z'};
	char out[96] = {}, small[8] = {};
	long n = snprintf(out, sizeof(out), fmt, args, sizeof(args));
	long m = snprintf(small, sizeof(small), fmt, args, sizeof(args));
	u64 h = 0;
	for (int i = 0; i < 96; i++)
		h = h * 31 + out[i];
	put(0, h);
	put(1, *(u64 *)small);
	put(2, n << 32 | m);
	long v = 0;
	unsigned long u = 0;
	char num[24] = "-1234x";
	char hex[24] = "0x7fG";
	char oct[24] = "0777 ";
	char big[24] = "99999999999999999999999";
	long a = strtol(num, 24, 10, &v);
	put(3, v);
	long b = strtoul(hex, 24, 0, &u);
	put(4, u);
	long c = strtoul(oct, 24, 0, &u);
	put(5, u);
	long d = strtoul(big, 24, 10, &u);
	long e = strtoul(num, 24, 10, &u);
	put(6, a | b << 8 | c << 16 | (d & 0xff) << 24 | (e & 0xff) << 32);
	put(7, strncmp(word, 5, "word") << 8 | (strncmp(num, 6, word) & 0xff));
	return 0;
}

SEC("socket") int filter(struct __sk_buff *skb)
{
	u8 b[8] = {};
	long a = skb_load_bytes(skb, 0, b, 8);
	long c = skb_load_bytes(skb, 60000, b + 4, 4);
	skb->cb[2] = 99;
	put(0, a | c << 8);
	put(1, *(u64 *)b);
	put(2, (u64)skb->len << 32 | skb->protocol);
	return b[0];
}

unsigned long long load_byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *, unsigned long long) asm("llvm.bpf.load.half");
unsigned long long load_word(void *, unsigned long long) asm("llvm.bpf.load.word");

SEC("socket") int filter_classic(struct __sk_buff *skb)
{
	u64 x = load_byte(skb, 9);
	x = x * 31 + load_half(skb, 2);
	x = x * 31 + load_word(skb, (x & 7) + 4);
	return x;
}

SEC("socket") int filter_outside(struct __sk_buff *skb) { return load_word(skb, 5000) + 5; }

SEC("cgroup_skb/ingress") int cgroup(struct __sk_buff *skb)
{
	put(0, (u64)skb->family << 32 | skb->remote_ip4);
	put(1, skb->local_ip4);
	put(2, (u64)skb->len << 32 | skb->protocol);
	u8 *d = (u8 *)(long)skb->data, *e = (u8 *)(long)skb->data_end;
	if (d + 20 > e)
		return 0;
	put(3, (u64)d[0] << 8 | d[9]);
	return 1;
}

char _license[] SEC("license") = "GPL";
