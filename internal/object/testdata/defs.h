/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { name##_value = val } name
#define __noinline __attribute__((noinline))
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __weak __attribute__((weak))

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static __u64 (*const ktime)(void) = (void *)5;
static long (*const trace_printk)(const char *fmt, __u32 size, ...) = (void *)6;
static long (*const tail_call)(void *ctx, void *map, __u32 index) = (void *)12;
static __u64 (*const current_task)(void) = (void *)35;
static long (*const probe_read_kernel)(void *dst, __u32 size, const void *src) = (void *)113;
static long (*const loop)(__u32 n, void *callback, void *ctx, __u64 flags) = (void *)181;
